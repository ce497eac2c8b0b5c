//! A Swarm in memory, as far as plans can tell it from a real one: it fills in the
//! defaults that engine 20.10 was seen to fill in, gives ids and versions, and
//! refuses what the engine refuses.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::body::Body;
use crate::observed::{FileObject, Network, Observed, Service};
use crate::plan::{Action, Change, FileKind, Plan};

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Swarm {
    pub(super) observed: Observed,
    clock: u64,
}

impl Swarm {
    pub(super) fn carry_out(&mut self, plan: &Plan) {
        self.write(&plan.changes);
    }

    pub(super) fn write(&mut self, changes: &[Change]) {
        for change in changes {
            self.apply(&change.action);
        }
    }

    fn apply(&mut self, action: &Action) {
        let now = self.tick();
        match action {
            Action::CreateNetwork { name, body } => {
                let raw = body.expose();
                self.observed.networks.push(Network {
                    id: format!("net{now}"),
                    name: name.clone(),
                    scope: "swarm".to_owned(),
                    labels: labels(&raw),
                    raw,
                });
            }
            Action::CreateFile {
                kind,
                name,
                body,
                data,
            } => self.create_file(*kind, name, body, data.expose(), now),
            Action::RelabelFile {
                kind,
                id,
                version,
                body,
                ..
            } => {
                let files = self.files(*kind);
                let file = files.iter_mut().find(|file| file.id == *id).unwrap();
                assert_eq!(file.version, *version, "update out of sequence");
                file.version = now;
                file.spec = body.expose();
                file.labels = labels(&file.spec);
            }
            Action::CreateService { name, body } => {
                assert!(
                    self.observed.services.iter().all(|s| s.name != *name),
                    "name conflict: {name}"
                );
                let spec = self.stored(body);
                self.observed.services.push(Service {
                    id: format!("svc{now}"),
                    version: now,
                    name: name.clone(),
                    spec,
                    update: None,
                    job_iteration: None,
                });
            }
            Action::UpdateService {
                id, version, body, ..
            } => self.update_service(id, *version, body, now),
            Action::RemoveService { id, .. } => {
                self.observed.services.retain(|s| s.id != *id);
            }
            Action::RemoveFile { kind, id, .. } => {
                assert!(!self.refers_to(id), "in use: {id}");
                self.files(*kind).retain(|file| file.id != *id);
            }
            Action::RemoveVolume { name } => self.observed.volumes.retain(|v| v.name != *name),
            Action::RemoveNetwork { id, .. } => {
                assert!(!self.refers_to(id), "in use: {id}");
                self.observed.networks.retain(|n| n.id != *id);
            }
        }
    }

    fn update_service(&mut self, id: &str, version: u64, body: &Body, now: u64) {
        let spec = self.stored(body);
        let mut services = self.observed.services.iter_mut();
        let service = services.find(|service| service.id == id).unwrap();
        assert_eq!(service.version, version, "update out of sequence");
        assert_eq!(
            mode(&service.spec),
            mode(&spec),
            "service mode change is not allowed"
        );
        service.version = now;
        service.spec = spec;
        service.update = None;
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn files(&mut self, kind: FileKind) -> &mut Vec<FileObject> {
        match kind {
            FileKind::Config => &mut self.observed.configs,
            FileKind::Secret => &mut self.observed.secrets,
        }
    }

    fn create_file(&mut self, kind: FileKind, name: &str, body: &Body, data: &[u8], now: u64) {
        assert!(
            self.files(kind).iter().all(|f| f.name != name),
            "name conflict: {name}"
        );
        let spec = body.expose();
        self.files(kind).push(FileObject {
            id: format!("file{now}"),
            version: now,
            name: name.to_owned(),
            labels: labels(&spec),
            data: (kind == FileKind::Config).then(|| data.to_vec()),
            spec,
        });
    }

    fn refers_to(&self, id: &str) -> bool {
        self.observed
            .services
            .iter()
            .any(|s| s.spec.to_string().contains(&format!("\"{id}\"")))
    }

    /// What the engine makes of a spec (swarm-scoped facts measured on 20.10).
    pub(super) fn stored(&self, body: &Body) -> Value {
        let mut spec = body.expose();
        let template = &mut spec["TaskTemplate"];
        if let Some(networks) = template.get_mut("Networks").and_then(Value::as_array_mut) {
            for network in networks {
                let target = network["Target"].as_str().unwrap().to_owned();
                let found = self
                    .observed
                    .networks
                    .iter()
                    .find(|n| n.name == target || n.id == target);
                network["Target"] =
                    json!(found.unwrap_or_else(|| panic!("no network {target}")).id);
            }
        }
        let container = &mut template["ContainerSpec"];
        for (list, name, id, files) in [
            ("Configs", "ConfigName", "ConfigID", &self.observed.configs),
            ("Secrets", "SecretName", "SecretID", &self.observed.secrets),
        ] {
            for item in container
                .get_mut(list)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                let wanted = item[name].as_str().unwrap().to_owned();
                let file = files.iter().find(|f| f.name == wanted);
                item[id] = json!(file.unwrap_or_else(|| panic!("no file {wanted}")).id);
            }
        }
        for mount in container
            .get_mut("Mounts")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            mount.as_object_mut().unwrap().remove("Consistency");
        }
        container["Isolation"] = json!("default");
        template["Runtime"] = json!("container");
        if let Some(policy) = template
            .get_mut("RestartPolicy")
            .and_then(Value::as_object_mut)
        {
            default(policy, "Condition", "any");
            policy.entry("MaxAttempts").or_insert(json!(0));
        }
        for config in ["UpdateConfig", "RollbackConfig"] {
            if let Some(config) = spec.get_mut(config).and_then(Value::as_object_mut) {
                default(config, "FailureAction", "pause");
                default(config, "Order", "stop-first");
            }
        }
        if let Some(replicated) = spec["Mode"]
            .get_mut("Replicated")
            .and_then(Value::as_object_mut)
        {
            replicated.entry("Replicas").or_insert(json!(1));
        }
        let endpoint = &mut spec["EndpointSpec"];
        if endpoint.is_null() {
            *endpoint = json!({});
        }
        default(endpoint.as_object_mut().unwrap(), "Mode", "vip");
        for port in endpoint
            .get_mut("Ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            default(port.as_object_mut().unwrap(), "Protocol", "tcp");
            default(port.as_object_mut().unwrap(), "PublishMode", "ingress");
        }
        drop_empty(&mut spec);
        spec
    }
}

fn default(map: &mut Map<String, Value>, key: &str, value: &str) {
    let slot = map.entry(key).or_insert(json!(""));
    if slot == "" {
        *slot = json!(value);
    }
}

/// Empty lists, texts and nulls are not stored.
fn drop_empty(value: &mut Value) {
    if let Value::Object(map) = value {
        map.values_mut().for_each(drop_empty);
        let empty = |v: &Value| v.is_null() || *v == json!([]) || *v == json!("");
        map.retain(|_, v| !empty(v));
    }
    if let Value::Array(items) = value {
        items.iter_mut().for_each(drop_empty);
    }
}

fn mode(spec: &Value) -> Vec<String> {
    spec["Mode"].as_object().unwrap().keys().cloned().collect()
}

fn labels(spec: &Value) -> BTreeMap<String, String> {
    let labels = spec["Labels"].as_object();
    let text = |(k, v): (&String, &Value)| (k.clone(), v.as_str().unwrap().to_owned());
    labels.into_iter().flatten().map(text).collect()
}
