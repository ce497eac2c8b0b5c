//! A way to a server of the hub that a test can close, or let fall silent.
//!
//! It ends with the value, and with the process that has the value, whatever ends that.

use std::fs;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Doing, LabError};
use crate::layout::HUB;
use crate::process::wait_for;

/// The first port of relays; no server of a lab has one from here on.
const FIRST_PORT: u16 = 5900;

/// A port on node 1's loopback that leads to a port of the hub until this is dropped.
#[derive(Debug)]
pub struct Relay {
    process: Child,
    port: u16,
}

impl Relay {
    /// `setpriv` is that command inside of node 1's network, `program` this crate's binary.
    pub(crate) fn start(mut setpriv: Command, program: &str, to: u16) -> Result<Self, LabError> {
        static NEXT: AtomicU16 = AtomicU16::new(FIRST_PORT);
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        let pair = format!("127.0.0.1:{port}={HUB}:{to}");
        let process = setpriv
            .args(["--pdeathsig", "KILL", "--", program, "relay", &pair])
            .spawn()
            .doing(|| "cannot start a relay".to_owned())?;
        let relay = Self { process, port };
        wait_for("the start of a relay", Duration::from_secs(10), || {
            Ok(relay.listens())
        })?;
        Ok(relay)
    }

    /// Its address for clients on node 1.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// From now on it takes connections and never answers.
    pub fn fall_silent(&self) -> Result<(), LabError> {
        kill_process(Pid::from_child(&self.process), Signal::STOP)
            .map_err(Into::into)
            .doing(|| "cannot stop a relay".to_owned())
    }

    /// Whether the port is open, as the kernel lists it (`0A` is `LISTEN`) for its network.
    fn listens(&self) -> bool {
        let open = format!("0100007F:{:04X} 00000000:0000 0A", self.port);
        let listed = fs::read_to_string(format!("/proc/{}/net/tcp", self.process.id()));
        listed.is_ok_and(|text| text.contains(&open))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
