//! Registry credentials on the nodes: which must be sent again before they end?
//!
//! Swarm keeps the credentials that a service was sent with and pulls with them whenever a
//! task moves to another node, perhaps months later. Sending them again restarts nothing,
//! but it is a write: so it is due only when those on the nodes end soon, or are no longer
//! the ones in use.
//!
//! **Invariants**
//!
//! - The same credential is never sent twice, whatever its age.
//! - Jobs are never written (any update runs them again), nor is a service that Swarm is
//!   moving: see [`refresh`].

mod lifetime;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::body::Body;
use crate::fingerprint::{Comparison, FingerprintKey};
use crate::mode::Mode;
use crate::observed::Service;
use crate::plan::{Action, Restarts};
use crate::secret::{Provenance, Secret};

pub use lifetime::ends;

/// A time, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl Moment {
    /// This many seconds later.
    #[must_use]
    pub fn after(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// How many seconds this is after `earlier`.
    fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Credentials that have less left than this are due, however short they live.
const HALF_AN_HOUR: i64 = 30 * 60;
/// What lives longer is given by hand: another one means that it was replaced.
const A_WEEK: i64 = 7 * 24 * 3600;

/// Where Docker's configuration has a credential from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It stands in the configuration: somebody logged in.
    File,
    /// A credential helper gave it, which may make a new one each time.
    Helper,
}

/// What a service was last sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The keyed fingerprint of the credential.
    pub fingerprint: String,
    /// When.
    pub at: Moment,
    /// When it ends, where that is known.
    pub ends: Option<Moment>,
}

/// What would be sent now.
#[derive(Debug, Clone)]
pub struct Offered {
    /// All that is sent.
    pub content: Secret,
    /// When it ends, where that is known.
    pub ends: Option<Moment>,
    /// Where it is from.
    pub origin: Origin,
}

/// What is to be done about one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Keep,
    /// Remember the present credential as the one sent, without sending it.
    Assume,
    /// Send the present credential.
    Refresh,
    /// Nothing can be done: what the nodes have has ended, and so has what is offered.
    Ended,
}

impl Sent {
    /// Whether it matters what credential there is now. Asking may start a program.
    pub fn is_worth_asking(&self, now: Moment) -> bool {
        self.lives_long() || self.is_due(now)
    }

    /// Whether it would be noticed only late by its end that it was replaced.
    fn lives_long(&self) -> bool {
        self.ends.is_none_or(|ends| ends.since(self.at) > A_WEEK)
    }

    /// Less than half an hour, or a quarter of what it had when it was sent, is left.
    fn is_due(&self, now: Moment) -> bool {
        self.ends
            .is_some_and(|ends| ends.since(now) < HALF_AN_HOUR.max(ends.since(self.at) / 4))
    }
}

impl Offered {
    /// Whether nothing tells that the nodes could go on with it for long.
    fn may_end_soon(&self, now: Moment) -> bool {
        match self.ends {
            Some(ends) => ends.since(now) <= A_WEEK,
            None => self.origin == Origin::Helper,
        }
    }
}

/// Decides about a service that was `sent` something, or of which that is not known.
pub fn next(sent: Option<&Sent>, offered: &Offered, key: &FingerprintKey, now: Moment) -> Next {
    let ended = |ends: Option<Moment>| ends.is_some_and(|ends| ends <= now);
    if ended(offered.ends) {
        let hopeless = sent.is_none_or(|sent| ended(sent.ends));
        return if hopeless { Next::Ended } else { Next::Keep };
    }
    let known = sent.map(|sent| {
        let fingerprint = Some(sent.fingerprint.as_str());
        (sent, key.compare(fingerprint, offered.content.expose()))
    });
    match known {
        Some((sent, Comparison::Different)) if is_better(sent, offered, now) => Next::Refresh,
        Some((_, Comparison::Equal | Comparison::Different)) => Next::Keep,
        // Unknown also when the key was lost under which it was compared.
        None | Some((_, Comparison::Unknown)) if offered.may_end_soon(now) => Next::Refresh,
        None | Some((_, Comparison::Unknown)) => Next::Assume,
    }
}

/// Whether another credential than the one `sent` is worth a write.
fn is_better(sent: &Sent, offered: &Offered, now: Moment) -> bool {
    if sent.lives_long() {
        // A password that was replaced no longer works. A helper may give another each
        // time, which must not become a write each time.
        return offered.origin == Origin::File || now.since(sent.at) >= HALF_AN_HOUR;
    }
    let longer = offered
        .ends
        .is_none_or(|ends| sent.ends.is_none_or(|old| ends > old));
    sent.is_due(now) && longer
}

/// Whether `service` may be written now: it is no job, and Swarm is done with it.
///
/// `moving` holds the ids of services with tasks that do not run the current spec yet.
pub fn is_calm(service: &Service, moving: &BTreeSet<String>) -> bool {
    // A write would also take away what Swarm says of an update that it paused or rolled back.
    let done = service
        .update
        .as_ref()
        .is_none_or(|update| update.state.is_empty() || update.state == "completed");
    !Mode::of(&service.spec).is_job() && done && !moving.contains(&service.id)
}

/// The write that brings new credentials to the nodes and changes nothing: the live spec,
/// as it is.
pub fn refresh(service: &Service) -> Action {
    let mut body = Body::from(service.spec.clone());
    hide_environment(&mut body);
    Action::UpdateService {
        id: service.id.clone(),
        version: service.version,
        name: service.name.clone(),
        body,
        restarts: Restarts::Nothing,
    }
}

/// An engine that refuses may quote what was sent, and which variables are secret is not known here.
fn hide_environment(body: &mut Body) {
    let container = body
        .get_mut("TaskTemplate")
        .and_then(|t| t.get_mut("ContainerSpec"));
    let Some(Body::List(items)) = container.and_then(|c| c.get_mut("Env")) else {
        return;
    };
    for item in items {
        if let Body::Scalar(Value::String(text), secrets) = item {
            let name = text.split_once('=').map_or(text.as_str(), |(name, _)| name);
            secrets.extend(&Provenance::secret(name));
        }
    }
}

#[cfg(test)]
mod tests;
