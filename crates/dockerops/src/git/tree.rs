//! The files of one revision, read from the mirror. Nothing is ever checked out.
//!
//! **Invariants**
//!
//! - No path and no symlink leads outside the tree.
//! - A file beyond the size that the caller allows is an error before it is in memory.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dockerops_core::revision::Revision;

use super::objects::{Header, LocalMirror, Objects};
use super::parse::{Item, parse_commit, parse_tree};

/// A tree object with more than this is an attack.
const LARGEST_TREE: u64 = 64 * 1024 * 1024;
/// As Linux: more symlinks than this on one path are a loop.
const MOST_LINKS: usize = 40;
const MOST_DEPTH: usize = 200;

/// A read-only view of one revision. Its methods block; one process serves them all.
#[derive(Debug)]
pub struct Tree {
    commit: CommitInfo,
    root: String,
    mirror: LocalMirror,
    state: Mutex<State>,
}

/// Who made a revision, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its id.
    pub revision: Revision,
    /// `Name <mail>`, without control characters.
    pub author: String,
    /// The first line of its message, without control characters.
    pub subject: String,
    /// When it was committed, in seconds since 1970.
    pub committed_at: i64,
}

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File {
        /// Git recorded the executable bit.
        executable: bool,
    },
    /// A folder.
    Folder,
    /// A symlink; its content is its target.
    Symlink,
    /// Another repository, of which only a revision is recorded.
    Submodule,
}

/// A file, symlink or submodule below a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the folder that was listed.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// The id of its content: equal contents have equal ids.
    pub oid: String,
    /// In bytes; 0 for submodules.
    pub size: u64,
}

/// A file of a revision cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum TreeError {
    /// `..` or a symlink leads outside.
    #[error("`{}` leads outside the repository", path.display())]
    Outside { path: PathBuf },
    /// Symlinks that point at each other.
    #[error("`{}` is a loop of symlinks", path.display())]
    Loop { path: PathBuf },
    /// A folder where a file is wanted.
    #[error("`{}` is a folder, not a file", path.display())]
    NotAFile { path: PathBuf },
    /// A file where a folder is wanted.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder { path: PathBuf },
    /// A submodule on the way.
    #[error("`{}` is a submodule, which is not supported", path.display())]
    Submodule { path: PathBuf },
    /// More than the caller allows.
    #[error("`{}` has {size} bytes; {limit} are allowed", path.display())]
    TooLarge {
        path: PathBuf,
        size: u64,
        limit: u64,
    },
    /// An object is missing or malformed.
    #[error("the mirror of the repository is damaged: {what}")]
    Damaged { what: String },
    /// The process that reads the mirror failed.
    #[error("the mirror of the repository cannot be read")]
    Io(#[from] io::Error),
}

impl TreeError {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Outside { .. } => {
                "Keep the file in the repository and refer to it by a relative path.".to_owned()
            }
            Self::Loop { .. } => "Make the symlink point at a file.".to_owned(),
            Self::Submodule { .. } => {
                "Copy the files into the repository, or watch the other repository by itself."
                    .to_owned()
            }
            Self::TooLarge { .. } => "Check that it is the right file.".to_owned(),
            Self::NotAFile { .. }
            | Self::NotAFolder { .. }
            | Self::Damaged { .. }
            | Self::Io(_) => return None,
        })
    }

    /// Whether a new mirror ([`super::Git::fetch_anew`]) may help.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Io(_))
    }
}

#[derive(Debug)]
struct State {
    objects: Objects,
    /// `cat-file --batch-check`, once sizes were asked for.
    sizes: Option<Objects>,
    trees: HashMap<String, Arc<Vec<Item>>>,
}

impl Tree {
    pub(super) fn open(mirror: LocalMirror, revision: &Revision) -> Result<Self, TreeError> {
        let mut objects = Objects::start(&mirror, "--batch")?;
        let content = read_object(&mut objects, revision.as_str(), "commit", LARGEST_TREE)?;
        let (root, commit) = parse_commit(&content, revision)?;
        let tree = Self {
            commit,
            root,
            mirror,
            state: Mutex::new(State {
                objects,
                sizes: None,
                trees: HashMap::new(),
            }),
        };
        tree.items(&tree.root)?;
        Ok(tree)
    }

    /// Who made this revision.
    pub fn commit(&self) -> &CommitInfo {
        &self.commit
    }

    /// The content of the file `path`; `None` when there is none. Symlinks inside the tree are followed.
    pub fn read(&self, path: impl AsRef<Path>, limit: u64) -> Result<Option<Vec<u8>>, TreeError> {
        let path = path.as_ref();
        match self.resolve(path)? {
            None => Ok(None),
            Some((Kind::File { .. }, oid)) => self.read_limited(&oid, path, limit).map(Some),
            Some((Kind::Submodule, _)) => Err(TreeError::Submodule {
                path: path.to_owned(),
            }),
            Some(_) => Err(TreeError::NotAFile {
                path: path.to_owned(),
            }),
        }
    }

    /// What `path` is, after following symlinks; `None` when there is nothing.
    pub fn kind(&self, path: impl AsRef<Path>) -> Result<Option<Kind>, TreeError> {
        Ok(self.resolve(path.as_ref())?.map(|(kind, _)| kind))
    }

    /// The file's content id, after following symlinks; `None` when `path` is no file.
    pub fn oid(&self, path: impl AsRef<Path>) -> Result<Option<String>, TreeError> {
        let found = self.resolve(path.as_ref())?;
        Ok(found.and_then(|(kind, oid)| matches!(kind, Kind::File { .. }).then_some(oid)))
    }

    /// Everything below the folder, in the order of Git; `None` when there is no such folder.
    ///
    /// Symlinks in it are listed, not followed; folders show by what is in them.
    pub fn entries(&self, folder: impl AsRef<Path>) -> Result<Option<Vec<Entry>>, TreeError> {
        let folder = folder.as_ref();
        let oid = match self.resolve(folder)? {
            None => return Ok(None),
            Some((Kind::Folder, oid)) => oid,
            Some((Kind::Submodule, _)) => {
                return Err(TreeError::Submodule {
                    path: folder.to_owned(),
                });
            }
            Some(_) => {
                return Err(TreeError::NotAFolder {
                    path: folder.to_owned(),
                });
            }
        };
        let mut entries = Vec::new();
        self.collect(&oid, Path::new(""), 0, &mut entries)?;
        self.fill_sizes(&mut entries)?;
        Ok(Some(entries))
    }

    /// The target of a symlink, or the content of a small file, by its id.
    pub fn read_blob(&self, oid: &str, limit: u64) -> Result<Vec<u8>, TreeError> {
        self.read_limited(oid, Path::new(oid), limit)
    }

    /// Copies the content `oid` to `to`, whatever its size, and returns the size.
    pub fn write_blob(&self, oid: &str, to: &mut dyn Write) -> Result<u64, TreeError> {
        let mut state = self.state();
        let header = open_object(&mut state.objects, oid, "blob")?;
        state.objects.content(&header, to)?;
        Ok(header.size)
    }

    /// The size of the content `oid`, in bytes.
    pub fn size(&self, oid: &str) -> Result<u64, TreeError> {
        let mut sizes = Vec::new();
        self.sizes(&[oid], &mut |size| sizes.push(size))?;
        sizes.pop().ok_or_else(|| missing(oid))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_limited(&self, oid: &str, path: &Path, limit: u64) -> Result<Vec<u8>, TreeError> {
        let mut state = self.state();
        let header = open_object(&mut state.objects, oid, "blob")?;
        if header.size > limit {
            state.objects.content(&header, &mut io::sink())?;
            return Err(TreeError::TooLarge {
                path: path.to_owned(),
                size: header.size,
                limit,
            });
        }
        let mut content = Vec::with_capacity(usize::try_from(header.size).unwrap_or(0));
        state.objects.content(&header, &mut content)?;
        Ok(content)
    }

    fn items(&self, oid: &str) -> Result<Arc<Vec<Item>>, TreeError> {
        let mut state = self.state();
        if let Some(known) = state.trees.get(oid) {
            return Ok(Arc::clone(known));
        }
        let content = read_object(&mut state.objects, oid, "tree", LARGEST_TREE)?;
        let items = Arc::new(parse_tree(&content, oid.len() / 2)?);
        state.trees.insert(oid.to_owned(), Arc::clone(&items));
        Ok(items)
    }

    /// Walks `path` as a filesystem would, `..` after symlinks included.
    fn resolve(&self, path: &Path) -> Result<Option<(Kind, String)>, TreeError> {
        let outside = || TreeError::Outside {
            path: path.to_owned(),
        };
        let mut todo = steps(path).ok_or_else(outside)?;
        let mut above: Vec<String> = Vec::new();
        let mut here = (Kind::Folder, self.root.clone());
        let mut links = 0;
        while let Some(step) = todo.pop() {
            match here.0 {
                Kind::Submodule => {
                    return Err(TreeError::Submodule {
                        path: path.to_owned(),
                    });
                }
                Kind::Folder => {}
                Kind::File { .. } | Kind::Symlink => return Ok(None),
            }
            if step == ".." {
                here = (Kind::Folder, above.pop().ok_or_else(outside)?);
                continue;
            }
            let items = self.items(&here.1)?;
            let Some(item) = items.iter().find(|item| item.name == step) else {
                return Ok(None);
            };
            if item.kind != Kind::Symlink {
                above.push(std::mem::replace(&mut here, (item.kind, item.oid.clone())).1);
                continue;
            }
            links += 1;
            if links > MOST_LINKS {
                return Err(TreeError::Loop {
                    path: path.to_owned(),
                });
            }
            let target = self.read_limited(&item.oid, path, 4096)?;
            let target = PathBuf::from(OsString::from_vec(target));
            todo.extend(steps(&target).ok_or_else(outside)?);
        }
        Ok(Some(here))
    }

    fn collect(
        &self,
        oid: &str,
        below: &Path,
        depth: usize,
        entries: &mut Vec<Entry>,
    ) -> Result<(), TreeError> {
        if depth > MOST_DEPTH {
            return Err(damaged("its folders are nested too deeply"));
        }
        for item in self.items(oid)?.iter() {
            let path = below.join(&item.name);
            if item.kind == Kind::Folder {
                self.collect(&item.oid, &path, depth + 1, entries)?;
                continue;
            }
            entries.push(Entry {
                path,
                kind: item.kind,
                oid: item.oid.clone(),
                size: 0,
            });
        }
        Ok(())
    }

    /// `cat-file --batch` tells sizes only with the contents, so another process is asked.
    fn fill_sizes(&self, entries: &mut [Entry]) -> Result<(), TreeError> {
        let mut files: Vec<&mut Entry> = entries
            .iter_mut()
            .filter(|entry| entry.kind != Kind::Submodule)
            .collect();
        if files.is_empty() {
            return Ok(());
        }
        for some in files.chunks_mut(500) {
            let ids: Vec<String> = some.iter().map(|entry| entry.oid.clone()).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let mut entries = some.iter_mut();
            self.sizes(&ids, &mut |size| {
                if let Some(entry) = entries.next() {
                    entry.size = size;
                }
            })?;
        }
        Ok(())
    }

    /// The sizes of at most 500 contents, in their order.
    fn sizes(&self, ids: &[&str], found: &mut dyn FnMut(u64)) -> Result<(), TreeError> {
        let mut state = self.state();
        let objects = match &mut state.sizes {
            Some(objects) => objects,
            none => none.insert(Objects::start(&self.mirror, "--batch-check")?),
        };
        objects.ask(ids)?;
        let mut absent = None;
        // Every answer is read, also after a bad one: the next question's come behind them.
        for id in ids {
            match objects.header()? {
                Some(header) => found(header.size),
                None => absent = absent.or(Some(missing(id))),
            }
        }
        absent.map_or(Ok(()), Err)
    }
}

fn open_object(objects: &mut Objects, oid: &str, kind: &str) -> Result<Header, TreeError> {
    objects.ask(&[oid])?;
    let header = objects.header()?.ok_or_else(|| missing(oid))?;
    if header.kind != kind {
        objects.content(&header, &mut io::sink())?;
        return Err(damaged(&format!("`{oid}` is no {kind}")));
    }
    Ok(header)
}

fn read_object(
    objects: &mut Objects,
    oid: &str,
    kind: &str,
    limit: u64,
) -> Result<Vec<u8>, TreeError> {
    let header = open_object(objects, oid, kind)?;
    let mut content = Vec::new();
    if header.size > limit {
        objects.content(&header, &mut io::sink())?;
        return Err(damaged(&format!("the {kind} `{oid}` is too large")));
    }
    objects.content(&header, &mut content)?;
    Ok(content)
}

fn missing(oid: &str) -> TreeError {
    damaged(&format!("`{oid}` is missing"))
}

pub(super) fn damaged(what: &str) -> TreeError {
    TreeError::Damaged {
        what: what.to_owned(),
    }
}

/// The steps of a relative path, last first; `None` when it is absolute.
fn steps(path: &Path) -> Option<Vec<OsString>> {
    let mut steps = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => steps.push(name.to_owned()),
            Component::ParentDir => steps.push("..".into()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    steps.reverse();
    Some(steps)
}
