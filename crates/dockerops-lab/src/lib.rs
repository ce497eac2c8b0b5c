//! A throwaway Swarm with its registry and Git servers: for development only.
//!
//! A [`Lab`] is a hub (registries, Git over HTTP and SSH) and nodes with an engine each, all in
//! network namespaces of their own, so nothing of this machine is touched: not its Docker, its
//! firewall, its ports. What talks to a lab must run inside of it: see [`Lab::dockerops`] and
//! [`Lab::command`]. Several labs can run at once.
//!
//! **What must stay true**: when a lab's owner ends, in whatever way, nothing of the lab is left:
//! no process, namespace, mount, cgroup or folder (see [`keeper`]).

pub mod anchor;
pub mod behaviour;
pub mod claim;
mod config;
mod error;
pub mod http;
mod hub;
mod image;
pub mod keeper;
mod lab;
pub mod layout;
mod machine;
mod network;
mod node;
mod person;
pub mod process;
mod recorder;
mod relay;
mod repository;
pub mod serve;
mod swarm;
mod tar;

pub use behaviour::{Behaviour, Fault, GitRequest, Wanted};
pub use error::LabError;
pub use image::Stub;
pub use lab::{Lab, LabOptions, SHARED, program};
pub use machine::Machine;
pub use person::{Person, Ran, sleepers};
pub use process::wait_for;
pub use recorder::{Recorder, Write};
pub use relay::Relay;
pub use repository::{Change, Repository};
pub use swarm::Services;
