//! One config or secret of the compose file: the object that has its content, or a new one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::files::{DIGITS, FileName, Files, cut, is_version_of, objects, ours, references, specs};
use super::inputs::{Adopt, Inputs};
use super::ownership::{Standing, labels_of, standing};
use super::{Action, Change, FieldChange, FileKind, Reason};
use crate::body::Body;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::fingerprint::{Comparison, sha256};
use crate::names::label;
use crate::observed::{FileObject, Service};
use crate::spec::FileSpec;

/// One key of the compose file.
pub(super) struct File<'a, 'b> {
    pub(super) inputs: &'b Inputs<'a>,
    pub(super) kind: FileKind,
    pub(super) spec: &'a FileSpec,
}

impl<'a> File<'a, '_> {
    /// Finds or makes the object that stands for the key.
    pub(super) fn resolve(&self, files: &mut Files, problems: &mut Diagnostics) {
        let plain = self.spec.name.clone();
        let mark = self.mark();
        files.marks.insert((self.kind, plain.clone()), mark);
        let name = match self.existing() {
            Some((object, comparison)) => {
                self.keep(object, comparison, files);
                object.name.clone()
            }
            None => self.create(files, problems),
        };
        files.names.insert((self.kind, plain), name);
    }

    /// The object that stands for the key already.
    fn existing(&self) -> Option<(&'a FileObject, Comparison)> {
        let compared: Vec<_> = self
            .candidates()
            .map(|object| (object, self.compare(object)))
            .collect();
        let used = self.used();
        let (in_use, idle): (Vec<_>, Vec<_>) = compared
            .into_iter()
            .partition(|(object, _)| used.contains(&(self.kind, object.name.clone())));
        let find = |list: &[(&'a FileObject, Comparison)], wanted: Comparison| {
            list.iter().find(|(_, found)| *found == wanted).copied()
        };
        if let Some(equal) = find(&in_use, Comparison::Equal) {
            return Some(equal);
        }
        // What cannot be compared counts as equal, unless another version is in use.
        if find(&in_use, Comparison::Different).is_none() {
            if let Some(unknown) = find(&in_use, Comparison::Unknown) {
                return Some(unknown);
            }
            let plain = |(object, found): &(&FileObject, Comparison)| {
                object.name == self.spec.name && *found == Comparison::Unknown
            };
            if let Some(unknown) = idle.iter().copied().find(plain) {
                return Some(unknown);
            }
        }
        find(&idle, Comparison::Equal)
    }

    /// Objects of ours that have the key's plain name or a version of it, the plain one first.
    fn candidates(&self) -> impl Iterator<Item = &'a FileObject> {
        let adopt = self.inputs.policy.adopt;
        let mut found: Vec<_> = objects(self.inputs.observed, self.kind)
            .iter()
            .filter(|object| self.is_version(&object.name))
            .filter(|object| ours(self.inputs, object, adopt) == Standing::Ours)
            .collect();
        found.sort_by_key(|object| (object.name != self.spec.name, &object.name));
        found.into_iter()
    }

    fn is_version(&self, name: &str) -> bool {
        let plain = self.spec.name.as_str();
        let mut others = specs(self.inputs, self.kind).iter();
        name == plain || (is_version_of(plain, name) && others.all(|other| other.name != name))
    }

    /// What services of this stack refer to.
    fn used(&self) -> BTreeSet<FileName> {
        let adopt = self.inputs.policy.adopt;
        let ours = |service: &&Service| {
            standing(&labels_of(service), self.inputs.claim(adopt)) == Standing::Ours
        };
        let services = self.inputs.observed.services.iter().filter(ours);
        services
            .flat_map(|service| references(&service.spec))
            .collect()
    }

    fn compare(&self, object: &FileObject) -> Comparison {
        if settings(|key| object.spec.get(key).cloned())
            != settings(|key| self.spec.body.get(key).map(Body::expose))
        {
            return Comparison::Different;
        }
        let found = match self.kind {
            FileKind::Config => match object.data.as_deref() {
                Some(data) if data == self.spec.data.expose() => Comparison::Equal,
                _ => Comparison::Different,
            },
            FileKind::Secret => {
                let label = object.labels.get(label::FINGERPRINT).map(String::as_str);
                self.inputs.key.compare(label, &self.material())
            }
        };
        match found {
            Comparison::Unknown if self.inputs.rotate.contains(&self.spec.name) => {
                Comparison::Different
            }
            found => found,
        }
    }

    /// What decides the content.
    fn material(&self) -> Vec<u8> {
        let mut material = self.spec.data.expose().to_vec();
        let settings = settings(|key| self.spec.body.get(key).map(Body::expose));
        for value in settings.into_iter().flatten() {
            material.extend(value.to_string().into_bytes());
        }
        material
    }

    /// A hash of the content; keyed, of secrets.
    fn mark(&self) -> String {
        match self.kind {
            FileKind::Config => sha256(&self.material()),
            FileKind::Secret => self.inputs.key.fingerprint(&self.material()),
        }
    }

    /// A free name for new content.
    fn create(&self, files: &mut Files, problems: &mut Diagnostics) -> String {
        let plain = &self.spec.name;
        let taken = |name: &str| {
            let mut all = objects(self.inputs.observed, self.kind).iter();
            all.any(|object| object.name == name)
        };
        let mark = self.mark();
        let hash = mark.rsplit(':').next().unwrap_or_default();
        let suffixed = format!("{}_{}", cut(plain), hash.get(..DIGITS).unwrap_or(hash));
        let name = match (taken(plain), taken(&suffixed)) {
            (false, _) => plain.clone(),
            (true, false) => suffixed,
            (true, true) => {
                problems.push(self.name_taken(&suffixed));
                return suffixed;
            }
        };
        if name != *plain && self.spec.explicit_name {
            files.warnings.push(format!(
                "{} `{plain}` is taken with other content; this stack uses `{name}`",
                self.kind.word()
            ));
        }
        files.changes.push(self.creation(&name));
        name
    }

    fn name_taken(&self, name: &str) -> Diagnostic {
        let message = format!(
            "{} `{}` cannot be made: `{name}` exists, but is not ours",
            self.kind.word(),
            self.spec.name
        );
        Diagnostic::error("name-taken", self.spec.span, message)
            .hint("Remove the object of that name, or give this one another `name`.")
    }

    fn creation(&self, name: &str) -> Change {
        let mut body = self.spec.body.clone();
        body.set("Name", name);
        body.set("Labels", Body::object(self.labels()));
        let reason = match self.candidates().next() {
            None => Reason::Missing,
            Some(_) => Reason::FileChanged(self.spec.name.clone()),
        };
        Change {
            action: Action::CreateFile {
                kind: self.kind,
                name: name.to_owned(),
                body,
                data: self.spec.data.clone(),
            },
            reasons: vec![reason],
            fields: Vec::new(),
        }
    }

    /// The labels asked for, and ours.
    fn labels(&self) -> BTreeMap<String, Body> {
        let mut labels = match self.spec.body.get("Labels") {
            Some(Body::Map(labels)) => labels.clone(),
            _ => BTreeMap::new(),
        };
        labels.insert(
            label::REPOSITORY.to_owned(),
            Body::from(self.inputs.owner.0.as_str()),
        );
        if self.kind == FileKind::Secret {
            labels.insert(label::FINGERPRINT.to_owned(), Body::from(self.mark()));
        }
        labels
    }

    fn keep(&self, object: &FileObject, comparison: Comparison, files: &mut Files) {
        if comparison == Comparison::Unknown {
            let name = &self.spec.name;
            files.warnings.push(format!(
                "secret `{name}`: content could not be compared, kept; `--rotate {name}` replaces it"
            ));
        }
        let fields = self.label_changes(object);
        if fields.is_empty() {
            return;
        }
        let mut body = Body::from(object.spec.clone());
        body.set("Labels", Body::object(self.labels()));
        let adopted = !object.labels.contains_key(label::REPOSITORY);
        files.changes.push(Change {
            action: Action::RelabelFile {
                kind: self.kind,
                id: object.id.clone(),
                version: object.version,
                name: object.name.clone(),
                body,
            },
            reasons: vec![if adopted {
                Reason::Adopted
            } else {
                Reason::Differs
            }],
            fields,
        });
    }

    fn label_changes(&self, object: &FileObject) -> Vec<FieldChange> {
        let wanted = self.labels();
        let compare = self.inputs.policy.adopt == Adopt::Compare;
        let keys: BTreeSet<_> = wanted.keys().chain(object.labels.keys()).collect();
        keys.into_iter()
            .filter(|key| !(compare && key.starts_with(label::PREFIX)))
            .filter_map(|key| {
                let (old, new) = (object.labels.get(key), wanted.get(key));
                if old.map(String::as_str) == new.and_then(Body::as_str) {
                    return None;
                }
                let secrets = new.map(Body::secrets).unwrap_or_default();
                let show = |text: &str| {
                    if secrets.is_secret() {
                        secrets.mask()
                    } else {
                        text.to_owned()
                    }
                };
                Some(FieldChange {
                    field: format!("labels.{key}"),
                    // Nothing remembers whether a secret was in it.
                    old: old.map(|_| "[not shown]".to_owned()),
                    new: new.and_then(Body::as_str).map(show),
                })
            })
            .collect()
    }
}

/// What cannot be changed besides the content. Absent and empty are the same.
fn settings(get: impl Fn(&str) -> Option<Value>) -> Vec<Option<Value>> {
    ["Driver", "Templating"]
        .into_iter()
        .map(|key| get(key).and_then(|value| super::normalise::clean(&Body::from(value))))
        .map(|body| body.map(|body| body.expose()))
        .collect()
}
