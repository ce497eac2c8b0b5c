//! Tasks and update status → verdict: is a service what it should be yet?
//!
//! Pure, so that each verdict can be tested on tasks as real engines write them.
//!
//! [`judge`] looks at one moment. [`Watch`] follows one service over time, which
//! comes as an argument: how long it has been running well, and when to give up.
//!
//! The rules are those of Docker's client (`cli/command/service/progress`), but
//! that a completed one-shot task counts as done, that a service which Swarm
//! paused or rolled back has failed, and that each verdict says why.
//!
//! **Invariants**
//!
//! - Only tasks that run the service's current spec are to be given (the engine's
//!   filter `_up-to-date`): old tasks say nothing about a new spec.
//! - Tasks on nodes that are down never count as running.
//! - [`Verdict::Degraded`] means certain: waiting longer would not help.

mod problem;
mod slots;
mod watch;

use std::collections::BTreeSet;

use crate::observed::{Node, Service, Task};

pub use problem::{Problem, ProblemKind, explain};
pub use watch::{Outcome, Watch};

use slots::Slots;

/// What a service is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All that is wanted runs.
    Healthy(Tally),
    /// All that is wanted has run to its end, or nothing is wanted: nothing is
    /// left that could fail.
    Completed(Tally),
    /// Not yet.
    Progressing {
        /// How far it is.
        tally: Tally,
        /// What it does, in a few words: `preparing`, `updating`.
        what: String,
        /// What is in its way, when something is.
        problem: Option<Problem>,
    },
    /// Waiting longer does not help.
    Degraded {
        /// How far it came.
        tally: Tally,
        /// What is wrong.
        problem: Problem,
    },
}

impl Verdict {
    /// How far the service is.
    pub fn tally(&self) -> Tally {
        match self {
            Self::Healthy(tally)
            | Self::Completed(tally)
            | Self::Progressing { tally, .. }
            | Self::Degraded { tally, .. } => *tally,
        }
    }

    /// What is wrong or in the way, when something is.
    fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Progressing { problem, .. } => problem.as_ref(),
            Self::Degraded { problem, .. } => Some(problem),
            Self::Healthy(_) | Self::Completed(_) => None,
        }
    }
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
    fn is_full(self) -> bool {
        self.running == self.wanted
    }
}

/// How a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Replicated(u64),
    Global,
    ReplicatedJob(u64),
    GlobalJob,
}

/// Judges `service` by its up-to-date `tasks`; those of other services are ignored.
///
/// `before` holds ids of tasks from before the change that is being judged: their
/// failures are old news.
pub fn judge(
    service: &Service,
    tasks: &[Task],
    nodes: &[Node],
    before: &BTreeSet<String>,
) -> Verdict {
    let mode = mode(service);
    let slots = Slots::of(
        service,
        tasks,
        nodes,
        before,
        matches!(mode, Mode::Global | Mode::GlobalJob),
    );
    let tally = tally(mode, &slots);
    if let Some(problem) = problem::of_update(service) {
        return Verdict::Degraded { tally, problem };
    }
    if let Some(problem) = slots.final_problem() {
        return Verdict::Degraded { tally, problem };
    }
    if tally.wanted == 0 && matches!(mode, Mode::Global | Mode::GlobalJob) {
        return no_eligible_node(tally);
    }
    let updating = service.update.as_ref().filter(|u| u.state != "completed");
    if tally.is_full() && (updating.is_none() || tally.wanted == 0) {
        if slots.running() == slots.completed() {
            return Verdict::Completed(tally);
        }
        return Verdict::Healthy(tally);
    }
    Verdict::Progressing {
        tally,
        what: if tally.is_full() {
            "updating".to_owned()
        } else {
            slots.doing()
        },
        problem: if tally.is_full() {
            None
        } else {
            slots.problem()
        },
    }
}

fn mode(service: &Service) -> Mode {
    let mode = &service.spec["Mode"];
    let job = &mode["ReplicatedJob"];
    if job.is_object() {
        // The engine's own default: as many as run at once, else one.
        let total = job["TotalCompletions"].as_u64();
        let total = total.or_else(|| job["MaxConcurrent"].as_u64());
        return Mode::ReplicatedJob(total.unwrap_or(1));
    }
    if mode["GlobalJob"].is_object() {
        return Mode::GlobalJob;
    }
    if mode["Global"].is_object() {
        return Mode::Global;
    }
    Mode::Replicated(mode["Replicated"]["Replicas"].as_u64().unwrap_or(1))
}

fn tally(mode: Mode, slots: &Slots) -> Tally {
    let wanted = match mode {
        Mode::Replicated(replicas) => replicas,
        Mode::ReplicatedJob(total) => total,
        // The orchestrator makes the tasks of all eligible nodes at once.
        Mode::Global | Mode::GlobalJob => slots.len(),
    };
    let running = match mode {
        Mode::Replicated(_) | Mode::Global => slots.running(),
        Mode::ReplicatedJob(_) | Mode::GlobalJob => slots.completed(),
    };
    Tally { running, wanted }
}

/// Docker's rule: a global service without any task has not converged.
fn no_eligible_node(tally: Tally) -> Verdict {
    Verdict::Progressing {
        tally,
        what: "waiting for an eligible node".to_owned(),
        problem: Some(Problem {
            kind: ProblemKind::NoSuitableNode,
            message: "no node is eligible for this global service".to_owned(),
            task: None,
            node: None,
        }),
    }
}

#[cfg(test)]
mod tests;
