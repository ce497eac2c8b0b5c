//! Watching services until each is well, one has failed, or the time is up.
//!
//! All services are watched together: three calls a round, however many there are. The
//! Swarm's events only wake the round up earlier; tasks send none, so a poll goes on
//! beneath.
//!
//! **Invariant**: nothing here outlasts the deadline by more than [`LAST_WORD`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dockerops_core::compose::model::Condition;
use dockerops_core::health::Health;
use dockerops_core::observed::{Moment, Service};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::round::{Goal, Reading, Round};
use super::{Engine, EngineError, explain};

pub use dockerops_core::health::Outcome;

/// How long the engine gets to answer when the time is up.
const LAST_WORD: Duration = Duration::from_secs(2);

/// A service to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The engine's id.
    pub id: String,
    /// Its name on the Swarm.
    pub name: String,
    /// For how long it must run without a break. [`Watched::window_of`] for a
    /// service that was made or of which tasks begin; zero for any other.
    pub window: Duration,
    /// Ids of its tasks from before the change: their failures do not count. Of an
    /// updated service they must be given: its new spec may be one that it failed
    /// with before, whose tasks are up to date again.
    pub before: BTreeSet<String>,
    /// Whether its failure ends the wait for all.
    pub decides: bool,
}

impl Watched {
    /// The window that the spec of a changed service asks for: `usual`, or
    /// `update_config.monitor` where that is longer, up to 30 s.
    pub fn window_of(spec: &serde_json::Value, usual: Duration) -> Duration {
        let monitor = spec["UpdateConfig"]["Monitor"].as_u64();
        let monitor = monitor.map_or(Duration::ZERO, Duration::from_nanos);
        usual.max(monitor.min(LONGEST_MONITOR))
    }
}

/// A monitor that is longer says how long Swarm is to watch, not how long people are to wait.
const LONGEST_MONITOR: Duration = Duration::from_secs(30);

/// How long to wait, and how often to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For all services together.
    pub deadline: Instant,
    /// Between two looks, when no event comes.
    pub poll: Duration,
}

impl Limits {
    /// Until `deadline`, with a look every half second.
    pub fn until(deadline: Instant) -> Self {
        Self {
            deadline,
            poll: Duration::from_millis(500),
        }
    }

    /// From now on.
    pub fn within(timeout: Duration) -> Self {
        Self::until(Instant::now() + timeout)
    }

    fn are_over(self) -> bool {
        Instant::now() >= self.deadline
    }
}

/// What is told after each look about each service that is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Its name on the Swarm.
    pub service: &'a str,
    /// What it is now.
    pub health: &'a Health,
    /// How it ended, when it just did.
    pub outcome: Option<&'a Outcome>,
}

/// Waits until each service is well, and gives how each ended, by name.
///
/// When one that decides has failed for certain, the others are left as they are
/// ([`Outcome::Left`]): nothing is won by waiting for them.
///
/// An engine that answered and then is away (a manager that restarts, a new leader) is
/// waited for; its error comes back when it lasts until the time is up.
pub async fn wait(
    engine: &dyn Engine,
    services: &[Watched],
    limits: Limits,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<BTreeMap<String, Outcome>, EngineError> {
    let goals = services.iter().map(|service| (service, Goal::Settled));
    rounds(engine, Round::new(goals), limits, progress).await
}

/// As [`wait`], but only until each service has reached its condition: what depends on
/// it can then be written, and whether it stays so is for the wait at the end.
/// [`Outcome::Healthy`] is one that has.
pub async fn gate(
    engine: &dyn Engine,
    services: &[(Watched, Condition)],
    limits: Limits,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<BTreeMap<String, Outcome>, EngineError> {
    let goals = services
        .iter()
        .map(|(service, condition)| (service, Goal::Reached(*condition)));
    rounds(engine, Round::new(goals), limits, progress).await
}

/// All services, from an engine that has answered before and may be away for a moment.
pub async fn services(engine: &dyn Engine, limits: Limits) -> Result<Vec<Service>, EngineError> {
    loop {
        let asked = within(limits, engine.services()).await;
        match asked {
            Err(_) if !limits.are_over() => sleep(limits.poll).await,
            other => return other,
        }
    }
}

/// The clock of this machine.
pub fn now() -> Moment {
    Moment(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

async fn rounds(
    engine: &dyn Engine,
    mut round: Round<'_>,
    limits: Limits,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<BTreeMap<String, Outcome>, EngineError> {
    // The wall clock may jump: from here on only the time that passes counts.
    let (start, clock) = (now(), Instant::now());
    let moment = || Moment(start.0 + clock.elapsed());
    let mut events = None;
    let mut has_answered = false;
    while !round.is_done() {
        if events.is_none() {
            events = within(limits, engine.changes()).await.ok();
        }
        let looked = within(limits, Reading::take(engine, &round)).await;
        let is_over = limits.are_over();
        match looked {
            Ok(reading) => {
                has_answered = true;
                round.judge(moment(), &reading, is_over, progress);
            }
            Err(error) if is_over || !(has_answered || error.is_transient()) => return Err(error),
            Err(_) => events = None,
        }
        if !round.is_done() {
            let left = limits.deadline.saturating_duration_since(Instant::now());
            let pause = round
                .due(moment())
                .map_or(limits.poll, |due| due.min(limits.poll));
            rest(&mut events, pause.min(left)).await;
        }
    }
    let watched = round.ids();
    let mut done = round.done;
    explain::complete(engine, &watched, &mut done).await;
    Ok(done)
}

/// What `asked` answers, unless the time is up long before.
async fn within<T>(
    limits: Limits,
    asked: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    let begin = Instant::now();
    let until = limits.deadline.max(begin) + LAST_WORD;
    let answer = timeout_at(until, asked).await;
    answer.unwrap_or_else(|_| {
        Err(EngineError::TimedOut {
            doing: "asking how the services are".to_owned(),
            after: begin.elapsed(),
        })
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

#[cfg(test)]
#[path = "wait_tests.rs"]
mod tests;
