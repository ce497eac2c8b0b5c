//! What a run tells about itself while it goes on.
//!
//! The run calls [`Progress`] and never prints; the terminal decides what to show.

use dockerops_core::names::StackName;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A repository is being asked for its revision, and fetched when it moved.
    Fetching {
        /// The URL as given.
        url: String,
    },
    /// A repository was read.
    Fetched {
        /// The URL as given.
        url: String,
        /// Its revision.
        revision: String,
    },
    /// An image is being pulled.
    Pulling {
        /// As written in the compose file.
        image: String,
    },
    /// An image was pulled.
    Pulled {
        /// As written in the compose file.
        image: String,
    },
    /// A change is about to be written.
    Applying {
        /// The stack.
        stack: StackName,
        /// `create service web_app`
        what: String,
    },
    /// How far a service is.
    Rollout {
        /// The service's name on the Swarm.
        service: String,
        /// Tasks running.
        running: u64,
        /// Tasks wanted.
        wanted: u64,
        /// What it is waiting for, or empty.
        note: String,
    },
    /// A stack is finished, well or not.
    Finished {
        /// The stack.
        stack: StackName,
        /// The services whose rollout was shown.
        services: Vec<String>,
    },
}

/// Receives events; called from several tasks at once.
pub trait Progress: Send + Sync {
    /// Takes note of `event`.
    fn event(&self, event: Event);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event) {}
}
