//! What a run leaves, in words that do not depend on when it ran.
//!
//! Ids, versions and times are left out. Configs and secrets are named by their content, as
//! which of several names one gets depends on what was there before it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use dockerops_lab::LabError;
use serde_json::{Value, json};

use super::site::Site;

/// Everything that is left, a line each.
pub(super) struct Snapshot(Vec<String>);

/// Of the database, what does not tell when and how often something was tried.
const ROWS: [(&str, &str); 8] = [
    ("repository", "SELECT url FROM repository_cache"),
    (
        "stack",
        "SELECT name, compose_path, hash, status FROM stacks",
    ),
    ("deployment", "SELECT stack FROM deployments"),
    ("image", "SELECT name, reference_count FROM images"),
    ("uses", "SELECT stack, image, services FROM image_uses"),
    ("hold", "SELECT stack, state FROM holds"),
    ("unfinished", "SELECT stack FROM rollouts"),
    ("suspended", "SELECT stack FROM suspensions"),
];

impl Snapshot {
    /// Takes one, when everything that is being removed is gone.
    pub(super) fn of(site: &Site<'_>) -> Result<Self, LabError> {
        let mut lines = Vec::new();
        let names = files(site, &mut lines)?;
        services(site, &names, &mut lines)?;
        for (kind, query) in ROWS {
            let rows = site.rows(query)?;
            lines.extend(rows.lines().map(|row| format!("{kind} {row}")));
        }
        tree(&site.person.nfs(), Path::new(""), &mut lines)?;
        home(site, &mut lines)?;
        lines.sort();
        Ok(Self(lines))
    }

    /// The lines that only one of the two has are the error.
    pub(super) fn must_equal(&self, wanted: &Self) -> Result<(), LabError> {
        let missing = wanted.0.iter().filter(|line| !self.0.contains(line));
        let extra = self.0.iter().filter(|line| !wanted.0.contains(line));
        let mut lines: Vec<_> = missing.map(|line| format!("- {line}")).collect();
        lines.extend(extra.map(|line| format!("+ {line}")));
        if lines.is_empty() && self.0.len() == wanted.0.len() {
            return Ok(());
        }
        Err(LabError::Claim(format!(
            "nothing else is left:\n{}",
            lines.join("\n")
        )))
    }
}

/// Configs, secrets and networks of the stacks; gives what to call each by its id.
fn files(site: &Site<'_>, lines: &mut Vec<String>) -> Result<BTreeMap<String, String>, LabError> {
    let mut names = BTreeMap::new();
    for (path, kind) in [
        ("/configs", "config"),
        ("/secrets", "secret"),
        ("/networks", "network"),
    ] {
        let all = site.person.lab.engine_get(path)?;
        for object in all.as_array().into_iter().flatten() {
            let spec = object.get("Spec").unwrap_or(object);
            let name = text(spec, "/Name");
            let id = object.get("ID").or_else(|| object.get("Id"));
            let content = match kind {
                "config" => text(spec, "/Data"),
                "secret" => text(spec, "/Labels/dockerops.fingerprint"),
                _ => name.clone(),
            };
            let word = format!("{kind} {content}");
            names.insert(
                id.and_then(Value::as_str).unwrap_or_default().to_owned(),
                word.clone(),
            );
            if name.starts_with(&site.person.name) {
                lines.push(format!(
                    "{word} {}",
                    spec.get("Labels").unwrap_or(&Value::Null)
                ));
            }
        }
    }
    Ok(names)
}

fn services(
    site: &Site<'_>,
    names: &BTreeMap<String, String>,
    lines: &mut Vec<String>,
) -> Result<(), LabError> {
    for stack in site.stacks() {
        for (name, service) in site.person.lab.services(&stack)? {
            let mut spec = service.get("Spec").cloned().unwrap_or_default();
            without_ids(&mut spec, names);
            lines.push(format!("service {name} {spec}"));
        }
    }
    Ok(())
}

fn without_ids(spec: &mut Value, names: &BTreeMap<String, String>) {
    // How often a service was restarted for its bindings is history.
    if let Some(template) = spec.get_mut("TaskTemplate").and_then(Value::as_object_mut) {
        template.remove("ForceUpdate");
    }
    let word = |id: &Value| names.get(id.as_str().unwrap_or_default()).cloned();
    let mut each = |pointer: &str, id: &str, also: &str| {
        let items = spec.pointer_mut(pointer).and_then(Value::as_array_mut);
        for item in items.into_iter().flatten() {
            item[id] = json!(item.get(id).and_then(word));
            if let Some(item) = item.as_object_mut() {
                item.remove(also);
            }
        }
    };
    each("/TaskTemplate/Networks", "Target", "");
    each(
        "/TaskTemplate/ContainerSpec/Configs",
        "ConfigID",
        "ConfigName",
    );
    each(
        "/TaskTemplate/ContainerSpec/Secrets",
        "SecretID",
        "SecretName",
    );
}

/// Every file and folder on the shared storage. A ledger has times in it.
fn tree(root: &Path, folder: &Path, lines: &mut Vec<String>) -> Result<(), LabError> {
    for entry in fs::read_dir(root.join(folder)).map_err(io)? {
        let entry = entry.map_err(io)?;
        let (path, about) = (
            folder.join(entry.file_name()),
            entry.metadata().map_err(io)?,
        );
        let mode = about.permissions().mode();
        if about.is_dir() {
            lines.push(format!("folder {} {mode:o}", path.display()));
            tree(root, &path, lines)?;
        } else {
            let is_ledger = path.starts_with(".dockerops");
            let content = if is_ledger {
                Vec::new()
            } else {
                fs::read(entry.path()).map_err(io)?
            };
            let content = String::from_utf8_lossy(&content);
            lines.push(format!("file {} {mode:o} {content:?}", path.display()));
        }
    }
    Ok(())
}

/// What lies in the home folder, and what no finished program leaves in a mirror.
fn home(site: &Site<'_>, lines: &mut Vec<String>) -> Result<(), LabError> {
    let mut find = std::process::Command::new("find");
    find.arg(site.person.home()).args(["-mindepth", "1", "("]);
    find.args(["-maxdepth", "3", "-not", "-path", "*.git/*"]);
    find.args(["-o", "-name", "*.lock", "-o", "-name", "tmp_*", ")"]);
    find.args(["-printf", "home %P\n"]);
    let found = dockerops_lab::process::output(&mut find)?;
    lines.extend(found.lines().map(str::to_owned));
    Ok(())
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

fn io(source: std::io::Error) -> LabError {
    let doing = "cannot read the shared storage".to_owned();
    LabError::Io { doing, source }
}
