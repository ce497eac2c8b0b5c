//! How one service that a run waited for was when the wait ended.

use serde::Serialize;

use crate::health::{Health, Status};

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceReport {
    /// Its name on the Swarm.
    pub name: String,
    /// What it was.
    pub health: Status,
    /// Tasks that ran or had completed.
    pub running: u64,
    /// Tasks wanted.
    pub wanted: u64,
    /// Why it was not well; safe to show.
    pub reason: Option<String>,
}

impl ServiceReport {
    /// `mask` takes out of a reason what must not be shown.
    pub fn new(name: &str, health: &Health, mask: impl Fn(&str) -> String) -> Self {
        let reason = health.reason.as_ref().map(ToString::to_string);
        Self {
            name: name.to_owned(),
            health: health.status,
            running: health.tally.running,
            wanted: health.tally.wanted,
            reason: reason.map(|reason| mask(&reason)),
        }
    }
}
