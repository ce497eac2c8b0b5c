//! What becomes of a stack that does not get well, on a real Swarm, as a person sees it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod by_hand;
mod site;
mod whole;
