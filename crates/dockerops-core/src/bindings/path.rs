//! Which paths may be touched below `nfs.path`, and the names that are ours there.
//!
//! A path here is text with `/` between its parts, relative to `nfs.path`. It has
//! been through [`check_path`] before anything else looks at it.

use sha2::{Digest, Sha256};

use crate::hex::hex;

/// The longest file name that Linux and NFS take, in bytes.
const NAME_MAX: usize = 255;

/// Why a path is never touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsafePath {
    /// Absolute, or with an empty part.
    #[error("it is empty, absolute, or has an empty part")]
    Empty,
    /// With `.` or `..`.
    #[error("it contains `.` or `..`")]
    Dots,
    /// With a NUL or a line break.
    #[error("it contains a control character")]
    Control,
    /// Longer than a file system takes.
    #[error("a part of it is longer than {NAME_MAX} bytes")]
    Long,
    /// `secret` holds the values of secrets.
    #[error("`secret` is where the values of secrets lie")]
    Secret,
    /// `.dockerops…` are our own names.
    #[error("names that start with `.dockerops` are DockerOps' own")]
    Reserved,
}

/// Refuses what could lead out of `nfs.path`, into secrets, or into our own records.
pub fn check_path(path: &str) -> Result<(), UnsafePath> {
    for (index, part) in path.split('/').enumerate() {
        match part {
            "" => return Err(UnsafePath::Empty),
            "." | ".." => return Err(UnsafePath::Dots),
            "secret" if index == 0 => return Err(UnsafePath::Secret),
            _ if part.starts_with(".dockerops") => return Err(UnsafePath::Reserved),
            _ if part.len() > NAME_MAX => return Err(UnsafePath::Long),
            _ if part.contains(char::is_control) => return Err(UnsafePath::Control),
            _ => {}
        }
    }
    Ok(())
}

/// Whether `path` is `folder` or lies below it.
pub fn covers(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The folders above `path`, outermost first: `a/b/c` → `a`, `a/b`.
pub fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(at, _)| path.get(..at))
}

/// The hidden name under which the file `path` is written before it is renamed:
/// in the same folder, and the same for each run, so that a killed run's is found.
pub fn temporary_name(path: &str) -> String {
    let digits: String = hex(&Sha256::digest(path)).chars().take(16).collect();
    format!(".dockerops-{digits}.tmp")
}

/// The `number`th name (from 1) to keep somebody's version of the file `name` under.
pub fn saved_name(name: &str, number: u32) -> String {
    match number {
        0 | 1 => format!("{name}.dockerops-saved"),
        _ => format!("{name}.dockerops-saved-{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let long = "a".repeat(256);
        for (bad, why) in [
            ("", UnsafePath::Empty),
            ("/etc", UnsafePath::Empty),
            ("a//b", UnsafePath::Empty),
            ("a/", UnsafePath::Empty),
            ("a/../../b", UnsafePath::Dots),
            ("./a", UnsafePath::Dots),
            ("a\0b", UnsafePath::Control),
            ("a\nb", UnsafePath::Control),
            ("secret", UnsafePath::Secret),
            ("secret/db", UnsafePath::Secret),
            (".dockerops", UnsafePath::Reserved),
            (".dockerops-old/x", UnsafePath::Reserved),
            ("a/.dockerops-12.tmp", UnsafePath::Reserved),
            (long.as_str(), UnsafePath::Long),
        ] {
            assert_eq!(check_path(bad), Err(why), "{bad:?}");
        }
        for good in ["a", "a/secret", "secrets", "a/b c/é", "..a", ".git", "-rf"] {
            assert_eq!(check_path(good), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn a_folder_covers_what_is_below_it_and_not_its_neighbours() {
        assert!(covers("a", "a") && covers("a", "a/b"));
        assert!(!covers("a", "ab") && !covers("a/b", "a"));
        assert_eq!(ancestors("a/b/c").collect::<Vec<_>>(), ["a", "a/b"]);
    }
}
