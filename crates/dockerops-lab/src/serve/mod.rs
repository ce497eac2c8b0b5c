//! The servers that run inside of a lab's namespaces.

pub mod git;
pub mod relay;
