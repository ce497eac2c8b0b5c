//! The body of an update: what is asked for, with what only the engine knows kept.
//!
//! **Invariant**: when no field of the task template differs, the live template is
//! sent as it is, down to the order of its lists, so that no task restarts
//! (swarmkit compares templates literally). The same holds for the endpoint.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::Difference;
use super::normalise::{Fields, at_mut};
use crate::body::Body;
use crate::secret::Provenance;

/// What the body is made from.
pub(super) struct Update<'a> {
    /// The body asked for.
    pub(super) wanted: &'a Body,
    /// The live spec, networks by name, secrets marked.
    pub(super) live: &'a Body,
    /// Its comparable form.
    pub(super) live_fields: &'a Fields,
    /// `Placement.Platforms` of a new pin; `None` keeps those in use.
    pub(super) platforms: Option<&'a Body>,
    /// What differs.
    pub(super) differences: &'a [Difference],
    /// Names that `dockerops.secret-env` holds on the Swarm.
    pub(super) live_secrets: &'a BTreeSet<String>,
}

/// Whether tasks are to restart although their template does not differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restart {
    /// No.
    AsNeeded,
    /// Yes: `ForceUpdate` moves by one.
    All,
}

/// The body to send.
pub(super) fn body(update: &Update, restart: Restart) -> Body {
    let mut body = update.wanted.clone();
    let differs = |part: &str| update.differences.iter().any(|d| d.within(part));
    if differs("TaskTemplate") {
        set_platforms(&mut body, update);
    } else {
        keep(&mut body, update, "TaskTemplate");
    }
    if !differs("EndpointSpec") {
        keep(&mut body, update, "EndpointSpec");
    }
    keep_unknown(&mut body, update.live, update.live_fields);
    set_force(&mut body, update.live, restart);
    body
}

/// Takes over a part of the live spec literally, without the ids in it.
fn keep(body: &mut Body, update: &Update, part: &str) {
    let Some(live) = update.live.get(part) else {
        return;
    };
    let mut live = live.clone();
    without_ids(&mut live);
    hide(&mut live, update.live_secrets);
    body.set(part, live);
}

/// Leaves configs and secrets of a task template with their names alone.
pub(super) fn without_ids(template: &mut Body) {
    for (list, id) in [("Configs", "ConfigID"), ("Secrets", "SecretID")] {
        if let Some(Body::List(items)) = at_mut(template, &["ContainerSpec", list]) {
            for item in items {
                if let Body::Map(map) = item {
                    map.remove(id);
                }
            }
        }
    }
}

/// Marks variables that held a secret when they were deployed, doubled ones too.
pub(super) fn hide(template: &mut Body, names: &BTreeSet<String>) {
    let Some(Body::List(items)) = at_mut(template, &["ContainerSpec", "Env"]) else {
        return;
    };
    for item in items {
        if let Body::Scalar(Value::String(text), secrets) = item
            && let Some((name, _)) = text.split_once('=')
            && names.contains(name)
        {
            secrets.extend(&Provenance::secret(name));
        }
    }
}

fn set_platforms(body: &mut Body, update: &Update) {
    let path = ["TaskTemplate", "Placement", "Platforms"];
    let platforms = match update.platforms {
        Some(Body::List(platforms)) if platforms.is_empty() => None,
        Some(platforms) => Some(platforms),
        None => update.live.at(&path),
    };
    place_platforms(body, platforms);
}

/// Puts `platforms` where Docker's client puts them.
pub(super) fn place_platforms(body: &mut Body, platforms: Option<&Body>) {
    let Some(template) = body.get_mut("TaskTemplate") else {
        return;
    };
    let Some(platforms) = platforms else {
        return;
    };
    if !matches!(template.get("Placement"), Some(Body::Map(_))) {
        template.set("Placement", Body::map());
    }
    if let Some(placement) = template.get_mut("Placement") {
        placement.set("Platforms", platforms.clone());
    }
}

/// Keeps what a newer engine, or another client, set and we do not know.
fn keep_unknown(body: &mut Body, live: &Body, fields: &Fields) {
    for entry in fields.values().filter(|entry| !entry.known) {
        let path: Vec<_> = entry.path.iter().map(String::as_str).collect();
        if body
            .at(&path)
            .is_some_and(|found| super::normalise::clean(found).is_some())
        {
            continue;
        }
        if let (Some(value), Some((last, parents))) = (live.at(&path), path.split_last()) {
            insert(body, parents, last, value.clone());
        }
    }
}

fn insert(body: &mut Body, parents: &[&str], last: &str, value: Body) {
    let mut place = body;
    for key in parents {
        if !matches!(place.get(key), Some(Body::Map(_))) {
            place.set(*key, Body::map());
        }
        let Some(next) = place.get_mut(key) else {
            return;
        };
        place = next;
    }
    place.set(last, value);
}

fn set_force(body: &mut Body, live: &Body, restart: Restart) {
    let count = match live.at(&["TaskTemplate", "ForceUpdate"]) {
        Some(Body::Scalar(Value::Number(count), _)) => count.as_u64().unwrap_or(0),
        _ => 0,
    };
    let count = match restart {
        Restart::AsNeeded => count,
        Restart::All => count + 1,
    };
    if let Some(template) = body.get_mut("TaskTemplate") {
        template.set("ForceUpdate", count);
    }
}
