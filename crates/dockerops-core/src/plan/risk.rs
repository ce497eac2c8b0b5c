//! What a person should think about before applying a plan that is allowed.
//!
//! What is not allowed at all is a refusal (`refuse`); what is merely good to
//! know stands in [`Plan::warnings`].

use serde::Serialize;

use super::decide::live;
use super::effect::{Effect, Order};
use super::inputs::{Inputs, VolumeChange};
use super::ports;
use super::refuse::moved_volumes;
use super::{Action, Change, Plan, Reason};
use crate::body::Body;
use crate::observed::{Node, Observed};
use crate::placement::misfit;

/// One risk of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Risk {
    /// Which kind: one word for programs.
    pub kind: RiskKind,
    /// The service, by its name on the Swarm.
    pub service: String,
    /// What may happen, in a sentence without its period.
    pub message: String,
}

/// Kinds of risks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RiskKind {
    /// Nothing of the service runs while its only task is replaced.
    DownMeanwhile,
    /// The new task needs a port that the old one has until it stops.
    PortHeld,
    /// No node may run its tasks: they wait.
    NoNode,
    /// Another volume is mounted, and the data stays in the old one.
    VolumeChanges,
}

/// The risks of `plan`, service by service, on these nodes.
pub fn risks(plan: &Plan, inputs: &Inputs, nodes: &[Node]) -> Vec<Risk> {
    let mut risks = Vec::new();
    for change in &plan.changes {
        let (Action::CreateService { name, body } | Action::UpdateService { name, body, .. }) =
            &change.action
        else {
            continue;
        };
        let mut add = |kind, message| {
            let service = name.clone();
            risks.push(Risk {
                kind,
                service,
                message,
            });
        };
        if let Some(message) = down(change, inputs.observed) {
            add(RiskKind::DownMeanwhile, message);
        }
        if let Some(message) = held(change, body, inputs.observed) {
            add(RiskKind::PortHeld, message);
        }
        if let Some(why) = misfit(body, nodes) {
            add(RiskKind::NoNode, format!("its tasks will wait: {why}"));
        }
        for message in moved(name, inputs) {
            add(RiskKind::VolumeChanges, message);
        }
    }
    risks
}

fn down(change: &Change, observed: &Observed) -> Option<String> {
    if change.reasons.contains(&Reason::Replaced) {
        return Some("nothing of it runs until it is made anew".to_owned());
    }
    let Effect::Restart {
        tasks,
        at_once,
        order: Order::StopFirst,
    } = Effect::of(change, observed)?
    else {
        return None;
    };
    match tasks {
        Some(1) => Some("nothing of it runs while its one task restarts (stop-first)".to_owned()),
        _ if at_once == 0 || tasks.is_some_and(|tasks| at_once >= tasks) => {
            Some("nothing of it runs while its tasks restart all at once (stop-first)".to_owned())
        }
        _ => None,
    }
}

fn held(change: &Change, body: &Body, observed: &Observed) -> Option<String> {
    let Effect::Restart {
        order: Order::StartFirst,
        ..
    } = Effect::of(change, observed)?
    else {
        return None;
    };
    let ports = body.at(&["EndpointSpec", "Ports"])?;
    let mut host = ports::of(&body.expose()).into_iter();
    let port = host.find(ports::Port::is_host)?;
    let number = if ports.secrets().is_secret() {
        ports.secrets().mask()
    } else {
        port.number.to_string()
    };
    Some(format!(
        "start-first needs another node: the old task has the host port {number} until it stops"
    ))
}

/// Only where it was allowed; else the plan is refused.
fn moved(name: &str, inputs: &Inputs) -> Vec<String> {
    let service = inputs.desired.services.iter().find(|s| s.name == *name);
    let live = service.and_then(|service| live(inputs, service));
    match (service, live, inputs.policy.volumes) {
        (Some(service), Some(live), VolumeChange::Allow) => moved_volumes(service, live),
        _ => Vec::new(),
    }
}
