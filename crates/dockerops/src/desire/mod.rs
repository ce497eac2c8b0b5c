//! The files of a repository → what each of its stacks asks for.
//!
//! A stack that cannot be read never stops the others: it comes back without a
//! spec and with the reasons. Nothing here reaches Docker.

mod bare;
mod files;
mod stack;
mod tree;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dockerops_core::compose::{Compat, Compose, FileError};
use dockerops_core::diagnostic::{Diagnostic, Diagnostics};
use dockerops_core::manifest::{self, LintOff, Manifest, SecretEntry, StackOptions};
use dockerops_core::names::StackName;
use dockerops_core::secret::Secret;
use dockerops_core::source::{FileId, Sources, Span};
use dockerops_core::spec::StackSpec;

pub use bare::{Bare, GivenFile, bare, given};
pub use tree::{DiskTree, MAX_FILE, Tree, belongs, read_file};

/// What a repository asks for.
#[derive(Debug)]
pub struct Desired {
    /// `stacks.yaml`, `volumes.yaml`, `nfs.yaml`; `None` when they cannot be used at all.
    pub manifest: Option<Manifest>,
    /// The stacks, in the order of `stacks.yaml`.
    pub stacks: Vec<DesiredStack>,
    /// What is wrong with the repository as a whole.
    pub diagnostics: Diagnostics,
    /// The texts that diagnostics point into.
    pub sources: Sources,
}

/// What one stack asks for.
#[derive(Debug)]
pub struct DesiredStack {
    /// Its name.
    pub name: StackName,
    /// How it is rolled out and kept.
    pub options: StackOptions,
    /// Its first compose file, relative to the repository; the folder when there is none.
    pub compose_path: String,
    /// Every path, relative to the repository, that was looked at to know what it asks for, also
    /// where nothing was.
    pub paths: BTreeSet<String>,
    /// Its compose files, merged, as far as they could be read.
    pub compose: Option<Compose>,
    /// Its `secrets.yaml`.
    pub secrets: Vec<SecretEntry>,
    /// What it asks for; `None` when `diagnostics` has errors.
    pub spec: Option<StackSpec>,
    /// What is wrong with its files.
    pub diagnostics: Diagnostics,
}

/// Reads the value of the secret `id` below `nfs.path`; the error is safe to show.
pub type ReadSecret<'a> = &'a dyn Fn(&Path, &str) -> Result<Secret, SecretProblem>;

/// What is known of the values of secrets.
#[derive(Clone, Copy)]
pub enum SecretValues<'a> {
    /// They are read.
    Read(ReadSecret<'a>),
    /// They are not looked at: `[secret db]` stands for one, and `0` or `false` where a
    /// number or a boolean is wanted.
    Unread,
}

/// Why a secret has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretProblem {
    /// What happened, naming id and expected path.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
}

/// The values that compose files may use.
pub struct Values<'a> {
    /// Variables of our environment that are allowed, with their values.
    pub allowed: &'a BTreeMap<String, String>,
    /// Names that are set in our environment but not allowed.
    pub hidden: &'a BTreeSet<String>,
    /// Where secrets come from.
    pub secret: SecretValues<'a>,
    /// How much syntax is accepted.
    pub compat: Compat,
}

/// Reads a repository.
pub fn desire(tree: &dyn Tree, values: &Values<'_>) -> Desired {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let manifest = read_manifest(tree, &mut sources, &mut diagnostics);
    let mut stacks = Vec::new();
    if let Some(manifest) = &manifest {
        for entry in &manifest.stacks {
            stacks.push(stack::desire(tree, manifest, entry, values, &mut sources));
        }
    }
    Desired {
        manifest,
        stacks,
        diagnostics,
        sources,
    }
}

/// The paths of bindings at which the repository has nothing.
pub fn absent_bindings(tree: &dyn Tree, manifest: &Manifest) -> BTreeSet<String> {
    let paths = manifest.bindings().map(|(_, binding)| &binding.path.value);
    let absent = paths.filter(|path| matches!(tree.read(Path::new(path)), Ok(None)));
    absent.cloned().collect()
}

/// Reads which lints the repository turns off: `lints.yaml`, which only `validate` asks for.
pub fn lints_off(tree: &dyn Tree, desired: &mut Desired) -> Vec<LintOff> {
    let (sources, out) = (&mut desired.sources, &mut desired.diagnostics);
    let stacks = desired.manifest.as_ref().map(|manifest| &manifest.stacks);
    let (Some(stacks), Some(file)) = (stacks, source(tree, "lints.yaml", sources, out)) else {
        return Vec::new();
    };
    manifest::parse_lints(sources, file, stacks, out).unwrap_or_default()
}

fn read_manifest(
    tree: &dyn Tree,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Manifest> {
    let Some(stacks) = source(tree, "stacks.yaml", sources, out) else {
        if !out.has_errors() {
            out.push(
                Diagnostic::error(
                    "no-stacks-file",
                    None,
                    "the repository has no `stacks.yaml` at its root",
                )
                .hint("Add `stacks.yaml` with a list of `- name: <stack>`, one per folder."),
            );
        }
        return None;
    };
    let stacks = manifest::parse_stacks(sources, stacks, out);
    let volumes = match source(tree, "volumes.yaml", sources, out) {
        Some(file) => manifest::parse_volumes(sources, file, out),
        None => Some(BTreeMap::new()),
    };
    let nfs = match source(tree, "nfs.yaml", sources, out) {
        // A file with a mistake is not also a missing one.
        Some(file) => Some(manifest::parse_nfs(sources, file, out)?),
        None => None,
    };
    let manifest = Manifest {
        stacks: stacks?,
        volumes: volumes?,
        nfs,
    };
    manifest::check_nfs(&manifest, false, out);
    (!out.has_errors()).then_some(manifest)
}

/// Adds the text of `path` to the sources; `None` when it is absent, or unreadable (then `out` says why).
fn source(
    tree: &dyn Tree,
    path: &str,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<FileId> {
    match text(tree, path) {
        Ok(text) => text.map(|text| sources.add(path, text)),
        Err(error) => {
            out.push(unreadable(path, None, &error));
            None
        }
    }
}

/// The same for a file that is named at `place`, and so must be there.
fn source_at(
    tree: &dyn Tree,
    path: &str,
    place: Span,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<FileId> {
    match text(tree, path).and_then(|text| text.ok_or(FileError::Missing)) {
        Ok(text) => Some(sources.add(path, text)),
        Err(error) => {
            out.push(unreadable(path, Some(place), &error));
            None
        }
    }
}

fn text(tree: &dyn Tree, path: &str) -> Result<Option<String>, FileError> {
    let text = tree.read(Path::new(path))?.map(String::from_utf8);
    text.transpose()
        .map_err(|_| FileError::Unreadable("it is not UTF-8 text".to_owned()))
}

fn unreadable(path: &str, place: Option<Span>, error: &FileError) -> Diagnostic {
    let hint = match error {
        FileError::Missing => "Add the file, or correct the path; it starts at the stack's folder.",
        FileError::Unreadable(_) => "Save it as UTF-8 text.",
        _ => "",
    };
    let hint = Some(hint.to_owned()).filter(|hint| !hint.is_empty());
    let message = format!("`{path}` cannot be read: {error}");
    let mut problem = Diagnostic::error("unreadable-file", place, message);
    problem.hint = hint.or_else(|| error.hint());
    problem
}
