//! Compose files → [`Compose`]: parsed, interpolated, merged, checked, normalised.
//!
//! The result is what Docker's client 28 would have after its own loader
//! (`cli/compose/loader`), with a position and provenance on every value.
//! [`load()`] is the way in. Each file goes through the same stages:
//!
//! ```text
//! text → nodes                      (crate::yaml)
//! nodes → nodes with values         (interpolate)
//! nodes checked for their shape     (schema)
//! nodes → Compose                   (service, deploy, ports, mounts, env, objects)
//! Compose + Compose → Compose       (merge)
//! ```
//!
//! **Invariants**
//!
//! - What Docker refuses is refused here, with all problems of a file at once;
//!   what we accept beyond it is refused under [`Compat::Docker`].
//! - No message holds a value after interpolation: only source text and key paths.
//! - Nothing is read but through [`Files`].

mod deploy;
mod env;
mod env_file;
mod ignored;
pub mod interpolate;
mod load;
mod merge;
pub mod model;
mod mounts;
mod objects;
mod pairs;
mod path;
mod paths;
mod ports;
mod schema;
mod section;
mod service;
#[cfg(test)]
mod tests;
mod units;
mod version;
mod words;

pub use env_file::env_file;
pub use interpolate::{Compat, Variables};
pub use load::load;
pub use model::Compose;

use crate::source::FileId;

/// Files that a compose file refers to, read by the caller.
pub trait Files {
    /// Reads `path` as written in the compose file; it is relative to that file.
    ///
    /// Containment, `..` and symbolic links are the implementor's duty.
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError>;
}

/// Why a file that a compose file refers to was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Nothing is there.
    #[error("no such file")]
    Missing,
    /// The path leaves the repository, also through a symbolic link.
    #[error("the path leaves the repository")]
    Outside,
    /// The path starts with `/` or `~`.
    #[error("the path is not relative to the repository")]
    Absolute,
    /// A folder is there.
    #[error("it is a folder")]
    Folder,
    /// More than is reasonable, be it a manifest or what it names.
    #[error("the file is larger than 10 MiB")]
    TooLarge,
    /// The system says no; its words, without the path, into which a secret may have flowed.
    #[error("{0}")]
    Unreadable(String),
}

impl FileError {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing => {
                "Add the file, or correct the path; it is relative to the compose file."
            }
            Self::Outside | Self::Absolute => {
                "Keep the file in the repository and write a path relative to the compose file."
            }
            Self::Folder => "Name a file inside the folder.",
            Self::TooLarge => {
                "Check that it is the right file; a Swarm takes at most 500 KB for a secret or config."
            }
            Self::Unreadable(_) => return None,
        };
        Some(hint.to_owned())
    }
}

/// Where compose files come from: it decides what their paths may point to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A repository: there is no checkout, so relative bind mounts are errors.
    Repository,
    /// Files given by hand: Docker's rules.
    Bare {
        /// The absolute folder that relative bind mounts start from: that of the first file.
        working_dir: String,
    },
}

/// What to load, and with what.
pub struct Request<'a> {
    /// The files of one stack, in the order of `-c`: later ones override earlier ones.
    pub files: &'a [FileId],
    /// What `${NAME}` and a bare `NAME` in `environment` see.
    pub variables: &'a Variables,
    /// Reads `env_file`, `configs.*.file` and `secrets.*.file`.
    pub read: &'a dyn Files,
    /// Where the files come from.
    pub origin: Origin,
    /// Whether more than Docker's own syntax is accepted: `depends_on` with conditions.
    /// Give `variables` the same.
    pub compat: Compat,
}
