//! [`DockerEngine`]: an [`Engine`] that speaks to a real one.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dockerops_core::names::{StackName, label};
use dockerops_core::observed::{ApiVersion, Node, Observed, Service, Task, Volume};
use dockerops_core::plan::Action;
use dockerops_core::secret::Secret;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::try_join;

use super::client::{Call, Client, segment};
use super::names::Names;
use super::{
    Applied, Engine, EngineError, EngineInfo, EngineSettings, ImageRemoval, LocalImage, LogLines,
    LogRequest, PullProgress, SwarmState, TaskFilter, apply, convert, events, images, logs,
};

/// A real engine. Nothing is sent before the first call.
#[derive(Debug)]
pub struct DockerEngine {
    pub(super) client: Client,
    names: Mutex<Names>,
}

impl DockerEngine {
    /// Prepares to speak to the engine that `settings` name.
    pub fn new(settings: &EngineSettings) -> Result<Self, EngineError> {
        Ok(Self {
            client: Client::new(settings)?,
            names: Mutex::new(Names::default()),
        })
    }

    /// What is known about names and ids. Not held across an `.await`.
    pub(super) fn names(&self) -> MutexGuard<'_, Names> {
        // A panic cannot leave a map of names half changed.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, EngineError> {
        self.client.json(Call::get(path)).await
    }
}

#[async_trait]
impl Engine for DockerEngine {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        let api = self.client.api().await?.to_owned();
        let info = self.get("/info").await?;
        let swarm = &info["Swarm"];
        Ok(EngineInfo {
            version: convert::text(&info, "ServerVersion"),
            api,
            name: convert::text(&info, "Name"),
            node_id: convert::text(swarm, "NodeID"),
            swarm: swarm_state(swarm),
            root: convert::text(&info, "DockerRootDir"),
        })
    }

    async fn observe(&self) -> Result<Observed, EngineError> {
        let (services, networks, configs, secrets) = try_join!(
            self.get("/services"),
            self.get("/networks"),
            self.get("/configs"),
            self.get("/secrets"),
        )?;
        let observed = Observed {
            services: convert::list(&services, convert::service),
            networks: convert::list(&networks, convert::network),
            configs: convert::list(&configs, convert::file),
            secrets: convert::list(&secrets, convert::file),
            volumes: Vec::new(),
            api: ApiVersion::parse(self.client.api().await?),
        };
        self.names().learn(&observed);
        Ok(observed.by_name())
    }

    async fn services(&self) -> Result<Vec<Service>, EngineError> {
        Ok(convert::list(
            &self.get("/services").await?,
            convert::service,
        ))
    }

    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, EngineError> {
        let call = Call::get("/tasks").query("filters", task_filter(filter).to_string());
        Ok(convert::list(&self.client.json(call).await?, convert::task))
    }

    async fn nodes(&self) -> Result<Vec<Node>, EngineError> {
        Ok(convert::list(&self.get("/nodes").await?, convert::node))
    }

    async fn volumes(&self) -> Result<Vec<Volume>, EngineError> {
        let filters = json!({"label": [label::NAMESPACE]}).to_string();
        let call = Call::get("/volumes").query("filters", filters);
        let answer = self.client.json(call).await?;
        let mut volumes = convert::list(&answer["Volumes"], convert::volume);
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(volumes)
    }

    async fn apply(
        &self,
        action: &Action,
        registry_auth: Option<&Secret>,
    ) -> Result<Applied, EngineError> {
        apply::apply(self, action, registry_auth).await
    }

    async fn wait_removed(
        &self,
        stacks: &[StackName],
        within: Duration,
    ) -> Result<(), EngineError> {
        super::removed::removed(self, stacks, within).await
    }

    async fn changes(&self) -> Result<mpsc::Receiver<()>, EngineError> {
        let filters = json!({"scope": ["swarm"]}).to_string();
        let call = Call::get("/events").query("filters", filters);
        Ok(events::forward(self.client.send(call).await?))
    }

    async fn logs(&self, request: &LogRequest) -> Result<LogLines, EngineError> {
        logs::read(&self.client, request).await
    }

    async fn health_check(&self, container: &str) -> Result<Option<String>, EngineError> {
        let path = format!("/containers/{}/json", segment(container));
        match self.client.json(Call::get(path).about(container)).await {
            Ok(answer) => Ok(complaint(&answer["State"]["Health"]["Log"])),
            Err(EngineError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn find_image(&self, name: &str) -> Result<Option<LocalImage>, EngineError> {
        images::find(&self.client, name).await
    }

    async fn images(&self) -> Result<Vec<LocalImage>, EngineError> {
        Ok(convert::list(
            &self.get("/images/json").await?,
            images::convert,
        ))
    }

    async fn pull(
        &self,
        reference: &str,
        registry_auth: Option<&Secret>,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<(), EngineError> {
        images::pull(&self.client, reference, registry_auth, progress).await
    }

    async fn remove_image(&self, reference: &str) -> Result<ImageRemoval, EngineError> {
        images::remove(&self.client, reference).await
    }

    async fn images_in_use(&self) -> Result<BTreeSet<String>, EngineError> {
        let call = Call::get("/containers/json").query("all", "true");
        let containers = self.client.json(call).await?;
        let used = convert::list(&containers, |container| {
            [
                convert::text(container, "Image"),
                convert::text(container, "ImageID"),
            ]
        });
        Ok(used.into_iter().flatten().collect())
    }
}

/// The last output of a health check that did not succeed.
fn complaint(log: &Value) -> Option<String> {
    let failed = |entry: &&Value| entry["ExitCode"] != json!(0);
    let last = log.as_array()?.iter().rev().find(failed)?;
    Some(convert::text(last, "Output"))
}

/// `Swarm` of `GET /info`. A manager that lost its quorum still counts as one:
/// what it refuses says so.
fn swarm_state(swarm: &Value) -> SwarmState {
    match swarm["LocalNodeState"].as_str() {
        Some("locked") => SwarmState::Locked,
        Some("inactive" | "") | None => SwarmState::Inactive,
        Some(_) if swarm["ControlAvailable"] == json!(true) => SwarmState::Manager,
        Some(_) => SwarmState::Worker,
    }
}

/// `_up-to-date` is not documented, but Docker's own client waits by it
/// (`cli/command/service/progress`); engines from 17.10 on have it.
fn task_filter(filter: &TaskFilter) -> Value {
    let mut filters = json!({});
    if !filter.services.is_empty() {
        filters["service"] = json!(filter.services);
    }
    if let Some(stack) = &filter.stack {
        filters["label"] = json!([format!("{}={stack}", label::NAMESPACE)]);
    }
    if filter.up_to_date {
        filters["_up-to-date"] = json!(["true"]);
    }
    filters
}

#[cfg(test)]
#[path = "docker_tests.rs"]
mod tests;
