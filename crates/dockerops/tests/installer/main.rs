//! `dockerops.sh`, run whole against a host of releases on this machine.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod broken;
mod data;
mod install;
mod machine;
mod release;
mod server;
mod signature;
mod status;
mod timer;
