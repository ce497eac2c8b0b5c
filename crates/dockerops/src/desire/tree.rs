//! Files of a repository, wherever they lie: a revision in the mirror, or a folder on disk.
//!
//! No path leads outside the repository's root, also not through a symlink:
//! that is the duty of every implementation.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use dockerops_core::compose::FileError;

use crate::git;

/// No file that DockerOps reads into memory as text is larger: 10 MiB.
pub const MAX_FILE: u64 = 10 * 1024 * 1024;

/// Files by path, relative to the repository's root.
pub trait Tree {
    /// The content of `path`; `None` when nothing is there.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError>;

    /// Whether `path` is a folder; an error when that must not be looked at.
    fn has_folder(&self, path: &Path) -> Result<bool, FileError>;
}

impl Tree for git::Tree {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        git::Tree::read(self, path, MAX_FILE).map_err(of_git)
    }

    fn has_folder(&self, path: &Path) -> Result<bool, FileError> {
        let kind = self.kind(path).map_err(of_git)?;
        Ok(kind == Some(git::Kind::Folder))
    }
}

fn of_git(error: git::TreeError) -> FileError {
    match error {
        git::TreeError::Outside { .. } => FileError::Outside,
        git::TreeError::NotAFile { .. } => FileError::Folder,
        git::TreeError::TooLarge { .. } => FileError::TooLarge,
        other => FileError::Unreadable(other.to_string()),
    }
}

/// A folder on disk, for `render` and `validate` of a checkout.
#[derive(Debug, Clone)]
pub struct DiskTree {
    root: PathBuf,
}

impl DiskTree {
    /// The folder `root`, which must exist.
    pub fn open(root: &Path) -> std::io::Result<Self> {
        let root = fs::canonicalize(root)?;
        if !root.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        Ok(Self { root })
    }

    /// The real path of `path`, when it lies below the root.
    fn inside(&self, path: &Path) -> Result<Option<PathBuf>, FileError> {
        match fs::canonicalize(self.root.join(path)) {
            Ok(real) if belongs(&self.root, &real) => Ok(Some(real)),
            Ok(_) => Err(FileError::Outside),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::Unreadable(error.to_string())),
        }
    }
}

impl Tree for DiskTree {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        let Some(real) = self.inside(path)? else {
            return Ok(None);
        };
        read_file(&real).map(Some)
    }

    fn has_folder(&self, path: &Path) -> Result<bool, FileError> {
        let real = self.inside(path)?;
        Ok(real.is_some_and(|real| real.is_dir()))
    }
}

/// Whether the path `real`, which has no symlinks, is of the repository in the folder
/// `root`: below it, and not Git's own, whose configuration may hold credentials.
pub fn belongs(root: &Path, real: &Path) -> bool {
    let git = |component: Component<'_>| component.as_os_str() == ".git";
    real.strip_prefix(root)
        .is_ok_and(|below| !below.components().any(git))
}

fn not_regular() -> FileError {
    FileError::Unreadable("it is not a regular file".to_owned())
}

/// Reads a file on disk within the size limit. A pipe or device is refused: it may never end.
pub fn read_file(path: &Path) -> Result<Vec<u8>, FileError> {
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_dir() && !metadata.is_file() {
        return Err(not_regular());
    }
    read_stream(path)
}

/// The same of whatever lies at `path`: somebody gave it by hand, perhaps as `<(…)`.
pub(super) fn read_stream(path: &Path) -> Result<Vec<u8>, FileError> {
    if fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Err(FileError::Folder);
    }
    limited(fs::File::open(path).map_err(unreadable)?)
}

/// Reads to the end, or to the size limit.
pub(super) fn limited(from: impl Read) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let read = from.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(FileError::TooLarge);
    }
    Ok(bytes)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that `map_err` takes"
)]
fn unreadable(error: std::io::Error) -> FileError {
    match error.kind() {
        ErrorKind::NotFound => FileError::Missing,
        _ => FileError::Unreadable(error.to_string()),
    }
}

/// `path` as written in a file of `folder`, relative to the root: `..` taken away.
pub(super) fn resolve(folder: &Path, path: &str) -> Result<PathBuf, FileError> {
    if path.starts_with(['/', '~']) {
        return Err(FileError::Absolute);
    }
    let mut clean = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir if clean.pop() => {}
            _ => return Err(FileError::Outside),
        }
    }
    Ok(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_compose_file_never_leaves_the_root() {
        let at = |path| resolve(Path::new("web"), path);
        assert_eq!(at("a.env"), Ok("web/a.env".into()));
        assert_eq!(at("../shared/./a.env"), Ok("shared/a.env".into()));
        assert_eq!(at("../../a.env"), Err(FileError::Outside));
        assert_eq!(at("/etc/passwd"), Err(FileError::Absolute));
        assert_eq!(at("~/x"), Err(FileError::Absolute));
    }

    #[test]
    fn what_may_never_end_is_not_read() {
        let refused = not_regular();
        assert_eq!(read_file(Path::new("/dev/zero")), Err(refused));
        assert_eq!(
            read_stream(Path::new("/dev/zero")),
            Err(FileError::TooLarge)
        );
        assert_eq!(read_stream(Path::new("/dev/null")), Ok(Vec::new()));
    }

    #[test]
    fn a_symlink_out_of_a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(folder.path().join("outside"), "x").unwrap();
        std::os::unix::fs::symlink("../outside", root.join("link")).unwrap();
        let tree = DiskTree::open(&root).unwrap();
        assert_eq!(tree.read(Path::new("link")), Err(FileError::Outside));
        assert_eq!(tree.read(Path::new("absent")), Ok(None));
    }

    #[test]
    fn nothing_of_gits_own_and_no_pipe_is_read_from_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join(".git")).unwrap();
        fs::write(root.join(".git/config"), "token").unwrap();
        std::os::unix::fs::symlink(".git/config", root.join("link")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, root.join("pipe"), rustix::fs::Mode::RWXU).unwrap();
        let tree = DiskTree::open(root).unwrap();
        for path in ["link", ".git/config"] {
            assert_eq!(
                tree.read(Path::new(path)),
                Err(FileError::Outside),
                "{path}"
            );
        }
        assert_eq!(tree.read(Path::new("pipe")), Err(not_regular()));
    }
}
