//! Watching services until each is well, has failed, or the time is up.
//!
//! All services of all stacks are watched together: three calls a round,
//! however many there are. The Swarm's events only wake the round up earlier;
//! tasks send none, so a poll goes on beneath.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dockerops_core::health::{Verdict, Watch, explain, judge};
use dockerops_core::observed::{Node, Service, Task};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio::try_join;

use super::{Engine, EngineError, TaskFilter};

pub use dockerops_core::health::Outcome;

/// Above this many services all tasks are asked for, as the filter would get too long.
const MAX_FILTER: usize = 100;

/// A service to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The engine's id.
    pub id: String,
    /// Its name on the Swarm.
    pub name: String,
    /// For how long it must run without a break. [`Watched::window_of`] for a
    /// service that was made or whose tasks restart; zero for any other.
    pub window: Duration,
    /// Ids of its tasks from before the change: their failures do not count. Of an
    /// updated service they must be given: its new spec may be one that it failed
    /// with before, whose tasks are up to date again.
    pub before: BTreeSet<String>,
}

impl Watched {
    /// The window that the spec of a changed service asks for:
    /// `update_config.monitor`, 5 s when not given, at most `cap`.
    pub fn window_of(spec: &serde_json::Value, cap: Duration) -> Duration {
        let monitor = spec["UpdateConfig"]["Monitor"]
            .as_u64()
            .filter(|ns| *ns > 0);
        monitor
            .map_or(DEFAULT_MONITOR, Duration::from_nanos)
            .min(cap)
    }
}

/// Swarm's default (swarmkit `api/defaults`).
const DEFAULT_MONITOR: Duration = Duration::from_secs(5);

/// How long to wait, and how often to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For all services together.
    pub timeout: Duration,
    /// Between two looks, when no event comes.
    pub poll: Duration,
}

impl Limits {
    /// These limits with a look every half second.
    pub fn within(timeout: Duration) -> Self {
        Self {
            timeout,
            poll: Duration::from_millis(500),
        }
    }
}

/// What is told after each look about each service that is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Its name on the Swarm.
    pub service: &'a str,
    /// What it is now.
    pub verdict: &'a Verdict,
    /// How it ended, when it just did.
    pub outcome: Option<&'a Outcome>,
}

/// Waits until each service has an outcome, and gives them by name.
///
/// An engine that answered and then is away (a manager that restarts, a new
/// leader) is waited for; its error comes back when it lasts until the time is up.
pub async fn wait(
    engine: &dyn Engine,
    services: &[Watched],
    limits: Limits,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<BTreeMap<String, Outcome>, EngineError> {
    let begin = Instant::now();
    let mut round = Round::new(services);
    let mut events = None;
    let mut has_answered = false;
    while !round.open.is_empty() {
        if events.is_none() {
            events = engine.changes().await.ok();
        }
        let looked = look(engine, &round).await;
        let is_over = begin.elapsed() >= limits.timeout;
        match looked {
            Ok(view) => {
                has_answered = true;
                round.judge(begin.elapsed(), &view, is_over, progress);
            }
            Err(error) if is_over || !(has_answered || error.is_transient()) => return Err(error),
            Err(_) => events = None,
        }
        if !round.open.is_empty() {
            let left = limits.timeout.saturating_sub(begin.elapsed());
            rest(&mut events, limits.poll.min(left)).await;
        }
    }
    explain_all(engine, services, &mut round.done).await;
    Ok(round.done)
}

/// One reading of what the verdicts need.
struct View {
    services: BTreeMap<String, Service>,
    tasks: Vec<Task>,
    nodes: Vec<Node>,
}

struct Round<'a> {
    open: Vec<(&'a Watched, Watch)>,
    done: BTreeMap<String, Outcome>,
}

impl<'a> Round<'a> {
    fn new(services: &'a [Watched]) -> Self {
        let watch = |service: &'a Watched| (service, Watch::new(service.window));
        Self {
            open: services.iter().map(watch).collect(),
            done: BTreeMap::new(),
        }
    }

    fn judge(
        &mut self,
        now: Duration,
        view: &View,
        is_over: bool,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) {
        let Self { open, done } = self;
        open.retain_mut(|(watched, watch)| {
            let Some(service) = view.services.get(&watched.id) else {
                done.insert(watched.name.clone(), Outcome::Gone);
                return false;
            };
            let verdict = judge(service, &view.tasks, &view.nodes, &watched.before);
            let outcome = watch.see(now, &verdict);
            let outcome = outcome.or_else(|| is_over.then(|| watch.give_up(&verdict)));
            progress(Progress {
                service: &watched.name,
                verdict: &verdict,
                outcome: outcome.as_ref(),
            });
            let goes_on = outcome.is_none();
            done.extend(outcome.map(|outcome| (watched.name.clone(), outcome)));
            goes_on
        });
    }
}

async fn look(engine: &dyn Engine, round: &Round<'_>) -> Result<View, EngineError> {
    let ids = round.open.iter().map(|(watched, _)| watched.id.clone());
    let filter = TaskFilter {
        services: ids.take(MAX_FILTER + 1).collect(),
        stack: None,
        up_to_date: true,
    };
    let filter = if filter.services.len() > MAX_FILTER {
        TaskFilter {
            services: Vec::new(),
            ..filter
        }
    } else {
        filter
    };
    let (services, tasks, nodes) =
        try_join!(engine.services(), engine.tasks(&filter), engine.nodes())?;
    let by_id = services
        .into_iter()
        .map(|service| (service.id.clone(), service));
    Ok(View {
        services: by_id.collect(),
        tasks,
        nodes,
    })
}

/// Sleeps, or less when the Swarm changes. A stream that ended is opened anew by
/// the next round.
async fn rest(events: &mut Option<mpsc::Receiver<()>>, at_most: Duration) {
    // Events come in bursts, and tasks move only after them: not every event is a look.
    let pause = at_most.min(Duration::from_millis(50));
    sleep(pause).await;
    let left = at_most.saturating_sub(pause);
    match events {
        Some(receiver) => {
            if let Ok(None) = timeout(left, receiver.recv()).await {
                *events = None;
                sleep(left).await;
            }
        }
        None => sleep(left).await,
    }
}

/// Puts the error of the task behind a pause or a rollback into its outcome.
/// What cannot be asked stays unexplained.
async fn explain_all(
    engine: &dyn Engine,
    services: &[Watched],
    done: &mut BTreeMap<String, Outcome>,
) {
    let failed =
        |watched: &&Watched| matches!(done.get(&watched.name), Some(Outcome::Failed { .. }));
    let ids: Vec<_> = services
        .iter()
        .filter(failed)
        .map(|w| w.id.clone())
        .collect();
    if ids.is_empty() {
        return;
    }
    let filter = TaskFilter {
        services: ids,
        ..TaskFilter::default()
    };
    let view = try_join!(engine.services(), engine.tasks(&filter), engine.nodes());
    let Ok((services, tasks, nodes)) = view else {
        return;
    };
    for service in services {
        if let Some(Outcome::Failed { problem, .. }) = done.get_mut(&service.name) {
            *problem = explain(problem.clone(), &service, &tasks, &nodes);
        }
    }
}

#[cfg(test)]
#[path = "wait_tests.rs"]
mod tests;
