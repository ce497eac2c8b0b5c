//! The body that a service should have: what the compose file says, its image
//! pinned, its configs and secrets by the names of their objects, and our labels.
//!
//! Our labels sit on the service, never on its containers: a changed label there
//! restarts tasks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::FileKind;
use super::files::Files;
use super::inputs::{Adopt, Inputs};
use super::keep;
use super::normalise::{Fields, at_mut, normalise, tainted};
use super::ownership::labels_of;
use super::pins::Chosen;
use crate::body::Body;
use crate::field::Text;
use crate::names::label;
use crate::observed::Service;
use crate::order;
use crate::spec::ServiceSpec;

/// How much of a binding's hash the label keeps.
const HASH: usize = 16;

/// A service as it should be.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The whole body.
    pub(super) body: Body,
    /// Its comparable form.
    pub(super) fields: Fields,
    /// A keyed hash of what is asked for, by which a failed attempt is known again.
    pub(super) hash: String,
    /// Ids of bindings whose files changed since the service was last written.
    pub(super) bindings_changed: Vec<String>,
}

/// Builds the body of `service`; `live` is what runs under its name.
pub(super) fn wanted(
    inputs: &Inputs,
    service: &ServiceSpec,
    live: Option<&Service>,
    chosen: &Chosen,
    files: &Files,
) -> Wanted {
    let was = live.map(labels_of).unwrap_or_default();
    let bindings = bindings(inputs, service, &was);
    let mut body = service.body.clone();
    if let Some(container) = at_mut(&mut body, &["TaskTemplate", "ContainerSpec"]) {
        let mut image = Body::from(chosen.image.as_str());
        if let Body::Scalar(_, secrets) = &mut image {
            secrets.extend(&service.image.secrets);
        }
        container.set("Image", image);
    }
    if !matches!(body.get("Labels"), Some(Body::Map(_))) {
        body.set("Labels", Body::map());
    }
    let order = order::label_of(service, &inputs.desired.name);
    let mut asked = body.clone();
    keep::leave_out(&mut asked, inputs.ignore_drift);
    let hash = hash(inputs, &asked, files, &bindings, order.as_deref());
    if let Some(live) = live {
        keep_ignored(&mut body, live, inputs.ignore_drift);
    }
    rename(&mut body, files);
    let ours = match inputs.policy.adopt {
        Adopt::Compare => was
            .iter()
            .filter(|(key, _)| key.starts_with(label::PREFIX))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        _ => labels(inputs, service, chosen, &bindings, &body),
    };
    if let Some(labels) = body.get_mut("Labels") {
        for (key, value) in ours {
            labels.set(key, value);
        }
    }
    Wanted {
        fields: normalise(&body),
        hash,
        bindings_changed: changed(&bindings, was.get(label::BINDINGS)),
        body,
    }
}

/// Keeps what runs in the fields `ignored`; with the image, the label that says its text.
fn keep_ignored(body: &mut Body, live: &Service, ignored: &[Text]) {
    if ignored.is_empty() {
        return;
    }
    let labels = labels_of(live);
    let running = tainted(&live.spec, body);
    keep::keep(body, &running, ignored, &secret_names(&labels));
    if let (true, Some(text)) = (keep::image(ignored), labels.get(label::IMAGE))
        && let Some(labels) = body.get_mut("Labels")
    {
        labels.set(label::IMAGE, text.as_str());
    }
}

/// The names in a `dockerops.secret-env` label.
pub(super) fn secret_names(labels: &BTreeMap<String, String>) -> BTreeSet<String> {
    let names = labels.get(label::SECRET_ENV).map(|names| names.split(','));
    names.into_iter().flatten().map(str::to_owned).collect()
}

fn labels(
    inputs: &Inputs,
    service: &ServiceSpec,
    chosen: &Chosen,
    bindings: &BTreeMap<String, String>,
    body: &Body,
) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    labels.insert(label::REPOSITORY.to_owned(), inputs.owner.0.clone());
    if let Some(pin) = &chosen.pin {
        labels.insert(label::PIN.to_owned(), pin.clone());
    }
    if !bindings.is_empty() {
        labels.insert(label::BINDINGS.to_owned(), binding_label(bindings));
    }
    if let Some(order) = order::label_of(service, &inputs.desired.name) {
        labels.insert(label::DEPENDS_ON.to_owned(), order);
    }
    let names = secret_fields(service, body);
    if !names.is_empty() {
        let names: Vec<_> = names.into_iter().collect();
        labels.insert(label::SECRET_ENV.to_owned(), names.join(","));
    }
    labels
}

/// The variables that hold a secret, and, marked by `@`, the other fields that do:
/// so that an old value is masked even after the secret has left the compose file.
fn secret_fields(service: &ServiceSpec, body: &Body) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = service.secret_env.iter().cloned().collect();
    for (word, entry) in normalise(body) {
        if entry.value.secrets().is_secret() {
            names.insert(match word.strip_prefix("environment.") {
                Some(name) => name.to_owned(),
                None => format!("@{word}"),
            });
        }
    }
    names
}

/// By id: the hash that the service should carry. One that is not known now
/// stays as the service has it.
fn bindings(
    inputs: &Inputs,
    service: &ServiceSpec,
    was: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let was = was.get(label::BINDINGS).map(|text| parse_bindings(text));
    let was = was.unwrap_or_default();
    let hash = |id: &String| match inputs.bindings.get(id) {
        Some(hash) => Some(hash.get(..HASH).unwrap_or(hash).to_owned()),
        None => was.get(id).cloned(),
    };
    let ids = service.bindings.iter();
    ids.filter_map(|id| Some((id.clone(), hash(id)?))).collect()
}

fn binding_label(bindings: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = bindings
        .iter()
        .map(|(id, hash)| format!("{id}={hash}"))
        .collect();
    pairs.join(",")
}

fn parse_bindings(text: &str) -> BTreeMap<String, String> {
    text.split(',')
        .filter_map(|pair| pair.rsplit_once('='))
        .map(|(id, hash)| (id.to_owned(), hash.to_owned()))
        .collect()
}

/// A binding without a hash on the Swarm is a baseline, not a change.
fn changed(bindings: &BTreeMap<String, String>, was: Option<&String>) -> Vec<String> {
    let was = was.map(|text| parse_bindings(text)).unwrap_or_default();
    let differs = |(id, hash): &(&String, &String)| was.get(*id).is_some_and(|was| was != *hash);
    bindings
        .iter()
        .filter(differs)
        .map(|(id, _)| id.clone())
        .collect()
}

/// Independent of what runs: names of objects, ids and counters are left out.
fn hash(
    inputs: &Inputs,
    body: &Body,
    files: &Files,
    bindings: &BTreeMap<String, String>,
    order: Option<&str>,
) -> String {
    let spec = body.expose();
    let contents: Vec<_> = super::files::references(&spec)
        .into_iter()
        .filter_map(|name| files.marks.get(&name))
        .collect();
    let mut all = vec![json!(spec), json!(contents), json!(bindings)];
    all.extend(order.map(Value::from));
    let all = Value::from(all);
    inputs.key.fingerprint(all.to_string().as_bytes())
}

/// Puts the names of the objects in place of plain ones.
fn rename(body: &mut Body, files: &Files) {
    for (kind, list, key) in [
        (FileKind::Config, "Configs", "ConfigName"),
        (FileKind::Secret, "Secrets", "SecretName"),
    ] {
        let path = ["TaskTemplate", "ContainerSpec", list];
        let Some(Body::List(items)) = at_mut(body, &path) else {
            continue;
        };
        for item in items {
            let plain = item.get(key).and_then(Body::as_str).map(str::to_owned);
            let name = plain.and_then(|plain| files.names.get(&(kind, plain)));
            if let Some(name) = name {
                item.set(key, name.as_str());
            }
        }
    }
    // A credential spec (Windows) names its config a second time.
    let path = [
        "TaskTemplate",
        "ContainerSpec",
        "Privileges",
        "CredentialSpec",
    ];
    if let Some(spec) = at_mut(body, &path) {
        let plain = spec.get("Config").and_then(Body::as_str);
        let key = plain.map(|plain| (FileKind::Config, plain.to_owned()));
        if let Some(name) = key.and_then(|key| files.names.get(&key)) {
            spec.set("Config", name.as_str());
        }
    }
}
