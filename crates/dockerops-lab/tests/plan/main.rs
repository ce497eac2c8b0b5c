//! See before you act: `plan`, `diff` and saved plans on a real Swarm.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bare;
mod by_hand;
mod canaries;
mod checkout;
mod corpus;
mod edits;
mod quiet;
mod saved;
mod scale;
mod site;
#[path = "../commands/stacks.rs"]
mod stacks;
