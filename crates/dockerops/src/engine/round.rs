//! One look at all services that are waited for, and what follows from it.

use std::collections::BTreeMap;
use std::time::Duration;

use dockerops_core::compose::model::Condition;
use dockerops_core::health::{Health, Outcome, Status, View, Watch};
use dockerops_core::observed::{Moment, Node, Service, Task};
use tokio::try_join;

use super::wait::{Progress, Watched};
use super::{Engine, EngineError, TaskFilter};

/// Above this many services all tasks are asked for, as the filter would get too long.
const MAX_FILTER: usize = 100;

/// What a service is waited for to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// Well, and for long enough.
    Settled,
    /// So far that others can follow.
    Reached(Condition),
}

/// One reading of what is judged by.
pub(super) struct Reading {
    services: BTreeMap<String, Service>,
    tasks: Vec<Task>,
    nodes: Vec<Node>,
}

impl Reading {
    pub(super) async fn take(engine: &dyn Engine, round: &Round<'_>) -> Result<Self, EngineError> {
        let ids = round.open.iter().map(|open| open.watched.id.clone());
        let mut services: Vec<_> = ids.collect();
        if services.len() > MAX_FILTER {
            services.clear();
        }
        let filter = TaskFilter {
            services,
            up_to_date: true,
            ..TaskFilter::default()
        };
        let (services, tasks, nodes) =
            try_join!(engine.services(), engine.tasks(&filter), engine.nodes())?;
        let by_id = services.into_iter().map(|s| (s.id.clone(), s));
        Ok(Self {
            services: by_id.collect(),
            tasks,
            nodes,
        })
    }

    fn view(&self, id: &str, now: Moment) -> View<'_> {
        View {
            service: self.services.get(id),
            tasks: &self.tasks,
            nodes: &self.nodes,
            now,
        }
    }
}

/// A service that has no outcome yet.
struct Open<'a> {
    watched: &'a Watched,
    goal: Goal,
    watch: Watch,
    last: Option<Health>,
}

/// The services that are waited for, and those that are done.
pub(super) struct Round<'a> {
    open: Vec<Open<'a>>,
    all: Vec<&'a Watched>,
    /// By name.
    pub(super) done: BTreeMap<String, Outcome>,
}

impl<'a> Round<'a> {
    pub(super) fn new(services: impl Iterator<Item = (&'a Watched, Goal)>) -> Self {
        let open = |(watched, goal): (&'a Watched, Goal)| Open {
            watched,
            goal,
            watch: Watch::new(watched.window, watched.before.clone()),
            last: None,
        };
        let open: Vec<_> = services.map(open).collect();
        Self {
            all: open.iter().map(|open| open.watched).collect(),
            open,
            done: BTreeMap::new(),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.open.is_empty()
    }

    /// The ids of all services, done or not, by name.
    pub(super) fn ids(&self) -> BTreeMap<String, String> {
        let pair = |watched: &&Watched| (watched.name.clone(), watched.id.clone());
        self.all.iter().map(pair).collect()
    }

    /// How long it is until the first service that stays as it is has an outcome.
    pub(super) fn due(&self, now: Moment) -> Option<Duration> {
        self.open
            .iter()
            .filter_map(|open| open.watch.due(now))
            .min()
    }

    pub(super) fn judge(
        &mut self,
        now: Moment,
        reading: &Reading,
        is_over: bool,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) {
        let Self { open, done, .. } = self;
        let mut is_lost = false;
        open.retain_mut(|open| {
            let outcome = open.look(reading.view(&open.watched.id, now), is_over, progress);
            let goes_on = outcome.is_none();
            is_lost |= open.watched.decides && matches!(outcome, Some(Outcome::Failed(_)));
            done.extend(outcome.map(|outcome| (open.watched.name.clone(), outcome)));
            goes_on
        });
        if is_lost {
            let left = open
                .drain(..)
                .filter_map(|open| Some((open.watched.name.clone(), Outcome::Left(open.last?))));
            done.extend(left);
        }
    }
}

impl Open<'_> {
    fn look(
        &mut self,
        view: View<'_>,
        is_over: bool,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Option<Outcome> {
        let (health, settled) = self.watch.see(view);
        let outcome = match (settled, self.goal) {
            (None | Some(Outcome::Healthy(_)), Goal::Reached(condition)) => {
                reached(&health, condition)
            }
            (settled, _) => settled,
        };
        let give_up = || match self.goal {
            Goal::Settled => self.watch.give_up(health.clone()),
            Goal::Reached(_) => Outcome::TimedOut(health.clone()),
        };
        let outcome = outcome.or_else(|| is_over.then(give_up));
        progress(Progress {
            service: &self.watched.name,
            health: &health,
            outcome: outcome.as_ref(),
        });
        self.last = Some(health);
        outcome
    }
}

fn reached(health: &Health, condition: Condition) -> Option<Outcome> {
    // While Swarm still monitors an update, all that is wanted runs already.
    let may_be_well = matches!(health.status, Status::Healthy | Status::Progressing);
    let runs = may_be_well && health.tally.wanted > 0 && health.tally.is_full();
    let is_reached = match condition {
        Condition::Started => health.started || runs,
        Condition::Healthy => runs,
        Condition::Completed => false,
    };
    (is_reached || health.finished).then(|| Outcome::Healthy(health.clone()))
}
