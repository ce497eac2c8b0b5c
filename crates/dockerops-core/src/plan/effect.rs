//! What a change does to the tasks that run.
//!
//! A plan is read for this before anything else: does it restart something, how
//! many tasks at a time, and does the old task go before the new one is there?

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::ownership::labels_of;
use super::wanted::secret_names;
use super::{Action, Change, Restarts};
use crate::body::Body;
use crate::mode::Mode;
use crate::observed::{Observed, Service};

/// What becomes of a service's tasks. `tasks` is absent where each fitting node runs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "does", rename_all = "kebab-case")]
pub enum Effect {
    /// None starts or stops.
    Nothing,
    /// They start.
    Start {
        /// How many.
        tasks: Option<u64>,
    },
    /// They stop.
    Stop {
        /// How many.
        tasks: Option<u64>,
    },
    /// Each is replaced by a new one.
    Restart {
        /// How many.
        tasks: Option<u64>,
        /// How many at a time; 0 is all of them.
        at_once: u64,
        /// Which of the two comes first.
        order: Order,
    },
    /// All stop, and as many start anew: Swarm cannot do it in place.
    Replace {
        /// How many.
        tasks: Option<u64>,
    },
    /// Those on a node that does not fit any more are replaced, elsewhere.
    Move,
    /// Some start or stop; the others run on.
    Scale {
        /// How many there are.
        from: u64,
        /// How many there will be.
        to: u64,
    },
    /// The job runs again.
    Rerun,
}

/// Whether the new task starts before the old one stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The old one stops first: there is a gap.
    StopFirst,
    /// The new one starts first.
    StartFirst,
}

impl Effect {
    /// What `change` does; `None` for what has no tasks, such as a network, and where a
    /// number of them is a secret.
    pub fn of(change: &Change, observed: &Observed) -> Option<Self> {
        match &change.action {
            Action::CreateService { body, .. } => {
                open(body)?;
                let tasks = tasks(&body.expose());
                Some(Self::Start { tasks })
            }
            Action::UpdateService {
                id, body, restarts, ..
            } => {
                open(body)?;
                let live = live(observed, id)?;
                Some(Self::of_update(&body.expose(), live, *restarts))
            }
            Action::RemoveService { id, .. } => {
                let tasks = tasks(&live(observed, id)?.spec);
                Some(Self::Stop { tasks })
            }
            _ => None,
        }
    }

    /// The same tasks stopped, to be started anew.
    #[must_use]
    pub(crate) fn then_anew(self) -> Self {
        match self {
            Self::Stop { tasks } => Self::Replace { tasks },
            other => other,
        }
    }

    fn of_update(body: &Value, live: &Service, restarts: Restarts) -> Self {
        if Mode::of(body).is_job() {
            return Self::Rerun;
        }
        match (tasks(&live.spec), tasks(body)) {
            (Some(0), Some(0)) => Self::Nothing,
            (Some(0), tasks) => Self::Start { tasks },
            (from, Some(0)) => Self::Stop { tasks: from },
            (_, tasks) if restarts == Restarts::All => Self::Restart {
                tasks,
                at_once: at_once(body),
                order: order(body),
            },
            (Some(from), Some(to)) if from != to => Self::Scale { from, to },
            _ if restarts == Restarts::Misplaced => Self::Move,
            _ => Self::Nothing,
        }
    }
}

/// Nothing, unless a secret flowed into the numbers of `body`.
fn open(body: &Body) -> Option<()> {
    let mut parts = ["Mode", "UpdateConfig"]
        .iter()
        .filter_map(|part| body.get(part));
    (!parts.any(|part| part.secrets().is_secret())).then_some(())
}

/// What runs, unless its label says that a secret flowed into its numbers.
fn live<'o>(observed: &'o Observed, id: &str) -> Option<&'o Service> {
    let live = observed.services.iter().find(|s| s.id == *id)?;
    let numbers = ["@deploy.mode", "@deploy.replicas", "@deploy.update_config"];
    let secret = secret_names(&labels_of(live));
    let mut secret = secret.iter();
    let told = !secret.any(|name| numbers.iter().any(|number| name.starts_with(number)));
    told.then_some(live)
}

/// How many tasks a service wants; `None` when each fitting node runs one.
fn tasks(spec: &Value) -> Option<u64> {
    spec.get("Mode")?;
    match Mode::of(spec) {
        Mode::Global | Mode::GlobalJob => None,
        Mode::Replicated(tasks) | Mode::ReplicatedJob(tasks) => Some(tasks),
    }
}

/// Absent is 1 (swarmkit, `defaults.Service`); 0, when written, is all at once.
fn at_once(spec: &Value) -> u64 {
    let parallelism = spec.pointer("/UpdateConfig/Parallelism");
    parallelism.and_then(Value::as_u64).unwrap_or(1)
}

/// The order of updates; absent is stop-first.
fn order(spec: &Value) -> Order {
    match spec.pointer("/UpdateConfig/Order").and_then(Value::as_str) {
        Some("start-first") => Order::StartFirst,
        _ => Order::StopFirst,
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no restart"),
            Self::Start { tasks } => write!(f, "starts {}", count(*tasks)),
            Self::Stop { tasks } => write!(f, "stops {}", count(*tasks)),
            Self::Restart {
                tasks,
                at_once,
                order,
            } => {
                write!(f, "restarts {}", count(*tasks))?;
                match at_once {
                    _ if *tasks == Some(1) => {}
                    0 => f.write_str(", all at once")?,
                    number => write!(f, ", {number} at a time")?,
                }
                write!(f, ", {order}")
            }
            Self::Replace { tasks } => {
                write!(f, "stops {}, then starts anew", count(*tasks))
            }
            Self::Move => f.write_str("moves only tasks whose node does not fit any more"),
            Self::Scale { from, to } => {
                write!(f, "from {from} to {}, no restart", count(Some(*to)))
            }
            Self::Rerun => f.write_str("runs the job again"),
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StopFirst => "stop-first",
            Self::StartFirst => "start-first",
        })
    }
}

fn count(tasks: Option<u64>) -> String {
    match tasks {
        None => "a task on each fitting node".to_owned(),
        Some(1) => "1 task".to_owned(),
        Some(number) => format!("{number} tasks"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn running(spec: Value) -> Service {
        Service {
            id: "s".to_owned(),
            version: 1,
            name: "web".to_owned(),
            spec,
            update: None,
            job_iteration: None,
        }
    }

    fn update(old: Value, new: &Value, restarts: Restarts) -> String {
        Effect::of_update(new, &running(old), restarts).to_string()
    }

    fn replicas(number: u64) -> Value {
        json!({"Mode": {"Replicated": {"Replicas": number}}})
    }

    #[test]
    fn an_update_says_how_many_tasks_restart_and_in_which_order() {
        use Restarts::{All, Misplaced, Nothing};

        let three = json!({"Mode": {"Replicated": {"Replicas": 3}}, "UpdateConfig": {"Parallelism": 2, "Order": "start-first"}});
        let all = json!({"Mode": {"Global": {}}, "UpdateConfig": {"Parallelism": 0}});
        let job = json!({"Mode": {"ReplicatedJob": {}}});
        assert_eq!(
            update(replicas(3), &three, All),
            "restarts 3 tasks, 2 at a time, start-first"
        );
        assert_eq!(
            update(all.clone(), &all, All),
            "restarts a task on each fitting node, all at once, stop-first"
        );
        assert_eq!(
            update(replicas(1), &replicas(1), All),
            "restarts 1 task, stop-first"
        );
        assert_eq!(update(replicas(1), &replicas(1), Nothing), "no restart");
        assert_eq!(
            update(replicas(1), &replicas(4), Nothing),
            "from 1 to 4 tasks, no restart"
        );
        assert_eq!(
            update(replicas(1), &replicas(1), Misplaced),
            "moves only tasks whose node does not fit any more"
        );
        assert_eq!(update(replicas(2), &replicas(0), All), "stops 2 tasks");
        assert_eq!(update(replicas(0), &replicas(2), All), "starts 2 tasks");
        assert_eq!(update(replicas(0), &replicas(0), All), "no restart");
        assert_eq!(update(job.clone(), &job, Nothing), "runs the job again");
    }
}
