//! Configs and secrets: which object on the Swarm stands for a key of the compose file.
//!
//! Their content cannot change, so changed content means another object, and a
//! name of its own for it. A key is resolved to
//!
//! 1. the object that a service of the stack uses already, if its content equals;
//! 2. the plain name, if it is free or its content equals;
//! 3. the plain name, cut to 51 characters, `_`, and 12 hex digits of the content's hash.
//!
//! **Invariants**
//!
//! - An object that is not ours is neither used for a key of ours, nor changed.
//! - A secret's hash is keyed, in names and labels alike.
//! - What any service's spec refers to is never removed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::file::File;
use super::inputs::{Adopt, Inputs};
use super::ownership::{Standing, standing};
use super::{Action, Change, FileKind, Reason};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::observed::{FileObject, Observed};
use crate::spec::{External, FileSpec, StackSpec};

/// How long a plain name may be beside a suffix: 64 is the engine's limit.
const CUT: usize = 51;
/// Hex digits of the suffix.
pub(super) const DIGITS: usize = 12;

/// A config or secret by kind and name.
pub(super) type FileName = (FileKind, String);

/// What became of the keys.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// By plain name: the object's name.
    pub(super) names: BTreeMap<FileName, String>,
    /// By plain name: what identifies the content, without telling it.
    pub(super) marks: BTreeMap<FileName, String>,
    /// What to create and relabel.
    pub(super) changes: Vec<Change>,
    /// What a person should know.
    pub(super) warnings: Vec<String>,
}

/// Resolves all configs and secrets of the stack.
pub(super) fn resolve(inputs: &Inputs, problems: &mut Diagnostics) -> Files {
    let mut files = Files::default();
    for kind in [FileKind::Config, FileKind::Secret] {
        for spec in specs(inputs, kind) {
            let file = File { inputs, kind, spec };
            file.resolve(&mut files, problems);
        }
    }
    files
}

/// Checks that the configs and secrets that others made exist.
pub(super) fn check_external(inputs: &Inputs, problems: &mut Diagnostics) {
    let desired = inputs.desired;
    for (kind, externals) in [
        (FileKind::Config, &desired.external_configs),
        (FileKind::Secret, &desired.external_secrets),
    ] {
        for External { name, span } in externals {
            if objects(inputs.observed, kind)
                .iter()
                .all(|o| o.name != *name)
            {
                let word = kind.word();
                let message =
                    format!("{word} `{name}` is declared as external, but does not exist");
                let hint = format!("Create it with `docker {word} create {name} FILE`.");
                let code = "external-file-missing";
                problems.push(Diagnostic::error(code, *span, message).hint(hint));
            }
        }
    }
}

/// The configs and secrets that a service's spec refers to, by name.
pub(super) fn references(spec: &Value) -> BTreeSet<FileName> {
    let kinds = [
        (FileKind::Config, "Configs", "ConfigName"),
        (FileKind::Secret, "Secrets", "SecretName"),
    ];
    let lists = kinds.into_iter().flat_map(|(kind, list, name)| {
        let path = format!("/TaskTemplate/ContainerSpec/{list}");
        let items = spec.pointer(&path).and_then(Value::as_array);
        let names = items.into_iter().flatten().map(move |item| item.get(name));
        names.filter_map(move |name| Some((kind, name?.as_str()?.to_owned())))
    });
    lists.collect()
}

/// What goes, because neither the stack nor any service's spec (`used`) refers to it.
pub(super) fn unused(inputs: &Inputs, files: &Files, used: &BTreeSet<FileName>) -> Vec<Change> {
    let wanted: BTreeSet<_> = files.names.iter().map(|((k, _), n)| (*k, n)).collect();
    let mut changes = Vec::new();
    for kind in [FileKind::Config, FileKind::Secret] {
        for object in objects(inputs.observed, kind) {
            let known = wanted.contains(&(kind, &object.name))
                || used.contains(&(kind, object.name.clone()));
            if known || ours(inputs, object, Adopt::Refuse) != Standing::Ours {
                continue;
            }
            let mut specs = specs(inputs, kind).iter();
            let mut change = remove(kind, object);
            if specs.any(|spec| is_version_of(&spec.name, &object.name)) {
                change.reasons = vec![Reason::Outdated];
            }
            changes.push(change);
        }
    }
    changes
}

/// The removal of `object`.
pub(super) fn remove(kind: FileKind, object: &FileObject) -> Change {
    Change {
        action: Action::RemoveFile {
            kind,
            id: object.id.clone(),
            name: object.name.clone(),
        },
        reasons: vec![Reason::Undeclared],
        fields: Vec::new(),
    }
}

/// The Swarm's objects of `kind`.
pub(super) fn objects(observed: &Observed, kind: FileKind) -> &[FileObject] {
    match kind {
        FileKind::Config => &observed.configs,
        FileKind::Secret => &observed.secrets,
    }
}

/// What the stack asks for of `kind`.
pub(super) fn specs<'a>(inputs: &Inputs<'a>, kind: FileKind) -> &'a [FileSpec] {
    match kind {
        FileKind::Config => &inputs.desired.configs,
        FileKind::Secret => &inputs.desired.secrets,
    }
}

/// Who `object` belongs to.
pub(super) fn ours(inputs: &Inputs, object: &FileObject, adopt: Adopt) -> Standing {
    standing(&object.labels, inputs.claim(adopt))
}

/// The content of a config before and after: of the newest version of the config that
/// a plan makes under `name`, and of what `desired` has for it.
pub fn config_before<'a>(
    name: &str,
    desired: &'a StackSpec,
    observed: &'a Observed,
) -> Option<(&'a [u8], &'a [u8])> {
    let spec = desired
        .configs
        .iter()
        .find(|spec| is_version_of(&spec.name, name))?;
    let versions = observed.configs.iter();
    let newest = versions
        .filter(|object| is_version_of(&spec.name, &object.name))
        .max_by_key(|object| object.version)?;
    Some((newest.data.as_deref()?, spec.data.expose()))
}

/// Whether `name` is `plain`, or `plain` with a suffix of ours.
pub(super) fn is_version_of(plain: &str, name: &str) -> bool {
    let rest = name.strip_prefix(cut(plain));
    let suffix = rest.and_then(|rest| rest.strip_prefix('_'));
    let hash = |text: &str| text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit());
    name == plain || suffix.is_some_and(hash)
}

/// `name` without what leaves no room for a suffix. Names are ASCII (the
/// engine's rule); another is left whole, and refused by the engine.
pub(super) fn cut(name: &str) -> &str {
    name.get(..CUT).unwrap_or(name)
}
