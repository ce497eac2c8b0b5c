//! Published ports: each belongs to one service of the whole Swarm.
//!
//! The engine refuses a port that another service publishes through the ingress
//! network, so the order of writes matters when one moves between services.

use std::collections::BTreeSet;

use serde_json::Value;

/// A published port, as far as two can be in each other's way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Port {
    /// The number.
    pub(super) number: u64,
    /// `tcp`, `udp` or `sctp`.
    pub(super) protocol: String,
    ingress: bool,
}

impl Port {
    /// Whether it is a port of the node that the task runs on.
    pub(super) fn is_host(&self) -> bool {
        !self.ingress
    }

    /// Whether the engine refuses the two in different services: two ports of hosts
    /// are a matter of placement (swarmkit, `checkPortConflicts`).
    pub(super) fn conflicts(&self, other: &Self) -> bool {
        self.number == other.number
            && self.protocol == other.protocol
            && (self.ingress || other.ingress)
    }
}

/// The ports that `spec` publishes under a number of its own choice.
pub(super) fn of(spec: &Value) -> BTreeSet<Port> {
    let ports = spec
        .pointer("/EndpointSpec/Ports")
        .and_then(Value::as_array);
    let text = |port: &Value, key: &str, default: &str| {
        let text = port.get(key).and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() {
            default.to_owned()
        } else {
            text.to_owned()
        }
    };
    let read = |port: &Value| {
        let number = port.get("PublishedPort")?.as_u64().filter(|n| *n > 0)?;
        Some(Port {
            number,
            protocol: text(port, "Protocol", "tcp"),
            ingress: text(port, "PublishMode", "ingress") == "ingress",
        })
    };
    ports.into_iter().flatten().filter_map(read).collect()
}

/// The first of `wanted` that `held` is in the way of.
pub(super) fn conflict<'a>(wanted: &'a BTreeSet<Port>, held: &BTreeSet<Port>) -> Option<&'a Port> {
    wanted
        .iter()
        .find(|port| held.iter().any(|other| port.conflicts(other)))
}

/// A group of writes for one service, with the ports that it takes and those it holds until then.
#[derive(Debug)]
pub(super) struct Step<T> {
    /// The service.
    pub(super) name: String,
    /// What to do.
    pub(super) item: T,
    /// Ports published afterwards.
    pub(super) after: BTreeSet<Port>,
    /// Ports published before.
    pub(super) before: BTreeSet<Port>,
}

/// Moves services that hold a port into the wave of the one that takes it, when that is an earlier
/// one: the engine would refuse the port. Gives their names.
pub(super) fn hasten<T>(waves: &mut Vec<Vec<String>>, steps: &[Step<T>]) -> BTreeSet<String> {
    let mut hastened = BTreeSet::new();
    // Each time one moves, it moves to an earlier wave, so this ends.
    while let Some((holder, wave)) = steps.iter().find_map(|step| late(waves, steps, step)) {
        for wave in waves.iter_mut() {
            wave.retain(|name| *name != holder);
        }
        if let Some(wave) = waves.get_mut(wave) {
            wave.push(holder.clone());
            wave.sort();
        }
        hastened.insert(holder);
    }
    waves.retain(|wave| !wave.is_empty());
    hastened
}

/// One that holds a port which `taker` takes in an earlier wave, and that wave.
fn late<T>(waves: &[Vec<String>], steps: &[Step<T>], taker: &Step<T>) -> Option<(String, usize)> {
    let wave = |name: &String| waves.iter().position(|wave| wave.contains(name));
    let early = wave(&taker.name)?;
    let holds = |step: &&Step<T>| {
        step.name != taker.name
            && conflict(&taker.after, &step.before).is_some()
            && wave(&step.name).is_some_and(|held| held > early)
    };
    let holder = steps.iter().find(holds)?;
    Some((holder.name.clone(), early))
}

/// Orders `steps` by `waves`, and in each so that a port is let go before another takes it.
/// Two services that swap ports cannot be ordered and stay in the given order.
pub(super) fn order<T>(waves: &[Vec<String>], mut steps: Vec<Step<T>>) -> Vec<T> {
    let mut ordered = Vec::new();
    for wave in waves {
        let now = steps.extract_if(.., |step| wave.contains(&step.name));
        ordered.extend(by_ports(now.collect()));
    }
    ordered
}

fn by_ports<T>(mut steps: Vec<Step<T>>) -> Vec<T> {
    let mut ordered = Vec::new();
    while !steps.is_empty() {
        let free = |at: &usize| {
            let others = steps.iter().enumerate().filter(|(other, _)| other != at);
            let held: BTreeSet<_> = others.flat_map(|(_, step)| step.before.clone()).collect();
            let step = steps.get(*at);
            step.is_some_and(|step| conflict(&step.after, &held).is_none())
        };
        let next = (0..steps.len()).find(free).unwrap_or(0);
        ordered.push(steps.remove(next).item);
    }
    ordered
}
