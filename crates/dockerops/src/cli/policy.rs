//! Options that decide what a plan may do: the same for a plan and for the run that applies it.

use std::collections::BTreeSet;

use dockerops_core::departed::Insist;
use dockerops_core::plan::{
    Adopt, Force, Jobs, Policy, Prune, PruneVolumes, PullPolicy, Retry, VolumeChange,
};

use crate::settings::{self, Settings};

/// What may be taken over, changed and removed.
#[derive(Debug, Clone, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct PolicyArgs {
    /// Take over stacks of the same names, and files on NFS, that something else put there
    #[arg(long)]
    pub(super) adopt: bool,

    /// Let a running service get another volume; the data stays in the old one
    #[arg(long)]
    allow_volume_change: bool,

    /// Remove stacks that left, also when the list is empty or history was rewritten or lost;
    /// of compose files, services that they no longer have
    #[arg(long)]
    prune: bool,

    /// Also remove volumes on this node, with their data, that a stack left behind
    #[arg(long)]
    prune_volumes: bool,

    /// Replace this Docker secret, whose content cannot be compared; may be given several times
    #[arg(long, value_name = "SECRET")]
    rotate: Vec<String>,
}

/// What restarts without a difference.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ForceArgs {
    /// Restart all tasks even when nothing changed
    #[arg(long)]
    force: bool,

    /// With --force, also run jobs again
    #[arg(long, requires = "force")]
    run_jobs: bool,
}

impl PolicyArgs {
    /// What plans may do; what nobody declares any more goes.
    pub(super) fn policy(&self, settings: &Settings) -> Policy {
        let volumes = if self.allow_volume_change {
            VolumeChange::Allow
        } else {
            VolumeChange::Refuse
        };
        let adopt = if self.adopt {
            Adopt::Take
        } else {
            Adopt::Refuse
        };
        Policy {
            jobs: Jobs::Run,
            retry: Retry::No,
            adopt,
            volumes,
            prune: Prune::Remove,
            prune_volumes: prune_volumes(self.prune_volumes),
            pull: pull(settings),
            force: Force::No,
        }
    }

    /// Of compose files: services that they no longer have go only with `--prune`.
    pub(super) fn prune_services(&self) -> Prune {
        if self.prune {
            Prune::Remove
        } else {
            Prune::Keep
        }
    }

    /// Secrets to replace, by the names that warnings have for them.
    pub(super) fn rotate(&self) -> BTreeSet<String> {
        self.rotate.iter().cloned().collect()
    }

    /// Whether doubt keeps stacks that left.
    pub(super) fn insist(&self) -> Insist {
        if self.prune { Insist::Yes } else { Insist::No }
    }
}

impl ForceArgs {
    /// As the plan takes it.
    pub(super) fn force(&self) -> Force {
        match (self.force, self.run_jobs) {
            (false, _) => Force::No,
            (true, false) => Force::Services,
            (true, true) => Force::ServicesAndJobs,
        }
    }
}

/// `--prune-volumes` as the plan takes it.
pub(super) fn prune_volumes(given: bool) -> PruneVolumes {
    if given {
        PruneVolumes::Remove
    } else {
        PruneVolumes::Keep
    }
}

/// `DOCKEROPS_IMAGE_PULL_POLICY` as the plan takes it.
pub(super) fn pull(settings: &Settings) -> PullPolicy {
    match settings.pull_policy {
        settings::PullPolicy::Always => PullPolicy::Always,
        settings::PullPolicy::IfNotPresent => PullPolicy::IfNotPresent,
    }
}
