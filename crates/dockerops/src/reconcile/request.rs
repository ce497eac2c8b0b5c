//! What a run is asked to do.

use std::collections::BTreeSet;
use std::sync::Arc;

use dockerops_core::departed::Insist;
use dockerops_core::names::StackName;
use dockerops_core::plan::Policy;

use super::{Agreed, Limits, Source, Target};

/// What to do.
#[derive(Debug, Clone)]
pub struct Request {
    /// The repositories, in the order watched.
    pub repositories: Vec<Target>,
    /// Only these stacks; all when empty.
    pub only: BTreeSet<StackName>,
    /// What plans may do.
    pub policy: Policy,
    /// Whether doubt keeps stacks that left their repository.
    pub insist: Insist,
    /// Plain names of secrets to replace even though they cannot be compared.
    pub rotate: BTreeSet<String>,
    /// What asked for the run.
    pub trigger: Trigger,
    /// How long stacks may take.
    pub limits: Limits,
    /// Whether anything is written.
    pub mode: Mode,
    /// Whether texts are compared line by line, for a plan.
    pub texts: Texts,
    /// What a saved plan holds this run to.
    pub agreed: Option<Arc<Agreed>>,
    /// Whether the run ends when services run.
    pub wait: Wait,
}

/// What asked for a run, as the history has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// `watch`
    Watch,
    /// `reconcile`
    Reconcile,
    /// `retry`
    Retry,
    /// `rollback`
    Rollback,
    /// `deploy`
    Deploy,
    /// `stop`
    Stop,
    /// `unwatch`
    Unwatch,
}

impl Trigger {
    /// As in the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Reconcile => "reconcile",
            Self::Retry => "retry",
            Self::Rollback => "rollback",
            Self::Deploy => "deploy",
            Self::Stop => "stop",
            Self::Unwatch => "unwatch",
        }
    }
}

/// Whether a run ends when services run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wait {
    /// Yes.
    #[default]
    UntilHealthy,
    /// No: when everything is written (`--detach`).
    No,
}

/// Whether anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Make it so.
    Apply,
    /// Make it so, and remember each repository that can be read before anything is
    /// written: what a run that is killed leaves behind is then known.
    Watch,
    /// Say what would be done; write nothing.
    Preview,
}

/// Whether a plan shows how texts change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Texts {
    /// That they change is enough.
    #[default]
    Named,
    /// Line by line (`--full`).
    Compared,
}

impl Request {
    /// Whether this run is about `stack`.
    pub(super) fn includes(&self, stack: &StackName) -> bool {
        self.only.is_empty() || self.only.contains(stack)
    }

    /// Whether this run is about watched repositories: only these have rows and images
    /// that are counted.
    pub(super) fn keeps_records(&self) -> bool {
        let repository = |target: &Target| matches!(target.source, Source::Repository(_));
        self.repositories.iter().all(repository)
    }
}
