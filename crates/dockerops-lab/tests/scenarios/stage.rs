//! A Swarm, one stack on it, and what is told of what happens to the two.

use std::time::{Duration, Instant};

use dockerops::engine::{
    DockerEngine, Engine, EngineError, EngineSettings, MemorySwarm, Script, TaskFilter,
};
use dockerops_core::body::Body;
use dockerops_core::observed::{Observed, Service, Task};
use dockerops_core::plan::{Action, Adopt, Plan, Restarts, removal};
use dockerops_lab::Lab;
use serde_json::Value;

use crate::bare_stack::{self, Stack, lines};

/// How long a Swarm may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which Swarm.
pub(crate) enum Swarm {
    Memory(Box<MemorySwarm>),
    Real(DockerEngine),
}

/// A stack on a Swarm.
pub(crate) struct Stage {
    swarm: Swarm,
    stack: Stack,
    told: String,
}

impl Swarm {
    fn engine(&self) -> &dyn Engine {
        match self {
            Self::Memory(swarm) => swarm.as_ref(),
            Self::Real(engine) => engine,
        }
    }
}

/// Plays `story` on both Swarms; gives what both tell.
pub(crate) fn both(topic: &str, story: &impl AsyncFn(&mut Stage)) -> String {
    let lab = Lab::shared().unwrap();
    let host = format!("unix://{}", lab.socket().display());
    let settings = EngineSettings {
        host: Some(host),
        ..EngineSettings::default()
    };
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let real = Swarm::Real(DockerEngine::new(&settings).unwrap());
        let mut told = Vec::new();
        for swarm in [Swarm::Memory(Box::default()), real] {
            let mut stage = Stage::new(lab, swarm, topic);
            story(&mut stage).await;
            stage.remove().await;
            told.push(stage.told);
        }
        assert_eq!(told[0], told[1], "in memory, and for real");
        told.remove(0)
    })
}

impl Stage {
    fn new(lab: &Lab, swarm: Swarm, topic: &str) -> Self {
        let name = format!("{topic}-{}", std::process::id());
        let digest = lab.push_image("scenarios", "1", "one").unwrap();
        let image = format!("{}/scenarios:1", lab.registry());
        Self {
            swarm,
            stack: Stack::new(&name, &image, digest),
            told: String::new(),
        }
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        self.swarm.engine()
    }

    /// The stack's name on the Swarm, or that of one of its things.
    pub(crate) fn name(&self, part: &str) -> String {
        format!("{}_{part}", self.stack.name)
    }

    /// Writes a line of the story down.
    pub(crate) fn tell(&mut self, line: impl AsRef<str>) {
        let line = line.as_ref().replace(self.stack.name.as_str(), "app");
        self.told += &(line + "\n");
    }

    /// Writes a file that the compose file names.
    pub(crate) fn file(&self, name: &str, text: &str) {
        self.stack.file(name, text);
    }

    /// The plan for `compose` by what the Swarm is now, and what that is.
    pub(crate) async fn plan(&self, compose: &str) -> (Plan, Observed) {
        self.stack.plan(self.engine(), compose).await
    }

    /// Plans, tells the plan, applies it, waits until the Swarm rests, and plans again:
    /// nothing is left to do.
    pub(crate) async fn deploy(&mut self, compose: &str) {
        let (plan, observed) = self.plan(compose).await;
        self.tell(lines(&plan, &observed));
        self.apply(&plan).await.unwrap();
        let (again, observed) = self.plan(compose).await;
        assert_eq!(lines(&again, &observed), "plan: nothing", "planned again");
    }

    /// Carries a plan out, up to the first change that fails, and waits until the Swarm rests.
    pub(crate) async fn apply(&mut self, plan: &Plan) -> Result<(), EngineError> {
        self.stack.apply(self.swarm.engine(), plan).await?;
        self.rest().await;
        Ok(())
    }

    /// Removes the whole stack and waits until it is gone.
    pub(crate) async fn remove(&self) {
        let observed = self.engine().observe().await.unwrap();
        let owner = bare_stack::owner();
        let plan = removal(&self.stack.name, &owner, &observed, Adopt::Refuse).unwrap();
        for change in &plan.changes {
            self.engine().apply(&change.action, None).await.unwrap();
        }
        let stacks = [self.stack.name.clone()];
        let gone = self.engine().wait_removed(&stacks, PATIENCE).await;
        gone.unwrap();
    }

    /// The service `name` of the stack.
    pub(crate) async fn service(&self, name: &str) -> Service {
        let services = self.engine().services().await.unwrap();
        let found = services.into_iter().find(|s| s.name == self.name(name));
        found.unwrap()
    }

    /// The tasks of a service, by its id: they outlive it.
    pub(crate) async fn tasks(&self, service: &str) -> Vec<Task> {
        let tasks = self.engine().tasks(&TaskFilter::default()).await.unwrap();
        let own = tasks.into_iter().filter(|task| task.service_id == service);
        own.collect()
    }

    /// Somebody writes a service as it is, but for what `edit` changes.
    pub(crate) async fn by_hand(&self, name: &str, edit: impl FnOnce(&mut Value)) {
        let service = self.service(name).await;
        let update = rewrite(&service, edit);
        self.engine().apply(&update, None).await.unwrap();
        self.rest().await;
    }

    /// The environment that `docker service rollback` would go back to.
    pub(crate) fn previous_environment(&self, name: &str) -> String {
        let name = self.name(name);
        let previous = match &self.swarm {
            Swarm::Memory(swarm) => swarm.previous_spec(&name),
            Swarm::Real(_) => {
                let lab = Lab::shared().unwrap();
                let found = lab.engine_get(&format!("/services/{name}")).unwrap();
                found.get("PreviousSpec").cloned()
            }
        };
        let environment = "/TaskTemplate/ContainerSpec/Env";
        previous.map_or("none".to_owned(), |spec| {
            spec.pointer(environment).unwrap().to_string()
        })
    }

    /// The service has a constraint that no node satisfies: the fake looks at none.
    pub(crate) fn waits_for_a_node(&self, name: &str) {
        if let Swarm::Memory(swarm) = &self.swarm {
            let error = "no suitable node".to_owned();
            swarm.script(&self.name(name), Script::Pend(error));
        }
    }

    /// Waits until no update is under way, and every task is where it is to be.
    async fn rest(&self) {
        let begin = Instant::now();
        let mut before = Vec::new();
        loop {
            let mut services = self.engine().services().await.unwrap();
            services.retain(|service| service.name.starts_with(self.stack.name.as_str()));
            let tasks = self.engine().tasks(&TaskFilter::default()).await.unwrap();
            let now: Vec<_> = services.iter().map(|service| service.version).collect();
            if now == before && services.iter().all(|service| rests(service, &tasks)) {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "no rest: {tasks:?}");
            before = now;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn rests(service: &Service, tasks: &[Task]) -> bool {
    let own = tasks.iter().filter(|task| task.service_id == service.id);
    let mut own = own.filter(|task| task.job_iteration == service.job_iteration);
    let replicas = &service.spec["Mode"]["Replicated"]["Replicas"];
    let wants = service.job_iteration.is_some() || replicas.as_u64() > Some(0);
    let has = own.clone().any(|task| task.desired_state != "shutdown");
    !is_updating(service) && (has || !wants) && !own.any(on_its_way)
}

/// An update of `service` to what it is, but for what `edit` changes.
fn rewrite(service: &Service, edit: impl FnOnce(&mut Value)) -> Action {
    let mut spec = service.spec.clone();
    edit(&mut spec);
    Action::UpdateService {
        id: service.id.clone(),
        version: service.version,
        name: service.name.clone(),
        body: Body::from(spec),
        restarts: Restarts::All,
    }
}

/// Whether a task that is to run, or to complete, does not yet. One without a node says
/// why, once that is known.
fn on_its_way(task: &Task) -> bool {
    if task.state == "pending" {
        return task.error.is_empty();
    }
    match task.desired_state.as_str() {
        // A job's task that runs has yet to complete.
        "complete" => task.state != "complete",
        "ready" | "running" => !matches!(task.state.as_str(), "running" | "complete"),
        _ => false,
    }
}

fn is_updating(service: &Service) -> bool {
    let state = service
        .update
        .as_ref()
        .map_or("", |update| update.state.as_str());
    matches!(state, "updating" | "rollback_started")
}

/// A compose file with one service, `web`.
pub(crate) fn service(more: &str, rest: &str) -> String {
    format!("services:\n  web: {{image: IMAGE, {more}}}\n{rest}")
}
