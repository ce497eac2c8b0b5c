//! How a service runs, and how many of its tasks are wanted.

use serde_json::Value;

/// How a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// So many tasks, which go on.
    Replicated(u64),
    /// A task on each node, which goes on.
    Global,
    /// So many tasks, which end.
    ReplicatedJob(u64),
    /// A task on each node, which ends.
    GlobalJob,
}

impl Mode {
    /// Of a service with this spec.
    pub fn of(spec: &Value) -> Self {
        let mode = &spec["Mode"];
        let job = &mode["ReplicatedJob"];
        if job.is_object() {
            // The engine's own default: as many as run at once, else one.
            let total = job["TotalCompletions"].as_u64();
            let total = total.or_else(|| job["MaxConcurrent"].as_u64());
            return Self::ReplicatedJob(total.unwrap_or(1));
        }
        if mode["GlobalJob"].is_object() {
            return Self::GlobalJob;
        }
        if mode["Global"].is_object() {
            return Self::Global;
        }
        Self::Replicated(mode["Replicated"]["Replicas"].as_u64().unwrap_or(1))
    }

    /// Whether its tasks are to end.
    pub fn is_job(self) -> bool {
        matches!(self, Self::ReplicatedJob(_) | Self::GlobalJob)
    }

    /// Whether each node gets one task.
    pub fn is_global(self) -> bool {
        matches!(self, Self::Global | Self::GlobalJob)
    }
}
