//! One stack of a repository: its folder, compose files and secrets → [`StackSpec`].

use std::path::Path;

use dockerops_core::compose::{self, Compose, Origin, Request};
use dockerops_core::diagnostic::Diagnostics;
use dockerops_core::manifest::{self, Manifest, SecretEntry, StackEntry};
use dockerops_core::source::{FileId, Sources};
use dockerops_core::spec::{self, Input, StackSpec};

use super::files::{Beside, Remembering, compose_files};
use super::tree::Tree;
use super::variables::variables;
use super::{DesiredStack, Values, source};

/// Reads one stack; what is wrong with it is in the result.
pub(super) fn desire(
    tree: &dyn Tree,
    manifest: &Manifest,
    entry: &StackEntry,
    values: &Values<'_>,
    sources: &mut Sources,
) -> DesiredStack {
    let mut out = Diagnostics::default();
    let tree = Remembering::new(tree);
    let files = compose_files(&tree, entry, &mut out);
    let first = files.as_ref().and_then(|files| files.first().cloned());
    let reading = Reading {
        tree: &tree,
        manifest,
        entry,
        values,
    };
    let read = files.map(|files| reading.read(&files, sources, &mut out));
    let read = read.unwrap_or_default();
    let mut paths = tree.asked();
    if entry.says_more_than_options() {
        paths.insert("stacks.yaml".to_owned());
    }
    DesiredStack {
        name: entry.name.value.clone(),
        options: entry.options.clone(),
        compose_path: first.unwrap_or_else(|| entry.folder().to_owned()),
        paths,
        compose: read.compose,
        secrets: read.secrets,
        spec: read.spec.filter(|_| !out.has_errors()),
        diagnostics: out,
    }
}

/// What could be read of a stack.
#[derive(Default)]
struct Read {
    secrets: Vec<SecretEntry>,
    compose: Option<Compose>,
    spec: Option<StackSpec>,
}

/// A stack that is being read.
struct Reading<'a> {
    tree: &'a dyn Tree,
    manifest: &'a Manifest,
    entry: &'a StackEntry,
    values: &'a Values<'a>,
}

impl Reading<'_> {
    fn read(&self, files: &[String], sources: &mut Sources, out: &mut Diagnostics) -> Read {
        let (tree, manifest, entry) = (self.tree, self.manifest, self.entry);
        let mut read = Read::default();
        let Some(secrets) = self.secrets(sources, out) else {
            return read;
        };
        let variables = variables(tree, manifest, entry, &secrets, self.values, sources, out);
        read.secrets = secrets;
        let texts = files.iter().map(|path| source(tree, path, sources, out));
        let texts: Vec<Option<FileId>> = texts.collect();
        let Some(texts) = texts.into_iter().collect::<Option<Vec<_>>>() else {
            return read;
        };
        let first = files.first().map_or("", String::as_str);
        let beside = Beside {
            tree,
            folder: Path::new(first).parent().unwrap_or(Path::new("")),
        };
        let request = Request {
            files: &texts,
            variables: &variables,
            read: &beside,
            origin: Origin::Repository,
            compat: self.values.compat,
        };
        read.compose = compose::load(&request, sources, out);
        let input = Input {
            stack: &entry.name.value,
            volumes: &manifest.volumes,
            nfs: manifest.nfs.as_ref().map(|nfs| nfs.path.value.as_str()),
            origin: Origin::Repository,
        };
        let compose = read.compose.as_ref();
        read.spec = compose.and_then(|compose| spec::convert(compose, &input, out));
        read
    }

    /// The stack's `secrets.yaml`: empty when there is none, `None` when it cannot be used.
    fn secrets(&self, sources: &mut Sources, out: &mut Diagnostics) -> Option<Vec<SecretEntry>> {
        let path = Path::new(self.entry.folder()).join("secrets.yaml");
        let entries = match source(self.tree, path.to_str()?, sources, out) {
            Some(file) => manifest::parse_secrets(sources, file, out)?,
            None => Vec::new(),
        };
        manifest::check_nfs(self.manifest, !entries.is_empty(), out);
        (!out.has_errors()).then_some(entries)
    }
}
