//! Carries out `ignore_drift` ([`super::ignore`]): what runs is kept in a body that is asked for.
//!
//! It is done before the two are compared, so nothing of an ignored field differs, is shown or
//! restarts anything, and an update for another reason leaves it as it runs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ignore::{self, KEPT_LABELS};
use super::table::Form;
use crate::body::Body;
use crate::field::Text;
use crate::secret::Provenance;

/// Whether the image is among `ignored`.
pub(super) fn image(ignored: &[Text]) -> bool {
    ignored.iter().any(|field| field.value == "image")
}

/// Puts what `live` has in the fields `ignored` in place of what `body` asks for. Values of the
/// fields that `secrets` (`dockerops.secret-env`) names are marked as secrets.
pub(super) fn keep(body: &mut Body, live: &Body, ignored: &[Text], secrets: &BTreeSet<String>) {
    for place in places(ignored) {
        if place.path.first() == Some(&"Mode") && !same_mode(body, live) {
            continue;
        }
        let value = place.get(live).map(|mut value| {
            place.hide(&mut value, secrets);
            value
        });
        place.put(body, value);
    }
}

/// Takes the fields `ignored` out of `body`: what is left does not change with them.
pub(super) fn leave_out(body: &mut Body, ignored: &[Text]) {
    for place in places(ignored) {
        place.put(body, None);
    }
}

/// A field in a service spec, or one key of it.
struct Place {
    word: &'static str,
    path: Vec<&'static str>,
    form: Form,
    key: Option<String>,
}

/// Where the fields `ignored` stand.
fn places(ignored: &[Text]) -> Vec<Place> {
    let of_one = |field: &Text| {
        let field = field.value.clone();
        let mode = (ignore::REPLICAS == field).then_some(MODE).into_iter();
        let numbers = mode
            .flatten()
            .map(|path| (ignore::REPLICAS, *path, Form::Exact));
        let rows = ignore::rows().map(|row| (row.word, row.path, row.form));
        let all: Vec<_> = rows.chain(numbers).collect();
        all.into_iter().filter_map(move |(word, path, form)| {
            let below = |whole: &str, part: &str| {
                part.strip_prefix(whole)?
                    .strip_prefix('.')
                    .map(str::to_owned)
            };
            let keyed = matches!(form, Form::Map | Form::Pairs);
            let key = below(word, &field).filter(|_| keyed);
            let named = word == field || below(&field, word).is_some() || key.is_some();
            named.then(|| Place {
                word,
                path: path.split('.').collect(),
                form,
                key,
            })
        })
    };
    ignored.iter().flat_map(of_one).collect()
}

/// The numbers of a mode.
const MODE: &[&str] = &[
    "Mode.Replicated.Replicas",
    "Mode.ReplicatedJob.MaxConcurrent",
    "Mode.ReplicatedJob.TotalCompletions",
];

fn same_mode(body: &Body, live: &Body) -> bool {
    let mode = |body: &Body| match body.get("Mode") {
        Some(Body::Map(map)) => map.keys().next().cloned(),
        _ => None,
    };
    mode(body) == mode(live)
}

impl Place {
    /// What stands there.
    fn get(&self, body: &Body) -> Option<Body> {
        let whole = body.at(&self.path)?;
        match (whole, self.form) {
            (Body::Map(map), Form::Map) => {
                let ours = |key: &String| self.is(key);
                let own = map.iter().filter(|(key, _)| ours(key));
                Some(Body::Map(
                    own.map(|(key, value)| (key.clone(), value.clone()))
                        .collect(),
                ))
            }
            (Body::List(items), Form::Pairs) => {
                let own = items.iter().filter(|item| self.is(name_of(item)));
                Some(Body::List(own.cloned().collect()))
            }
            (whole, _) => Some(whole.clone()),
        }
    }

    /// Puts `value` there; `None` takes away what is there.
    fn put(&self, body: &mut Body, value: Option<Body>) {
        let whole = body.at(&self.path).cloned();
        let new = match (self.form, whole) {
            (Form::Map, Some(Body::Map(mut map))) => {
                map.retain(|key, _| !self.is(key));
                Some(Body::Map(with(map, value)))
            }
            (Form::Pairs, Some(Body::List(mut items))) => {
                items.retain(|item| !self.is(name_of(item)));
                items.extend(list(value));
                Some(Body::List(items))
            }
            _ => value,
        };
        set(body, &self.path, new);
    }

    /// Whether `key` of a map or list of pairs is meant. What labels say of us and of Docker stays.
    fn is(&self, key: &str) -> bool {
        let kept =
            self.form == Form::Map && KEPT_LABELS.iter().any(|prefix| key.starts_with(prefix));
        match &self.key {
            Some(own) => own == key,
            None => !kept,
        }
    }

    fn hide(&self, value: &mut Body, secrets: &BTreeSet<String>) {
        match value {
            Body::List(items) if self.form == Form::Pairs => {
                for item in items {
                    let name = name_of(item).to_owned();
                    if secrets.contains(&name) {
                        mark(item, &Provenance::secret(&name));
                    }
                }
            }
            Body::Map(map) if self.form == Form::Map => {
                for (key, item) in map {
                    let word = format!("{}.{key}", self.word);
                    if secrets.contains(&format!("@{word}")) {
                        mark(item, &Provenance::secret(&word));
                    }
                }
            }
            value if secrets.contains(&format!("@{}", self.word)) => {
                mark(value, &Provenance::secret(self.word));
            }
            _ => {}
        }
    }
}

fn mark(body: &mut Body, secret: &Provenance) {
    match body {
        Body::Scalar(_, secrets) => secrets.extend(secret),
        Body::List(items) => items.iter_mut().for_each(|item| mark(item, secret)),
        Body::Map(map) => map.values_mut().for_each(|item| mark(item, secret)),
    }
}

fn with(mut map: BTreeMap<String, Body>, more: Option<Body>) -> BTreeMap<String, Body> {
    if let Some(Body::Map(more)) = more {
        map.extend(more);
    }
    map
}

fn list(body: Option<Body>) -> Vec<Body> {
    match body {
        Some(Body::List(items)) => items,
        _ => Vec::new(),
    }
}

/// The name in `NAME=value`.
fn name_of(item: &Body) -> &str {
    let Body::Scalar(Value::String(text), _) = item else {
        return "";
    };
    text.split('=').next().unwrap_or_default()
}

/// Sets or takes away what `path` leads to, and objects that are empty by that: of some, such as
/// `UpdateConfig`, an empty one means something else than none.
fn set(body: &mut Body, path: &[&str], value: Option<Body>) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        return match (value, body) {
            (Some(value), body) => body.set(*key, value),
            (None, Body::Map(map)) => drop(map.remove(*key)),
            (None, _) => {}
        };
    }
    if value.is_some() && !matches!(body.get(key), Some(Body::Map(_))) {
        body.set(*key, Body::map());
    }
    let Some(inner) = body.get_mut(key) else {
        return;
    };
    let before = is_empty(inner);
    set(inner, rest, value);
    if !before && is_empty(inner) && REMOVABLE.contains(key) {
        set(body, &[key], None);
    }
}

fn is_empty(body: &Body) -> bool {
    matches!(body, Body::Map(map) if map.is_empty())
}

/// Objects that may be absent.
const REMOVABLE: [&str; 8] = [
    "UpdateConfig",
    "RollbackConfig",
    "Healthcheck",
    "RestartPolicy",
    "LogDriver",
    "Limits",
    "Reservations",
    "DNSConfig",
];
