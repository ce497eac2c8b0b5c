//! `doctor`: facts about the place that DockerOps works in → what is well, and how to mend the rest.
//!
//! Each check is one line, and each that is not well says what to do.

use std::time::Duration;

use serde::Serialize;

use crate::observed::Node;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is about: `engine`, `storage`, ….
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// What was found.
    pub message: String,
    /// What to do, where it is not well.
    pub fix: Option<String>,
}

/// How something is; the order is from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Well.
    Ok,
    /// It works, but not for long, or not for everybody.
    Warn,
    /// DockerOps cannot do its work.
    Fail,
}

impl Check {
    /// Well.
    pub fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Ok,
            message: message.into(),
            fix: None,
        }
    }

    /// It works for now.
    pub fn warn(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: State::Warn,
            fix: Some(fix.into()),
            ..Self::ok(name, message)
        }
    }

    /// It does not work.
    pub fn fail(name: &'static str, message: impl Into<String>, fix: Option<String>) -> Self {
        Self {
            state: State::Fail,
            fix,
            ..Self::ok(name, message)
        }
    }
}

/// Whether the Swarm survives the loss of a manager.
pub fn managers(nodes: &[Node]) -> Check {
    let managers: Vec<_> = nodes.iter().filter(|node| node.role == "manager").collect();
    let all = managers.len();
    let ready = managers.iter().filter(|node| node.state == "ready").count();
    let quorum = all / 2 + 1;
    let found = format!("{ready} of {all} managers are ready");
    if all == 1 && ready == 1 {
        let message = "one manager: what it loses, the Swarm loses";
        return Check::ok("managers", message);
    }
    if ready < quorum {
        let fix =
            format!("Bring managers back: {quorum} are needed for the Swarm to change anything.");
        return Check::fail("managers", found, Some(fix));
    }
    if ready == quorum && all > 2 {
        let fix = "Bring the others back: with one less, the Swarm cannot be changed.";
        return Check::warn("managers", found, fix);
    }
    if all.is_multiple_of(2) {
        let message = format!(
            "{all} managers, which bear the loss of no more than {} would",
            all - 1
        );
        return Check::warn(
            "managers",
            message,
            "Have an odd number of managers: `docker node promote` or `demote` one.",
        );
    }
    Check::ok("managers", found)
}

/// Whether nodes that should work do.
pub fn nodes(nodes: &[Node]) -> Check {
    let named = |which: &dyn Fn(&&Node) -> bool| -> Vec<String> {
        let names = nodes.iter().filter(which);
        names.map(|node| node.hostname.clone()).collect()
    };
    let away = named(&|node| node.state != "ready");
    if !away.is_empty() {
        let message = format!("not ready: {}", away.join(", "));
        let fix = "Look at Docker there, or remove the node: `docker node rm <name>`.";
        return Check::warn("nodes", message, fix);
    }
    let idle = named(&|node| node.availability != "active");
    let count = match nodes.len() {
        1 => "1 node is ready".to_owned(),
        n => format!("{n} nodes are ready"),
    };
    if idle.is_empty() {
        return Check::ok("nodes", count);
    }
    Check::ok(
        "nodes",
        format!("{count}; paused or drained: {}", idle.join(", ")),
    )
}

/// Room on a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What we may still use.
    pub free: u64,
    /// In all.
    pub total: u64,
}

/// Whether there is room left for `what`, which lies at `path`.
pub fn disk(what: &str, path: &str, space: Space) -> Check {
    let percent = (space.free.saturating_mul(100))
        .checked_div(space.total)
        .unwrap_or(0);
    let message = format!("{percent} % free for {what} ({path})");
    let fix = format!("Free some space on the disk of `{path}`.");
    match percent {
        0 => Check::fail("disk", message, Some(fix)),
        1..10 => Check::warn("disk", message, fix),
        _ => Check::ok("disk", message),
    }
}

/// Clocks further apart than this confuse certificates, tokens and people.
const MOST_SKEW: Duration = Duration::from_secs(30);

/// Whether our clock is right, when `whom` says that it is `skew` behind or ahead.
pub fn clock(whom: &str, skew: Duration) -> Check {
    let seconds = skew.as_secs();
    if skew <= MOST_SKEW {
        return Check::ok("clock", format!("within {} s of {whom}", seconds.max(1)));
    }
    let message = format!("{seconds} s away from {whom}");
    Check::warn(
        "clock",
        message,
        "Set the clock, and keep it set: `timedatectl set-ntp true`.",
    )
}

/// What the shared storage at `nfs.path` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// What lies there.
    pub place: Place,
    /// Whether a file could be written, read and removed.
    pub written: Result<(), Unwritten>,
}

/// What lies at `nfs.path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nothing.
    Missing,
    /// It did not answer in time.
    Silent,
    /// A folder of this node's own disk.
    Plain,
    /// Something mounted there, or above it: `nfs4`.
    Mounted(String),
}

/// Why nothing could be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwritten {
    /// `EACCES`, `EPERM`: on NFS most often root that counts as nobody.
    Denied,
    /// `EROFS`.
    ReadOnly,
    /// `ESTALE`: the server knows the mount no more.
    Stale,
    /// Something else.
    Other(String),
}

/// Whether the storage of `url` at `path` is there for all `nodes` of the Swarm, and ours to write.
pub fn storage(url: &str, path: &str, storage: &Storage, nodes: usize) -> Check {
    let fail = |message: String, fix: &str| Check::fail("storage", message, Some(fix.to_owned()));
    let at = format!("`{path}` of {url}");
    match &storage.place {
        Place::Missing => {
            return fail(
                format!("{at} does not exist"),
                "Mount the shared storage there, on every node.",
            );
        }
        Place::Silent => {
            return fail(
                format!("{at} does not answer"),
                "Look at the NFS server and the network; then mount it again.",
            );
        }
        Place::Plain | Place::Mounted(_) => {}
    }
    match (&storage.written, &storage.place) {
        (Err(Unwritten::Denied), _) => fail(
            format!("{at} may not be written"),
            "On NFS, export it with `no_root_squash` (or `anonuid`/`anongid` of its owner); else mend its permissions.",
        ),
        (Err(Unwritten::ReadOnly), _) => fail(
            format!("{at} is mounted read-only"),
            "Mount it read-write: `mount -o remount,rw`.",
        ),
        (Err(Unwritten::Stale), _) => fail(
            format!("{at} is a stale mount"),
            "Unmount it (`umount -l`) and mount it again.",
        ),
        (Err(Unwritten::Other(why)), _) => fail(
            format!("{at} cannot be written: {why}"),
            "Look at the storage behind it.",
        ),
        (Ok(()), Place::Mounted(kind)) => {
            Check::ok("storage", format!("{at} is mounted ({kind}) and writable"))
        }
        (Ok(()), _) if nodes > 1 => Check::warn(
            "storage",
            format!("{at} is a plain folder of this node's disk"),
            "Mount the shared storage there: tasks on other nodes do not see what is written here.",
        ),
        (Ok(()), _) => Check::ok("storage", format!("{at} is a plain folder, and writable")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, role: &str, state: &str) -> Node {
        Node {
            hostname: name.to_owned(),
            role: role.to_owned(),
            state: state.to_owned(),
            availability: "active".to_owned(),
            ..Node::default()
        }
    }

    fn of_managers(states: &[&str]) -> State {
        let nodes: Vec<_> = states
            .iter()
            .map(|state| node("m", "manager", state))
            .collect();
        managers(&nodes).state
    }

    #[test]
    fn managers_are_well_when_one_may_go() {
        let (up, down) = ("ready", "down");
        assert_eq!(of_managers(&[up]), State::Ok);
        assert_eq!(of_managers(&[up, up, up]), State::Ok);
        assert_eq!(of_managers(&[up, up]), State::Warn, "an even number");
        assert_eq!(of_managers(&[up, up, down]), State::Warn, "no more may go");
        assert_eq!(of_managers(&[up, down]), State::Fail);
        assert_eq!(of_managers(&[up, down, down]), State::Fail);
    }

    #[test]
    fn a_node_that_is_away_is_named_and_one_that_is_drained_is_told() {
        let check = nodes(&[node("a", "manager", "ready"), node("b", "worker", "down")]);
        assert_eq!(
            (check.state, check.message.as_str()),
            (State::Warn, "not ready: b")
        );
        let mut drained = node("b", "worker", "ready");
        drained.availability = "drain".to_owned();
        let check = nodes(&[node("a", "manager", "ready"), drained]);
        assert_eq!(check.state, State::Ok);
        assert!(check.message.ends_with("paused or drained: b"), "{check:?}");
    }

    #[test]
    fn a_disk_warns_below_a_tenth_and_fails_below_a_hundredth() {
        let state = |free| disk("x", "/x", Space { free, total: 1000 }).state;
        assert_eq!(
            [500, 100, 99, 10, 9, 0].map(state),
            [
                State::Ok,
                State::Ok,
                State::Warn,
                State::Warn,
                State::Fail,
                State::Fail
            ]
        );
    }

    #[test]
    fn a_clock_may_be_half_a_minute_off() {
        let state = |seconds| clock("r", Duration::from_secs(seconds)).state;
        assert_eq!([0, 30, 31].map(state), [State::Ok, State::Ok, State::Warn]);
    }

    #[test]
    fn storage_is_well_when_it_is_shared_and_writable() {
        let at = |place, written, nodes| storage("r", "/nfs", &Storage { place, written }, nodes);
        let nfs = || Place::Mounted("nfs4".to_owned());
        assert_eq!(at(nfs(), Ok(()), 3).state, State::Ok);
        assert_eq!(at(Place::Plain, Ok(()), 1).state, State::Ok);
        assert_eq!(at(Place::Plain, Ok(()), 2).state, State::Warn);
        assert_eq!(at(Place::Missing, Ok(()), 1).state, State::Fail);
        assert_eq!(at(Place::Silent, Ok(()), 1).state, State::Fail);
        let denied = at(nfs(), Err(Unwritten::Denied), 1);
        assert_eq!(denied.state, State::Fail);
        assert!(denied.fix.unwrap().contains("no_root_squash"));
    }
}
