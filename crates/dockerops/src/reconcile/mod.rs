//! The algorithm: fetch, read, desire, observe, resolve, plan, apply, wait, recover, remove, renew, record.
//!
//! [`run`] is that list. Every decision is the core's; every touch is an
//! adapter's. One broken repository or stack never stops the others, and a run
//! ends in exactly one [`Report`].

mod after;
mod agreed;
mod before;
mod begun;
mod bindings;
mod by_hand;
mod complaint;
mod credentials;
mod diff;
mod doctor;
mod draft;
mod files;
mod folder;
mod gates;
mod held;
mod history;
mod images;
mod limits;
mod platforms;
mod preview;
mod problem;
pub mod progress;
mod read;
mod record;
mod recover;
mod removal;
mod restoring;
mod returning;
mod rollout;
mod settle;
mod shared;
mod source;
mod stack;
mod status;
mod stop;
mod suspended;
mod unwatch;
mod volumes;
mod wait;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dockerops_core::departed::Insist;
use dockerops_core::fingerprint::FingerprintKey;
use dockerops_core::health::{Tally, judge};
use dockerops_core::names::StackName;
use dockerops_core::observed::{Node, Observed, Task};
use dockerops_core::plan::Policy;
use dockerops_core::report::{Problem, Report};
use jiff::Timestamp;

pub use agreed::{Agreed, all_moved, read_plan};
pub use by_hand::{Earlier, earlier, roll_back};
pub use doctor::doctor;
pub use limits::Limits;
pub(crate) use problem::not_a_folder;
pub use problem::problem;
pub(crate) use read::read_secret;
pub use source::{BareFiles, Source, Target};
pub use status::Look;
pub use stop::{Managed, managed, stop};
pub use unwatch::{forget, managed_by, unwatch};
pub use wait::wait;

use crate::engine::{Engine, EngineError, TaskFilter};
use crate::git::Git;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::store::Store;
use progress::Progress;

/// Everything that a run reaches.
pub struct World {
    /// The Swarm.
    pub engine: Arc<dyn Engine>,
    /// Git mirrors.
    pub git: Arc<Git>,
    /// Registries.
    pub registry: Registry,
    /// The database.
    pub store: Mutex<Store>,
    /// The key for fingerprints of secrets.
    pub key: FingerprintKey,
    /// What the environment says.
    pub settings: Arc<Settings>,
    /// Who is told how far it is.
    pub progress: Arc<dyn Progress>,
}

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

/// What the Swarm was when the run began.
pub(crate) struct Seen {
    observed: Observed,
    /// Services with tasks that do not run the current spec yet, by id.
    dirty: BTreeSet<String>,
    /// Services of which less runs than is wanted, by id.
    unwell: BTreeSet<String>,
    /// Services with a task that is doing its work, by id.
    busy: BTreeSet<String>,
    /// By service id: the tasks that there were.
    tasks: BTreeMap<String, BTreeSet<String>>,
    /// The nodes that tasks may be given to.
    nodes: Vec<Node>,
}

/// One run over all repositories of `request`.
///
/// An error is returned only when nothing at all could be done, because the
/// Swarm could not be read.
pub async fn run(world: &World, request: &Request) -> Result<Report, Problem> {
    Ok(planned(world, request).await?.0)
}

/// The same, with what was read.
async fn planned(
    world: &World,
    request: &Request,
) -> Result<(Report, Vec<read::Repository>), Problem> {
    let started = Timestamp::now();
    let (seen, mut repositories) = tokio::join!(
        observe_for(world, request),
        read::repositories(world, request)
    );
    let seen = seen.map_err(|error| problem(&error, error.hint()))?;
    source::settle_owners(&mut repositories, &seen.observed);
    suspended::mark(world, &mut repositories, &seen.observed)?;
    if request.mode == Mode::Watch {
        record::remember(world, request, &repositories)?;
    }
    let images = images::resolve(world, request, &repositories, &seen.observed).await;
    let bindings = bindings::check(world, request, &repositories).await?;
    let stacks = stack::Stacks {
        world,
        request,
        seen: &seen,
        repositories: &repositories,
        images: &images,
        bindings: &bindings,
    };
    let mut report = stacks.reconcile().await;
    if request.mode == Mode::Preview {
        preview::complete(&stacks, &mut report).await;
    } else if request.keeps_records() {
        if request.only.is_empty() {
            bindings.copy_unmounted(&repositories, &mut report).await;
            let kept = removal::departed(world, request, &seen, &repositories, &mut report).await;
            bindings.retire(&repositories, &kept, &mut report).await;
        }
        bindings.tell(&repositories, &mut report);
        images::clean(world, &repositories, &mut report).await;
        credentials::renew(world, request, &seen, &repositories, &mut report).await;
        record::record(&stacks, started, &mut report);
    } else {
        record::only_runs(&stacks, started, &mut report);
    }
    Ok((report, repositories))
}

/// One reading of the Swarm, with all that plans of `request` look at.
async fn observe_for(world: &World, request: &Request) -> Result<Seen, EngineError> {
    let volumes = volumes::to_prune(world, request);
    let (mut seen, volumes) = tokio::try_join!(observe(world), volumes)?;
    seen.observed.volumes = volumes;
    Ok(seen)
}

/// One reading of the Swarm, for all stacks together.
async fn observe(world: &World) -> Result<Seen, EngineError> {
    let all = TaskFilter::default();
    let current = TaskFilter {
        up_to_date: true,
        ..TaskFilter::default()
    };
    let (observed, tasks, current, nodes) = tokio::try_join!(
        world.engine.observe(),
        world.engine.tasks(&all),
        world.engine.tasks(&current),
        world.engine.nodes()
    )?;
    let unwell = unwell(&observed, &current, &nodes);
    let busy = current.iter().filter(|task| works(task));
    let busy = busy.map(|task| task.service_id.clone()).collect();
    let current: BTreeSet<_> = current.into_iter().map(|task| task.id).collect();
    let mut seen = Seen {
        observed,
        unwell,
        busy,
        dirty: BTreeSet::new(),
        tasks: BTreeMap::new(),
        nodes,
    };
    for task in tasks {
        if task.desired_state == "running" && !current.contains(&task.id) {
            seen.dirty.insert(task.service_id.clone());
        }
        seen.tasks
            .entry(task.service_id)
            .or_default()
            .insert(task.id);
    }
    Ok(seen)
}

fn works(task: &Task) -> bool {
    matches!(task.state.as_str(), "starting" | "running")
}

/// Services of which less runs than is wanted, whoever they belong to.
fn unwell(observed: &Observed, current: &[Task], nodes: &[Node]) -> BTreeSet<String> {
    let mut tasks = BTreeMap::<&str, Vec<Task>>::new();
    for task in current {
        tasks
            .entry(&task.service_id)
            .or_default()
            .push(task.clone());
    }
    let now = crate::engine::now();
    let short = observed.services.iter().filter(|service| {
        let tasks = tasks
            .get(service.id.as_str())
            .map_or(&[][..], Vec::as_slice);
        let Tally { running, wanted } = judge(service, tasks, nodes, &BTreeSet::new(), now).tally;
        running < wanted
    });
    short.map(|service| service.id.clone()).collect()
}

impl World {
    /// The database, also when another thread panicked while it had it.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request {
    /// Whether this run is about `stack`.
    fn includes(&self, stack: &StackName) -> bool {
        self.only.is_empty() || self.only.contains(stack)
    }

    /// Whether this run is about watched repositories: only these have rows and images
    /// that are counted.
    fn keeps_records(&self) -> bool {
        let repository = |target: &Target| matches!(target.source, Source::Repository(_));
        self.repositories.iter().all(repository)
    }
}
