//! How a stack is rolled out and kept: the optional keys of its entry in `stacks.yaml`.
//!
//! Their defaults are what a plain `- name: web` means.

use std::time::Duration;

use crate::field::{Field, Text};
use crate::names::StackName;

/// What one entry says besides its files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StackOptions {
    /// `depends_on`: stacks of the same repository that must be well before.
    pub depends_on: Vec<Field<StackName>>,
    /// `timeout`: how long its services may take; `None` is what the command says.
    pub timeout: Option<Duration>,
    /// `on_failure`: what happens when it does not get well.
    pub on_failure: OnFailure,
    /// `self_heal`: whether what was changed by hand is put back.
    pub self_heal: SelfHeal,
    /// `ignore_drift`: fields of services, in the compose file's words, that something else
    /// (an autoscaler) may change; a running service keeps what it has there.
    pub ignore_drift: Vec<Text>,
    /// `suspend`: nothing of it is changed while this is so.
    pub suspend: bool,
}

/// What happens when a stack does not get well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The whole stack returns to what was well. A first deploy is left for inspection.
    #[default]
    Rollback,
    /// It stays as it is, and is not tried again until it changes.
    Pause,
    /// It stays as it is, and the next run tries again.
    Continue,
    /// As [`Rollback`](Self::Rollback), but a first deploy is removed.
    Remove,
}

/// Whether what was changed by hand is put back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SelfHeal {
    /// Yes.
    #[default]
    Yes,
    /// No: it is only reported.
    No,
}
