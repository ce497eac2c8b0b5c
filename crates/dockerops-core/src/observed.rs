//! What the Swarm is: the engine's answers, as far as decisions need them.
//!
//! Specs stay the JSON that the engine gave, so that a field which a newer
//! engine adds is seen, shown as drift, and never dropped by an update.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

/// One reading of the whole Swarm: one list call per kind, all stacks together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// All services, ours or not.
    pub services: Vec<Service>,
    /// All networks that the manager knows.
    pub networks: Vec<Network>,
    /// All configs.
    pub configs: Vec<FileObject>,
    /// All secrets.
    pub secrets: Vec<FileObject>,
    /// Volumes of this node that belong to a stack, where they were asked for.
    pub volumes: Vec<Volume>,
    /// The API that was spoken; absent where every field is kept.
    pub api: Option<ApiVersion>,
}

/// A version of the Engine API. Of fields that came later, an engine keeps nothing, and
/// says nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    /// `1` of `1.41`.
    pub major: u32,
    /// `41` of `1.41`.
    pub minor: u32,
}

impl ApiVersion {
    /// Reads `1.41`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }
}

impl Observed {
    /// The same, by name: the order in which an engine lists things decides nothing.
    #[must_use]
    pub fn by_name(mut self) -> Self {
        self.services.sort_by(|a, b| a.name.cmp(&b.name));
        // Several networks may have one name.
        self.networks
            .sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        self.configs.sort_by(|a, b| a.name.cmp(&b.name));
        self.secrets.sort_by(|a, b| a.name.cmp(&b.name));
        self.volumes.sort_by(|a, b| a.name.cmp(&b.name));
        self
    }
}

/// A service. `Debug` hides the environment: it may hold secrets.
#[derive(Clone, PartialEq)]
pub struct Service {
    /// The engine's id.
    pub id: String,
    /// `Version.Index`: what an update must name.
    pub version: u64,
    /// `Spec.Name`.
    pub name: String,
    /// `Spec` as the engine stores it.
    pub spec: Value,
    /// `UpdateStatus`, when there is one.
    pub update: Option<UpdateStatus>,
    /// `JobStatus.JobIteration.Index`, of jobs.
    pub job_iteration: Option<u64>,
}

impl Service {
    /// What the label `name` of the service, not of its containers, says.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.spec.get("Labels")?.get(name)?.as_str()
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .field("id", &self.id)
            .field("version", &self.version)
            .field("update", &self.update)
            .finish_non_exhaustive()
    }
}

/// `UpdateStatus` of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateStatus {
    /// `updating`, `paused`, `completed`, `rollback_started`, `rollback_paused`, `rollback_completed`.
    pub state: String,
    /// The engine's sentence.
    pub message: String,
}

/// A network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The engine's id.
    pub id: String,
    /// Its name; not unique among local networks.
    pub name: String,
    /// `swarm`, `local` or `global`.
    pub scope: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The whole answer, for comparing driver and options.
    pub raw: Value,
}

/// A volume of the node that answered: the manager knows none of other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A config or a secret.
#[derive(Clone, PartialEq)]
pub struct FileObject {
    /// The engine's id.
    pub id: String,
    /// `Version.Index`.
    pub version: u64,
    /// `Spec.Name`.
    pub name: String,
    /// `Spec.Labels`.
    pub labels: BTreeMap<String, String>,
    /// The content of a config; `None` for secrets, which the engine never shows.
    pub data: Option<Vec<u8>>,
    /// `Spec` as the engine stores it, `Data` left out.
    pub spec: Value,
}

impl std::fmt::Debug for FileObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileObject")
            .field("name", &self.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A task: one attempt to run one replica.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    /// The engine's id.
    pub id: String,
    /// The service it belongs to.
    pub service_id: String,
    /// The replica's number; 0 for global services.
    pub slot: u64,
    /// The node that it was given to; empty while pending.
    pub node_id: String,
    /// `DesiredState`.
    pub desired_state: String,
    /// `Status.State`.
    pub state: String,
    /// `Status.Err`.
    pub error: String,
    /// `Status.Message`.
    pub message: String,
    /// `Status.ContainerStatus.ExitCode`.
    pub exit_code: Option<i64>,
    /// `CreatedAt`: orders the attempts of a slot.
    pub created_at: Moment,
    /// `Status.Timestamp`: since when it is in its state.
    pub since: Moment,
    /// `Spec.ContainerSpec.Image`.
    pub image: String,
    /// `Status.ContainerStatus.ContainerID`; empty before there is a container.
    pub container: String,
    /// `JobIteration.Index`, of jobs.
    pub job_iteration: Option<u64>,
}

/// A moment in time, as what has passed since 1970; the first one where it is not known.
///
/// Moments of a task are those of the clock of the node or manager that wrote them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Duration);

impl Moment {
    /// How long ago it was at `now`; nothing where it is still to come.
    #[must_use]
    pub fn age(self, now: Self) -> Duration {
        now.0.saturating_sub(self.0)
    }
}

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The engine's id.
    pub id: String,
    /// `Description.Hostname`.
    pub hostname: String,
    /// `Status.State`: `ready`, `down`, `unknown`, `disconnected`.
    pub state: String,
    /// `Spec.Availability`: `active`, `pause`, `drain`.
    pub availability: String,
    /// `Spec.Role`: `manager` or `worker`.
    pub role: String,
    /// `Spec.Labels`.
    pub labels: BTreeMap<String, String>,
    /// `Description.Engine.Labels`.
    pub engine_labels: BTreeMap<String, String>,
    /// `Description.Platform.OS`: `linux`.
    pub os: String,
    /// `Description.Platform.Architecture`, in the kernel's words: `x86_64`.
    pub architecture: String,
}
