//! A commented example repository, and how it gets into a folder.
//!
//! **What must stay true**: nothing that is there is changed, and when one file is in the way none
//! is written.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The files of the example, by path.
const FILES: [(&str, &str); 8] = [
    ("stacks.yaml", include_str!("../example/stacks.yaml")),
    ("volumes.yaml", include_str!("../example/volumes.yaml")),
    ("nfs.yaml", include_str!("../example/nfs.yaml")),
    (
        "database/docker-compose.yml",
        include_str!("../example/database/docker-compose.yml"),
    ),
    (
        "database/secrets.yaml",
        include_str!("../example/database/secrets.yaml"),
    ),
    (
        "website/docker-compose.yml",
        include_str!("../example/website/docker-compose.yml"),
    ),
    (
        "website/pages/index.html",
        include_str!("../example/website/pages/index.html"),
    ),
    ("README.md", include_str!("../example/README.md")),
];

/// Why there is no example repository.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Files are in the way; nothing was written.
    #[error("nothing was written: {} already in `{}`", there(.paths), .folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
        /// The files, relative to the folder.
        paths: Vec<&'static str>,
    },
    /// A file or folder cannot be written.
    #[error("cannot write `{}`", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl InitError {
    /// The way out.
    pub fn hint(&self) -> String {
        match self {
            Self::Exists { .. } => {
                "Move them away, or name another folder, as in `dockerops init example`."
            }
            Self::Write { .. } => "Name a folder that you may write to.",
        }
        .to_owned()
    }
}

fn there(paths: &[&str]) -> String {
    let shown = paths.join("`, `");
    let verb = if paths.len() == 1 { "is" } else { "are" };
    format!("`{shown}` {verb}")
}

/// Writes the example into `folder`, which is made when it is missing; gives the paths written.
pub fn write(folder: &Path) -> Result<Vec<&'static str>, InitError> {
    let taken = |path: &&str| fs::symlink_metadata(folder.join(path)).is_ok();
    let paths = FILES.map(|(path, _)| path);
    let in_the_way: Vec<_> = paths.into_iter().filter(taken).collect();
    if !in_the_way.is_empty() {
        return Err(InitError::Exists {
            folder: folder.to_owned(),
            paths: in_the_way,
        });
    }
    // All folders before the first file: one that cannot be made leaves no half of an example.
    for (path, _) in FILES {
        make_folder(folder.join(path).parent().unwrap_or(folder))?;
    }
    for (path, text) in FILES {
        write_new(&folder.join(path), text)?;
    }
    Ok(paths.to_vec())
}

fn make_folder(path: &Path) -> Result<(), InitError> {
    fs::create_dir_all(path).map_err(|source| cannot_write(path, source))
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str) -> Result<(), InitError> {
    File::create_new(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| cannot_write(path, source))
}

fn cannot_write(path: &Path, source: io::Error) -> InitError {
    // `create_dir_all` says "file exists" of a file where a folder should be.
    let source = match source.kind() {
        ErrorKind::AlreadyExists if path.is_file() => ErrorKind::NotADirectory.into(),
        _ => source,
    };
    InitError::Write {
        path: path.to_owned(),
        source,
    }
}
