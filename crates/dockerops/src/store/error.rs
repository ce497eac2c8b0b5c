//! What can go wrong with the database, each with the file's path.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// The database cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum StoreError {
    /// Not SQLite at all.
    #[error("`{}` is not a database", path.display())]
    NotADatabase { path: PathBuf },
    /// Another program's.
    #[error("`{}` is a database of another program", path.display())]
    Foreign { path: PathBuf },
    /// Written by a DockerOps that is newer than this one.
    #[error("the database `{}` was written by a newer DockerOps (format {found}, this one knows {known})", path.display())]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    /// No permission, or a disk that is mounted read-only.
    #[error("the database `{}` cannot be written", path.display())]
    ReadOnly { path: PathBuf },
    /// No space left.
    #[error("the disk that holds the database `{}` is full", path.display())]
    DiskFull { path: PathBuf },
    /// Another process writes for too long.
    #[error("the database `{}` is in use by another process", path.display())]
    Busy { path: PathBuf },
    /// Parts of the file are lost.
    #[error("the database `{}` is damaged", path.display())]
    Damaged { path: PathBuf },
    /// The folder cannot be made.
    #[error("the folder `{}` for the database cannot be made", path.display())]
    Folder { path: PathBuf, source: io::Error },
    /// The path is a folder, a device or the like.
    #[error("`{}` cannot be the database: it is not a file", path.display())]
    NotAFile { path: PathBuf },
    /// Anything else.
    #[error("the database `{}` cannot be used", path.display())]
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
}

impl StoreError {
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path }
            }
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path },
            _ => Self::Sqlite { path, source },
        }
    }

    /// The way out.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotADatabase { .. } | Self::Foreign { .. } | Self::NotAFile { .. } => {
                "Choose another file in `DOCKEROPS_DB_PATH`; this one is left as it is.".to_owned()
            }
            Self::Newer { .. } => "Install the newer DockerOps again.".to_owned(),
            Self::ReadOnly { .. } | Self::Folder { .. } => {
                "Make the file and its folder writable for root, or choose another in `DOCKEROPS_DB_PATH`.".to_owned()
            }
            Self::DiskFull { .. } => "Free some space there.".to_owned(),
            Self::Busy { .. } => "Wait for the other process to end, then try again.".to_owned(),
            Self::Damaged { path } => format!(
                "Move `{}` away and `watch` the repositories again: nothing that runs is restarted.",
                path.display()
            ),
            Self::Sqlite { .. } => return None,
        })
    }
}
