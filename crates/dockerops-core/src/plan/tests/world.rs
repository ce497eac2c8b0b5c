//! Stacks in a few words, and plans of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::imitation::Swarm;
use crate::body::Body;
use crate::diagnostic::Diagnostics;
use crate::field::{Field, Text};
use crate::fingerprint::FingerprintKey;
use crate::manifest::SelfHeal;
use crate::names::{Owner, StackName};
use crate::observed::{Service, UpdateStatus};
use crate::plan::{Action, Inputs, Plan, Policy, Prune, Resolution, Restarts, plan};
use crate::secret::{Provenance, Secret};
use crate::source::{Sources, Span};
use crate::spec::{FileSpec, NetworkSpec, ServiceSpec, StackSpec};

/// Everything that a plan looks at, to change at will.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) desired: StackSpec,
    pub(super) swarm: Swarm,
    pub(super) owner: Owner,
    pub(super) former: BTreeSet<Owner>,
    pub(super) images: BTreeMap<String, Resolution>,
    pub(super) bindings: BTreeMap<String, String>,
    pub(super) dirty: BTreeSet<String>,
    pub(super) tried_again: BTreeSet<String>,
    pub(super) attempted: BTreeMap<String, String>,
    pub(super) rotate: BTreeSet<String>,
    pub(super) ignore_drift: Vec<Text>,
    pub(super) self_heal: SelfHeal,
    pub(super) key: FingerprintKey,
    pub(super) policy: Policy,
}

pub(super) fn digest(letter: char) -> String {
    format!("sha256:{}", String::from(letter).repeat(64))
}

impl World {
    /// A stack `app` with `services`, on an empty Swarm where every image is known.
    pub(super) fn new(services: Vec<ServiceSpec>) -> Self {
        let pinned = |letter| Resolution::Pinned {
            digest: digest(letter),
            platforms: vec![],
        };
        let mut desired = stack();
        desired.services = services;
        Self {
            desired,
            swarm: Swarm::default(),
            owner: Owner("https://example.com/repo".to_owned()),
            former: BTreeSet::new(),
            images: BTreeMap::from([
                ("web:1".to_owned(), pinned('a')),
                ("web:2".to_owned(), pinned('b')),
            ]),
            bindings: BTreeMap::new(),
            dirty: BTreeSet::new(),
            tried_again: BTreeSet::new(),
            attempted: BTreeMap::new(),
            rotate: BTreeSet::new(),
            ignore_drift: vec![],
            self_heal: SelfHeal::Yes,
            key: FingerprintKey::new([1; 32]),
            policy: Policy {
                prune: Prune::Remove,
                ..Policy::default()
            },
        }
    }

    pub(super) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            desired: &self.desired,
            observed: &self.swarm.observed,
            owner: &self.owner,
            former: &self.former,
            images: &self.images,
            bindings: &self.bindings,
            dirty: &self.dirty,
            tried_again: &self.tried_again,
            attempted: &self.attempted,
            rotate: &self.rotate,
            ignore_drift: &self.ignore_drift,
            self_heal: self.self_heal,
            key: &self.key,
            policy: self.policy,
        }
    }

    pub(super) fn try_plan(&self) -> Result<Plan, Diagnostics> {
        plan(&self.inputs())
    }

    pub(super) fn plan(&self) -> Plan {
        self.try_plan().unwrap()
    }

    pub(super) fn refusal(&self) -> String {
        let problems = self.try_plan().unwrap_err();
        let lines = problems
            .0
            .into_iter()
            .map(|d| format!("{}: {}", d.code, d.message));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Plans, carries the plan out, and returns it.
    pub(super) fn deploy(&mut self) -> Plan {
        let plan = self.plan();
        self.swarm.carry_out(&plan);
        plan
    }

    /// As somebody without our labels would have left it.
    pub(super) fn unlabel(&mut self) {
        let ours = |key: &str| key.starts_with("dockerops.");
        for service in &mut self.swarm.observed.services {
            let labels = service.spec["Labels"].as_object_mut().unwrap();
            labels.retain(|key, _| !ours(key));
        }
        let observed = &mut self.swarm.observed;
        for file in observed.configs.iter_mut().chain(&mut observed.secrets) {
            file.labels.retain(|key, _| !ours(key));
            file.spec["Labels"]
                .as_object_mut()
                .unwrap()
                .retain(|key, _| !ours(key));
        }
    }

    pub(super) fn live(&mut self, name: &str) -> &mut Service {
        let mut services = self.swarm.observed.services.iter_mut();
        services.find(|s| s.name == format!("app_{name}")).unwrap()
    }

    pub(super) fn set_update(&mut self, name: &str, state: &str) {
        self.live(name).update = Some(UpdateStatus {
            state: state.to_owned(),
            message: String::new(),
        });
    }
}

/// One line for each change and each thing kept, as a person would read it.
pub(super) fn lines(plan: &Plan) -> String {
    let mut lines: Vec<String> = Vec::new();
    for change in &plan.changes {
        let head = match &change.action {
            Action::CreateNetwork { name, .. } => format!("+ network {name}"),
            Action::CreateFile { kind, name, .. } => format!("+ {kind:?} {name}"),
            Action::RelabelFile { kind, name, .. } => format!("~ {kind:?} {name}"),
            Action::CreateService { name, .. } => format!("+ {name}"),
            Action::UpdateService {
                name,
                restarts: Restarts::All,
                ..
            } => format!("~ {name} (restarts)"),
            Action::UpdateService {
                name,
                restarts: Restarts::Misplaced,
                ..
            } => format!("~ {name} (moves)"),
            Action::UpdateService { name, .. } => format!("~ {name}"),
            Action::RemoveService { name, .. } => format!("- {name}"),
            Action::RemoveFile { kind, name, .. } => format!("- {kind:?} {name}"),
            Action::RemoveNetwork { name, .. } => format!("- network {name}"),
            Action::RemoveVolume { name } => format!("- volume {name}"),
        };
        lines.push(format!("{head} {:?}", change.reasons));
        for field in &change.fields {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "∅".to_owned());
            lines.push(format!(
                "    {}: {} → {}",
                field.field,
                side(&field.old),
                side(&field.new)
            ));
        }
    }
    for kept in &plan.kept {
        lines.push(format!("  {} {:?}", kept.name, kept.why));
    }
    lines.extend(plan.warnings.iter().map(|warning| format!("! {warning}")));
    short(&lines.join("\n"))
}

/// Cuts hashes to what tells them apart.
fn short(text: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() == 64 { &run[..4] } else { &run });
        out.push(c);
        run.clear();
    }
    out.pop();
    out
}

pub(super) fn span() -> Span {
    Span::start_of(Sources::default().add("docker-compose.yml", ""))
}

fn stack() -> StackSpec {
    let labels = json!({"com.docker.stack.namespace": "app"});
    StackSpec {
        name: StackName::parse("app").unwrap(),
        networks: vec![NetworkSpec {
            name: "app_default".to_owned(),
            body: Body::from(json!({"Name": "app_default", "Driver": "overlay", "Labels": labels})),
        }],
        external_networks: vec![],
        configs: vec![],
        secrets: vec![],
        external_configs: vec![],
        external_secrets: vec![],
        volumes: BTreeSet::new(),
        services: vec![],
    }
}

/// A service as Docker's client would send it, in the shape of recorded bodies.
pub(super) fn service(key: &str) -> ServiceSpec {
    let name = format!("app_{key}");
    let image = "web:1";
    let body = json!({
        "Name": name,
        "Labels": {"com.docker.stack.namespace": "app", "com.docker.stack.image": image},
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {},
        "TaskTemplate": {
            "ForceUpdate": 0,
            "Placement": {},
            "Resources": {},
            "Networks": [{"Target": "app_default", "Aliases": [key]}],
            "ContainerSpec": {
                "Image": image,
                "Labels": {"com.docker.stack.namespace": "app"},
                "Privileges": {"CredentialSpec": null, "NoNewPrivileges": false, "SELinuxContext": null},
            },
        },
    });
    ServiceSpec {
        name,
        key: key.to_owned(),
        span: span(),
        image: Field::new(image.to_owned(), span()),
        body: Body::from(body),
        bindings: vec![],
        secret_env: vec![],
        is_job: false,
        depends_on: vec![],
    }
}

pub(super) trait With: Sized {
    fn with(self, path: &str, value: impl Into<Body>) -> Self;
    fn json(self, path: &str, value: Value) -> Self {
        self.with(path, value)
    }
    fn container(self, key: &str, value: Value) -> Self {
        self.with(&format!("TaskTemplate.ContainerSpec.{key}"), value)
    }
    fn image(self, text: &str) -> Self;
    fn port(self, port: u16) -> Self {
        let ports = json!([{"PublishedPort": port, "TargetPort": 80, "Protocol": "tcp", "PublishMode": "ingress"}]);
        self.json("EndpointSpec.Ports", ports)
    }
    fn job(self) -> Self;
    fn config(self, plain: &str) -> Self {
        let file = json!({"Name": plain, "UID": "0", "GID": "0", "Mode": 292});
        self.container("Configs", json!([{"ConfigName": plain, "File": file}]))
    }
    fn secret(self, plain: &str) -> Self {
        let file = json!({"Name": plain, "UID": "0", "GID": "0", "Mode": 292});
        self.container("Secrets", json!([{"SecretName": plain, "File": file}]))
    }
    fn env(self, items: Vec<Body>) -> Self {
        self.with("TaskTemplate.ContainerSpec.Env", Body::List(items))
    }
    fn volume(self, name: &str) -> Self {
        self.container(
            "Mounts",
            json!([{"Type": "volume", "Source": name, "Target": "/data"}]),
        )
    }
}

impl With for ServiceSpec {
    fn with(mut self, path: &str, value: impl Into<Body>) -> Self {
        let mut keys: Vec<_> = path.split('.').collect();
        let last = keys.pop().unwrap();
        let mut place = &mut self.body;
        for key in keys {
            if place.get(key).is_none() {
                place.set(key, Body::map());
            }
            place = place.get_mut(key).unwrap();
        }
        place.set(last, value);
        self
    }

    fn image(mut self, text: &str) -> Self {
        self.image.value = text.to_owned();
        let mut service = self.container("Image", json!(text));
        let labels = service.body.get_mut("Labels").unwrap();
        labels.set("com.docker.stack.image", text);
        service
    }

    fn job(mut self) -> Self {
        self.is_job = true;
        self.json("Mode", json!({"ReplicatedJob": {}}))
    }
}

pub(super) fn tainted(text: &str, id: &str) -> Body {
    Body::Scalar(Value::from(text), Provenance::secret(id))
}

/// A config or secret of the stack, by plain name.
pub(super) fn file(name: &str, data: &str) -> FileSpec {
    FileSpec {
        name: name.to_owned(),
        explicit_name: false,
        span: None,
        data: Secret::new(data),
        body: Body::from(json!({"Name": name, "Labels": {"com.docker.stack.namespace": "app"}})),
    }
}
