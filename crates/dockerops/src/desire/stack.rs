//! One stack of a repository: its folder, compose file and secrets → [`StackSpec`].

use std::path::Path;

use dockerops_core::compose::{self, Compose, FileError, Files, Origin, Request, Variables};
use dockerops_core::diagnostic::{Diagnostic, Diagnostics};
use dockerops_core::manifest::{self, Manifest, SecretEntry, StackEntry};
use dockerops_core::names::StackName;
use dockerops_core::secret::Provenance;
use dockerops_core::source::Sources;
use dockerops_core::spec::{self, Input, StackSpec};

use super::tree::{Tree, resolve};
use super::{DesiredStack, SecretValues, Values, source};

/// The accepted compose file names, the preferred one first.
const COMPOSE_FILES: [&str; 4] = [
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
];

/// Reads one stack; what is wrong with it is in the result.
pub(super) fn desire(
    tree: &dyn Tree,
    manifest: &Manifest,
    entry: &StackEntry,
    values: &Values<'_>,
    sources: &mut Sources,
) -> DesiredStack {
    let name = entry.name.value.clone();
    let mut out = Diagnostics::default();
    let path = compose_path(tree, entry, &mut out);
    let read = path
        .as_deref()
        .map(|path| read(tree, manifest, &name, path, values, sources, &mut out))
        .unwrap_or_default();
    DesiredStack {
        options: entry.options.clone(),
        compose_path: path.unwrap_or_else(|| name.to_string()),
        compose: read.compose,
        secrets: read.secrets,
        spec: read.spec.filter(|_| !out.has_errors()),
        name,
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

/// The stack's compose file, relative to the repository.
fn compose_path(tree: &dyn Tree, entry: &StackEntry, out: &mut Diagnostics) -> Option<String> {
    let folder = entry.name.value.as_str();
    if !tree.has_folder(Path::new(folder)) {
        let message = format!("stack `{folder}` has no folder `{folder}/`");
        let hint =
            "Add the folder with a compose file, or take the stack off `stacks.yaml` to remove it.";
        out.push(Diagnostic::error("missing-folder", entry.name.span, message).hint(hint));
        return None;
    }
    let there = |name: &&&str| !matches!(tree.read(&Path::new(folder).join(name)), Ok(None));
    let found: Vec<_> = COMPOSE_FILES.iter().filter(there).collect();
    if let [first, second, ..] = found.as_slice() {
        let message =
            format!("stack `{folder}` has both `{first}` and `{second}`; `{first}` is used");
        out.push(
            Diagnostic::warning("two-compose-files", entry.name.span, message)
                .hint("Remove one of them."),
        );
    }
    let Some(first) = found.first() else {
        let message = format!("stack `{folder}` has no compose file");
        let hint = format!(
            "Add one of `{}` to `{folder}/`.",
            COMPOSE_FILES.join("`, `")
        );
        out.push(Diagnostic::error("missing-compose-file", entry.name.span, message).hint(hint));
        return None;
    };
    Some(format!("{folder}/{first}"))
}

fn read(
    tree: &dyn Tree,
    manifest: &Manifest,
    name: &StackName,
    path: &str,
    values: &Values<'_>,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Read {
    let mut read = Read::default();
    let Some(secrets) = secrets(tree, manifest, name, sources, out) else {
        return read;
    };
    let variables = variables(manifest, &secrets, values, out);
    read.secrets = secrets;
    let Some(file) = source(tree, path, sources, out) else {
        return read;
    };
    let files = StackFiles {
        tree,
        folder: Path::new(name.as_str()),
    };
    let request = Request {
        files: &[file],
        variables: &variables,
        read: &files,
        origin: Origin::Repository,
        compat: values.compat,
    };
    read.compose = compose::load(&request, sources, out);
    let input = Input {
        stack: name,
        volumes: &manifest.volumes,
        nfs: manifest.nfs.as_ref().map(|nfs| nfs.path.value.as_str()),
        origin: Origin::Repository,
    };
    let compose = read.compose.as_ref();
    read.spec = compose.and_then(|compose| spec::convert(compose, &input, out));
    read
}

/// The stack's `secrets.yaml`: empty when there is none, `None` when it cannot be used.
fn secrets(
    tree: &dyn Tree,
    manifest: &Manifest,
    name: &StackName,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Vec<SecretEntry>> {
    let path = format!("{name}/secrets.yaml");
    let entries = match source(tree, &path, sources, out) {
        Some(file) => manifest::parse_secrets(sources, file, out)?,
        None => Vec::new(),
    };
    manifest::check_nfs(manifest, !entries.is_empty(), out);
    (!out.has_errors()).then_some(entries)
}

/// What `${NAME}` sees: the allowed variables, and over them the stack's secrets.
fn variables(
    manifest: &Manifest,
    secrets: &[SecretEntry],
    values: &Values<'_>,
    out: &mut Diagnostics,
) -> Variables {
    let mut variables = Variables::new(values.compat);
    for (name, value) in values.allowed {
        variables.set_ambient(name, value);
    }
    values.hidden.iter().for_each(|name| variables.forbid(name));
    if let Some(nfs) = &manifest.nfs {
        let root = Path::new(&nfs.path.value);
        for entry in secrets {
            add_secret(&mut variables, entry, root, values, out);
        }
    }
    variables
}

fn add_secret(
    variables: &mut Variables,
    entry: &SecretEntry,
    nfs: &Path,
    values: &Values<'_>,
    out: &mut Diagnostics,
) {
    let id = &entry.id.value;
    // What needs a value that cannot be read is not to be complained of, too.
    variables.set_unread(&entry.env.value, Provenance::secret(id));
    let SecretValues::Read(read) = values.secret else {
        return;
    };
    let diagnostic = match read(nfs, id) {
        Ok(secret) => match secret.expose_text() {
            Some(value) => return variables.set(&entry.env.value, value, Provenance::secret(id)),
            None => Diagnostic::error(
                "secret-not-text",
                entry.id.span,
                format!("the value of secret `{id}` is not UTF-8 text"),
            )
            .hint("Mount binary content as a Docker secret with `secrets.file`, or encode it."),
        },
        Err(problem) => {
            let diagnostic =
                Diagnostic::error("secret-without-value", entry.id.span, problem.message);
            problem.hint.into_iter().fold(diagnostic, Diagnostic::hint)
        }
    };
    out.push(diagnostic);
}

/// Files named in a compose file of the repository.
struct StackFiles<'a> {
    tree: &'a dyn Tree,
    folder: &'a Path,
}

impl Files for StackFiles<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.tree
            .read(&resolve(self.folder, path)?)?
            .ok_or(FileError::Missing)
    }
}
