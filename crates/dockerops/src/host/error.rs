//! Why shared storage could not be read or written.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use dockerops_core::bindings::LedgerError;

/// Shared storage could not be read or written. What was there is there still.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// `nfs.path` does not exist.
    #[error("the shared folder `{}` does not exist", .path.display())]
    Missing {
        /// `nfs.path`.
        path: PathBuf,
    },
    /// `nfs.path` is something else.
    #[error("the shared folder `{}` is not a folder", .path.display())]
    NotAFolder {
        /// `nfs.path`.
        path: PathBuf,
    },
    /// A call failed.
    #[error("cannot {doing} `{}`", .path.display())]
    Io {
        /// `write`, `rename`: in words.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// The list of what is ours is not usable.
    #[error("the list of managed files `{}` is not usable", .file.display())]
    Ledger {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: LedgerError,
    },
    /// The repository does not give a content.
    #[error("cannot read object `{id}` of the repository")]
    Content {
        /// Git's object id.
        id: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The repository gives another content than it listed.
    #[error("object `{id}` of the repository has {found} bytes instead of {expected}")]
    ContentSize {
        /// Git's object id.
        id: String,
        /// Bytes as listed.
        expected: u64,
        /// Bytes as given.
        found: u64,
    },
    /// Files changed between planning and applying.
    #[error("files below `{path}` changed since this was planned")]
    Stale {
        /// The binding's path, or the file's.
        path: String,
    },
}

impl HostError {
    /// One imperative sentence that gets the reader unstuck.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { .. } => {
                "Mount the shared storage there, or correct `path` in `nfs.yaml`."
            }
            Self::NotAFolder { .. } => "Correct `path` in `nfs.yaml`.",
            Self::Io { source, .. } => io_hint(source)?,
            Self::Ledger { .. } => {
                "Restore the file from a backup, or delete it: files that equal the repository's are then taken over."
            }
            Self::Content { .. } | Self::ContentSize { .. } => {
                "Run `dockerops reconcile` again; the mirror of the repository may have been renewed meanwhile."
            }
            Self::Stale { .. } => "Run it again.",
        };
        Some(hint.to_owned())
    }
}

fn io_hint(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "Free some space on the shared storage; the files there are unchanged."
        }
        ErrorKind::ReadOnlyFilesystem => "Mount the shared storage writable (`rw`).",
        ErrorKind::PermissionDenied => {
            "Allow root of this host to write there (NFS: `no_root_squash`), or give the folder to the user that root is mapped to."
        }
        ErrorKind::StaleNetworkFileHandle => "Mount the shared storage anew.",
        ErrorKind::TimedOut => "Check that the server of the shared storage answers.",
        _ => return None,
    })
}
