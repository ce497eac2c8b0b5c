//! Tasks of one service, attempt by attempt.
//!
//! A slot is one replica, or one node of a global service. Its newest attempt
//! says where it stands; earlier ones say why it is there.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{self, Problem, ProblemKind};
use super::reason::Reasons;
use crate::body::Body;
use crate::mode::Mode;
use crate::observed::{Moment, Node, Service, Task};
use crate::placement;

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
pub(super) struct Slot<'a>(pub(super) Vec<&'a Task>);

/// All slots that still matter.
pub(super) struct Slots<'a> {
    attempts: Vec<Slot<'a>>,
    reasons: Reasons<'a>,
}

impl<'a> Slots<'a> {
    pub(super) fn of(
        service: &'a Service,
        mode: Mode,
        tasks: &'a [Task],
        nodes: &'a [Node],
        before: &'a BTreeSet<String>,
        now: Moment,
    ) -> Self {
        let reasons = Reasons::new(service, mode, nodes, before, now);
        let this_run = |task: &&Task| match service.job_iteration {
            Some(iteration) => task.job_iteration.unwrap_or(0) == iteration,
            None => true,
        };
        // Of a replica Swarm makes another task elsewhere, and until then it is missed; a
        // global service wants none on a node that is down.
        let is_wanted = |task: &&Task| !(mode.is_global() && reasons.is_down(task));
        let mut grouped: BTreeMap<(u64, &str), Vec<&Task>> = BTreeMap::new();
        let ours = tasks.iter().filter(|task| task.service_id == service.id);
        for task in ours.filter(is_wanted).filter(this_run) {
            let node = if mode.is_global() {
                task.node_id.as_str()
            } else {
                ""
            };
            grouped.entry((task.slot, node)).or_default().push(task);
        }
        let mut slots: Vec<Slot> = grouped.into_values().map(Slot::new).collect();
        if !mode.is_job() {
            slots.retain(|slot| slot.matters(reasons.condition));
        }
        if mode.is_global() {
            slots.retain(|slot| slot.is_eligible(service, nodes));
        }
        Self {
            attempts: slots,
            reasons,
        }
    }

    pub(super) fn len(&self) -> u64 {
        count(self.attempts.len())
    }

    /// Slots with a task that runs and is meant to, or that ran to its end and may.
    pub(super) fn done(&self) -> u64 {
        count(
            self.attempts
                .iter()
                .filter(|slot| self.is_done(slot))
                .count(),
        )
    }

    /// Slots whose task has completed.
    pub(super) fn completed(&self) -> u64 {
        let completed = self.attempts.iter().filter(|slot| slot.has_completed());
        count(completed.count())
    }

    /// Slots whose container was started.
    pub(super) fn started(&self) -> u64 {
        let started = |slot: &&Slot| {
            matches!(
                slot.newest().state.as_str(),
                "starting" | "running" | "complete"
            )
        };
        count(self.attempts.iter().filter(started).count())
    }

    fn is_done(&self, slot: &Slot) -> bool {
        if self.reasons.mode.is_job() {
            return slot.has_completed();
        }
        self.running(slot).is_some() || (self.reasons.condition != "any" && slot.has_completed())
    }

    /// The task of `slot` that runs, is meant to, and is on a node that answers.
    fn running(&self, slot: &Slot<'a>) -> Option<&'a Task> {
        let meant = |task: &&&Task| matches!(task.desired_state.as_str(), "running" | "ready");
        let mut running = slot.0.iter().filter(meant);
        running
            .find(|task| task.state == "running" && !self.reasons.is_away(task))
            .copied()
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
        waiting.find_map(|slot| self.reasons.blocker(slot))
    }

    /// The first problem that waiting does not solve.
    pub(super) fn certain_problem(&self) -> Option<Problem> {
        self.attempts.iter().find_map(|slot| self.certain(slot))
    }

    fn certain(&self, slot: &Slot<'a>) -> Option<Problem> {
        let running = self.running(slot);
        if running.is_none() && self.is_done(slot) {
            return None;
        }
        let looping = self.reasons.again_and_again(slot, running);
        if running.is_some() {
            return looping;
        }
        let used_up = self.reasons.used_up(slot);
        used_up.or_else(|| self.reasons.stuck(slot)).or(looping)
    }

    /// The first task that lags behind because its node does not answer.
    pub(super) fn away(&self) -> Option<Problem> {
        let waiting = self.attempts.iter().filter(|slot| !self.is_done(slot));
        waiting
            .map(Slot::newest)
            .filter(|task| matches!(task.desired_state.as_str(), "running" | "ready"))
            .find(|task| self.reasons.is_away(task))
            .map(|task| {
                let of_task = self.reasons.problem_of(task);
                let node = of_task.node.as_deref().unwrap_or_default();
                Problem::new(
                    ProblemKind::NodeAway,
                    format!("node `{node}` does not answer"),
                )
            })
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
    pub(super) fn newest(&self) -> &'a Task {
        self.0[self.0.len() - 1]
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

    /// Whether a task of its node is wanted, or there is one all the same. Of a node that was
    /// drained, or no longer satisfies a constraint, Swarm takes the task away, however that
    /// ends; for one of another platform it makes a task that waits for ever.
    fn is_eligible(&self, service: &Service, nodes: &[Node]) -> bool {
        let newest = self.newest();
        let is_there =
            problem::has_begun(newest) && !matches!(newest.state.as_str(), "failed" | "rejected");
        let node = nodes.iter().find(|node| node.id == newest.node_id);
        let wanted = |node: &Node| {
            node.availability != "drain" && placement::fits(&Body::from(service.spec.clone()), node)
        };
        is_there || node.is_none_or(wanted)
    }
}

fn count(slots: usize) -> u64 {
    slots as u64
}
