//! Which files a stack is read from.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dockerops_core::compose::{FileError, Files};
use dockerops_core::diagnostic::{Diagnostic, Diagnostics};
use dockerops_core::field::Text;
use dockerops_core::manifest::StackEntry;

use super::tree::{Tree, resolve};

/// The accepted compose file names, the preferred one first.
const COMPOSE_FILES: [&str; 4] = [
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
];

/// A tree that remembers what it was asked for.
pub(super) struct Remembering<'a> {
    tree: &'a dyn Tree,
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Remembering<'a> {
    pub(super) fn new(tree: &'a dyn Tree) -> Self {
        let asked = RefCell::default();
        Self { tree, asked }
    }

    /// The paths of the files that it was asked for.
    pub(super) fn asked(self) -> BTreeSet<String> {
        self.asked.into_inner()
    }
}

impl Tree for Remembering<'_> {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        let text = path.to_str().map(str::to_owned);
        self.asked.borrow_mut().extend(text);
        self.tree.read(path)
    }

    fn has_folder(&self, path: &Path) -> Result<bool, FileError> {
        self.tree.has_folder(path)
    }
}

/// Files that the compose files in a folder name.
pub(super) struct Beside<'a> {
    pub(super) tree: &'a dyn Tree,
    pub(super) folder: &'a Path,
}

impl Files for Beside<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.tree
            .read(&resolve(self.folder, path)?)?
            .ok_or(FileError::Missing)
    }
}

/// The stack's compose files, relative to the repository; `None` when one is missing.
pub(super) fn compose_files(
    tree: &dyn Tree,
    entry: &StackEntry,
    out: &mut Diagnostics,
) -> Option<Vec<String>> {
    if !has_folder(tree, entry, out) {
        return None;
    }
    if entry.files.is_empty() {
        return preferred(tree, entry, out).map(|file| vec![file]);
    }
    let found = entry.files.iter().map(|file| named(tree, entry, file, out));
    // All that are missing are told.
    found.collect::<Vec<_>>().into_iter().collect()
}

fn has_folder(tree: &dyn Tree, entry: &StackEntry, out: &mut Diagnostics) -> bool {
    let folder = entry.folder();
    let place = entry
        .path
        .as_ref()
        .map_or(entry.name.span, |path| path.span);
    let stack = &entry.name.value;
    match tree.has_folder(Path::new(folder)) {
        Ok(true) => return true,
        Ok(false) => {
            let message = format!("stack `{stack}` has no folder `{folder}/`");
            let hint = if entry.path.is_some() {
                "Add the folder with a compose file, correct `path`, or take the stack off \
                 `stacks.yaml` to remove it."
            } else {
                "Add the folder with a compose file, or take the stack off `stacks.yaml` to remove it."
            };
            out.push(Diagnostic::error("missing-folder", place, message).hint(hint));
        }
        Err(error) => {
            let message =
                format!("the folder `{folder}/` of stack `{stack}` cannot be read: {error}");
            let problem = Diagnostic::error("unreadable-file", place, message);
            out.push(problem.hint("Make it a folder of the repository, not a way out of it."));
        }
    }
    false
}

/// Whichever of the known names is there.
fn preferred(tree: &dyn Tree, entry: &StackEntry, out: &mut Diagnostics) -> Option<String> {
    let (folder, stack) = (Path::new(entry.folder()), &entry.name.value);
    let place = entry.name.span;
    let there = |name: &&&str| !matches!(tree.read(&folder.join(name)), Ok(None));
    let found: Vec<_> = COMPOSE_FILES.iter().filter(there).collect();
    if let [first, second, ..] = found.as_slice() {
        let message =
            format!("stack `{stack}` has both `{first}` and `{second}`; `{first}` is used");
        out.push(
            Diagnostic::warning("two-compose-files", place, message)
                .hint("Remove one of them, or name what is meant in `files`."),
        );
    }
    let Some(first) = found.first() else {
        let message = format!("stack `{stack}` has no compose file");
        let names = COMPOSE_FILES.join("`, `");
        let hint = format!("Add one of `{names}` to `{}`.", shown(folder));
        out.push(Diagnostic::error("missing-compose-file", place, message).hint(hint));
        return None;
    };
    text(folder.join(first))
}

/// `web/`; the root of the repository is `./`.
fn shown(folder: &Path) -> String {
    if folder.as_os_str().is_empty() {
        return "./".to_owned();
    }
    format!("{}/", folder.display())
}

/// One of the stack's `files`.
fn named(
    tree: &dyn Tree,
    entry: &StackEntry,
    file: &Text,
    out: &mut Diagnostics,
) -> Option<String> {
    let folder = Path::new(entry.folder());
    let stack = &entry.name.value;
    let path = path_of(folder, file, out)?;
    if matches!(tree.read(Path::new(&path)), Ok(None)) {
        let message = format!("stack `{stack}` has no compose file `{path}`");
        let hint = format!(
            "Add it, or correct the path; it starts at the folder `{}`.",
            shown(folder)
        );
        out.push(Diagnostic::error("missing-compose-file", file.span, message).hint(hint));
        return None;
    }
    Some(path)
}

/// The path of `file` from the root, when it stays in the repository.
pub(super) fn path_of(folder: &Path, file: &Text, out: &mut Diagnostics) -> Option<String> {
    match resolve(folder, &file.value) {
        Ok(path) => text(path),
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", file.value.escape_debug());
            let mut problem = Diagnostic::error("unreadable-file", file.span, message);
            problem.hint = error.hint();
            out.push(problem);
            None
        }
    }
}

/// Made of texts, so a text.
fn text(path: PathBuf) -> Option<String> {
    path.into_os_string().into_string().ok()
}
