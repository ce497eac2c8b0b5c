//! What identifies a plan without telling what is in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Action, Change, Plan, Resolution};
use crate::fingerprint::{FingerprintKey, sha256};

/// Of one stack: what its plan was made from, and its seal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// See [`seal`].
    pub seal: String,
    /// By name: the version index of each service that the plan changes.
    pub versions: BTreeMap<String, u64>,
    /// By image text: what it was taken to stand for, of those that had to be asked for.
    pub pins: BTreeMap<String, Resolution>,
}

impl Sealed {
    /// Seals `plan`, which was made with `pins`.
    pub fn new(plan: &Plan, key: &FingerprintKey, pins: BTreeMap<String, Resolution>) -> Self {
        Self {
            seal: seal(plan, key),
            versions: plan.changes.iter().filter_map(version).collect(),
            pins,
        }
    }
}

fn version(change: &Change) -> Option<(String, u64)> {
    match &change.action {
        Action::UpdateService { name, version, .. } => Some((name.clone(), *version)),
        _ => None,
    }
}

/// A keyed hash over every write of `plan`, with bodies, contents, ids and versions: equal
/// seals mean that the very same would be done.
pub fn seal(plan: &Plan, key: &FingerprintKey) -> String {
    let writes: Vec<Value> = plan.changes.iter().map(|c| write(&c.action)).collect();
    key.fingerprint(
        json!([plan.stack.as_str(), plan.owner.0, writes])
            .to_string()
            .as_bytes(),
    )
}

fn write(action: &Action) -> Value {
    match action {
        Action::CreateNetwork { name, body } => json!(["network", name, body.expose()]),
        Action::CreateFile {
            kind,
            name,
            body,
            data,
        } => {
            json!([
                format!("{kind:?}"),
                name,
                body.expose(),
                sha256(data.expose())
            ])
        }
        Action::RelabelFile {
            kind,
            id,
            version,
            name,
            body,
        } => {
            json!([
                format!("relabel {kind:?}"),
                id,
                version,
                name,
                body.expose()
            ])
        }
        Action::CreateService { name, body } => json!(["service", name, body.expose()]),
        Action::UpdateService {
            id,
            version,
            name,
            body,
            restarts,
        } => json!([
            "update",
            id,
            version,
            name,
            body.expose(),
            format!("{restarts:?}")
        ]),
        Action::RemoveService { id, name } => json!(["remove", id, name]),
        Action::RemoveFile { kind, id, name } => json!([format!("remove {kind:?}"), id, name]),
        Action::RemoveNetwork { id, name } => json!(["remove network", id, name]),
        Action::RemoveVolume { name } => json!(["remove volume", name]),
    }
}
