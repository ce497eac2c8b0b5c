//! One service, followed from a change until it is well or has failed.
//!
//! Time comes with what is seen, so that this can be tested without waiting.
//!
//! **Invariant**: failed tasks are remembered, as a Swarm keeps few of them (five of a
//! slot, or as `docker swarm update --task-history-limit` says) and forgets the rest.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::{Health, Problem, Status, judge};
use crate::observed::{Moment, Node, Service, Task};

/// How long a service must look lost before that is believed: the successor of its task,
/// or a label of a node, may come with the next answer of the engine.
const GRACE: Duration = Duration::from_secs(2);

/// How a service ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It runs and went on running for the window, has run to its end, or wants no task.
    Healthy(Health),
    /// It failed for certain.
    Failed(Health),
    /// The time is up.
    TimedOut(Health),
    /// Nobody waits any more, as another service failed.
    Left(Health),
}

impl Outcome {
    /// What the service was last.
    pub fn health(&self) -> &Health {
        match self {
            Self::Healthy(health)
            | Self::Failed(health)
            | Self::TimedOut(health)
            | Self::Left(health) => health,
        }
    }
}

/// One reading of the Swarm.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The service; absent when it is not there.
    pub service: Option<&'a Service>,
    /// Its up-to-date tasks; those of other services are ignored.
    pub tasks: &'a [Task],
    /// All nodes.
    pub nodes: &'a [Node],
    /// When it was.
    pub now: Moment,
}

/// Follows one service.
#[derive(Debug, Clone)]
pub struct Watch {
    window: Duration,
    before: BTreeSet<String>,
    /// Tasks that ended since the watch began.
    ended: Vec<Task>,
    /// What they ran.
    spec: Value,
    full_since: Option<Moment>,
    lost_since: Option<Moment>,
    /// What last ended a task that had run.
    ended_by: Option<Problem>,
}

impl Watch {
    /// A watch that wants the service to run for `window` without a break, as Docker's
    /// client waits for `update_config.monitor` (5 s by default). `before` holds ids of
    /// tasks from before the change: their failures do not count.
    pub fn new(window: Duration, before: BTreeSet<String>) -> Self {
        Self {
            window,
            before,
            ended: Vec::new(),
            spec: Value::Null,
            full_since: None,
            lost_since: None,
            ended_by: None,
        }
    }

    /// Takes note of what is seen; gives how well the service is, and the outcome when there is one.
    pub fn see(&mut self, view: View<'_>) -> (Health, Option<Outcome>) {
        let health = match view.service {
            None => Health::missing(),
            Some(service) => self.judge(service, &view),
        };
        let outcome = self.weigh(view.now, &health);
        (health, outcome)
    }

    fn judge(&mut self, service: &Service, view: &View<'_>) -> Health {
        if self.spec != service.spec {
            // What an earlier spec did says nothing about this one.
            self.spec.clone_from(&service.spec);
            self.ended.clear();
        }
        let ours = view
            .tasks
            .iter()
            .filter(|task| task.service_id == service.id);
        let mut tasks: Vec<Task> = ours.cloned().collect();
        let forgotten = |old: &&Task| tasks.iter().all(|task| task.id != old.id);
        let forgotten: Vec<_> = self.ended.iter().filter(forgotten).cloned().collect();
        tasks.extend(forgotten);
        let ended =
            |task: &&Task| matches!(task.state.as_str(), "failed" | "rejected" | "complete");
        self.ended = tasks.iter().filter(ended).cloned().collect();
        judge(service, &tasks, view.nodes, &self.before, view.now)
    }

    fn weigh(&mut self, now: Moment, health: &Health) -> Option<Outcome> {
        let may_be_well = matches!(health.status, Status::Healthy | Status::Progressing);
        let full = health.tally.is_full() && may_be_well;
        self.full_since = full.then_some(self.full_since.unwrap_or(now));
        let lost = health.status == Status::Degraded;
        self.lost_since = lost.then_some(self.lost_since.unwrap_or(now));
        let reason = health.reason.as_ref();
        if let Some(problem) = reason.filter(|problem| problem.ends_a_task()) {
            self.ended_by = Some(problem.clone());
        }
        if reason.is_some_and(Problem::is_final) {
            return Some(Outcome::Failed(health.clone()));
        }
        match health.status {
            Status::Healthy => {
                let is_well = health.finished || self.is_stable(now);
                is_well.then(|| Outcome::Healthy(health.clone()))
            }
            Status::Degraded => {
                let repeated = reason.is_some_and(Problem::is_repeated);
                let sure = repeated || lasted(self.lost_since, now, GRACE);
                sure.then(|| Outcome::Failed(health.clone()))
            }
            _ => None,
        }
    }

    fn is_stable(&self, now: Moment) -> bool {
        lasted(self.full_since, now, self.window)
    }

    /// How long it is until a service that stays as it was seen last has an outcome.
    pub fn due(&self, now: Moment) -> Option<Duration> {
        let left =
            |since: Option<Moment>, wanted: Duration| Some(wanted.saturating_sub(since?.age(now)));
        left(self.lost_since, GRACE).or_else(|| left(self.full_since, self.window))
    }

    /// The outcome of a service that is still `health` when the time is up. One that
    /// runs, but has not run for its window, has not shown that it is well: a crash
    /// loop also runs now and then.
    pub fn give_up(&self, health: Health) -> Outcome {
        match health.status {
            Status::Healthy if health.finished => Outcome::Healthy(health),
            Status::Healthy => Outcome::TimedOut(Health {
                status: Status::Progressing,
                doing: "running, but not for long enough yet".to_owned(),
                reason: self.ended_by.clone(),
                ..health
            }),
            Status::Degraded => Outcome::Failed(health),
            _ => Outcome::TimedOut(health),
        }
    }
}

fn lasted(since: Option<Moment>, now: Moment, wanted: Duration) -> bool {
    since.is_some_and(|since| since.age(now) >= wanted)
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
