//! A commit's id, checked: the one way in which a state of a repository is named.

use std::fmt;

use serde::Serialize;

/// The full hexadecimal id of a commit, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Revision(String);

/// A text that is no commit id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{}` is not a commit id: 40 or 64 hexadecimal digits are expected", .0.escape_debug())]
pub struct InvalidRevision(String);

impl Revision {
    /// Checks `text` and wraps it: 40 hexadecimal digits (SHA-1) or 64 (SHA-256).
    pub fn parse(text: &str) -> Result<Self, InvalidRevision> {
        let digits = text.bytes().all(|b| b.is_ascii_hexdigit());
        if !digits || !matches!(text.len(), 40 | 64) {
            return Err(InvalidRevision(text.to_owned()));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its first digits, as people write it.
    pub fn short(&self) -> &str {
        short(&self.0)
    }
}

/// The first twelve digits of a commit's id: enough to read and to compare by eye.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_ids_are_revisions() {
        let id = "0123456789ABCDEF0123456789abcdef01234567";
        assert_eq!(Revision::parse(id).unwrap().short(), "0123456789ab");
        for bad in [
            "",
            "HEAD",
            "--all",
            &id[1..],
            "g123456789abcdef0123456789abcdef01234567",
        ] {
            assert!(Revision::parse(bad).is_err(), "{bad}");
        }
    }
}
