//! `wait`: until services that somebody deployed are well, or one has failed for certain.

use std::collections::BTreeSet;
use std::time::Duration;

use dockerops_core::observed::Service;
use dockerops_core::report::Problem;

use super::World;
use super::complaint::{self, Complaint, Masks};
use super::settle::step;
use crate::engine::{self, Limits, Watched};

/// Waits `within` for `services`; the error names every one that is not well and why.
pub async fn wait(world: &World, services: &[Service], within: Duration) -> Result<(), Problem> {
    let usual = world.settings.stability_window;
    let watched: Vec<_> = services.iter().map(|s| watch(s, usual)).collect();
    let harmless = |name: &str, text: &str| {
        let service = services.iter().find(|service| service.name == name);
        service.map_or_else(
            || text.to_owned(),
            |service| engine::mask_live(text, service),
        )
    };
    let mut show = |progress: engine::Progress<'_>| {
        let name = progress.service;
        world
            .progress
            .event(step(&progress, |note| harmless(name, note)));
    };
    let limits = Limits::within(within);
    let outcomes = engine::wait(world.engine.as_ref(), &watched, limits, &mut show).await?;
    let complaints: Vec<_> = outcomes
        .iter()
        .filter_map(|(name, outcome)| {
            let swarm = &|text: &str| harmless(name, text);
            let application = swarm;
            Complaint::of(name, outcome, &Masks { swarm, application })
        })
        .collect();
    if complaints.is_empty() {
        return Ok(());
    }
    Err(complaint::problem(complaints))
}

fn watch(service: &Service, usual: Duration) -> Watched {
    Watched {
        id: service.id.clone(),
        name: service.name.clone(),
        window: Watched::window_of(&service.spec, usual),
        before: BTreeSet::new(),
        decides: true,
    }
}
