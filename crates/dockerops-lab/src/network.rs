//! The lab's network: a hub namespace with a bridge, a namespace for each node.
//!
//! The bridge is in a namespace of its own because an engine sets `FORWARD DROP` where it
//! runs, which stops bridged packets too.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::error::LabError;
use crate::layout::{HUB, Layout};
use crate::process::{command, output, run};

/// Makes the namespaces and connects them.
pub(crate) fn up(layout: &Layout) -> Result<(), LabError> {
    let hub = layout.hub_namespace();
    ip(&format!("netns add {hub}"))?;
    ip(&format!("-n {hub} link set lo up"))?;
    ip(&format!("-n {hub} link add br0 type bridge"))?;
    ip(&format!("-n {hub} addr add {HUB}/24 dev br0"))?;
    ip(&format!("-n {hub} link set br0 up"))?;
    (1..=layout.nodes).try_for_each(|index| connect(layout, index))
}

/// Makes the namespace of node `index` and connects it to the hub.
pub(crate) fn connect(layout: &Layout, index: usize) -> Result<(), LabError> {
    let (hub, node) = (layout.hub_namespace(), layout.node_namespace(index));
    let address = Layout::node_address(index);
    ip(&format!("netns add {node}"))?;
    ip(&format!(
        "-n {hub} link add v{index} type veth peer name eth0 netns {node}"
    ))?;
    ip(&format!("-n {hub} link set v{index} master br0 up"))?;
    ip(&format!("-n {node} link set lo up"))?;
    ip(&format!("-n {node} addr add {address}/24 dev eth0"))?;
    ip(&format!("-n {node} link set eth0 up"))?;
    ip(&format!("-n {node} route add default via {HUB}"))
}

/// Removes the namespace of node `index`, and with it its link.
pub(crate) fn disconnect(layout: &Layout, index: usize) {
    let _ = ip(&format!("netns del {}", layout.node_namespace(index)));
}

/// Removes the namespaces whose names start with that of the lab, and with them their links.
pub(crate) fn down(lab: &str) {
    let listed = run(&mut command("ip netns list"))
        .map(|out| out.stdout)
        .unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed);
    for name in listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
    {
        if name.starts_with(&format!("{lab}-")) {
            kill_visitors(name);
            let _ = run(&mut command(&format!("ip netns del {name}")));
        }
    }
}

/// Kills what was sent into a namespace and outlived its sender, such as a command under test.
fn kill_visitors(namespace: &str) {
    let listed = run(&mut command(&format!("ip netns pids {namespace}")))
        .map(|out| out.stdout)
        .unwrap_or_default();
    for pid in String::from_utf8_lossy(&listed)
        .lines()
        .filter_map(|line| Pid::from_raw(line.parse().ok()?))
    {
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn ip(args: &str) -> Result<(), LabError> {
    output(Command::new("ip").args(args.split(' '))).map(|_| ())
}
