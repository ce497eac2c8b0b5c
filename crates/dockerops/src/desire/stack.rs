//! One stack of a repository: its folder, compose file and secrets → [`StackSpec`].

use std::path::Path;

use dockerops_core::compose::{self, FileError, Files, Origin, Request, Variables};
use dockerops_core::diagnostic::{Diagnostic, Diagnostics};
use dockerops_core::manifest::{self, Manifest, SecretEntry, StackEntry};
use dockerops_core::secret::Provenance;
use dockerops_core::source::Sources;
use dockerops_core::spec::{self, Input, StackSpec};

use super::tree::{Tree, resolve};
use super::{DesiredStack, Values, source};

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
    let spec = path
        .as_deref()
        .and_then(|path| read(tree, manifest, &name, path, values, sources, &mut out));
    DesiredStack {
        compose_path: path.unwrap_or_else(|| name.to_string()),
        spec: spec.filter(|_| !out.has_errors()),
        name,
        diagnostics: out,
    }
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
    name: &dockerops_core::names::StackName,
    path: &str,
    values: &Values<'_>,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<StackSpec> {
    let variables = variables(tree, manifest, name.as_str(), values, sources, out)?;
    let file = source(tree, path, sources, out)?;
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
    let compose = compose::load(&request, sources, out)?;
    let input = Input {
        stack: name,
        volumes: &manifest.volumes,
        nfs: manifest.nfs.as_ref().map(|nfs| nfs.path.value.as_str()),
        origin: Origin::Repository,
    };
    spec::convert(&compose, &input, out)
}

/// What `${NAME}` sees: the allowed variables, and over them the stack's secrets.
fn variables(
    tree: &dyn Tree,
    manifest: &Manifest,
    folder: &str,
    values: &Values<'_>,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Variables> {
    let mut variables = Variables::new(values.compat);
    for (name, value) in values.allowed {
        variables.set(name, value, Provenance::none());
    }
    values.hidden.iter().for_each(|name| variables.forbid(name));
    let path = format!("{folder}/secrets.yaml");
    let Some(file) = source(tree, &path, sources, out) else {
        return (!out.has_errors()).then_some(variables);
    };
    let entries = manifest::parse_secrets(sources, file, out)?;
    manifest::check_nfs(manifest, !entries.is_empty(), out);
    let nfs = manifest.nfs.as_ref()?;
    for entry in &entries {
        add_secret(
            &mut variables,
            entry,
            Path::new(&nfs.path.value),
            values,
            out,
        );
    }
    Some(variables)
}

fn add_secret(
    variables: &mut Variables,
    entry: &SecretEntry,
    nfs: &Path,
    values: &Values<'_>,
    out: &mut Diagnostics,
) {
    let id = &entry.id.value;
    // What needs the value is not to be complained of, too.
    variables.set(&entry.env.value, "[secret]", Provenance::secret(id));
    let diagnostic = match (values.secret)(nfs, id) {
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
