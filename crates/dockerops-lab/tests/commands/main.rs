//! The commands on a real Swarm, as a person runs them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod database;
mod deploy;
mod drift;
mod json;
mod looking;
mod operating;
mod reconcile;
mod stacks;
mod stop;
mod updates;
mod watch;
