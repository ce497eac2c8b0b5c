//! Deciding what to change: [`StackSpec`] + [`Observed`] → [`Plan`].
//!
//! **Invariants**
//!
//! - Same inputs, same plan: no clock, no randomness, no hash-map order.
//! - A [`Change`] says everything its execution needs; applying chooses nothing.
//! - A stack that is not ours is never changed or removed.
//! - Applying a plan leaves nothing to plan.
//! - What does not differ gets no [`Change`], so it sends no write.

mod decide;
mod effect;
mod fields;
mod file;
mod files;
pub(crate) mod ignore;
mod inputs;
mod keep;
mod networks;
mod normalise;
mod ownership;
mod pins;
mod ports;
mod reasons;
mod refuse;
mod removal;
mod restore;
mod risk;
mod seal;
mod services;
mod table;
#[cfg(test)]
mod tests;
mod update;
mod volumes;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use crate::body::Body;
use crate::diagnostic::Diagnostics;
use crate::field::Text;
use crate::names::{Owner, StackName};
use crate::observed::Observed;
use crate::secret::Secret;
use crate::spec::StackSpec;

pub use effect::{Effect, Order};
pub use files::config_before;
pub use inputs::{
    Adopt, Force, ImageNeed, Inputs, Jobs, NeedWhy, Platform, Policy, Prune, PruneVolumes,
    PullPolicy, Resolution, Retry, VolumeChange,
};
pub use ownership::{Ownership, is_job, owner_of, owner_of_checkout};
pub use pins::in_force as pins;
pub use restore::Restore;
pub use risk::{Risk, RiskKind, risks};
pub use seal::{Sealed, seal};

/// Decides how to make the Swarm what the stack asks for, or says why not.
///
/// Refused are a foreign stack, an external object that is missing, a volume
/// change, an ingress port that another stack uses, and an image without a digest.
pub fn plan(inputs: &Inputs) -> Result<Plan, Diagnostics> {
    decide::plan(inputs)
}

/// The image texts whose digest must be known before [`plan`]; the rest keeps its pin.
///
/// With the image among the fields `ignored`, a running service keeps its own.
pub fn images_needed(
    desired: &StackSpec,
    observed: &Observed,
    ignored: &[Text],
    pull: PullPolicy,
) -> Vec<ImageNeed> {
    pins::needed(desired, observed, keep::image(ignored), pull)
}

/// Decides how to remove a whole stack of `owner`: services, configs, secrets, networks.
///
/// With [`Adopt::Take`] what carries no ownership label counts as `owner`'s.
pub fn removal(
    stack: &StackName,
    owner: &Owner,
    observed: &Observed,
    adopt: Adopt,
) -> Result<Plan, Diagnostics> {
    removal::plan(stack, owner, observed, adopt)
}

/// Decides how to return to what ran before a deploy: services that it made go, those that
/// it changed get their earlier spec.
pub fn restore(restore: &Restore<'_>) -> Plan {
    restore::plan(restore)
}

/// The removals of the volumes on this node that `stack` leaves behind as a whole; `listed` are
/// names that never go: those of `volumes.yaml`.
pub fn volumes_left(
    stack: &StackName,
    observed: &Observed,
    listed: &BTreeSet<String>,
) -> Vec<Change> {
    volumes::left(stack, observed, listed)
}

/// What to do with one stack, in the order to do it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The stack.
    pub stack: StackName,
    /// Who owns it.
    pub owner: Owner,
    /// Networks first, then configs and secrets, then services, then removals.
    pub changes: Vec<Change>,
    /// What stays as it is, and why that is worth a word.
    pub kept: Vec<Kept>,
    /// Things that a person should know before applying.
    pub warnings: Vec<String>,
    /// Services by name, in the order to go: those of one wave go together, and the next wave when
    /// they are as [`crate::order::after`] wants them. The changes come in this order. Of a removal, its
    /// services, each before what it depends on.
    pub waves: Vec<Vec<String>>,
    /// By service name: a keyed hash of what it is asked to be. Remember it when a
    /// service is written, and give it back as [`Inputs::attempted`].
    pub hashes: BTreeMap<String, String>,
}

impl Plan {
    /// The changes up to the removals at the end.
    pub fn writes(&self) -> &[Change] {
        let end = self.changes.len() - self.removals().len();
        self.changes.get(..end).unwrap_or_default()
    }

    /// The writes in groups: each holds services of a later wave than the one before, so
    /// that what they depend on can be waited for in between.
    pub fn steps(&self) -> impl Iterator<Item = &[Change]> {
        let mut reached = 0;
        let later = move |_: &Change, next: &Change| {
            let wave = self.wave(next).unwrap_or(0);
            let same = wave <= reached;
            reached = reached.max(wave);
            same
        };
        self.writes().chunk_by(later)
    }

    fn wave(&self, change: &Change) -> Option<usize> {
        let name = change.action.service()?;
        self.waves
            .iter()
            .position(|wave| wave.iter().any(|service| service == name))
    }

    /// The removals at the end, for when the rest is well; one that makes room for a
    /// replacement stands before it.
    pub fn removals(&self) -> &[Change] {
        let removal = |change: &&Change| change.action.is_removal();
        let count = self.changes.iter().rev().take_while(removal).count();
        let start = self.changes.len() - count;
        self.changes.get(start..).unwrap_or_default()
    }
}

/// One write to the engine, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The write.
    pub action: Action,
    /// Why, most important first; never empty.
    pub reasons: Vec<Reason>,
    /// Of an update: each field that changes.
    pub fields: Vec<FieldChange>,
}

/// Configs and secrets behave alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A config.
    Config,
    /// A secret.
    Secret,
}

/// Which tasks of a service an update restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restarts {
    /// None.
    Nothing,
    /// Those on a node that does not fit any more (swarmkit, `nodeMatches`).
    Misplaced,
    /// All.
    All,
}

impl FileKind {
    /// As people call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Secret => "secret",
        }
    }
}

/// A write to the engine.
///
/// Service bodies name networks (`Target`), configs (`ConfigName`) and secrets
/// (`SecretName`) by their names on the Swarm. The engine fills in ids, which
/// for objects made by the same plan are not known before. A `Target` that is no
/// network's name is an id already (of `host`, say) and is sent as it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// `POST /networks/create`
    CreateNetwork {
        /// Its name.
        name: String,
        /// The body.
        body: Body,
    },
    /// `POST /configs/create`, `/secrets/create`
    CreateFile {
        /// Config or secret.
        kind: FileKind,
        /// Its name, with content-hash suffix where one is needed.
        name: String,
        /// The body without `Data`.
        body: Body,
        /// The content.
        data: Secret,
    },
    /// `POST /configs/{id}/update`, `/secrets/{id}/update`: labels only.
    RelabelFile {
        /// Config or secret.
        kind: FileKind,
        /// The engine's id.
        id: String,
        /// `Version.Index` as observed.
        version: u64,
        /// Its name.
        name: String,
        /// The whole spec with the new labels, without `Data`.
        body: Body,
    },
    /// `POST /services/create`
    CreateService {
        /// Its name.
        name: String,
        /// The body.
        body: Body,
    },
    /// `POST /services/{id}/update`
    UpdateService {
        /// The engine's id.
        id: String,
        /// `Version.Index` as observed; a moved one is planned again, never forced.
        version: u64,
        /// Its name.
        name: String,
        /// The body.
        body: Body,
        /// Which tasks will restart.
        restarts: Restarts,
    },
    /// `DELETE /services/{id}`
    RemoveService {
        /// The engine's id.
        id: String,
        /// Its name.
        name: String,
    },
    /// `DELETE /configs/{id}`, `/secrets/{id}`: tried, and left when still in use.
    RemoveFile {
        /// Config or secret.
        kind: FileKind,
        /// The engine's id.
        id: String,
        /// Its name.
        name: String,
    },
    /// `DELETE /volumes/{name}`: of this node; tried, and left when still in use.
    RemoveVolume {
        /// Its name.
        name: String,
    },
    /// `DELETE /networks/{id}`
    RemoveNetwork {
        /// The engine's id.
        id: String,
        /// Its name.
        name: String,
    },
}

impl Action {
    /// The service that it writes or removes.
    pub fn service(&self) -> Option<&str> {
        match self {
            Self::CreateService { name, .. }
            | Self::UpdateService { name, .. }
            | Self::RemoveService { name, .. } => Some(name),
            _ => None,
        }
    }

    fn is_removal(&self) -> bool {
        matches!(
            self,
            Self::RemoveService { .. }
                | Self::RemoveFile { .. }
                | Self::RemoveNetwork { .. }
                | Self::RemoveVolume { .. }
        )
    }
}

/// Why something changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It does not exist.
    Missing,
    /// What is asked for is not what runs, and it is not known which of the two changed.
    Differs,
    /// What is asked for changed since it was last sent.
    Changed,
    /// What is asked for is what was sent last: it was changed by hand on the Swarm.
    Drifted,
    /// Fields that hold these secrets changed: their values, or the text around them.
    SecretChanged(Vec<String>),
    /// The image's digest moved behind the same text.
    ImageMoved,
    /// The files of these bindings changed.
    BindingChanged(Vec<String>),
    /// The content of a config or secret that it mounts changed.
    FileChanged(String),
    /// `--force` was given.
    Forced,
    /// A job that failed and that a person wants to be tried again.
    Retried,
    /// Swarm paused an earlier update.
    Paused,
    /// It runs, but is taken over from somebody else.
    Adopted,
    /// Mode or name changed, which Swarm cannot update: removed and made anew.
    Replaced,
    /// Nothing declares it any more.
    Undeclared,
    /// Of a config or secret: another object has its newer content.
    Outdated,
    /// A deploy failed: it returns to what ran before.
    Restored,
}

/// One field of an update, in the compose file's words; safe to show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct FieldChange {
    /// `image`, `environment.TAG`, `deploy.replicas`, `ports`.
    pub field: String,
    /// What runs; `None` when absent. `[secret id]` where a secret is in it.
    pub old: Option<String>,
    /// What is asked for; `None` when it goes.
    pub new: Option<String>,
}

/// Something left as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Kept {
    /// Its name on the Swarm.
    pub name: String,
    /// Why.
    pub why: KeptWhy,
    /// Of a service that was changed by hand: each field that differs.
    pub fields: Vec<FieldChange>,
}

impl Kept {
    /// Without fields.
    pub fn new(name: &str, why: KeptWhy) -> Self {
        Self {
            name: name.to_owned(),
            why,
            fields: Vec::new(),
        }
    }
}

/// Why something is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptWhy {
    /// It is as asked.
    UpToDate,
    /// It is in our namespace but does not carry our label.
    Foreign,
    /// Nothing declares it, but its label `dockerops.prune` is `false`, or nothing may go now.
    PruneOff,
    /// Swarm is still moving its tasks to the spec asked for: wait.
    Updating,
    /// Swarm rolled this very spec back: it is not tried again until it changes.
    RolledBack,
    /// A volume of a stack that left: its data is kept.
    VolumeStays,
    /// It was changed by hand on the Swarm, which is not to be put back.
    Drifted,
    /// It was removed by hand from the Swarm, which is not to be put back.
    Missing,
    /// A job has run; nothing that decides its run changed.
    JobDone,
}
