//! What can be wrong with a deploy on a real Swarm, each kind once: the printed reason, the
//! exit code, and that the run ends in time. None may tell of a success.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod case;
mod engine;
mod first;
mod updates;
