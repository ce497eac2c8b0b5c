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
    /// The task that says so.
    pub task: Option<String>,
    /// The host name of the node that it was on.
    pub node: Option<String>,
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
    /// The host path of a bind mount does not exist.
    MountMissing,
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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.node {
            Some(node) => write!(f, " (on node `{node}`)"),
            None => Ok(()),
        }
    }
}

impl Problem {
    /// One sentence that gets the reader unstuck.
    pub fn hint(&self) -> Option<String> {
        let hint = match self.kind {
            ProblemKind::ImageNotFound => {
                "Check the image's name and tag, and that every node reaches the registry and may pull from it."
            }
            ProblemKind::NoSuitableNode => {
                "Compare the service's placement with `docker node ls` and the nodes' labels."
            }
            ProblemKind::NoResources => {
                "Lower the service's reservations, or add memory or processors to the Swarm."
            }
            ProblemKind::PortInUse => {
                "Free the port on the nodes, choose another one, or lower the replicas: a host port serves one task a node."
            }
            ProblemKind::MountMissing => {
                "Create the path on every node, or use a binding of `volumes.yaml`."
            }
            ProblemKind::Unhealthy => {
                "See what its health check says: `docker inspect` on the node, or the service's logs."
            }
            ProblemKind::CannotStart => "Correct the service's command or entrypoint.",
            ProblemKind::Exited(137) => {
                "It was killed: see its logs, and whether its memory limit is too low."
            }
            ProblemKind::Exited(_) => "See its logs: `docker service logs`.",
            ProblemKind::UpdatePaused
            | ProblemKind::RolledBack
            | ProblemKind::RollbackPaused
            | ProblemKind::Other => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether Swarm itself decided, so that there is nothing left to come.
    pub(super) fn is_swarms_decision(&self) -> bool {
        matches!(
            self.kind,
            ProblemKind::UpdatePaused | ProblemKind::RolledBack | ProblemKind::RollbackPaused
        )
    }

    /// Whether a task that ran ended by it, and not one that never came so far.
    pub(super) fn ends_a_task(&self) -> bool {
        matches!(self.kind, ProblemKind::Exited(_) | ProblemKind::Unhealthy)
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
        Self {
            kind,
            message,
            task: Some(task.id.clone()),
            node: node.map(str::to_owned),
        }
    }
}

/// Whether `task` says that something is wrong.
pub(super) fn tells(task: &Task) -> bool {
    !task.error.is_empty() || matches!(task.state.as_str(), "failed" | "rejected" | "complete")
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
    Some(Problem {
        kind,
        message,
        task: None,
        node: None,
    })
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

fn kind_of(task: &Task) -> ProblemKind {
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
    } else if has("unhealthy container") {
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
