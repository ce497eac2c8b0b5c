//! Services and their tasks in a [`MemorySwarm`](super::MemorySwarm).

use std::collections::BTreeMap;
use std::time::Duration;

use dockerops_core::body::Body;
use dockerops_core::mode::Mode;
use dockerops_core::names::label;
use dockerops_core::observed::{FileObject, Moment, Node, Service, Task, UpdateStatus};
use dockerops_core::placement::misfit;
use serde_json::Value;

use super::super::names::{Referent, fill_ids, referents};
use super::super::{Applied, EngineError};
use super::files::created;
use super::{Script, State, defaults};

impl State {
    pub(super) fn create_service(
        &mut self,
        name: &str,
        body: Value,
    ) -> Result<Applied, EngineError> {
        if self.services.values().any(|service| service.name == name) {
            return Err(EngineError::NameConflict {
                name: name.to_owned(),
                message: format!(
                    "name conflicts with an existing object: service {name} already exists"
                ),
            });
        }
        let spec = defaults::service(self.resolved(body)?);
        let id = self.new_id("svc");
        let service = Service {
            id: id.clone(),
            version: self.index,
            name: name.to_owned(),
            job_iteration: Mode::of(&spec).is_job().then_some(0),
            spec,
            update: None,
        };
        self.services.insert(id.clone(), service);
        self.start_tasks(&id);
        Ok(created(id))
    }

    pub(super) fn update_service(
        &mut self,
        id: &str,
        version: u64,
        name: &str,
        body: Value,
    ) -> Result<Applied, EngineError> {
        let spec = defaults::service(self.resolved(body)?);
        let now = self.bump();
        let Some(service) = self.services.get_mut(id) else {
            return Err(EngineError::NotFound {
                what: "service",
                name: name.to_owned(),
            });
        };
        if service.version != version {
            let name = name.to_owned();
            return Err(EngineError::OutOfSequence { name });
        }
        let old = std::mem::replace(&mut service.spec, spec);
        service.version = now;
        service.update = None;
        // Any update of a job runs it again.
        let job = service.job_iteration.map(|iteration| iteration + 1);
        service.job_iteration = job;
        let moved = tasks_differ(&old, &service.spec) && !stay(&old, &service.spec, &self.nodes);
        let restarts = job.is_some() || moved;
        self.previous.insert(id.to_owned(), old);
        if restarts {
            self.start_tasks(id);
        }
        Ok(Applied::Updated {
            warnings: Vec::new(),
        })
    }

    /// Its tasks are seen once more. Those of a job stay as they are, for ever.
    pub(super) fn remove_service(&mut self, id: &str) -> Applied {
        let Some(service) = self.services.remove(id) else {
            return Applied::Removed;
        };
        let stack = service.label(label::NAMESPACE);
        let stack = stack.unwrap_or_default().to_owned();
        self.removed.insert(id.to_owned(), stack);
        if !Mode::of(&service.spec).is_job() {
            let tasks = self.tasks.iter_mut().map(|(task, _)| task);
            tasks
                .filter(|task| task.service_id == id)
                .for_each(|task| "remove".clone_into(&mut task.desired_state));
        }
        Applied::Removed
    }

    /// Takes away the tasks of removed services.
    pub(super) fn end_removed(&mut self) {
        self.tasks
            .retain(|(task, _)| task.desired_state != "remove");
    }

    fn resolved(&self, mut body: Value) -> Result<Value, EngineError> {
        for (kind, name) in referents(&body) {
            if self.id_of(kind, &name).is_none() {
                let what = kind.word();
                return Err(EngineError::NotFound { what, name });
            }
        }
        fill_ids(&mut body, &mut |kind, name| self.id_of(kind, name));
        Ok(body)
    }

    /// By name, or the id itself.
    fn id_of(&self, kind: Referent, name: &str) -> Option<String> {
        let file = |files: &BTreeMap<String, FileObject>| {
            let found = files.values().find(|file| file.name == name);
            found.map(|file| file.id.clone())
        };
        match kind {
            Referent::Config => file(&self.configs),
            Referent::Secret => file(&self.secrets),
            Referent::Network => {
                let mut swarm = self.networks.values().filter(|n| n.scope == "swarm");
                let found = swarm.find(|n| n.name == name || n.id == name);
                found.map(|network| network.id.clone())
            }
        }
    }

    /// Replaces the tasks of the service, as its script has it.
    fn start_tasks(&mut self, id: &str) {
        let Some(mut service) = self.services.get(id).cloned() else {
            return;
        };
        let script = self.scripts.get(&service.name);
        let script = script.filter(|(mark, _)| service.spec.to_string().contains(mark.as_str()));
        let script = script.map_or(Script::Run, |(_, script)| script.clone());
        if !Mode::of(&service.spec).is_job() {
            for (task, up_to_date) in &mut self.tasks {
                if task.service_id == id {
                    *up_to_date = false;
                    "shutdown".clone_into(&mut task.desired_state);
                    "shutdown".clone_into(&mut task.state);
                }
            }
        }
        let slots = slots(&service.spec, self.nodes.len() as u64);
        match script {
            Script::Run => self.add_tasks(&service, &slots, end_state(&service), "", true),
            Script::Fail(error) => {
                self.add_tasks(&service, &slots, ("shutdown", "failed"), &error, true);
                self.add_tasks(&service, &slots, ("ready", "ready"), "", true);
            }
            Script::Pend(error) => {
                self.add_tasks(&service, &slots, ("running", "pending"), &error, true);
            }
            Script::Pause(error) => {
                self.add_tasks(&service, &slots, ("shutdown", "failed"), &error, true);
                service.update = Some(status("paused"));
            }
            Script::RollBack(error) => {
                self.add_tasks(&service, &slots, ("shutdown", "failed"), &error, false);
                if let Some(previous) = self.previous.remove(id) {
                    service.spec = previous;
                    service.version = self.bump();
                    service.update = Some(status("rollback_completed"));
                }
                self.add_tasks(&service, &slots, end_state(&service), "", true);
            }
        }
        self.services.insert(id.to_owned(), service);
    }

    /// Now, and later than every task that there is.
    fn now(&self) -> Moment {
        Moment(super::super::now().0 + Duration::from_nanos(self.index))
    }

    fn add_tasks(
        &mut self,
        service: &Service,
        slots: &[u64],
        (desired, state): (&str, &str),
        error: &str,
        up_to_date: bool,
    ) {
        for (position, slot) in slots.iter().enumerate() {
            let id = self.new_id("task");
            let place = if Mode::of(&service.spec).is_global() {
                position
            } else {
                0
            };
            let node = self.nodes.get(place).map(|node| node.id.clone());
            let task = Task {
                created_at: self.now(),
                since: self.now(),
                id,
                service_id: service.id.clone(),
                slot: *slot,
                node_id: node.filter(|_| state != "pending").unwrap_or_default(),
                desired_state: desired.to_owned(),
                state: state.to_owned(),
                error: error.to_owned(),
                job_iteration: service.job_iteration,
                ..Task::default()
            };
            self.tasks.push((task, up_to_date));
        }
    }
}

fn status(state: &str) -> UpdateStatus {
    UpdateStatus {
        state: state.to_owned(),
        message: String::new(),
    }
}

fn end_state(service: &Service) -> (&'static str, &'static str) {
    if Mode::of(&service.spec).is_job() {
        ("complete", "complete")
    } else {
        ("running", "running")
    }
}

fn slots(spec: &Value, nodes: u64) -> Vec<u64> {
    match Mode::of(spec) {
        Mode::Global | Mode::GlobalJob => vec![0; usize::try_from(nodes).unwrap_or_default()],
        Mode::Replicated(tasks) | Mode::ReplicatedJob(tasks) => (1..=tasks).collect(),
    }
}

/// Whether tasks stay, because only where they may run differs, and that is where they
/// are (swarmkit, `IsTaskPlacementConstraintsOnlyDirty`).
fn stay(old: &Value, new: &Value, nodes: &[Node]) -> bool {
    let mut moved = old.clone();
    moved["TaskTemplate"]["Placement"] = new["TaskTemplate"]["Placement"].clone();
    !tasks_differ(&moved, new) && misfit(&Body::from(new.clone()), nodes).is_none()
}

/// Whether tasks restart: anything but labels and the rules of updating differs
/// (swarmkit `orchestrator/update`, `IsTaskDirty`), or their number does.
fn tasks_differ(old: &Value, new: &Value) -> bool {
    ["TaskTemplate", "EndpointSpec", "Mode"]
        .iter()
        .any(|part| old[*part] != new[*part])
}
