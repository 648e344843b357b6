//! The secret of a key: 256 random bits, shown once, kept as a hash only.
//!
//! A plain SHA-256 suffices, and is fast enough to run for each request, because the secret is random:
//! there is no dictionary to try. (Passwords, which people choose, need a slow hash.)

use std::fmt;

use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

/// How every secret of ours begins, so that scanners for leaked secrets can find it.
const PREFIX: &str = "csk_";
/// How much of a secret is kept readable, so that a person can tell keys apart.
const VISIBLE_CHARS: usize = PREFIX.len() + 6;

/// The secret of a key. `Debug` does not show it.
#[derive(Clone)]
pub struct KeySecret(String);

impl KeySecret {
    /// A new secret from the system's source of randomness.
    ///
    /// # Panics
    /// When the operating system cannot give random bytes.
    pub fn generate() -> Self {
        let mut bytes = [0; 32];
        OsRng.try_fill_bytes(&mut bytes).expect("the operating system gives random bytes");
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{PREFIX}{digits}"))
    }

    /// The secret itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.0)
    }

    /// Its first characters, which are no secret.
    pub fn visible_prefix(&self) -> String {
        self.0.chars().take(VISIBLE_CHARS).collect()
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(hidden)")
    }
}

/// The SHA-256 of a secret.
///
/// Comparing two of them needs no constant time: whoever can steer the hash of a guess towards a stored
/// hash has broken SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of what a client presented.
    pub fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_distinct_and_not_printed() {
        let (one, two) = (KeySecret::generate(), KeySecret::generate());
        assert_eq!(one.reveal().len(), PREFIX.len() + 64);
        assert_ne!(one.reveal(), two.reveal());
        assert_ne!(one.hash(), two.hash());
        assert_eq!(one.hash(), KeyHash::of(one.reveal()));
        assert!(one.reveal().starts_with(&one.visible_prefix()));
        let hidden: String = one.reveal().chars().skip(8).take(8).collect();
        assert!(!format!("{one:?} {:?}", one.hash()).contains(&hidden));
    }
}
