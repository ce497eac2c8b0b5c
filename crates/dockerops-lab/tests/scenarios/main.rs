//! One suite against the Swarm in memory and a real one: the same plans, the same end.
//!
//! What the fake gets wrong, every test on it gets wrong. So each story is played on
//! both, and what is told of it must be equal to the letter.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../../dockerops/tests/bare_stack/mod.rs"]
mod bare_stack;
mod remains;
mod services;
mod stage;
