//! Tasks and update status → health: is a service what it should be, and if not, why?
//!
//! Pure, so that each answer can be tested on tasks as real engines write them.
//!
//! [`judge`] looks at one moment. [`Watch`] follows one service from a change on: it
//! remembers the failed tasks that the Swarm forgets, and says when the service has been
//! well for long enough, or will not be.
//!
//! The rules are those of Docker's client (`cli/command/service/progress`), but that a
//! completed one-shot task counts as done, that a service which Swarm paused or rolled
//! back is not well, that what fails again and again is told, and that each answer says why.
//!
//! **Invariants**
//!
//! - Only tasks that run the service's current spec are to be given (the engine's
//!   filter `_up-to-date`): old tasks say nothing about a new spec.
//! - Tasks on nodes that do not answer never count as running.
//! - [`Status::Degraded`] means certain: waiting longer would not help. A slow pull, a slow
//!   start and a health check that has not answered yet are [`Status::Progressing`].

mod hint;
mod problem;
mod reason;
mod slots;
mod status;
mod watch;

use std::collections::BTreeSet;

use crate::body::Body;
use crate::mode::Mode;
use crate::observed::{Moment, Node, Service, Task};
use crate::placement;

pub use problem::{Problem, ProblemKind, Said, Speaker, explain};
pub use status::{Status, stack};
pub use watch::{Outcome, View, Watch};

use slots::Slots;

/// How well a service is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// In one word.
    pub status: Status,
    /// How far it is.
    pub tally: Tally,
    /// What it does, in a few words: `running`, `preparing`, `wants no task`.
    pub doing: String,
    /// What is wrong, or in its way.
    pub reason: Option<Problem>,
    /// Whether each task that is wanted has a container that was started; a health check
    /// may still be to come.
    pub started: bool,
    /// Whether all that is wanted has run to its end, or nothing is wanted: nothing is
    /// left that could fail.
    pub finished: bool,
}

/// Tasks that run (of jobs: that have completed) of those wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tasks that run or have completed.
    pub running: u64,
    /// Tasks wanted.
    pub wanted: u64,
}

impl Tally {
    /// Whether what is wanted runs, and no more.
    pub fn is_full(self) -> bool {
        self.running == self.wanted
    }
}

impl Health {
    fn new(status: Status, tally: Tally, doing: impl Into<String>) -> Self {
        Self {
            status,
            tally,
            doing: doing.into(),
            reason: None,
            started: false,
            finished: false,
        }
    }

    fn because(self, reason: Option<Problem>) -> Self {
        Self { reason, ..self }
    }

    /// Of a service that should be there, and is not.
    pub fn missing() -> Self {
        let reason = Problem::new(ProblemKind::Missing, "the service is not on the Swarm");
        Self::new(Status::Missing, Tally::default(), "missing").because(Some(reason))
    }

    /// Of a service about which the engine could not be asked; `why` is its error.
    pub fn unknown(why: impl Into<String>) -> Self {
        let reason = Problem::new(ProblemKind::Other, why);
        Self::new(Status::Unknown, Tally::default(), "not known").because(Some(reason))
    }
}

/// Judges `service` at `now` by its up-to-date `tasks`; those of other services are ignored.
///
/// `before` holds ids of tasks from before the change that is being judged: their
/// failures are old news.
pub fn judge(
    service: &Service,
    tasks: &[Task],
    nodes: &[Node],
    before: &BTreeSet<String>,
    now: Moment,
) -> Health {
    let mode = Mode::of(&service.spec);
    let slots = Slots::of(service, mode, tasks, nodes, before, now);
    let health = of_slots(service, mode, &slots, nodes);
    let started = health.tally.wanted > 0 && slots.started() >= health.tally.wanted;
    Health { started, ..health }
}

fn of_slots(service: &Service, mode: Mode, slots: &Slots, nodes: &[Node]) -> Health {
    let tally = tally(mode, slots);
    let degraded = |reason| {
        let doing = if tally.is_full() {
            "running".to_owned()
        } else {
            slots.doing()
        };
        Health::new(Status::Degraded, tally, doing).because(Some(reason))
    };
    if let Some(reason) = problem::of_update(service) {
        let status = match reason.kind {
            ProblemKind::UpdatePaused => Status::Suspended,
            _ => Status::Degraded,
        };
        return Health::new(status, tally, "running").because(Some(reason));
    }
    if let Some(reason) = slots.certain_problem() {
        return degraded(reason);
    }
    let is_well = tally.is_full() && (tally.wanted > 0 || !mode.is_global());
    if is_well {
        return well(service, slots, tally);
    }
    if let Some(reason) = nowhere(service, nodes) {
        return degraded(reason);
    }
    if let Some(reason) = slots.away() {
        return Health::new(Status::Unknown, tally, slots.doing()).because(Some(reason));
    }
    not_yet(service, mode, slots, tally, nodes)
}

fn tally(mode: Mode, slots: &Slots) -> Tally {
    let wanted = match mode {
        Mode::Replicated(replicas) => replicas,
        Mode::ReplicatedJob(total) => total,
        // The orchestrator makes the tasks of all eligible nodes at once.
        Mode::Global | Mode::GlobalJob => slots.len(),
    };
    let running = slots.done();
    Tally { running, wanted }
}

/// Of a service of which as many tasks run as are wanted.
fn well(service: &Service, slots: &Slots, tally: Tally) -> Health {
    let updating = service.update.as_ref().filter(|u| u.state != "completed");
    if tally.wanted == 0 {
        let health = Health::new(Status::Healthy, tally, "wants no task");
        return Health {
            finished: true,
            ..health
        };
    }
    if updating.is_some() {
        return Health::new(Status::Progressing, tally, "updating");
    }
    let finished = slots.completed() == tally.wanted;
    let doing = if finished { "completed" } else { "running" };
    let health = Health::new(Status::Healthy, tally, doing);
    Health { finished, ..health }
}

/// Of a service whose tasks no node can ever run.
fn nowhere(service: &Service, nodes: &[Node]) -> Option<Problem> {
    let why = placement::misfit_for_good(&Body::from(service.spec.clone()), nodes)?;
    Some(Problem::new(
        ProblemKind::NoSuitableNode,
        format!("no suitable node: {why}"),
    ))
}

fn not_yet(service: &Service, mode: Mode, slots: &Slots, tally: Tally, nodes: &[Node]) -> Health {
    let progressing = |doing: &str| Health::new(Status::Progressing, tally, doing);
    let body = Body::from(service.spec.clone());
    let is_eligible = |node: &Node| placement::takes_tasks(node) && placement::fits(&body, node);
    if tally.wanted == 0 && mode.is_global() && nodes.iter().any(is_eligible) {
        return progressing("waiting for Swarm to make its tasks");
    }
    if tally.wanted == 0 && mode.is_global() {
        // Docker's rule: a global service without any task has not converged.
        let reason = Problem::new(
            ProblemKind::NoSuitableNode,
            "no node is eligible for this global service",
        );
        return progressing("waiting for an eligible node").because(Some(reason));
    }
    if tally.running > tally.wanted {
        return progressing("stopping tasks");
    }
    progressing(&slots.doing()).because(slots.problem())
}

#[cfg(test)]
mod certain_tests;
#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
mod tests;
