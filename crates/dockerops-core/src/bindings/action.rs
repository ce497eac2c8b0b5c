//! What a plan consists of: the steps, in order, and what a person should know.

use std::fmt;

use super::disk::Stamp;
use super::ledger::{Attributes, Claim, LedgerFile};
use super::path::saved_name;
use crate::diagnostic::Diagnostics;

/// What to do for one binding, in the order to do it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BindingPlan {
    /// The binding's path.
    pub path: String,
    /// Empty when there is nothing to do, and when there are errors.
    pub actions: Vec<Action>,
    /// What a person should know.
    pub reports: Vec<Report>,
    /// Why nothing is done.
    pub errors: Diagnostics,
}

/// One step. Paths are relative to `nfs.path`; a stamp is what must still be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Remove what a killed run left under the temporary name of `path`.
    RemoveTemporary {
        /// The file that was being written.
        path: String,
    },
    /// Note the binding as this repository's.
    Claim {
        /// The binding's path.
        path: String,
        /// The note.
        claim: Claim,
    },
    /// Note a file that is already as wanted.
    Record {
        /// The file.
        path: String,
        /// The note.
        entry: LedgerFile,
    },
    /// Drop the note of a file that is gone, or no longer ours.
    ForgetFile {
        /// The file.
        path: String,
    },
    /// Drop the note of a folder that is gone, or that holds files of others.
    ForgetFolder {
        /// The folder.
        path: String,
    },
    /// Make a folder, mode 755.
    MakeFolder {
        /// The folder.
        path: String,
        /// User and group.
        owner: (u32, u32),
    },
    /// Keep somebody's version of a file beside it, before it is replaced.
    Save {
        /// The file, which gets a second name: `<file>.dockerops-saved`.
        path: String,
        /// As it was seen.
        stamp: Stamp,
    },
    /// Write a file under its temporary name, sync it, rename it over the target.
    Write {
        /// The target.
        path: String,
        /// Git's object id of the content.
        content: String,
        /// The content's size in bytes.
        size: u64,
        /// Mode and owner.
        attributes: Attributes,
        /// What is replaced; `None`: there must be nothing.
        replaces: Option<Stamp>,
    },
    /// Set mode and owner of a file that has the right content.
    SetAttributes {
        /// The file.
        path: String,
        /// The note, with the attributes to set and the stamp as seen.
        entry: LedgerFile,
    },
    /// Set the owner of a folder that we made.
    SetFolderOwner {
        /// The folder.
        path: String,
        /// User and group.
        owner: (u32, u32),
    },
    /// Remove a file of ours that left the repository.
    RemoveFile {
        /// The file.
        path: String,
        /// As it was seen.
        stamp: Stamp,
    },
    /// Remove a folder of ours that is empty by now.
    RemoveFolder {
        /// The folder.
        path: String,
    },
    /// Drop the note of a binding that left the repository.
    Unclaim {
        /// The binding's path.
        path: String,
    },
}

/// Something a person should know; `Display` is the sentence, without the period.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Report {
    /// A foreign file had the wanted content.
    TakenOver(String),
    /// A file of ours was gone and is written again.
    Restored(String),
    /// A container changed a file of ours; it stays.
    Changed(String),
    /// As `Changed`, and the repository's version changes too: theirs is kept beside.
    Saved(String),
    /// A foreign file is replaced because of `--adopt`; it is kept beside.
    Adopted(String),
    /// It left the repository, but a container changed it: it stays.
    LeftBehind(String),
    /// No revision ever contained the binding: an empty folder is made.
    CreatedEmpty(String),
    /// The storage refuses to set mode or owner of files.
    OwnerRefused(String),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakenOver(path) => write!(
                f,
                "`{path}` was there already with the same content and is managed from now on"
            ),
            Self::Restored(path) => write!(f, "`{path}` was gone and is written again"),
            Self::Changed(path) => write!(
                f,
                "`{path}` was changed on the shared storage and stays so until its version in the repository changes"
            ),
            Self::Saved(path) => write!(
                f,
                "`{path}` was changed on the shared storage and in the repository: the repository's version is put there, the other is kept as `{}`",
                saved_name(path, 1)
            ),
            Self::Adopted(path) => write!(
                f,
                "`{path}` is taken over: the repository's version is put there, the other is kept as `{}`",
                saved_name(path, 1)
            ),
            Self::LeftBehind(path) => write!(
                f,
                "`{path}` left the repository but was changed on the shared storage: it stays there"
            ),
            Self::CreatedEmpty(path) => write!(
                f,
                "the repository contains no `{path}` (Git keeps no empty folders): an empty folder is made"
            ),
            Self::OwnerRefused(path) => write!(
                f,
                "the shared storage refuses to set owner or mode of files below `{path}` (`root_squash`?): they stay as the storage makes them"
            ),
        }
    }
}

impl Action {
    /// Whether it only writes to the ledger.
    pub fn only_notes(&self) -> bool {
        matches!(
            self,
            Self::Claim { .. }
                | Self::Unclaim { .. }
                | Self::Record { .. }
                | Self::ForgetFile { .. }
                | Self::ForgetFolder { .. }
        )
    }

    /// The path that it is about.
    pub fn path(&self) -> &str {
        match self {
            Self::RemoveTemporary { path }
            | Self::Claim { path, .. }
            | Self::Record { path, .. }
            | Self::ForgetFile { path }
            | Self::ForgetFolder { path }
            | Self::MakeFolder { path, .. }
            | Self::Save { path, .. }
            | Self::Write { path, .. }
            | Self::SetAttributes { path, .. }
            | Self::SetFolderOwner { path, .. }
            | Self::RemoveFile { path, .. }
            | Self::RemoveFolder { path }
            | Self::Unclaim { path } => path,
        }
    }

    /// When it is carried out; actions of one rank do not depend on each other.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::RemoveTemporary { .. } => 0,
            Self::Claim { .. } => 1,
            Self::Record { .. } | Self::ForgetFile { .. } | Self::ForgetFolder { .. } => 2,
            Self::MakeFolder { .. } => 3,
            Self::Save { .. } => 4,
            Self::Write { .. } => 5,
            Self::SetAttributes { .. } | Self::SetFolderOwner { .. } => 6,
            Self::RemoveFile { .. } => 7,
            Self::RemoveFolder { .. } => 8,
            Self::Unclaim { .. } => 9,
        }
    }
}

impl BindingPlan {
    /// Whether files or folders change, ledger aside.
    pub fn changes_files(&self) -> bool {
        self.actions.iter().any(|action| !action.only_notes())
    }
}
