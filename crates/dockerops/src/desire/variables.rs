//! What `${NAME}` sees in the compose files of a stack.
//!
//! From the weakest to the strongest: the allowed variables of our environment, the stack's
//! `env_files` in their order, its `env`, its secrets.

use std::path::Path;

use dockerops_core::compose::{Variables, env_file};
use dockerops_core::diagnostic::{Diagnostic, Diagnostics};
use dockerops_core::field::Text;
use dockerops_core::manifest::{Manifest, SecretEntry, StackEntry, is_variable_name};
use dockerops_core::secret::Provenance;
use dockerops_core::source::Sources;

use super::files::path_of;
use super::tree::Tree;
use super::{SecretValues, Values, source_at};

/// The variables of the stack `entry`.
pub(super) fn variables(
    tree: &dyn Tree,
    manifest: &Manifest,
    entry: &StackEntry,
    secrets: &[SecretEntry],
    values: &Values<'_>,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Variables {
    let mut variables = Variables::new(values.compat);
    for (name, value) in values.allowed {
        variables.set_ambient(name, value);
    }
    values.hidden.iter().for_each(|name| variables.forbid(name));
    for file in &entry.env_files {
        add_file(&mut variables, tree, entry, file, sources, out);
    }
    for (name, value) in &entry.env {
        variables.set_ambient(&name.value, &value.value);
    }
    refuse_twice(&entry.env, secrets, out);
    if let Some(nfs) = &manifest.nfs {
        let root = Path::new(&nfs.path.value);
        for entry in secrets {
            add_secret(&mut variables, entry, root, values, out);
        }
    }
    variables
}

fn add_file(
    variables: &mut Variables,
    tree: &dyn Tree,
    entry: &StackEntry,
    file: &Text,
    sources: &mut Sources,
    out: &mut Diagnostics,
) {
    let folder = Path::new(entry.folder());
    let Some(path) = path_of(folder, file, out) else {
        return;
    };
    let Some(id) = source_at(tree, &path, file.span, sources, out) else {
        return;
    };
    for (name, value) in env_file(id, sources, variables, out) {
        if is_variable_name(&name, out) {
            variables.set_ambient(&name.value, &value.value);
        }
    }
}

/// A value in clear beside a secret of that name is a mistake, whichever would win.
fn refuse_twice(env: &[(Text, Text)], secrets: &[SecretEntry], out: &mut Diagnostics) {
    for (name, _) in env {
        let secret = secrets.iter().find(|secret| secret.env.value == name.value);
        let Some(secret) = secret else { continue };
        let message = format!(
            "`{}` is set in `env` and by the secret `{}`",
            name.value, secret.id.value
        );
        let problem = Diagnostic::error("variable-set-twice", name.span, message);
        out.push(problem.hint("Take it out of `env`, or out of `secrets.yaml`."));
    }
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
