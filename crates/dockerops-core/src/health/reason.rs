//! Why a slot is not well, and whether waiting would help.
//!
//! What is certain, and when:
//!
//! - the restart policy is used up: at once;
//! - a task was to run and failed, [`FAILURES`] times: then, and until one runs for
//!   [`STEADY`]. A loop also runs now and then, and what failed while its database
//!   started is well once it runs;
//! - no node takes a task: after [`PATIENCE`], as a node may be away for a moment, and
//!   longer while old tasks may still be stopping and hold what it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::problem::{self, FAILURES, Problem, ProblemKind};
use super::slots::Slot;
use crate::body::Body;
use crate::mode::Mode;
use crate::observed::{Moment, Node, Service, Task};
use crate::placement;

/// Failures longer ago are no loop.
const RECENT: Duration = Duration::from_secs(600);
/// A task that runs for so long has got over earlier failures.
const STEADY: Duration = Duration::from_secs(60);
/// How long a task may find no node.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a task gets to stop when its service does not say (Swarm's default).
const STOPPING: Duration = Duration::from_secs(10);

/// What is needed to say why.
pub(super) struct Reasons<'a> {
    service: &'a Service,
    pub(super) mode: Mode,
    all_nodes: &'a [Node],
    nodes: BTreeMap<&'a str, &'a Node>,
    before: &'a BTreeSet<String>,
    now: Moment,
    /// `RestartPolicy.Condition`; `any` when not said.
    pub(super) condition: &'a str,
}

impl<'a> Reasons<'a> {
    pub(super) fn new(
        service: &'a Service,
        mode: Mode,
        nodes: &'a [Node],
        before: &'a BTreeSet<String>,
        now: Moment,
    ) -> Self {
        let condition = &service.spec["TaskTemplate"]["RestartPolicy"]["Condition"];
        Self {
            service,
            mode,
            all_nodes: nodes,
            nodes: nodes.iter().map(|node| (node.id.as_str(), node)).collect(),
            before,
            now,
            condition: condition.as_str().unwrap_or("any"),
        }
    }

    fn node(&self, task: &Task) -> Option<&'a Node> {
        self.nodes.get(task.node_id.as_str()).copied()
    }

    pub(super) fn is_down(&self, task: &Task) -> bool {
        self.node(task).is_some_and(|node| node.state == "down")
    }

    /// Whether the node of `task` does not answer. One that is not known is no reason for doubt.
    pub(super) fn is_away(&self, task: &Task) -> bool {
        self.node(task).is_some_and(|node| node.state != "ready")
    }

    pub(super) fn problem_of(&self, task: &Task) -> Problem {
        let node = self.node(task).map(|node| node.hostname.as_str());
        let mut problem = Problem::of(task, node);
        match problem.kind {
            ProblemKind::NoSuitableNode => {
                let why = self.why_no_node();
                problem.message = why.unwrap_or(problem.message);
            }
            ProblemKind::PortInUse if self.keeps_its_port() => {
                problem.kind = ProblemKind::OwnPortInUse;
            }
            _ => {}
        }
        problem
    }

    /// What last went wrong in `slot`, and how often in a row.
    pub(super) fn blocker(&self, slot: &Slot) -> Option<Problem> {
        let attempts = slot.0.iter().rev();
        let telling = attempts.filter(|task| !self.before.contains(&task.id));
        let mut telling = telling.filter(|task| problem::tells(task));
        let problem = telling.next().map(|task| self.problem_of(task))?;
        Some(self.counted(problem, slot))
    }

    /// Swarm marks a failed task for shutdown and makes its successor in one step
    /// (swarmkit `orchestrator/restart`): without one, the restart policy is used up.
    pub(super) fn used_up(&self, slot: &Slot) -> Option<Problem> {
        let newest = slot.newest();
        let ended = matches!(newest.state.as_str(), "failed" | "rejected")
            && newest.desired_state == "shutdown"
            && !self.before.contains(&newest.id);
        ended.then(|| self.counted(self.problem_of(newest), slot))
    }

    /// What fails [`FAILURES`] times, and does not run for long, goes on failing.
    pub(super) fn again_and_again(&self, slot: &Slot, running: Option<&Task>) -> Option<Problem> {
        if running.is_some_and(|task| task.since.age(self.now) >= STEADY) {
            return None;
        }
        let failures = self.failures(slot);
        let last = failures
            .last()
            .filter(|_| failures.len() as u64 >= FAILURES)?;
        Some(self.counted(self.problem_of(last), slot))
    }

    /// No node takes the newest task, and none has for a while.
    pub(super) fn stuck(&self, slot: &Slot) -> Option<Problem> {
        let newest = slot.newest();
        if problem::has_begun(newest) || newest.error.is_empty() {
            return None;
        }
        let problem = self.problem_of(newest);
        let patience = match problem.kind {
            ProblemKind::PortInUse | ProblemKind::NoResources if self.is_replaced() => {
                PATIENCE + self.stopping()
            }
            _ => PATIENCE,
        };
        (newest.created_at.age(self.now) >= patience).then_some(problem)
    }

    /// The failed attempts of `slot` that are no old news, oldest first.
    fn failures<'s>(&self, slot: &Slot<'s>) -> Vec<&'s Task> {
        let failed = |task: &&Task| match task.state.as_str() {
            "failed" | "rejected" => true,
            "complete" => self.condition == "any" && !self.mode.is_job(),
            _ => false,
        };
        let new = |task: &&Task| !self.before.contains(&task.id);
        let recent = |task: &&Task| task.since.age(self.now) <= RECENT;
        let attempts = slot.0.iter().copied();
        attempts.filter(failed).filter(new).filter(recent).collect()
    }

    fn counted(&self, problem: Problem, slot: &Slot) -> Problem {
        let failures = self.failures(slot);
        let same = failures
            .iter()
            .filter(|task| problem::kind_of(task) == problem.kind);
        let times = (same.count() as u64).max(1);
        Problem { times, ..problem }
    }

    /// Which constraint leaves no node that takes tasks, and which node would do.
    fn why_no_node(&self) -> Option<String> {
        let spec = Body::from(self.service.spec.clone());
        let why = placement::misfit(&spec, self.all_nodes)?;
        let would = self
            .all_nodes
            .iter()
            .find(|node| placement::fits(&spec, node));
        let but = would.map(|node| {
            let state = if node.state == "ready" {
                &node.availability
            } else {
                &node.state
            };
            format!(" but `{}`, which takes no tasks ({state})", node.hostname)
        });
        Some(format!(
            "no suitable node: {why}{}",
            but.unwrap_or_default()
        ))
    }

    /// Whether tasks of an earlier spec may still be there.
    fn is_replaced(&self) -> bool {
        let updating = self
            .service
            .update
            .as_ref()
            .is_some_and(|u| u.state == "updating");
        updating || !self.before.is_empty()
    }

    /// Whether an old task keeps a port of its node until the new one, which wants it, runs.
    fn keeps_its_port(&self) -> bool {
        let spec = &self.service.spec;
        let ports = spec["EndpointSpec"]["Ports"].as_array();
        let on_host = |port: &Value| port["PublishMode"] == "host";
        self.is_replaced()
            && spec["UpdateConfig"]["Order"] == "start-first"
            && ports.is_some_and(|ports| ports.iter().any(on_host))
    }

    fn stopping(&self) -> Duration {
        let container = &self.service.spec["TaskTemplate"]["ContainerSpec"];
        let given = container["StopGracePeriod"].as_u64();
        given.map_or(STOPPING, Duration::from_nanos)
    }
}
