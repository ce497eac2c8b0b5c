//! What was seen below `nfs.path`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ledger::Attributes;

/// Tells whether a file was touched since, without reading it.
///
/// A write within the clock tick of the one before, of the same size, goes
/// unnoticed: that is what a check without reading costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, i64, i64, u64)", into = "(u64, i64, i64, u64)")]
pub struct Stamp {
    /// In bytes.
    pub size: u64,
    /// Last write, nanoseconds since 1970.
    pub mtime: i64,
    /// Last change of content, name, mode or owner, nanoseconds since 1970.
    pub ctime: i64,
    /// The inode's number.
    pub inode: u64,
}

impl Stamp {
    /// Whether both are the same inode with the same content; its name, mode and
    /// owner may have changed.
    pub fn same_content(&self, other: &Self) -> bool {
        (self.size, self.mtime, self.inode) == (other.size, other.mtime, other.inode)
    }
}

impl From<(u64, i64, i64, u64)> for Stamp {
    fn from((size, mtime, ctime, inode): (u64, i64, i64, u64)) -> Self {
        Self {
            size,
            mtime,
            ctime,
            inode,
        }
    }
}

impl From<Stamp> for (u64, i64, i64, u64) {
    fn from(stamp: Stamp) -> Self {
        (stamp.size, stamp.mtime, stamp.ctime, stamp.inode)
    }
}

/// What lies at one path; symlinks are not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A regular file.
    File(FoundFile),
    /// A folder; with the names in it where [`Looking::leaving_folders`] asked for them.
    Folder(Option<BTreeSet<String>>),
    /// Something else, in words: `a symlink`, `a device`.
    Other(&'static str),
}

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Its stamp.
    pub stamp: Stamp,
    /// Its mode and owner.
    pub attributes: Attributes,
    /// SHA-256 of its content, where [`super::to_read`] asked for it.
    pub sha256: Option<String>,
}

/// What to look at before deciding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looking {
    /// Paths whose kind, stamp, mode and owner are needed.
    pub paths: BTreeSet<String>,
    /// Folders whose names are needed too: they may go once they are empty.
    pub leaving_folders: BTreeSet<String>,
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// By path; a path that was looked at and is missing here does not exist.
    pub disk: BTreeMap<String, Found>,
    /// SHA-256 of wanted contents by Git's object id, where [`super::to_read`] asked.
    pub contents: BTreeMap<String, String>,
}

impl Seen {
    /// The regular file at `path`.
    pub(super) fn file(&self, path: &str) -> Option<&FoundFile> {
        match self.disk.get(path)? {
            Found::File(file) => Some(file),
            Found::Folder(_) | Found::Other(_) => None,
        }
    }
}
