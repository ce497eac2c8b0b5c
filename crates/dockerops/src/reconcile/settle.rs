//! The end of a stack's rollout: wait until its services are well, or say what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dockerops_core::health::{Health, Outcome};
use dockerops_core::observed::Service;
use dockerops_core::report::Problem;
use dockerops_core::spec::StackSpec;

use super::progress::Event;
use super::{Seen, World, problem};
use crate::engine::{self, EngineError, Limits, Watched};

/// The longest time a service must run without a break before it counts as well.
const LONGEST_WINDOW: Duration = Duration::from_secs(30);

/// Why a service is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern {
    /// Its tasks start anew: they must run for a while, and what failed before is old news.
    Restarted,
    /// It was written without a restart, or Swarm is still moving it.
    Moving,
    /// Nothing of it was written, but less ran than is wanted: what failed before is why.
    Unwell,
}

/// Why a stack is not well.
pub(super) struct Ill {
    /// Every service that is not well, and why.
    pub(super) problem: Problem,
    /// Their names.
    pub(super) services: BTreeSet<String>,
    /// Whether the engine only did not answer.
    pub(super) passing: bool,
}

/// Waits for the services `watched` of `spec`; the error names every one that is not well and why.
pub(super) async fn settle(
    world: &World,
    within: Duration,
    seen: &Seen,
    spec: &StackSpec,
    watched: &BTreeMap<String, Concern>,
) -> Result<(), Ill> {
    if watched.is_empty() {
        return Ok(());
    }
    let limits = Limits::within(within);
    let services = engine::services(world.engine.as_ref(), limits)
        .await
        .map_err(|error| away(&error))?;
    let watched: Vec<_> = services
        .iter()
        .filter_map(|service| Some(watch(service, seen, *watched.get(&service.name)?)))
        .collect();
    let mut show = |progress: engine::Progress<'_>| world.progress.event(rollout(spec, &progress));
    let outcomes = engine::wait(world.engine.as_ref(), &watched, limits, &mut show)
        .await
        .map_err(|error| away(&error))?;
    let failed: Vec<_> = outcomes
        .iter()
        .filter_map(|(name, health)| Some((name, masked(spec, name, complaint(health)?))))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Ill {
        services: failed.iter().map(|(name, _)| (*name).clone()).collect(),
        problem: problem_of(&failed),
        passing: false,
    })
}

fn away(error: &EngineError) -> Ill {
    Ill {
        problem: problem(error, error.hint()),
        services: BTreeSet::new(),
        passing: true,
    }
}

fn problem_of(failed: &[(&String, Complaint)]) -> Problem {
    match failed {
        [(name, (message, hint))] => {
            Problem::new(format!("service {name} {message}"), hint.clone())
        }
        several => Problem {
            message: format!("{} services are not well", several.len()),
            hint: None,
            details: several
                .iter()
                .map(|(name, (message, hint))| detail(name, message, hint.as_deref()))
                .collect(),
        },
    }
}

fn watch(service: &Service, seen: &Seen, concern: Concern) -> Watched {
    let window = match concern {
        Concern::Restarted | Concern::Unwell => Watched::window_of(&service.spec, LONGEST_WINDOW),
        Concern::Moving => Duration::ZERO,
    };
    let before = match concern {
        Concern::Restarted | Concern::Moving => seen.tasks.get(&service.id).cloned(),
        Concern::Unwell => None,
    };
    Watched {
        id: service.id.clone(),
        name: service.name.clone(),
        window,
        before: before.unwrap_or_default(),
    }
}

fn rollout(spec: &StackSpec, progress: &engine::Progress<'_>) -> Event {
    let Health {
        tally,
        doing,
        reason,
        ..
    } = progress.health;
    let is_well = matches!(progress.outcome, Some(Outcome::Healthy(_)));
    let note = match reason {
        Some(reason) => reason.to_string(),
        None if is_well => String::new(),
        None => doing.clone(),
    };
    Event::Rollout {
        service: progress.service.to_owned(),
        running: tally.running,
        wanted: tally.wanted,
        note: mask(spec, progress.service, &note),
    }
}

type Complaint = (String, Option<String>);

fn masked(spec: &StackSpec, service: &str, (message, hint): Complaint) -> Complaint {
    (mask(spec, service, &message), hint)
}

/// A task's error may quote the command or the environment, and so a secret.
fn mask(spec: &StackSpec, service: &str, text: &str) -> String {
    let service = spec.services.iter().find(|wanted| wanted.name == service);
    service.map_or_else(
        || text.to_owned(),
        |service| engine::mask(text, &service.body),
    )
}

/// What is wrong, and the way out; nothing for a service that is well.
fn complaint(outcome: &Outcome) -> Option<Complaint> {
    let health = outcome.health();
    let doing = &health.doing;
    let count = count(health);
    let what = match outcome {
        Outcome::Healthy(_) => return None,
        Outcome::Failed(_) => format!("failed ({count})"),
        Outcome::TimedOut(_) => format!("is still {doing} when the time is up ({count})"),
        Outcome::Left(_) => format!("was {doing} when that was given up ({count})"),
    };
    match &health.reason {
        Some(reason) => Some((format!("{what}: {reason}"), reason.hint())),
        None => Some((
            what,
            Some("Give it longer with `--timeout`, and see `docker service ps`.".to_owned()),
        )),
    }
}

fn count(health: &Health) -> String {
    format!(
        "{} of {} tasks run",
        health.tally.running, health.tally.wanted
    )
}

fn detail(name: &str, message: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("service {name} {message}\n  hint: {hint}"),
        None => format!("service {name} {message}"),
    }
}
