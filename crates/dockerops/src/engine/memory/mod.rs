//! [`MemorySwarm`]: a Swarm in memory, for tests of what reconciles it.
//!
//! It does what a manager does as far as a reconcile can see: fills in defaults,
//! bumps versions, refuses stale updates, keeps what is in use, overwrites the
//! previous spec, runs jobs again on every update, lets tasks outlive their service.
//! Tasks run at once unless a [`Script`] says otherwise. Every write is recorded.
//! `dockerops-lab/tests/scenarios` holds it to what a real Swarm does.

mod answers;
mod defaults;
mod files;
mod services;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dockerops_core::names::label;
use dockerops_core::observed::{FileObject, Network, Node, Service, Task, Volume};
use dockerops_core::plan::Action;
use dockerops_core::secret::Secret;
use serde_json::Value;

use super::{Applied, EngineError, LocalImage, LogLine, LogStream};

/// What becomes of the tasks of a service when it is next written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// They run; those of jobs complete.
    Run,
    /// They fail again and again with this error.
    Fail(String),
    /// They wait for a node with this error.
    Pend(String),
    /// They fail with this error, and Swarm goes back to the previous spec.
    RollBack(String),
    /// They fail with this error, and Swarm pauses the update.
    Pause(String),
}

/// A Swarm in memory.
#[derive(Debug)]
pub struct MemorySwarm {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Raft's index: every write moves it.
    index: u64,
    services: BTreeMap<String, Service>,
    previous: BTreeMap<String, Value>,
    networks: BTreeMap<String, Network>,
    configs: BTreeMap<String, FileObject>,
    secrets: BTreeMap<String, FileObject>,
    /// Of this node, with a label of a stack.
    volumes: BTreeMap<String, Volume>,
    /// With whether their spec is that of their service.
    tasks: Vec<(Task, bool)>,
    /// By id: the stacks of removed services, whose tasks end a moment later.
    removed: BTreeMap<String, String>,
    nodes: Vec<Node>,
    images: BTreeMap<String, LocalImage>,
    /// By service: what its spec must hold for the script to be played.
    scripts: BTreeMap<String, (String, Script)>,
    /// By name: the credentials that a service was last written with, kept by updates without.
    credentials: BTreeMap<String, Secret>,
    /// What becomes of the next writes: `None` goes well.
    failures: VecDeque<Option<EngineError>>,
    /// How [`Engine::observe`](super::Engine::observe) ends once all of `failures` came.
    away: Option<EngineError>,
    writes: Vec<String>,
    /// What tasks wrote, with the id of their service.
    lines: Vec<(String, LogLine)>,
    /// By container: what its health check said.
    complaints: BTreeMap<String, String>,
}

impl Default for MemorySwarm {
    fn default() -> Self {
        Self::new()
    }
}

impl MemorySwarm {
    /// A Swarm of one node, `node1`, with the networks `ingress` and `host`.
    pub fn new() -> Self {
        let swarm = Self {
            state: Mutex::new(State::new()),
        };
        swarm.add_network("ingress", "swarm");
        swarm.add_network("host", "swarm");
        swarm
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every write so far, such as `create service web_a`; in order.
    pub fn writes(&self) -> Vec<String> {
        self.state().writes.clone()
    }

    /// Forgets the writes so far, and gives them.
    pub fn take_writes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().writes)
    }

    /// What becomes of `service`'s tasks from its next write on.
    pub fn script(&self, service: &str, script: Script) {
        self.script_of(service, "", script);
    }

    /// The same as long as the service's spec holds `mark`.
    pub fn script_of(&self, service: &str, mark: &str, script: Script) {
        let script = (mark.to_owned(), script);
        self.state().scripts.insert(service.to_owned(), script);
    }

    /// The newest task of `service` writes a line to its standard output.
    pub fn say(&self, service: &str, text: &str) {
        let mut state = self.state();
        let ids = state.services.values().filter(|s| s.name == service);
        let ids: Vec<_> = ids.map(|s| s.id.clone()).collect();
        let mut tasks = state.tasks.iter().map(|(task, _)| task).rev();
        let Some(task) = tasks.find(|task| ids.contains(&task.service_id)).cloned() else {
            return;
        };
        let line = LogLine {
            stream: LogStream::Stdout,
            task: task.id,
            node: task.node_id,
            at: "2026-01-01T00:00:00Z".to_owned(),
            text: text.to_owned(),
        };
        state.lines.push((task.service_id, line));
    }

    /// The health check of the container `container` complains.
    pub fn complain(&self, container: &str, text: &str) {
        let mut state = self.state();
        state
            .complaints
            .insert(container.to_owned(), text.to_owned());
    }

    /// The next [`Engine::apply`](super::Engine::apply) fails with `error` and writes nothing.
    pub fn fail_next(&self, error: EngineError) {
        self.state().failures.push_back(Some(error));
    }

    /// `count` writes go well, and the one after them fails with `error`.
    pub fn fail_after(&self, count: usize, error: EngineError) {
        let mut state = self.state();
        state.failures.extend((0..count).map(|_| None));
        state.failures.push_back(Some(error));
    }

    /// When all failures that were asked for came, the next
    /// [`Engine::observe`](super::Engine::observe) fails with `error`.
    pub fn then_away(&self, error: EngineError) {
        self.state().away = Some(error);
    }

    /// Somebody changes a service by hand. Its version moves, its tasks do not.
    pub fn edit_service(&self, name: &str, edit: impl FnOnce(&mut Value)) {
        let mut state = self.state();
        let version = state.bump();
        if let Some(service) = state.services.values_mut().find(|s| s.name == name) {
            edit(&mut service.spec);
            service.version = version;
        }
    }

    /// Somebody changes what the engine says of a service, its update status say.
    pub fn edit_status(&self, name: &str, edit: impl FnOnce(&mut Service)) {
        let mut state = self.state();
        if let Some(service) = state.services.values_mut().find(|s| s.name == name) {
            edit(service);
        }
    }

    /// Somebody removes a service by hand.
    pub fn remove_service(&self, name: &str) {
        let mut state = self.state();
        state.services.retain(|_, service| service.name != name);
    }

    /// The spec that `docker service rollback` would go back to.
    pub fn previous_spec(&self, name: &str) -> Option<Value> {
        let state = self.state();
        let service = state.services.values().find(|s| s.name == name)?;
        state.previous.get(&service.id).cloned()
    }

    /// The value of `X-Registry-Auth` with which the nodes pull for a service.
    pub fn credentials(&self, name: &str) -> Option<Secret> {
        self.state().credentials.get(name).cloned()
    }

    /// The tasks of a service that are there now, by id.
    pub fn task_ids(&self, service: &str) -> BTreeSet<String> {
        let state = self.state();
        let id = state
            .services
            .values()
            .find(|s| s.name == service)
            .map(|s| &s.id);
        let tasks = state.tasks.iter().map(|(task, _)| task);
        let own = tasks.filter(|task| Some(&task.service_id) == id);
        own.map(|task| task.id.clone()).collect()
    }

    /// A network that somebody else made.
    pub fn add_network(&self, name: &str, scope: &str) {
        let mut state = self.state();
        let id = state.new_id("net");
        let network = defaults::network(&id, name, scope, &serde_json::json!({"Name": name}));
        state.networks.insert(id, network);
    }

    /// A volume of this node that belongs to `stack`.
    pub fn add_volume(&self, stack: &str, name: &str) {
        let label = (label::NAMESPACE.to_owned(), stack.to_owned());
        let volume = Volume {
            name: name.to_owned(),
            labels: BTreeMap::from([label]),
        };
        self.state().volumes.insert(name.to_owned(), volume);
    }

    /// The names of the volumes of this node.
    pub fn volume_names(&self) -> Vec<String> {
        self.state().volumes.keys().cloned().collect()
    }

    /// An image on this node.
    pub fn add_image(&self, image: LocalImage) {
        self.state().images.insert(image.id.clone(), image);
    }
}

impl State {
    fn new() -> Self {
        Self {
            index: 10,
            services: BTreeMap::new(),
            previous: BTreeMap::new(),
            networks: BTreeMap::new(),
            configs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            volumes: BTreeMap::new(),
            tasks: Vec::new(),
            removed: BTreeMap::new(),
            nodes: vec![Node {
                id: "node1".to_owned(),
                hostname: "node1".to_owned(),
                state: "ready".to_owned(),
                availability: "active".to_owned(),
                role: "manager".to_owned(),
                os: "linux".to_owned(),
                architecture: "x86_64".to_owned(),
                ..Node::default()
            }],
            images: BTreeMap::new(),
            scripts: BTreeMap::new(),
            credentials: BTreeMap::new(),
            failures: VecDeque::new(),
            away: None,
            writes: Vec::new(),
            lines: Vec::new(),
            complaints: BTreeMap::new(),
        }
    }

    fn bump(&mut self) -> u64 {
        self.index += 1;
        self.index
    }

    fn new_id(&mut self, kind: &str) -> String {
        format!("{kind}{}", self.bump())
    }

    fn apply(&mut self, action: &Action) -> Result<Applied, EngineError> {
        if let Some(error) = self.failures.pop_front().flatten() {
            return Err(error);
        }
        match action {
            Action::CreateNetwork { name, body } => self.create_network(name, &body.expose()),
            Action::CreateFile {
                kind,
                name,
                body,
                data,
            } => self.create_file(*kind, name, body.expose(), data.expose()),
            Action::RelabelFile {
                kind,
                id,
                version,
                name,
                body,
            } => self.relabel_file(*kind, id, *version, name, body.expose()),
            Action::CreateService { name, body } => self.create_service(name, body.expose()),
            Action::UpdateService {
                id,
                version,
                name,
                body,
                ..
            } => self.update_service(id, *version, name, body.expose()),
            Action::RemoveService { id, .. } => Ok(self.remove_service(id)),
            Action::RemoveFile { kind, id, .. } => Ok(self.remove_file(*kind, id)),
            Action::RemoveNetwork { id, .. } => Ok(self.remove_network(id)),
            Action::RemoveVolume { name } => Ok(self.remove_volume(name)),
        }
    }

    fn record(&mut self, what: &str, name: &str) {
        self.writes.push(format!("{what} {name}"));
    }
}

#[cfg(test)]
mod tests;
