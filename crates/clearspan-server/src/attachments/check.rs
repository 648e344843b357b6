//! Comparing files with their names, which are the checksums of their content.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::stream::{Stream, StreamExt as _, try_unfold};
use sha2::{Digest as _, Sha256};

use super::{Attachments, ContentHash};

/// What is to be done about a file that is damaged.
pub(crate) const ADVICE: &str = "restore the file from a backup, or send it again: what is sent replaces it";
const WHAT: &str = "its content is not what its name says";
const READ_BYTES: usize = 256 << 10;

/// What comparing the files of a data folder found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// How many were compared.
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// By their places in the data folder, with what is wrong.
    pub(crate) damaged: Vec<(PathBuf, String)>,
}

/// Compares all files of a data folder. `meter` is told of the bytes that were read, and says whether to go on.
pub(crate) fn check_all(
    data_dir: &Path,
    meter: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> io::Result<Checked> {
    let mut checked = Checked::default();
    for path in Attachments::paths_in(data_dir)? {
        let name = path.file_name().and_then(|name| ContentHash::parse(name.to_str()?));
        let Some(hash) = name else { continue };
        let found = compare(&data_dir.join(&path), &hash, &mut |bytes| {
            checked.bytes += bytes;
            meter(bytes)
        });
        match found {
            Ok(true) => {}
            Ok(false) => checked.damaged.push((path, WHAT.to_owned())),
            // Nothing lists it any more.
            Err(err) if err.kind() == io::ErrorKind::NotFound => continue,
            Err(err) => checked.damaged.push((path, err.to_string())),
        }
        if meter(0).is_break() {
            break;
        }
        checked.files += 1;
    }
    Ok(checked)
}

/// Whether a file has the content that it should have. One that was not read to its end, because the meter said so, counts as
/// sound.
pub(super) fn compare(
    path: &Path,
    hash: &ContentHash,
    meter: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> io::Result<bool> {
    let (mut file, mut hasher, mut buf) = (File::open(path)?, Sha256::new(), vec![0; READ_BYTES]);
    loop {
        let len = file.read(&mut buf)?;
        if len == 0 {
            return Ok(ContentHash(hasher.finalize().into()) == *hash);
        }
        hasher.update(&buf[..len]);
        if meter(len as u64).is_break() {
            return Ok(true);
        }
    }
}

/// The content of a file in pieces. The last one comes only when all of it is what it should be: whoever reads a damaged file is
/// never told its end. Small files are one piece.
pub(crate) fn checked(
    file: File,
    bytes: u64,
    hash: ContentHash,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let pieces = tokio_util::io::ReaderStream::with_capacity(tokio::fs::File::from_std(file), READ_BYTES);
    try_unfold((pieces, Sha256::new(), Some(bytes)), move |(mut pieces, mut hasher, left)| async move {
        let Some(left) = left else { return Ok(None) };
        let piece = match left {
            0 => Bytes::new(),
            _ => pieces.next().await.ok_or(io::ErrorKind::UnexpectedEof)??,
        };
        hasher.update(&piece);
        let left = left.checked_sub(piece.len() as u64).filter(|left| *left > 0);
        if left.is_none() && ContentHash(hasher.clone().finalize().into()) != hash {
            tracing::error!(file = %hash, "an attachment is damaged: {WHAT}; {ADVICE}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{hash} is damaged: {WHAT}")));
        }
        Ok(Some((piece, (pieces, hasher, left))))
    })
}
