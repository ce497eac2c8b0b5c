//! A task's error → what a person can do about it.
//!
//! Sentences as engines 20.10 to 28 write them, measured by provoking each.

use std::fmt;

use crate::observed::{Node, Service, Task};

/// What is wrong with a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// The engine's sentence, or ours where it has none.
    pub message: String,
    /// How often it happened in a row; one where that is not counted.
    pub times: u64,
    /// The task that says so.
    pub task: Option<String>,
    /// The container of that task, where there was one.
    pub container: Option<String>,
    /// The host name of the node that it was on.
    pub node: Option<String>,
    /// What the application or its health check said last; filled in by who can ask.
    pub said: Option<Said>,
}

/// Last words, as they were written: they may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Who wrote them.
    pub by: Speaker,
    /// A line each, the newest last.
    pub lines: Vec<String>,
}

/// Who says something about a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The application, in its log.
    Log,
    /// The health check of its container.
    HealthCheck,
}

impl Speaker {
    /// `log`, `health check`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::HealthCheck => "health check",
        }
    }
}

/// Kinds of problems, as far as the way out differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// No node could get the image.
    ImageNotFound,
    /// Constraints, platforms or plugins leave no node.
    NoSuitableNode,
    /// No node has enough memory or processors to spare.
    NoResources,
    /// The port is taken on every node that is left.
    PortInUse,
    /// The service's own old task has the port, and is to go on until the new one runs.
    OwnPortInUse,
    /// The host path of a bind mount does not exist.
    MountMissing,
    /// A volume cannot be mounted, or not yet.
    VolumeNotReady,
    /// The node of a task does not answer.
    NodeAway,
    /// The service is not there.
    Missing,
    /// The container's own health check failed.
    Unhealthy,
    /// The command cannot be run.
    CannotStart,
    /// The container ended with this code.
    Exited(i64),
    /// Swarm paused the update.
    UpdatePaused,
    /// Swarm went back to the previous spec.
    RolledBack,
    /// Swarm tried to go back to the previous spec, and failed.
    RollbackPaused,
    /// Something else; the message says what.
    Other,
}

/// How often a slot may fail before that is believed to go on.
pub(super) const FAILURES: u64 = 3;

/// As engines end a container whose health check failed.
const UNHEALTHY: &str = "unhealthy container";

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.times > 1 {
            write!(f, ", {} times", self.times)?;
        }
        match &self.node {
            Some(node) => write!(f, " (on node `{node}`)"),
            None => Ok(()),
        }
    }
}

impl Problem {
    /// A problem that no task tells.
    pub(super) fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            times: 1,
            task: None,
            container: None,
            node: None,
            said: None,
        }
    }

    /// Whether Swarm itself decided, so that there is nothing left to come.
    pub(super) fn is_swarms_decision(&self) -> bool {
        matches!(
            self.kind,
            ProblemKind::UpdatePaused | ProblemKind::RolledBack | ProblemKind::RollbackPaused
        )
    }

    /// Whether nothing can come that would change it.
    pub(super) fn is_final(&self) -> bool {
        self.is_swarms_decision() || self.kind == ProblemKind::Missing
    }

    /// Whether it happened so often that once more changes nothing.
    pub(super) fn is_repeated(&self) -> bool {
        self.times >= FAILURES
    }

    /// Whether a task that ran ended by it, and not one that never came so far.
    pub(super) fn ends_a_task(&self) -> bool {
        matches!(self.kind, ProblemKind::Exited(_) | ProblemKind::Unhealthy)
    }

    /// Of a task whose health check has not succeeded yet.
    pub fn not_healthy_yet(task: &Task, nodes: &[Node]) -> Self {
        let node = nodes.iter().find(|node| node.id == task.node_id);
        let container = Some(&task.container).filter(|id| !id.is_empty());
        Self {
            task: Some(task.id.clone()),
            container: container.cloned(),
            node: node.map(|node| node.hostname.clone()),
            ..Self::new(
                ProblemKind::Unhealthy,
                "its health check has not succeeded yet",
            )
        }
    }

    /// Whether a health check ended the task.
    pub fn is_of_health_check(&self) -> bool {
        // What made Swarm pause or roll back keeps the task's words, not its kind.
        self.kind == ProblemKind::Unhealthy || self.message.contains(UNHEALTHY)
    }

    /// Whether the task ran, so that it may have said something.
    pub fn may_have_said(&self) -> bool {
        self.task.is_some() && (self.ends_a_task() || self.is_swarms_decision())
    }

    /// What the end of `task` says. `node` is the host name of its node.
    pub(super) fn of(task: &Task, node: Option<&str>) -> Self {
        let kind = kind_of(task);
        let message = match (&*task.error, kind) {
            ("", ProblemKind::Exited(0)) => {
                "the container ended by itself (exit code 0)".to_owned()
            }
            ("", ProblemKind::Exited(code)) => format!("the container ended with exit code {code}"),
            ("", _) => task.message.clone(),
            (error, _) => error.to_owned(),
        };
        let container = Some(&task.container).filter(|id| !id.is_empty());
        Self {
            task: Some(task.id.clone()),
            container: container.cloned(),
            node: node.map(str::to_owned),
            ..Self::new(kind, message)
        }
    }
}

/// Whether `task` says that something is wrong.
pub(super) fn tells(task: &Task) -> bool {
    !task.error.is_empty() || matches!(task.state.as_str(), "failed" | "rejected" | "complete")
}

/// Whether a node has `task`: what waits for one has done nothing yet.
pub(super) fn has_begun(task: &Task) -> bool {
    !matches!(task.state.as_str(), "new" | "allocated" | "pending")
}

/// What Swarm decided about the update itself.
pub(super) fn of_update(service: &Service) -> Option<Problem> {
    let status = service.update.as_ref()?;
    let (kind, what) = match status.state.as_str() {
        "paused" => (ProblemKind::UpdatePaused, "Swarm paused the update"),
        "rollback_started" | "rollback_completed" => {
            (ProblemKind::RolledBack, "Swarm rolled the update back")
        }
        "rollback_paused" => (
            ProblemKind::RollbackPaused,
            "Swarm rolled the update back, and stopped half-way",
        ),
        _ => return None,
    };
    let message = match status.message.as_str() {
        "" => what.to_owned(),
        message => format!("{what}: {message}"),
    };
    Some(Problem::new(kind, message))
}

/// `problem` with the error of the task that made Swarm pause the update or roll
/// it back. `tasks` are all of the service, of any spec: after a rollback the
/// task that failed is not up to date any more.
pub fn explain(problem: Problem, service: &Service, tasks: &[Task], nodes: &[Node]) -> Problem {
    if !problem.is_swarms_decision() {
        return problem;
    }
    let said = service.update.as_ref().map_or("", |update| &update.message);
    let failed = |task: &&Task| matches!(task.state.as_str(), "failed" | "rejected");
    let ours = tasks.iter().filter(|task| task.service_id == service.id);
    let ours: Vec<_> = ours.filter(failed).collect();
    let named = ours.iter().find(|task| said.contains(task.id.as_str()));
    let newest = ours.iter().max_by(|a, b| a.created_at.cmp(&b.created_at));
    let Some(task) = named.or(newest) else {
        return problem;
    };
    let node = nodes.iter().find(|node| node.id == task.node_id);
    let cause = Problem::of(task, node.map(|node| node.hostname.as_str()));
    let what = problem.message.split(": ").next().unwrap_or_default();
    Problem {
        kind: problem.kind,
        message: format!("{what}: {}", cause.message),
        ..cause
    }
}

/// What kind of problem the end of `task` is.
pub(super) fn kind_of(task: &Task) -> ProblemKind {
    let has = |text: &str| task.error.contains(text);
    if has("No such image") || has("manifest unknown") || has("pull access denied") {
        ProblemKind::ImageNotFound
    } else if has("insufficient resources") {
        ProblemKind::NoResources
    } else if has("port already in use")
        || has("port is already allocated")
        || has("address already in use")
    {
        ProblemKind::PortInUse
    } else if has("no suitable node") {
        ProblemKind::NoSuitableNode
    } else if has("bind source path does not exist") {
        ProblemKind::MountMissing
    } else if has("mount local volume") || has("mounting volume") || has("CSI volume") {
        ProblemKind::VolumeNotReady
    } else if has(UNHEALTHY) {
        ProblemKind::Unhealthy
    } else if has("starting container failed") || has("executable file not found") {
        ProblemKind::CannotStart
    } else if let Some(code) = exit_code(task) {
        ProblemKind::Exited(code)
    } else {
        ProblemKind::Other
    }
}

/// The number in `task: non-zero exit (3)`, else the code that the container left.
fn exit_code(task: &Task) -> Option<i64> {
    let quoted = task.error.split_once("non-zero exit (");
    let quoted = quoted.and_then(|(_, rest)| rest.split_once(')'));
    let quoted = quoted.and_then(|(code, _)| code.parse().ok());
    quoted.or(match task.state.as_str() {
        "complete" => Some(task.exit_code.unwrap_or(0)),
        "failed" => task.exit_code,
        _ => None,
    })
}
