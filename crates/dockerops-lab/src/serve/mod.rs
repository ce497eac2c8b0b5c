//! The servers that run inside of a lab's namespaces.

mod basic;
pub mod git;
pub mod internet;
pub mod relay;
pub mod token;
