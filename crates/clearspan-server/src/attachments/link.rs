//! Signed addresses.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use clearspan_model::UnixNanos;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Attachments, ContentHash};

/// How long an address is valid.
const VALID_SECONDS: i64 = 3_600;
const BLOCK_BYTES: usize = 64;

/// The parameters of an address.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Link {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) mime_type: String,
    pub(super) expires: i64,
    signature: String,
}

impl Link {
    /// The address, without the host.
    pub(crate) fn to_url(&self, hash: &ContentHash) -> String {
        let encode = |text: &str| -> String {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            text.bytes()
                .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
                .collect()
        };
        let Self { name, mime_type, expires, signature } = self;
        let (name, mime_type) = (encode(name), encode(mime_type));
        format!("/attachments/{hash}?name={name}&type={mime_type}&expires={expires}&signature={signature}")
    }
}

impl Attachments {
    /// The parameters under which a file can be read for an hour.
    pub(crate) fn sign(&self, hash: &ContentHash, name: &str, mime_type: &str, now: UnixNanos) -> Link {
        let expires = now.as_nanos() / 1_000_000_000 + VALID_SECONDS;
        let signature = self.signature(hash, name, mime_type, expires);
        Link { name: name.to_owned(), mime_type: mime_type.to_owned(), expires, signature }
    }

    /// Whether the parameters are ours and still valid.
    pub(crate) fn is_valid(&self, hash: &ContentHash, link: &Link, now: UnixNanos) -> bool {
        let expected = self.signature(hash, &link.name, &link.mime_type, link.expires);
        let is_ours = is_equal(expected.as_bytes(), link.signature.as_bytes());
        is_ours && link.expires > now.as_nanos() / 1_000_000_000
    }

    fn signature(&self, hash: &ContentHash, name: &str, mime_type: &str, expires: i64) -> String {
        // Lengths first, so that no two texts make one.
        let text = format!("{hash}\n{}\n{}\n{expires}\n{name}{mime_type}", name.len(), mime_type.len());
        hmac(&self.secret, text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether two texts are equal, in a time that does not tell where they differ.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |differences, (a, b)| differences | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differences) == 0
}

/// HMAC with SHA-256 (RFC 2104), of a key that is shorter than a block.
fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; BLOCK_BYTES];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

pub(super) fn load_or_make_secret(dir: &Path) -> io::Result<[u8; 32]> {
    let path = dir.join("secret");
    let mut secret = [0; 32];
    match fs::File::open(&path) {
        Ok(mut file) => file.read_exact(&mut secret)?,
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            secret = rand::random();
            let unfinished = dir.join("unfinished").join("secret");
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(&secret)?;
            file.sync_all()?;
            fs::rename(unfinished, path)?;
            super::sync_folder(dir)?;
        }
        Err(err) => return Err(err),
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_the_standard() {
        // RFC 4231, test case 2, has a shorter key; padded with zeros it is the same.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let hex: String =
            hmac(&key, b"what do ya want for nothing?").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
