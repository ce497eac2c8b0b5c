//! One service and the tasks that matter of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Reading;
use crate::health::{Health, Problem, Status, judge};
use crate::mode::Mode;
use crate::observed::{Moment, Node, Service, Task};

/// A service and its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceStatus {
    /// Its name on the Swarm.
    pub name: String,
    /// What it is to run; absent when it is not there.
    pub image: Option<String>,
    /// How well it is.
    pub health: Status,
    /// What it does, in a few words: `running`, `preparing`.
    pub doing: String,
    /// What is wrong, or in its way.
    pub reason: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Tasks that run, or have completed.
    pub running: u64,
    /// Tasks wanted.
    pub wanted: u64,
    /// The newest task of each replica or node.
    pub tasks: Vec<TaskStatus>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskStatus {
    /// The engine's id.
    pub id: String,
    /// The replica's number; 0 of global services.
    pub slot: u64,
    /// The host name of its node; absent before it has one.
    pub node: Option<String>,
    /// What it runs.
    pub image: String,
    /// The engine's word: `running`.
    pub state: String,
    /// For how many seconds it is in this state.
    pub age: u64,
    /// What ended it, or is in its way.
    pub error: Option<String>,
}

impl ServiceStatus {
    pub(super) fn of(service: &Service, reading: Reading<'_>) -> Self {
        let Reading {
            current,
            nodes,
            now,
            ..
        } = reading;
        let health = judge(service, current, nodes, &BTreeSet::new(), now);
        let image = &service.spec["TaskTemplate"]["ContainerSpec"]["Image"];
        Self {
            image: image.as_str().map(str::to_owned),
            tasks: tasks(service, reading),
            ..Self::new(&service.name, health)
        }
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::new(name, Health::missing())
    }

    /// Of one that a hand removed and no run makes anew.
    pub(super) fn removed(name: &str) -> Self {
        let hint = "Run `dockerops reconcile --force`, which also puts back what else was changed by hand.";
        Self {
            hint: Some(hint.to_owned()),
            ..Self::missing(name)
        }
    }

    fn new(name: &str, health: Health) -> Self {
        Self {
            name: name.to_owned(),
            image: None,
            health: health.status,
            doing: health.doing,
            reason: health.reason.as_ref().map(ToString::to_string),
            hint: health.reason.as_ref().and_then(Problem::hint),
            running: health.tally.running,
            wanted: health.tally.wanted,
            tasks: Vec::new(),
        }
    }

    /// Rewrites every sentence of the engine: it may quote what must not be shown.
    pub fn reword(&mut self, word: impl Fn(&str) -> String) {
        let errors = self.tasks.iter_mut().map(|task| &mut task.error);
        for text in errors.chain([&mut self.reason]).flatten() {
            *text = word(text);
        }
    }
}

/// The newest task of each slot that is wanted, or that ended by itself.
fn tasks(service: &Service, reading: Reading<'_>) -> Vec<TaskStatus> {
    let is_global = Mode::of(&service.spec).is_global();
    let mut newest = BTreeMap::<(u64, &str), &Task>::new();
    let ours = reading.tasks.iter();
    for task in ours.filter(|task| task.service_id == service.id) {
        let node = if is_global { task.node_id.as_str() } else { "" };
        let slot = newest.entry((task.slot, node)).or_insert(task);
        if (task.created_at, &task.id) > (slot.created_at, &slot.id) {
            *slot = task;
        }
    }
    let drained = |task: &Task| {
        let node = reading.nodes.iter().find(|node| node.id == task.node_id);
        is_global && node.is_some_and(|node| node.availability == "drain")
    };
    let tasks = newest
        .into_values()
        .filter(|task| matters(task, drained(task)));
    tasks
        .map(|task| shown(task, reading.nodes, reading.now))
        .collect()
}

/// Not what was scaled away, or ended as its node was `drained`.
fn matters(task: &Task, drained: bool) -> bool {
    let wanted = matches!(
        task.desired_state.as_str(),
        "running" | "ready" | "complete"
    );
    let ended = matches!(task.state.as_str(), "failed" | "rejected" | "complete");
    let by_itself = task.desired_state != "remove" && (!drained || task.state == "complete");
    wanted || (ended && by_itself)
}

fn shown(task: &Task, nodes: &[Node], now: Moment) -> TaskStatus {
    let node = nodes.iter().find(|node| node.id == task.node_id);
    TaskStatus {
        id: task.id.clone(),
        slot: task.slot,
        node: node.map(|node| node.hostname.clone()),
        image: task.image.clone(),
        state: task.state.clone(),
        age: task.since.age(now).as_secs(),
        error: Some(task.error.clone()).filter(|error| !error.is_empty()),
    }
}
