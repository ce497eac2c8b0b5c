//! [`MemorySwarm`] as an [`Engine`]: what it answers.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use dockerops_core::names::{StackName, label};
use dockerops_core::observed::{Node, Observed, Service, Task, Volume};
use dockerops_core::plan::{Action, FileKind};
use dockerops_core::secret::Secret;
use tokio::sync::mpsc;

use super::super::client::MIN_API;
use super::super::{
    Applied, Engine, EngineError, EngineInfo, ImageRemoval, LocalImage, LogLine, LogLines,
    LogRequest, LogSource, PullProgress, SwarmState, TaskFilter, removed,
};
use super::MemorySwarm;

/// A write in words: `update service`, and the name.
fn describe(action: &Action) -> (String, &str) {
    let word = |kind: &FileKind| match kind {
        FileKind::Config => "config",
        FileKind::Secret => "secret",
    };
    match action {
        Action::CreateNetwork { name, .. } => ("create network".to_owned(), name),
        Action::CreateFile { kind, name, .. } => (format!("create {}", word(kind)), name),
        Action::RelabelFile { kind, name, .. } => (format!("relabel {}", word(kind)), name),
        Action::CreateService { name, .. } => ("create service".to_owned(), name),
        Action::UpdateService { name, .. } => ("update service".to_owned(), name),
        Action::RemoveService { name, .. } => ("remove service".to_owned(), name),
        Action::RemoveFile { kind, name, .. } => (format!("remove {}", word(kind)), name),
        Action::RemoveNetwork { name, .. } => ("remove network".to_owned(), name),
        Action::RemoveVolume { name } => ("remove volume".to_owned(), name),
    }
}

#[async_trait]
impl Engine for MemorySwarm {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        Ok(EngineInfo {
            version: "0.0.0".to_owned(),
            api: MIN_API.to_owned(),
            name: "memory".to_owned(),
            node_id: "node1".to_owned(),
            swarm: SwarmState::Manager,
            root: String::new(),
        })
    }

    async fn observe(&self) -> Result<Observed, EngineError> {
        let mut state = self.state();
        if state.failures.is_empty()
            && let Some(error) = state.away.take()
        {
            return Err(error);
        }
        let observed = Observed {
            services: state.services.values().cloned().collect(),
            networks: state.networks.values().cloned().collect(),
            configs: state.configs.values().cloned().collect(),
            secrets: state.secrets.values().cloned().collect(),
            volumes: Vec::new(),
            api: None,
        };
        Ok(observed.by_name())
    }

    async fn services(&self) -> Result<Vec<Service>, EngineError> {
        Ok(self.state().services.values().cloned().collect())
    }

    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, EngineError> {
        let mut state = self.state();
        let wanted = |(task, up_to_date): &&(Task, bool)| {
            let service = state.services.get(&task.service_id);
            let stack = service.and_then(|s| s.label(label::NAMESPACE));
            let removed = state.removed.get(&task.service_id).map(String::as_str);
            let stack = stack.or(removed);
            (filter.services.is_empty() || filter.services.contains(&task.service_id))
                && (filter.stack.is_none() || filter.stack.as_deref() == stack)
                && (!filter.up_to_date || *up_to_date)
        };
        let tasks = state.tasks.iter().filter(wanted);
        let tasks = tasks.map(|(task, _)| task.clone()).collect();
        state.end_removed();
        Ok(tasks)
    }

    async fn nodes(&self) -> Result<Vec<Node>, EngineError> {
        Ok(self.state().nodes.clone())
    }

    async fn volumes(&self) -> Result<Vec<Volume>, EngineError> {
        Ok(self.state().volumes.values().cloned().collect())
    }

    async fn apply(
        &self,
        action: &Action,
        registry_auth: Option<&Secret>,
    ) -> Result<Applied, EngineError> {
        let mut state = self.state();
        let done = state.apply(action)?;
        let (what, name) = describe(action);
        state.record(&what, name);
        if let Some(auth) = registry_auth {
            state.credentials.insert(name.to_owned(), auth.clone());
        }
        Ok(done)
    }

    async fn wait_removed(
        &self,
        stacks: &[StackName],
        within: Duration,
    ) -> Result<(), EngineError> {
        removed::removed(self, stacks, within).await
    }

    async fn changes(&self) -> Result<mpsc::Receiver<()>, EngineError> {
        Ok(mpsc::channel(1).1)
    }

    async fn logs(&self, request: &LogRequest) -> Result<LogLines, EngineError> {
        let state = self.state();
        let name_of = |id: &String| state.services.get(id).map(|service| &service.name);
        let asked = |(service, line): &&(String, LogLine)| match &request.of {
            LogSource::Service(asked) => service == asked || name_of(service) == Some(asked),
            LogSource::Task(asked) => line.task == *asked,
        };
        let lines: Vec<_> = state.lines.iter().filter(asked).collect();
        let tail = request.tail.and_then(|tail| usize::try_from(tail).ok());
        let skip = lines.len() - tail.unwrap_or(lines.len()).min(lines.len());
        let (sender, receiver) = mpsc::channel(lines.len().max(1));
        for (_, line) in lines.into_iter().skip(skip) {
            let _ = sender.try_send(Ok(line.clone()));
        }
        Ok(receiver)
    }

    async fn health_check(&self, container: &str) -> Result<Option<String>, EngineError> {
        Ok(self.state().complaints.get(container).cloned())
    }

    async fn find_image(&self, name: &str) -> Result<Option<LocalImage>, EngineError> {
        let state = self.state();
        let mut images = state.images.values();
        Ok(images.find(|image| is_named(image, name)).cloned())
    }

    async fn images(&self) -> Result<Vec<LocalImage>, EngineError> {
        Ok(self.state().images.values().cloned().collect())
    }

    async fn pull(
        &self,
        reference: &str,
        _registry_auth: Option<&Secret>,
        _progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<(), EngineError> {
        // What this node does not have, nobody has.
        Err(EngineError::Pull {
            image: reference.to_owned(),
            message: format!("manifest for {reference} not found: manifest unknown"),
        })
    }

    async fn remove_image(&self, reference: &str) -> Result<ImageRemoval, EngineError> {
        let mut state = self.state();
        let mut images = state.images.values();
        let Some(image) = images.find(|image| is_named(image, reference)).cloned() else {
            return Ok(ImageRemoval::Absent);
        };
        state.images.remove(&image.id);
        state.record("remove image", reference);
        Ok(ImageRemoval::Removed)
    }

    async fn images_in_use(&self) -> Result<BTreeSet<String>, EngineError> {
        Ok(BTreeSet::new())
    }
}

fn is_named(image: &LocalImage, name: &str) -> bool {
    image.id == name
        || image
            .tags
            .iter()
            .chain(&image.digests)
            .any(|own| own == name)
}
