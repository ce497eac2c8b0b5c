//! The end of a stack's rollout: wait until its services are well, or say what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dockerops_core::compose::model::Condition;
use dockerops_core::health::{Health, Outcome, Status};
use dockerops_core::observed::Service;
use dockerops_core::report::{Problem, ServiceReport};
use dockerops_core::spec::StackSpec;

use super::complaint::{self, Complaint, Masks};
use super::progress::Event;
use super::{Seen, World};
use crate::engine::{self, EngineError, Limits, Watched};

/// Why a service is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern {
    /// Its tasks start anew: they must run for a while, and what failed before is old news.
    Restarted,
    /// It was written without a restart, or Swarm is still moving it. Only tasks that begin must
    /// run for a while.
    Moving,
    /// Nothing of it was written, but less ran than is wanted: what failed before is why.
    Unwell,
}

/// Why a stack is not well.
pub(super) struct Ill {
    /// Every service that is not well, and why.
    pub(super) problem: Box<Problem>,
    /// Their names.
    pub(super) services: BTreeSet<String>,
    /// How all that were waited for ended.
    pub(super) ended: Vec<ServiceReport>,
    /// Whether the engine only did not answer.
    pub(super) passing: bool,
}

/// Waits for the services `watched` of `spec` and tells how each ended; the error names every
/// one that is not well and why.
pub(super) async fn settle(
    world: &World,
    limits: Limits,
    seen: &Seen,
    spec: &StackSpec,
    watched: &BTreeMap<String, Concern>,
) -> Result<Vec<ServiceReport>, Ill> {
    if watched.is_empty() {
        return Ok(Vec::new());
    }
    let services = engine::services(world.engine.as_ref(), limits)
        .await
        .map_err(away)?;
    let usual = world.settings.stability_window;
    let watched: Vec<_> = services
        .iter()
        .filter_map(|service| Some(watch(service, seen, *watched.get(&service.name)?, usual)))
        .collect();
    let mut show = |progress: engine::Progress<'_>| world.progress.event(rollout(spec, &progress));
    let outcomes = engine::wait(world.engine.as_ref(), &watched, limits, &mut show)
        .await
        .map_err(away)?;
    told(spec, outcomes)
}

/// Waits until each of `gates` has reached its condition.
pub(super) async fn gate(
    world: &World,
    limits: Limits,
    seen: &Seen,
    spec: &StackSpec,
    gates: &BTreeMap<String, (Concern, Condition)>,
) -> Result<(), Ill> {
    let services = engine::services(world.engine.as_ref(), limits)
        .await
        .map_err(away)?;
    let watched: Vec<_> = services
        .iter()
        .filter_map(|service| {
            let (concern, condition) = *gates.get(&service.name)?;
            Some((watch(service, seen, concern, Duration::ZERO), condition))
        })
        .collect();
    let mut show = |progress: engine::Progress<'_>| world.progress.event(rollout(spec, &progress));
    let outcomes = engine::gate(world.engine.as_ref(), &watched, limits, &mut show).await;
    told(spec, outcomes.map_err(away)?).map(drop)
}

/// That all is well, or what is not.
fn told(spec: &StackSpec, outcomes: BTreeMap<String, Outcome>) -> Result<Vec<ServiceReport>, Ill> {
    let ended = outcomes.iter().map(|(name, outcome)| {
        ServiceReport::new(name, outcome.health(), |text| {
            complaint::mask(spec, name, text)
        })
    });
    let ended = ended.collect();
    let complaints: Vec<_> = outcomes
        .iter()
        .filter_map(|(name, outcome)| {
            let masks = Masks {
                swarm: &|text| complaint::mask(spec, name, text),
                application: &|line| complaint::mask_line(spec, name, line),
            };
            Complaint::of(name, outcome, &masks)
        })
        .collect();
    if complaints.is_empty() {
        return Ok(ended);
    }
    Err(Ill {
        ended,
        services: outcomes
            .into_iter()
            .filter(is_ill)
            .map(|(name, _)| name)
            .collect(),
        problem: Box::new(complaint::problem(complaints)),
        passing: false,
    })
}

/// Whether the service itself is not well; others are only given up because of it.
fn is_ill((_, outcome): &(String, Outcome)) -> bool {
    matches!(outcome, Outcome::Failed(_) | Outcome::TimedOut(_))
}

fn away(error: EngineError) -> Ill {
    Ill {
        problem: Box::new(error.into()),
        services: BTreeSet::new(),
        ended: Vec::new(),
        passing: true,
    }
}

fn watch(service: &Service, seen: &Seen, concern: Concern, usual: Duration) -> Watched {
    let window = match concern {
        Concern::Moving if !starts_tasks(service, seen) => Duration::ZERO,
        _ => Watched::window_of(&service.spec, usual),
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
        // What was ill before says nothing about what was changed.
        decides: concern != Concern::Unwell,
    }
}

/// Whether tasks of `service` begin that were not there yet: they have shown nothing so far.
fn starts_tasks(service: &Service, seen: &Seen) -> bool {
    let mut before = seen.observed.services.iter();
    let before = before.find(|known| known.id == service.id);
    let grows = |before: &Service| {
        let replicas = |s: &Service| s.spec["Mode"]["Replicated"]["Replicas"].as_u64();
        replicas(before) < replicas(service)
    };
    seen.dirty.contains(&service.id) || before.is_none_or(grows)
}

fn rollout(spec: &StackSpec, progress: &engine::Progress<'_>) -> Event {
    step(progress, |note| {
        complaint::mask(spec, progress.service, note)
    })
}

/// How far a service is; `mask` takes out of a sentence what must not be shown.
pub(super) fn step(progress: &engine::Progress<'_>, mask: impl Fn(&str) -> String) -> Event {
    let Health {
        status,
        tally,
        doing,
        reason,
        ..
    } = progress.health;
    let note = match reason {
        Some(reason) => reason.to_string(),
        None if *status == Status::Healthy => String::new(),
        None => doing.clone(),
    };
    Event::Rollout {
        service: progress.service.to_owned(),
        running: tally.running,
        wanted: tally.wanted,
        note: mask(&note),
    }
}

#[cfg(test)]
mod tests {
    use dockerops_core::observed::Observed;
    use serde_json::json;

    use super::*;

    fn service(replicas: u64) -> Service {
        Service {
            id: "a".to_owned(),
            version: 1,
            name: "web_a".to_owned(),
            spec: json!({"Mode": {"Replicated": {"Replicas": replicas}}}),
            update: None,
            job_iteration: None,
        }
    }

    /// How many seconds a service that was written without a restart must run.
    fn window(from: u64, to: u64, dirty: &[&str]) -> u64 {
        let seen = Seen {
            observed: Observed {
                services: vec![service(from)],
                ..Observed::default()
            },
            dirty: dirty.iter().map(|&id| id.to_owned()).collect(),
            unwell: BTreeSet::new(),
            busy: BTreeSet::new(),
            tasks: BTreeMap::new(),
            nodes: Vec::new(),
        };
        let usual = Duration::from_secs(5);
        let watched = watch(&service(to), &seen, Concern::Moving, usual);
        watched.window.as_secs()
    }

    #[test]
    fn tasks_that_a_scaling_or_a_move_begins_must_run_for_a_while_and_others_need_not() {
        assert_eq!([window(0, 1, &[]), window(1, 3, &[])], [5, 5]);
        assert_eq!([window(2, 2, &[]), window(3, 1, &[])], [0, 0]);
        assert_eq!(window(2, 2, &["a"]), 5, "Swarm has not replaced all yet");
    }
}
