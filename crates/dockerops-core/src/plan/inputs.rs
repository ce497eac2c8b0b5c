//! What a plan is made from, besides the stack itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ownership::Claim;
use crate::field::Text;
use crate::fingerprint::FingerprintKey;
use crate::manifest::SelfHeal;
use crate::names::Owner;
use crate::observed::Observed;
use crate::spec::StackSpec;

/// Everything that [`plan`](super::plan()) looks at.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What the repository asks for.
    pub desired: &'a StackSpec,
    /// What the Swarm is.
    pub observed: &'a Observed,
    /// On whose behalf.
    pub owner: &'a Owner,
    /// Other owners who gave this stack up: repositories that were read in this
    /// run and list it no more. What carries their label is taken over.
    pub former: &'a BTreeSet<Owner>,
    /// By image text as written: what it stands for now. Only what
    /// [`images_needed`](super::images_needed) asks for must be there.
    pub images: &'a BTreeMap<String, Resolution>,
    /// By id of `volumes.yaml`: the hash of the binding's files. A binding that
    /// is left out is taken as unchanged.
    pub bindings: &'a BTreeMap<String, String>,
    /// Ids of services with tasks that do not run the current spec yet.
    pub dirty: &'a BTreeSet<String>,
    /// Ids of services that failed and that a person wants to be tried again: a job among
    /// them runs again.
    pub tried_again: &'a BTreeSet<String>,
    /// By service name: the [`Plan::hashes`](super::Plan::hashes) entry that was
    /// last sent to Swarm. A rolled-back service is held while it is unchanged; of
    /// others it tells what was changed by hand from what is asked for anew.
    pub attempted: &'a BTreeMap<String, String>,
    /// Plain names of secrets to replace even though they cannot be compared.
    pub rotate: &'a BTreeSet<String>,
    /// Fields of services, as `plan::ignore` knows them, that something else may
    /// change: a running service keeps what it has there.
    pub ignore_drift: &'a [Text],
    /// Whether what was changed by hand is put back.
    pub self_heal: SelfHeal,
    /// The key for secret fingerprints.
    pub key: &'a FingerprintKey,
    /// What is allowed.
    pub policy: Policy,
}

impl<'a> Inputs<'a> {
    /// The claim to the stack; `adopt` is about what carries no label.
    pub(super) fn claim(&self, adopt: Adopt) -> Claim<'a> {
        Claim {
            stack: &self.desired.name,
            owner: self.owner,
            former: self.former,
            adopt,
        }
    }
}

/// What a plan may do; the default is the most careful.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Policy {
    /// Whether services restart without a difference.
    pub force: Force,
    /// What happens to things of this stack that carry no ownership label.
    pub adopt: Adopt,
    /// Whether a running service may be given another volume at the same place.
    pub volumes: VolumeChange,
    /// Whether what nobody declares any more goes.
    pub prune: Prune,
    /// Whether volumes that the stack left behind go with what nobody declares.
    #[serde(default)]
    pub prune_volumes: PruneVolumes,
    /// When an image's digest is asked for.
    pub pull: PullPolicy,
    /// Whether jobs run.
    #[serde(default)]
    pub jobs: Jobs,
    /// Whether what failed is tried again although nothing of it changed.
    #[serde(default)]
    pub retry: Retry,
}

/// Whether what failed is tried again although nothing of it changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// It is held.
    #[default]
    No,
    /// A person said so.
    Yes,
}

/// Whether jobs run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Jobs {
    /// Those that are new or changed.
    #[default]
    Run,
    /// None, and none goes: what they did is not undone (a rollback).
    Leave,
}

/// Whether services restart without a difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Force {
    /// Only what differs is touched.
    #[default]
    No,
    /// Every service restarts; jobs do not run again.
    Services,
    /// Every service restarts and every job runs again.
    ServicesAndJobs,
}

/// What happens to things of this stack that carry no ownership label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adopt {
    /// The stack is refused.
    #[default]
    Refuse,
    /// They are taken over. Also for stacks that an earlier database lists as deployed.
    Take,
    /// Nothing will be applied: compare with whatever runs, whoever owns it,
    /// ownership labels being no difference (`plan -c`).
    Compare,
}

/// Whether a running service may be given another volume at the same place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeChange {
    /// The stack is refused: the data would stay behind.
    #[default]
    Refuse,
    /// It was allowed by hand.
    Allow,
}

/// Whether what nobody declares any more goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prune {
    /// Services stay and are listed as kept, and so does what else there is; older versions
    /// of configs and secrets go.
    #[default]
    Keep,
    /// It goes, last.
    Remove,
}

/// Whether volumes that a stack left behind go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PruneVolumes {
    /// They stay: they hold data.
    #[default]
    Keep,
    /// Those of this node go.
    Remove,
}

/// When an image's digest is asked for (`DOCKEROPS_IMAGE_PULL_POLICY`, `--resolve-image`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullPolicy {
    /// Only for a service whose image text is new or changed.
    #[default]
    IfNotPresent,
    /// Every time, for every image.
    Always,
    /// Never: an image that nothing pins yet is used as it is written.
    Never,
}

/// What an image text stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// A registry's, or the local image's repository digest.
    Pinned {
        /// `sha256:…`, of the index where there is one.
        digest: String,
        /// What it runs on; empty when unknown.
        platforms: Vec<Platform>,
    },
    /// No registry has it, but this node does: used as it is, with a warning.
    Local,
    /// Nobody could say, or was to be asked: taken as it is written.
    Unknown,
}

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
}

/// An image text whose meaning must be known before planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageNeed {
    /// The text as written; the key for [`Inputs::images`].
    pub image: String,
    /// Why, the most pressing of its services.
    pub why: NeedWhy,
    /// The services that name it, by their Swarm names.
    pub services: Vec<String>,
}

/// Why an image's digest is needed; the first is the most pressing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeedWhy {
    /// A service is new.
    New,
    /// A running service has another image, or one by another name.
    Changed,
    /// The policy is `always`; without an answer the pin in use is kept.
    Always,
}
