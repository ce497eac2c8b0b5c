//! The files of bindings, wherever they lie: a revision in the mirror, or a folder on disk.

use std::io;
use std::path::{Path, PathBuf};

use dockerops_core::bindings::WantedFile;
use dockerops_core::manifest::Binding;
use dockerops_core::report::Problem;

use crate::git::{Kind, Tree};
use crate::host::Content;

/// Lists files of bindings and hands out their contents. Blocks.
pub(super) trait Files: Send + Sync {
    /// The files that are there for a binding; none when it is absent. Symlinks inside
    /// the repository count as what they point to.
    fn wanted(&self, binding: &Binding) -> Result<Vec<WantedFile>, Problem>;

    /// Writes the content `id` of a wanted file to `to`.
    fn copy(&self, id: &str, to: &mut dyn io::Write) -> io::Result<()>;
}

/// The same as the shared storage wants it.
pub(super) struct Blobs<'a>(pub(super) &'a dyn Files);

impl Content for Blobs<'_> {
    fn copy(&self, id: &str, to: &mut dyn io::Write) -> io::Result<()> {
        self.0.copy(id, to)
    }
}

impl Files for Tree {
    fn wanted(&self, binding: &Binding) -> Result<Vec<WantedFile>, Problem> {
        let path = Path::new(&binding.path.value);
        match self.kind(path)? {
            Some(Kind::File { executable }) => Ok(vec![file(self, path, executable)?]),
            Some(Kind::Folder) => {
                let entries = self.entries(path)?.unwrap_or_default();
                let entries = entries.into_iter().map(|entry| match entry.kind {
                    Kind::File { executable } => Ok(WantedFile {
                        path: text(path.join(&entry.path))?,
                        size: entry.size,
                        executable,
                        content: entry.oid,
                    }),
                    _ => linked(self, &path.join(&entry.path)),
                });
                entries.collect()
            }
            _ => Ok(Vec::new()),
        }
    }

    fn copy(&self, id: &str, to: &mut dyn io::Write) -> io::Result<()> {
        let written = self.write_blob(id, to);
        written.map(drop).map_err(io::Error::other)
    }
}

/// A symlink below a binding: followed when it leads to a file of the repository.
fn linked(tree: &Tree, path: &Path) -> Result<WantedFile, Problem> {
    match tree.kind(path)? {
        Some(Kind::File { executable }) => file(tree, path, executable),
        _ => Err(Problem::new(
            format!(
                "`{}` is a submodule, or a symlink that does not lead to a file of the repository",
                path.display()
            ),
            Some("Replace it by the files themselves.".to_owned()),
        )),
    }
}

fn file(tree: &Tree, path: &Path, executable: bool) -> Result<WantedFile, Problem> {
    let content = tree.oid(path)?.unwrap_or_default();
    Ok(WantedFile {
        path: text(path.to_owned())?,
        size: tree.size(&content)?,
        executable,
        content,
    })
}

/// A path that the shared storage and the list of what is ours can both hold.
pub(super) fn text(path: PathBuf) -> Result<String, Problem> {
    path.into_os_string().into_string().map_err(|path| {
        let path = path.to_string_lossy();
        Problem::new(
            format!("the name of `{path}` is not UTF-8 text"),
            Some("Rename the file in the repository.".to_owned()),
        )
    })
}
