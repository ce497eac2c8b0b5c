//! Names on the Swarm → the engine's ids, and service bodies with ids in them.
//!
//! Plans name networks, configs and secrets; the API wants ids. What a reading
//! of the Swarm or a creation taught is remembered; the rest is asked for.

use std::collections::BTreeMap;

use dockerops_core::observed::{FileObject, Network, Observed};
use dockerops_core::plan::FileKind;
use serde_json::Value;

/// What a service refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Referent {
    Network,
    Config,
    Secret,
}

impl Referent {
    /// The collection in the API.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Network => "/networks",
            Self::Config => "/configs",
            Self::Secret => "/secrets",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Config => "config",
            Self::Secret => "secret",
        }
    }
}

impl From<FileKind> for Referent {
    fn from(kind: FileKind) -> Self {
        match kind {
            FileKind::Config => Self::Config,
            FileKind::Secret => Self::Secret,
        }
    }
}

/// Known ids by kind and name.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<(Referent, String), String>);

impl Names {
    /// Forgets everything and learns what was observed. Of networks only those of
    /// the Swarm: a local one of the same name is another network.
    pub(super) fn learn(&mut self, observed: &Observed) {
        let swarm = |network: &&Network| network.scope == "swarm";
        let networks = observed.networks.iter().filter(swarm);
        let networks = networks.map(|n| ((Referent::Network, n.name.clone()), n.id.clone()));
        let files = |kind, files: &[FileObject]| {
            let pairs = files.iter().map(|f| ((kind, f.name.clone()), f.id.clone()));
            pairs.collect::<Vec<_>>()
        };
        self.0 = networks
            .chain(files(Referent::Config, &observed.configs))
            .chain(files(Referent::Secret, &observed.secrets))
            .collect();
    }

    pub(super) fn add(&mut self, kind: Referent, name: &str, id: &str) {
        self.0.insert((kind, name.to_owned()), id.to_owned());
    }

    pub(super) fn forget(&mut self, kind: Referent, name: &str) {
        self.0.remove(&(kind, name.to_owned()));
    }

    /// Forgets what has this id; gives its name.
    pub(super) fn forget_id(&mut self, id: &str) -> Option<String> {
        let key = self.0.iter().find(|(_, known)| *known == id)?.0.clone();
        self.0.remove(&key);
        Some(key.1)
    }

    pub(super) fn id(&self, kind: Referent, name: &str) -> Option<&str> {
        let known = self.0.get(&(kind, name.to_owned()));
        known.map(String::as_str)
    }
}

/// What `body`, a service, refers to by name; in order, once each.
pub(super) fn referents(body: &Value) -> Vec<(Referent, String)> {
    let mut found = Vec::new();
    // A copy, as the same walk that fills ids in also finds the names.
    fill_ids(&mut body.clone(), &mut |kind, name| {
        found.push((kind, name.to_owned()));
        None
    });
    found.sort();
    found.dedup();
    found
}

/// Puts the id that `lookup` gives for each name into the service `body`.
/// A name without an id stays: the engine then says what is wrong with it.
pub(super) fn fill_ids(body: &mut Value, lookup: &mut dyn FnMut(Referent, &str) -> Option<String>) {
    for pointer in ["/TaskTemplate/Networks", "/Networks"] {
        for network in items(body, pointer) {
            replace(network, Referent::Network, "Target", "Target", lookup);
        }
    }
    for config in items(body, "/TaskTemplate/ContainerSpec/Configs") {
        replace(config, Referent::Config, "ConfigName", "ConfigID", lookup);
    }
    for secret in items(body, "/TaskTemplate/ContainerSpec/Secrets") {
        replace(secret, Referent::Secret, "SecretName", "SecretID", lookup);
    }
    if let Some(spec) = body.pointer_mut("/TaskTemplate/ContainerSpec/Privileges/CredentialSpec") {
        replace(spec, Referent::Config, "Config", "Config", lookup);
    }
}

/// How the network `found` differs from the body `wanted`, in the API's words.
/// What is not asked for does not count: the engine chooses it.
pub(super) fn network_difference(wanted: &Value, found: &Value) -> Option<String> {
    if found["Scope"] != "swarm" && wanted["Scope"] != found["Scope"] {
        return Some(format!("its scope is {}", found["Scope"]));
    }
    let keys = ["Driver", "Attachable", "Internal", "Ingress", "Labels"];
    // A network that was made just now is listed before it has its driver.
    let is_set = |value: &Value| value != "";
    let differs = |key: &&str| {
        let (wanted, found) = (&wanted[*key], &found[*key]);
        !asked_nothing(wanted) && is_set(found) && wanted != found
    };
    let key = keys.into_iter().find(differs)?;
    Some(format!("its `{key}` is {}", found[key]))
}

fn asked_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(asked) => !asked,
        Value::String(text) => text.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn items<'a>(body: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    let list = body.pointer_mut(pointer).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

fn replace(
    object: &mut Value,
    kind: Referent,
    name_key: &str,
    id_key: &str,
    lookup: &mut dyn FnMut(Referent, &str) -> Option<String>,
) {
    let name = object.get(name_key).and_then(Value::as_str);
    let Some(name) = name.filter(|name| !name.is_empty()).map(str::to_owned) else {
        return;
    };
    if let (Some(id), Some(map)) = (lookup(kind, &name), object.as_object_mut()) {
        map.insert(id_key.to_owned(), Value::String(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service() -> Value {
        json!({"TaskTemplate": {
            "Networks": [{"Target": "web_default", "Aliases": ["a"]}],
            "ContainerSpec": {
                "Configs": [{"ConfigName": "web_c"}, {"ConfigName": "gone"}],
                "Secrets": [{"SecretName": "web_s"}],
                "Privileges": {"CredentialSpec": {"Config": "web_c"}},
            },
        }})
    }

    #[test]
    fn every_name_that_the_api_wants_as_id_is_replaced() {
        let mut body = service();
        fill_ids(&mut body, &mut |kind, name| {
            (name != "gone").then(|| format!("{}-id", kind.word()))
        });
        assert_eq!(
            body,
            json!({"TaskTemplate": {
                "Networks": [{"Target": "network-id", "Aliases": ["a"]}],
                "ContainerSpec": {
                    "Configs": [
                        {"ConfigName": "web_c", "ConfigID": "config-id"},
                        {"ConfigName": "gone"},
                    ],
                    "Secrets": [{"SecretName": "web_s", "SecretID": "secret-id"}],
                    "Privileges": {"CredentialSpec": {"Config": "config-id"}},
                },
            }})
        );
    }

    #[test]
    fn a_network_made_meanwhile_must_be_the_same() {
        let wanted = json!({"Driver": "overlay", "Attachable": true, "Labels": {"a": "b"}});
        let mut found = json!({"Driver": "overlay", "Attachable": true, "Labels": {"a": "b"},
            "Scope": "swarm", "IPAM": {"Driver": "default"}});
        assert_eq!(network_difference(&wanted, &found), None);
        found["Labels"] = json!({});
        let difference = network_difference(&wanted, &found);
        assert_eq!(difference.as_deref(), Some("its `Labels` is {}"));
    }

    #[test]
    fn a_local_network_is_never_taken_for_that_of_the_swarm() {
        let network = |scope: &str| Network {
            id: scope.to_owned(),
            name: "n".to_owned(),
            scope: scope.to_owned(),
            labels: BTreeMap::new(),
            raw: Value::Null,
        };
        let mut names = Names::default();
        names.learn(&Observed {
            networks: vec![network("swarm"), network("local")],
            ..Observed::default()
        });
        assert_eq!(names.id(Referent::Network, "n"), Some("swarm"));
    }
}
