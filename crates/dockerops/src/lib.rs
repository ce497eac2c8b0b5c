//! DockerOps acts: it carries out what [`dockerops_core`] decides.
//!
//! Adapters (`engine`, `registry`, `git`, `host`, `store`) touch one part of the
//! world each and never import each other; `reconcile` puts them together; `cli`
//! is the only place that prints.

pub mod cli;
pub mod desire;
pub mod engine;
pub mod git;
pub mod host;
pub mod init;
pub mod lock;
pub mod mistakes;
mod moment;
pub mod reconcile;
pub mod registry;
pub mod settings;
pub mod store;
