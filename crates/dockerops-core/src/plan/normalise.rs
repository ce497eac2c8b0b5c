//! Service specs in a form in which what we ask for and what the engine stores
//! are equal exactly when they mean the same.
//!
//! The form is flat: from the compose file's word for a field to its value. So
//! the comparison and the list of changes that people read are one thing. The
//! rules are in [`super::table`]; here they are carried out.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::table::{Form, TABLE, find};
use crate::body::Body;
use crate::image::ImageRef;
use crate::observed::Observed;
use crate::secret::Provenance;

/// A spec in comparable form, by word.
pub(super) type Fields = BTreeMap<String, Entry>;

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Where in the spec it stands: which part of the spec it changes.
    pub(super) path: Vec<String>,
    /// How it is shown.
    pub(super) form: Form,
    /// Whether the table has it.
    pub(super) known: bool,
    /// Its value, without what the engine leaves out.
    pub(super) value: Body,
}

/// The names behind the network ids in live specs.
#[derive(Debug, Clone, Default)]
pub(super) struct NetworkNames(BTreeMap<String, String>);

impl NetworkNames {
    /// Names only swarm-scoped networks: a service can have no other (local ones
    /// may share their names).
    pub(super) fn new(observed: &Observed) -> Self {
        let swarm = observed.networks.iter().filter(|net| net.scope == "swarm");
        Self(swarm.map(|n| (n.id.clone(), n.name.clone())).collect())
    }

    /// `spec` with names in place of ids in `TaskTemplate.Networks`.
    ///
    /// The swarm-scoped `host` network is in no list (measured on engine 20.10):
    /// an id that no list has is taken for `predefined`, the one such network
    /// that is asked for.
    pub(super) fn resolve(&self, spec: &mut Body, predefined: Option<&str>) {
        for at in [&["TaskTemplate", "Networks"][..], &["Networks"][..]] {
            let Some(Body::List(networks)) = at_mut(spec, at) else {
                continue;
            };
            for network in networks {
                let Some(target) = network.get("Target").and_then(Body::as_str) else {
                    continue;
                };
                let name = self.0.get(target).map(String::as_str);
                let known = self.0.values().any(|name| name == target);
                let name = name.or(if known { None } else { predefined });
                if let Some(name) = name.map(str::to_owned) {
                    network.set("Target", name);
                }
            }
        }
    }
}

/// Follows object keys, to change.
pub(super) fn at_mut<'a>(body: &'a mut Body, path: &[&str]) -> Option<&'a mut Body> {
    path.iter().try_fold(body, |body, key| body.get_mut(key))
}

/// The comparable form of `spec`, whose networks are known by name.
pub(super) fn normalise(spec: &Body) -> Fields {
    let mut fields = Fields::new();
    walk(spec, &mut Vec::new(), &mut fields);
    for row in TABLE {
        if let Some(default) = row.default {
            let path = row.path.split('.').map(str::to_owned).collect();
            fields.entry(row.word.to_owned()).or_insert(Entry {
                path,
                form: row.form,
                known: true,
                value: Body::from(default),
            });
        }
    }
    fields
}

fn walk(body: &Body, path: &mut Vec<String>, fields: &mut Fields) {
    if let Some(row) = find(&path.join(".")) {
        add(body, row.word, row.form, path, fields);
        return;
    }
    match body {
        Body::Map(map) => {
            for (key, value) in map {
                path.push(key.clone());
                walk(value, path, fields);
                path.pop();
            }
        }
        leaf => insert_unknown(leaf, path, fields),
    }
}

fn insert_unknown(leaf: &Body, path: &[String], fields: &mut Fields) {
    if let Some(value) = clean(leaf) {
        let entry = Entry {
            path: path.to_vec(),
            form: Form::Plain,
            known: false,
            value,
        };
        fields.insert(path.join("."), entry);
    }
}

fn add(body: &Body, word: &str, form: Form, path: &[String], fields: &mut Fields) {
    let mut insert = |word: String, value: Option<Body>| {
        if let Some(value) = value {
            let entry = Entry {
                path: path.to_vec(),
                form,
                known: true,
                value,
            };
            fields.insert(word, entry);
        }
    };
    match (form, body) {
        (Form::Ignored, _) => {}
        (Form::Plain | Form::Nanos | Form::Cpus, _) => insert(word.to_owned(), clean(body)),
        (Form::Exact | Form::ExactNanos, _) => insert(word.to_owned(), not_null(body)),
        (Form::Image, _) => insert(word.to_owned(), Some(image(body))),
        (Form::Set, Body::List(items)) => insert(word.to_owned(), set(items, clean)),
        (Form::Mounts, Body::List(items)) => insert(word.to_owned(), set(items, mount)),
        (Form::Ports, Body::List(items)) => insert(word.to_owned(), set(items, port)),
        (Form::Files, Body::List(items)) => insert(word.to_owned(), set(items, file)),
        (Form::Networks, Body::List(items)) => insert(word.to_owned(), set(items, network)),
        (Form::Pairs, Body::List(items)) => {
            for (name, value) in items.iter().filter_map(pair) {
                insert(format!("{word}.{name}"), Some(value));
            }
        }
        (Form::Map, Body::Map(map)) => {
            for (key, value) in map {
                insert(format!("{word}.{key}"), Some(value.clone()));
            }
        }
        (Form::Mode, Body::Map(map)) => {
            for (word, value) in mode(map) {
                insert(word.to_owned(), Some(value));
            }
        }
        (_, other) => insert(word.to_owned(), clean(other)),
    }
}

/// Splits `NAME=value`. A bare `NAME` takes no value at all, which differs from
/// an empty one (measured on engine 20.10); its value here is `null`.
fn pair(item: &Body) -> Option<(String, Body)> {
    let Body::Scalar(Value::String(text), secrets) = item else {
        return None;
    };
    Some(match text.split_once('=') {
        Some((name, value)) => (
            name.to_owned(),
            Body::Scalar(Value::from(value), secrets.clone()),
        ),
        // Without `=` the secret may be the name.
        None if secrets.is_secret() => (secrets.mask(), item.clone()),
        None => (text.clone(), Body::null()),
    })
}

fn mode(map: &BTreeMap<String, Body>) -> Vec<(&'static str, Body)> {
    let number = |body: &Body, key| body.get(key).and_then(not_null);
    let mut fields = Vec::new();
    for (key, body) in map {
        let one = || Body::from(1_u64);
        match key.as_str() {
            "Replicated" => {
                fields.push(("deploy.mode", Body::from("replicated")));
                let replicas = number(body, "Replicas").unwrap_or_else(one);
                fields.push(("deploy.replicas", replicas));
            }
            "ReplicatedJob" => {
                fields.push(("deploy.mode", Body::from("replicated-job")));
                let at_once = number(body, "MaxConcurrent").unwrap_or_else(one);
                let total = number(body, "TotalCompletions").unwrap_or_else(|| at_once.clone());
                fields.push(("deploy.replicas", total));
                fields.push(("deploy.replicas at once", at_once));
            }
            "GlobalJob" => fields.push(("deploy.mode", Body::from("global-job"))),
            "Global" => fields.push(("deploy.mode", Body::from("global"))),
            _ => fields.push(("deploy.mode", Body::from(key.as_str()))),
        }
    }
    fields
}

fn image(body: &Body) -> Body {
    let Body::Scalar(Value::String(text), secrets) = body else {
        return body.clone();
    };
    let text = ImageRef::parse(text).map_or_else(|_| text.clone(), |image| image.familiar());
    Body::Scalar(Value::from(text), secrets.clone())
}

/// E: `Consistency` is dropped. S: an absent propagation is `rprivate`.
fn mount(item: &Body) -> Option<Body> {
    let mut item = item.clone();
    if let Body::Map(map) = &mut item {
        map.remove("Consistency");
    }
    if let Some(Body::Map(bind)) = item.get_mut("BindOptions")
        && bind.get("Propagation").and_then(Body::as_str) == Some("rprivate")
    {
        bind.remove("Propagation");
    }
    clean(&item)
}

fn port(item: &Body) -> Option<Body> {
    let mut item = clean(item)?;
    for (key, default) in [("Protocol", "tcp"), ("PublishMode", "ingress")] {
        if item.get(key).is_none() {
            item.set(key, default);
        }
    }
    Some(item)
}

fn file(item: &Body) -> Option<Body> {
    let mut item = item.clone();
    if let Body::Map(map) = &mut item {
        map.remove("ConfigID");
        map.remove("SecretID");
    }
    clean(&item)
}

fn network(item: &Body) -> Option<Body> {
    let mut item = clean(item)?;
    if let Some(Body::List(aliases)) = item.get_mut("Aliases") {
        aliases.retain(|alias| alias.as_str().is_some());
        aliases.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        aliases.dedup_by(|a, b| a.as_str() == b.as_str());
    }
    Some(item)
}

/// Sorted by what the elements are, secrets included: nothing of the order is shown.
fn set(items: &[Body], form: fn(&Body) -> Option<Body>) -> Option<Body> {
    let mut items: Vec<_> = items.iter().filter_map(form).collect();
    items.sort_by_cached_key(|item| item.expose().to_string());
    (!items.is_empty()).then_some(Body::List(items))
}

/// `body` without what the engine does not store: `None` when nothing is left.
pub(super) fn clean(body: &Body) -> Option<Body> {
    match body {
        Body::Scalar(Value::Null | Value::Bool(false), _) => None,
        Body::Scalar(Value::String(text), _) if text.is_empty() => None,
        Body::Scalar(Value::Number(number), secrets) => {
            let number = plain_number(number);
            (number != Number::from(0)).then(|| Body::Scalar(number.into(), secrets.clone()))
        }
        Body::Scalar(..) => Some(body.clone()),
        Body::List(items) if items.is_empty() => None,
        // An empty text in a list is an element: `command: ["sh", "-c", ""]`.
        Body::List(items) => Some(Body::List(
            items
                .iter()
                .map(|item| clean(item).unwrap_or_else(|| item.clone()))
                .collect(),
        )),
        Body::Map(map) => {
            let kept = map
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), clean(value)?)));
            let kept: BTreeMap<_, _> = kept.collect();
            (!kept.is_empty()).then_some(Body::Map(kept))
        }
    }
}

fn not_null(body: &Body) -> Option<Body> {
    match body {
        Body::Scalar(Value::Null, _) => None,
        Body::Scalar(Value::Number(number), secrets) => {
            Some(Body::Scalar(plain_number(number).into(), secrets.clone()))
        }
        other => Some(other.clone()),
    }
}

/// `2.0` and `2` are one number; the engine writes ratios either way.
fn plain_number(number: &Number) -> Number {
    let whole = number
        .as_f64()
        .filter(|value| number.is_f64() && value.fract() == 0.0 && value.abs() < 1e15);
    match whole {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 1e15")]
        Some(value) => Number::from(value as i64),
        None => number.clone(),
    }
}

/// A live spec as a body in which every value that `desired` marks as secret is
/// marked too, wherever it stands.
pub(super) fn tainted(live: &Value, desired: &Body) -> Body {
    let mut secrets = BTreeMap::new();
    collect(desired, &mut secrets);
    let mut body = Body::from(live.clone());
    taint(&mut body, &secrets);
    body
}

fn collect(body: &Body, secrets: &mut BTreeMap<String, Provenance>) {
    match body {
        Body::Scalar(value, from) if from.is_secret() => {
            secrets.insert(value.to_string(), from.clone());
        }
        Body::Scalar(..) => {}
        Body::List(items) => items.iter().for_each(|item| collect(item, secrets)),
        Body::Map(map) => map.values().for_each(|item| collect(item, secrets)),
    }
}

fn taint(body: &mut Body, secrets: &BTreeMap<String, Provenance>) {
    match body {
        Body::Scalar(value, mark) => {
            if let Some(from) = secrets.get(&value.to_string()) {
                mark.extend(from);
            }
        }
        Body::List(items) => items.iter_mut().for_each(|item| taint(item, secrets)),
        Body::Map(map) => map.values_mut().for_each(|item| taint(item, secrets)),
    }
}
