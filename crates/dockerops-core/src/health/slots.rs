//! Tasks of one service, attempt by attempt.
//!
//! A slot is one replica, or one node of a global service. Its newest attempt
//! says where it stands; earlier ones say why it is there.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{self, Problem};
use crate::observed::{Node, Service, Task};

/// States in the order of a task's life (swarmkit `api/types.proto`).
const LIFE: [&str; 14] = [
    "new",
    "allocated",
    "pending",
    "assigned",
    "accepted",
    "preparing",
    "ready",
    "starting",
    "running",
    "complete",
    "shutdown",
    "failed",
    "rejected",
    "remove",
];

/// The attempts of one slot, oldest first; never empty.
struct Slot<'a>(Vec<&'a Task>);

/// All slots that still matter.
pub(super) struct Slots<'a> {
    attempts: Vec<Slot<'a>>,
    nodes: BTreeMap<&'a str, &'a Node>,
    before: &'a BTreeSet<String>,
    /// `RestartPolicy.Condition`; `any` when not said.
    condition: &'a str,
    is_job: bool,
}

impl<'a> Slots<'a> {
    pub(super) fn of(
        service: &'a Service,
        tasks: &'a [Task],
        nodes: &'a [Node],
        before: &'a BTreeSet<String>,
        by_node: bool,
    ) -> Self {
        let nodes: BTreeMap<_, _> = nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let on_live_node = |task: &&Task| {
            nodes
                .get(task.node_id.as_str())
                .is_none_or(|node| node.state != "down")
        };
        let this_run = |task: &&Task| match service.job_iteration {
            Some(iteration) => task.job_iteration.unwrap_or(0) == iteration,
            None => true,
        };
        let mut grouped: BTreeMap<(u64, &str), Vec<&Task>> = BTreeMap::new();
        let ours = tasks.iter().filter(|task| task.service_id == service.id);
        for task in ours.filter(on_live_node).filter(this_run) {
            let node = if by_node { task.node_id.as_str() } else { "" };
            grouped.entry((task.slot, node)).or_default().push(task);
        }
        let policy = &service.spec["TaskTemplate"]["RestartPolicy"];
        let mode = &service.spec["Mode"];
        let is_job = mode["ReplicatedJob"].is_object() || mode["GlobalJob"].is_object();
        let mut slots: Vec<Slot> = grouped.into_values().map(Slot::new).collect();
        let condition = policy["Condition"].as_str().unwrap_or("any");
        if !is_job {
            slots.retain(|slot| slot.matters(condition));
        }
        Self {
            attempts: slots,
            nodes,
            before,
            condition,
            is_job,
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.attempts.len() as u64
    }

    /// Slots with a task that runs and is meant to, or that ran to its end and may.
    pub(super) fn running(&self) -> u64 {
        self.attempts
            .iter()
            .filter(|slot| self.is_done(slot))
            .count() as u64
    }

    /// Slots whose task has completed.
    pub(super) fn completed(&self) -> u64 {
        self.attempts
            .iter()
            .filter(|slot| slot.has_completed())
            .count() as u64
    }

    fn is_done(&self, slot: &Slot) -> bool {
        if self.is_job {
            return slot.has_completed();
        }
        slot.is_running() || (self.condition != "any" && slot.has_completed())
    }

    /// What the slots that lag behind do, by the least far of them.
    pub(super) fn doing(&self) -> String {
        let waiting = self.attempts.iter().filter(|slot| !self.is_done(slot));
        let states = waiting.map(|slot| slot.newest().state.as_str());
        let least = states.min_by_key(|state| LIFE.iter().position(|known| known == state));
        match least {
            None | Some("new" | "allocated" | "pending") => "waiting for a node".to_owned(),
            // Jobs run before they are done.
            Some("failed" | "rejected" | "shutdown" | "complete" | "ready") => {
                "restarting".to_owned()
            }
            Some(state) => state.to_owned(),
        }
    }

    /// What is in the way of the first slot that lags behind.
    pub(super) fn problem(&self) -> Option<Problem> {
        let mut waiting = self.attempts.iter().filter(|slot| !self.is_done(slot));
        waiting.find_map(|slot| self.blocker(slot))
    }

    /// The problem of a slot that ended and gets no further attempt.
    pub(super) fn final_problem(&self) -> Option<Problem> {
        let ended = self.attempts.iter().filter(|slot| !self.is_done(slot));
        let ended = ended.filter(|slot| self.gets_no_other(slot));
        ended.map(|slot| self.problem_of(slot.newest())).next()
    }

    /// Swarm marks a failed task for shutdown and makes its successor in one step
    /// (swarmkit `orchestrator/restart`): without one, the restart policy is used up.
    fn gets_no_other(&self, slot: &Slot) -> bool {
        let newest = slot.newest();
        matches!(newest.state.as_str(), "failed" | "rejected")
            && newest.desired_state == "shutdown"
            && !self.before.contains(&newest.id)
    }

    fn blocker(&self, slot: &Slot) -> Option<Problem> {
        let attempts = slot.0.iter().rev();
        let telling = attempts.filter(|task| !self.before.contains(&task.id));
        let mut telling = telling.filter(|task| problem::tells(task));
        telling.next().map(|task| self.problem_of(task))
    }

    fn problem_of(&self, task: &Task) -> Problem {
        let node = self.nodes.get(task.node_id.as_str());
        Problem::of(task, node.map(|node| node.hostname.as_str()))
    }
}

impl<'a> Slot<'a> {
    fn new(mut attempts: Vec<&'a Task>) -> Self {
        attempts.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        Self(attempts)
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "a slot is made of at least one task"
    )]
    fn newest(&self) -> &'a Task {
        self.0[self.0.len() - 1]
    }

    fn is_running(&self) -> bool {
        let meant = |task: &&&Task| matches!(task.desired_state.as_str(), "running" | "ready");
        self.0
            .iter()
            .filter(meant)
            .any(|task| task.state == "running")
    }

    fn has_completed(&self) -> bool {
        self.newest().state == "complete"
    }

    /// Whether the slot is still wanted: one that was scaled away, or whose node was
    /// drained, ends by the orchestrator's will and not by its own.
    fn matters(&self, condition: &str) -> bool {
        let newest = self.newest();
        let ended_itself = match newest.state.as_str() {
            "failed" | "rejected" => newest.desired_state != "remove",
            "complete" => condition != "any" || newest.desired_state == "running",
            _ => false,
        };
        matches!(
            newest.desired_state.as_str(),
            "running" | "ready" | "complete"
        ) || ended_itself
    }
}
