//! The files of bindings in a folder on disk, as the next commit would have them.
//!
//! Files get the ids that Git would give them, so that a folder and a revision
//! with the same files have the same bindings. Nothing outside the folder is read,
//! nor anything of Git's own. In a checkout, what Git ignores does not count.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use dockerops_core::bindings::WantedFile;
use dockerops_core::hex::hex;
use dockerops_core::manifest::Binding;
use dockerops_core::report::Problem;
use sha1::{Digest, Sha1};

use super::files::{Files, text};
use super::problem;
use crate::desire::belongs;

/// More folders in each other than this are a loop.
const MOST_DEPTH: usize = 200;

/// A folder, and which file has which content.
pub(super) struct Folder {
    root: PathBuf,
    /// Of a checkout: the files that the next commit would have, relative to the root.
    listed: Option<HashSet<PathBuf>>,
    contents: Mutex<HashMap<String, PathBuf>>,
}

impl Folder {
    /// The folder `root`, of which only files that are `listed` count, when it is a checkout.
    pub(super) fn open(root: &Path, listed: Option<HashSet<PathBuf>>) -> io::Result<Self> {
        Ok(Self {
            root: fs::canonicalize(root)?,
            listed,
            contents: Mutex::default(),
        })
    }

    /// Everything below `path`, at any depth; `path` is relative to the root.
    fn collect(&self, path: &Path, depth: usize, to: &mut Vec<WantedFile>) -> Result<(), Problem> {
        let failed = |error: io::Error| unreadable(path, &error);
        let real = match fs::canonicalize(self.root.join(path)) {
            Ok(real) => real,
            // A symlink to nowhere is not nothing.
            Err(error) if error.kind() == io::ErrorKind::NotFound && depth == 0 => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if !belongs(&self.root, &real) || depth > MOST_DEPTH {
            return Err(outside(path));
        }
        if !real.is_dir() {
            if self.counts(&real) {
                to.push(self.file(path, &real).map_err(failed)??);
            }
            return Ok(());
        }
        if depth > 0
            && fs::symlink_metadata(self.root.join(path))
                .map_err(failed)?
                .is_symlink()
        {
            return Err(outside(path));
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&real).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name());
        }
        names.sort();
        for name in names.iter().filter(|name| *name != ".git") {
            self.collect(&path.join(name), depth + 1, to)?;
        }
        Ok(())
    }

    fn counts(&self, real: &Path) -> bool {
        let listed = self.listed.as_ref();
        let below = real.strip_prefix(&self.root);
        listed.is_none_or(|listed| below.is_ok_and(|below| listed.contains(below)))
    }

    fn file(&self, path: &Path, real: &Path) -> io::Result<Result<WantedFile, Problem>> {
        let metadata = fs::metadata(real)?;
        if !metadata.is_file() {
            // Opening a pipe or a device could wait for ever.
            return Err(io::Error::other("it is not a regular file"));
        }
        let content = git_id(real, metadata.len())?;
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        contents.insert(content.clone(), real.to_owned());
        Ok(text(path.to_owned()).map(|path| WantedFile {
            path,
            size: metadata.len(),
            executable: metadata.permissions().mode() & 0o100 != 0,
            content,
        }))
    }
}

impl Files for Folder {
    fn wanted(&self, binding: &Binding) -> Result<Vec<WantedFile>, Problem> {
        let mut files = Vec::new();
        self.collect(Path::new(&binding.path.value), 0, &mut files)?;
        Ok(files)
    }

    fn copy(&self, id: &str, to: &mut dyn io::Write) -> io::Result<()> {
        let contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let path = contents.get(id).ok_or(io::ErrorKind::NotFound)?;
        io::copy(&mut fs::File::open(path)?, to).map(drop)
    }
}

/// The id that Git gives to a file's content: SHA-1 of `blob <size>\0<content>`.
fn git_id(path: &Path, size: u64) -> io::Result<String> {
    let mut hash = Sha1::new();
    hash.update(format!("blob {size}\0"));
    let mut file = fs::File::open(path)?;
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(chunk.get(..count).unwrap_or_default()),
        }
    }
}

fn outside(path: &Path) -> Problem {
    Problem::new(
        format!(
            "`{}` does not lead to a file of the repository",
            path.display()
        ),
        Some("Replace it by the files themselves.".to_owned()),
    )
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let mut problem = problem(
        error,
        Some("Check the file and its permissions.".to_owned()),
    );
    problem.message = format!("`{}` cannot be read: {}", path.display(), problem.message);
    problem
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use dockerops_core::field::Field;
    use dockerops_core::source::{Sources, Span};

    use super::*;

    fn wanted(folder: &Path) -> Result<Vec<String>, String> {
        wanted_of(folder, None)
    }

    fn wanted_of(folder: &Path, listed: Option<HashSet<PathBuf>>) -> Result<Vec<String>, String> {
        let span = Span::start_of(Sources::default().add("volumes.yaml", ""));
        let binding = Binding {
            path: Field::new("conf".to_owned(), span),
            owner: None,
            preserve_mode: false,
        };
        let files = Folder::open(folder, listed).unwrap().wanted(&binding);
        let line = |file: WantedFile| format!("{} {} {}", file.path, file.size, file.content);
        files
            .map(|files| files.into_iter().map(line).collect())
            .map_err(|problem| problem.message)
    }

    #[test]
    fn files_of_a_folder_have_the_ids_that_git_gives_them() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("conf/sub")).unwrap();
        fs::write(folder.path().join("conf/a"), "hello\n").unwrap();
        fs::write(folder.path().join("conf/sub/b"), "").unwrap();
        symlink("sub/b", folder.path().join("conf/link")).unwrap();
        assert_eq!(
            wanted(folder.path()).unwrap(),
            [
                "conf/a 6 ce013625030ba8dba906f756967f9e9ca394464a",
                "conf/link 0 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
                "conf/sub/b 0 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
            ]
        );
    }

    #[test]
    fn a_binding_of_a_folder_never_leads_outside() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("conf")).unwrap();
        symlink("/etc/hostname", folder.path().join("conf/leak")).unwrap();
        assert!(wanted(folder.path()).unwrap_err().contains("conf/leak"));
        fs::remove_file(folder.path().join("conf/leak")).unwrap();
        symlink("..", folder.path().join("conf/loop")).unwrap();
        assert!(wanted(folder.path()).unwrap_err().contains("conf/loop"));
    }

    #[test]
    fn nothing_of_gits_own_is_a_file_of_a_binding() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("conf")).unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        fs::write(folder.path().join(".git/config"), "token").unwrap();
        symlink("../.git/config", folder.path().join("conf/leak")).unwrap();
        assert!(wanted(folder.path()).unwrap_err().contains("conf/leak"));
        fs::remove_dir_all(folder.path().join("conf")).unwrap();
        symlink(".git", folder.path().join("conf")).unwrap();
        assert!(wanted(folder.path()).unwrap_err().contains("conf"));
    }

    #[test]
    fn a_pipe_in_a_binding_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("conf")).unwrap();
        let pipe = folder.path().join("conf/pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let error = wanted(folder.path()).unwrap_err();
        assert!(error.contains("not a regular file"), "{error}");
    }

    #[test]
    fn files_that_the_next_commit_would_not_have_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("conf")).unwrap();
        fs::write(folder.path().join("conf/a"), "hello\n").unwrap();
        fs::write(folder.path().join("conf/a.swp"), "").unwrap();
        let listed = HashSet::from(["conf/a".into(), "conf/gone".into()]);
        let files = wanted_of(folder.path(), Some(listed)).unwrap();
        assert_eq!(files, ["conf/a 6 ce013625030ba8dba906f756967f9e9ca394464a"]);
    }

    #[test]
    fn a_binding_that_is_not_there_has_no_files() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(wanted(folder.path()), Ok(Vec::new()));
    }
}
