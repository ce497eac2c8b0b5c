//! Options that bound how long a stack may take: the same for every command that deploys.

use std::time::Duration;

use super::session::duration;
use crate::reconcile::Limits;

/// How long a stack may take.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct LimitArgs {
    /// How long the services of a stack may take to run, whatever `stacks.yaml` says [default: 5m]
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    pub(super) timeout: Option<Duration>,

    /// How long a stack that failed may take to run as before [default: as --timeout]
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    pub(super) rollback_timeout: Option<Duration>,
}

impl LimitArgs {
    /// As a run takes them.
    pub(super) fn limits(self) -> Limits {
        Limits {
            forward: self.timeout,
            rollback: self.rollback_timeout,
        }
    }
}
