//! The Docker Engine API: observe the Swarm, carry out one change, watch tasks.
//!
//! Nothing here decides. [`Engine`] is all that a reconcile needs of Docker;
//! [`DockerEngine`] speaks to a real one, [`MemorySwarm`] stands in for it in tests.
//!
//! **Invariants**
//!
//! - `observe`, `tasks`, `nodes` and everything else but [`Engine::apply`],
//!   [`Engine::pull`] and [`Engine::remove_image`] send only GET and HEAD.
//! - An update names the version that was observed. A version that moved is an
//!   error ([`EngineError::is_stale`]), never forced.
//! - Nothing is removed by force.

mod apply;
mod client;
mod convert;
mod docker;
mod error;
mod events;
mod explain;
mod images;
mod logs;
mod memory;
mod names;
mod refusal;
mod removed;
mod round;
mod scrub;
mod wait;

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use dockerops_core::names::StackName;
use dockerops_core::observed::{Node, Observed, Service, Task, Volume};
use dockerops_core::plan::Action;
use dockerops_core::secret::Secret;
use tokio::sync::mpsc;

pub use self::client::EngineSettings;
pub use self::docker::DockerEngine;
pub use self::error::EngineError;
pub use self::logs::{LogLine, LogLines, LogRequest, LogSource, LogStream};
pub use self::memory::{MemorySwarm, Script};
pub use self::scrub::{mask, mask_content, mask_live, mask_words};
pub use self::wait::{Limits, Outcome, Progress, Watched, gate, now, services, wait};

/// What a reconcile needs of Docker.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Who answers, and whether it can manage a Swarm.
    async fn info(&self) -> Result<EngineInfo, EngineError>;

    /// As [`info`](Self::info), but an engine that cannot manage a Swarm is an error.
    async fn check_manager(&self) -> Result<EngineInfo, EngineError> {
        let info = self.info().await?;
        match info.swarm {
            SwarmState::Manager => Ok(info),
            SwarmState::Worker => Err(EngineError::NotManager),
            SwarmState::Inactive => Err(EngineError::NotSwarm),
            SwarmState::Locked => Err(EngineError::Locked),
        }
    }

    /// Services, networks, configs and secrets, by name: one list call each, all stacks together.
    async fn observe(&self) -> Result<Observed, EngineError>;

    /// All services.
    async fn services(&self) -> Result<Vec<Service>, EngineError>;

    /// The tasks that `filter` lets through.
    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, EngineError>;

    /// All nodes.
    async fn nodes(&self) -> Result<Vec<Node>, EngineError>;

    /// The volumes of this node that belong to a stack, by name.
    async fn volumes(&self) -> Result<Vec<Volume>, EngineError>;

    /// Carries out one action. `registry_auth` is the value of `X-Registry-Auth`
    /// for the image of a service that is made or updated.
    async fn apply(
        &self,
        action: &Action,
        registry_auth: Option<&Secret>,
    ) -> Result<Applied, EngineError>;

    /// Waits until services, tasks on nodes that are not down, and networks of
    /// these stacks are gone.
    async fn wait_removed(&self, stacks: &[StackName], within: Duration)
    -> Result<(), EngineError>;

    /// A message for each change of the Swarm, as a wake-up; what changed is to be
    /// asked for. The channel closes when the engine ends the stream.
    async fn changes(&self) -> Result<mpsc::Receiver<()>, EngineError>;

    /// What tasks wrote, as it comes.
    async fn logs(&self, request: &LogRequest) -> Result<LogLines, EngineError>;

    /// What the health check of a container last complained about. Nothing for a container
    /// that is on another node, is gone, or has no complaint.
    async fn health_check(&self, container: &str) -> Result<Option<String>, EngineError>;

    /// The image of this name (`nginx:1.27`, an id, `name@sha256:…`) on this node.
    async fn find_image(&self, name: &str) -> Result<Option<LocalImage>, EngineError>;

    /// All images on this node.
    async fn images(&self) -> Result<Vec<LocalImage>, EngineError>;

    /// Pulls an image onto this node. `reference` has a tag or a digest.
    async fn pull(
        &self,
        reference: &str,
        registry_auth: Option<&Secret>,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<(), EngineError>;

    /// Removes an image from this node, without force.
    async fn remove_image(&self, reference: &str) -> Result<ImageRemoval, EngineError>;

    /// What containers on this node, in any state, use: image ids and the names
    /// that they were started with.
    async fn images_in_use(&self) -> Result<BTreeSet<String>, EngineError>;
}

/// Who answers on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// The engine's version, `28.2.2`.
    pub version: String,
    /// The API version that is spoken, `1.41`.
    pub api: String,
    /// The host's name.
    pub name: String,
    /// This node's id on the Swarm; empty without one.
    pub node_id: String,
    /// Its part in a Swarm.
    pub swarm: SwarmState,
    /// Where images are kept, for messages.
    pub root: String,
}

/// The engine's part in a Swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwarmState {
    /// It manages one.
    Manager,
    /// It only runs tasks.
    Worker,
    /// It is in none.
    Inactive,
    /// It waits for its unlock key.
    Locked,
}

/// Which tasks to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Of these services, by id; of all when empty.
    pub services: Vec<String>,
    /// Of this stack, by its namespace label.
    pub stack: Option<String>,
    /// Only tasks whose spec is that of their service now.
    pub up_to_date: bool,
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// Made, under this id; with what the engine warned about.
    Created {
        /// The engine's id.
        id: String,
        /// The engine's sentences.
        warnings: Vec<String>,
    },
    /// The very same was there already.
    AlreadyThere {
        /// The engine's id.
        id: String,
    },
    /// Updated; with what the engine warned about.
    Updated {
        /// The engine's sentences.
        warnings: Vec<String>,
    },
    /// Removed, or gone already.
    Removed,
    /// Left, as something uses it.
    StillInUse {
        /// The engine's sentence.
        message: String,
    },
}

/// An image on this node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalImage {
    /// `sha256:…` of its config.
    pub id: String,
    /// `name:tag`; empty for images that only Swarm pulled.
    pub tags: Vec<String>,
    /// `name@sha256:…`; there may be several, and of several repositories.
    pub digests: Vec<String>,
}

/// How far a pull is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullProgress {
    /// The engine's word: `Downloading`, `Extracting`, `Pull complete`.
    pub status: String,
    /// Bytes of all known layers that have come.
    pub current: u64,
    /// Bytes of all known layers.
    pub total: u64,
}

/// What became of the removal of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRemoval {
    /// It is removed.
    Removed,
    /// It was not there.
    Absent,
    /// The engine refused, as something uses it.
    Kept {
        /// The engine's sentence.
        message: String,
    },
}
