//! Comparing secrets without keeping them: keyed hashes.
//!
//! A fingerprint is an HMAC-SHA256 under a key that stays on the managing host,
//! so that nobody who reads labels on the Swarm or the database can test guesses.
//! It carries its key's id: fingerprints under different keys say nothing about
//! each other.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::secret::Secret;

/// The key for fingerprints, and the id by which they name it.
#[derive(Clone, PartialEq, Eq)]
pub struct FingerprintKey {
    id: String,
    key: Secret,
}

/// What two fingerprints say about the contents behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The contents are equal.
    Equal,
    /// They are not.
    Different,
    /// No fingerprint, or one under another key.
    Unknown,
}

impl FingerprintKey {
    /// A key from its bytes; 32 random ones are meant. The id is derived from them.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        let key = Secret::new(bytes);
        let id = mac(&key, b"dockerops key id").chars().take(8).collect();
        Self { id, key }
    }

    /// The key's public name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `<key id>:<64 hex digits>` for `content`.
    pub fn fingerprint(&self, content: &[u8]) -> String {
        format!("{}:{}", self.id, mac(&self.key, content))
    }

    /// Whether `label`, a fingerprint found on the Swarm, stands for `content`.
    pub fn compare(&self, label: Option<&str>, content: &[u8]) -> Comparison {
        match label.and_then(|label| label.split_once(':')) {
            Some((id, _)) if id != self.id => Comparison::Unknown,
            Some((_, found)) if found == mac(&self.key, content) => Comparison::Equal,
            Some(_) => Comparison::Different,
            None => Comparison::Unknown,
        }
    }
}

/// Shows the id alone.
impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FingerprintKey({})", self.id)
    }
}

/// The SHA-256 of `content` in 64 hex digits: for what everybody may see.
pub fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

fn mac(key: &Secret, content: &[u8]) -> String {
    // HMAC takes keys of any length; the error type exists for other MACs.
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose()) else {
        return String::new();
    };
    mac.update(content);
    hex(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_contents_apart_under_its_own_key_only() {
        let key = FingerprintKey::new([7; 32]);
        let mark = key.fingerprint(b"hunter2");
        assert_eq!(key.compare(Some(&mark), b"hunter2"), Comparison::Equal);
        assert_eq!(key.compare(Some(&mark), b"hunter3"), Comparison::Different);
        let other = FingerprintKey::new([8; 32]);
        assert_eq!(other.compare(Some(&mark), b"hunter2"), Comparison::Unknown);
        assert_eq!(key.compare(None, b"hunter2"), Comparison::Unknown);
    }

    #[test]
    fn a_fingerprint_is_not_the_plain_hash() {
        let key = FingerprintKey::new([7; 32]);
        assert!(!key.fingerprint(b"hunter2").contains(&sha256(b"hunter2")));
        assert_eq!(format!("{key:?}"), format!("FingerprintKey({})", key.id()));
    }

    #[test]
    fn the_plain_hash_is_sha256() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
