//! The way out of a shape that does not fit.

use super::deploy::DEPLOY_KEYS;
use super::service::SERVICE_KEYS;
use super::{OURS, Shape, Since};
use crate::decode::closest;
use crate::yaml::{Node, Value};

/// Keys of the Compose specification that a Swarm stack cannot have, and what to do instead.
const NOT_IN_A_STACK: &[(&str, &str)] = &[
    (
        "name",
        "Remove it: the stack's name is given outside of the compose file.",
    ),
    (
        "include",
        "Remove it, and give the other files as files of the same stack.",
    ),
    (
        "profiles",
        "Remove it, and keep services for one occasion in a stack of their own.",
    ),
    (
        "group_add",
        "Remove it, and set the groups in the image or with `user: \"uid:gid\"`.",
    ),
    (
        "platform",
        "Remove it, and use `deploy.placement.constraints` with `node.platform.arch`.",
    ),
    (
        "pull_policy",
        "Remove it: each node pulls the image of a service when it needs it.",
    ),
    ("scale", "Use `deploy.replicas`."),
    (
        "runtime",
        "Remove it, and set the default runtime in the engine of the nodes.",
    ),
    (
        "gpus",
        "Use `deploy.resources.reservations.generic_resources`.",
    ),
    (
        "develop",
        "Remove it: it is for development on one machine.",
    ),
    ("annotations", "Use `labels`."),
    ("label_file", "Use `labels`."),
    ("post_start", "Remove it: a Swarm has no hooks."),
    ("pre_stop", "Remove it: a Swarm has no hooks."),
    ("attach", "Remove it: a Swarm attaches to no container."),
    ("cpus", "Use `deploy.resources.limits.cpus`."),
    ("cpu_count", "Use `deploy.resources.limits.cpus`."),
    ("cpu_percent", "Use `deploy.resources.limits.cpus`."),
    ("cpu_period", "Use `deploy.resources.limits.cpus`."),
    (
        "mem_reservation",
        "Use `deploy.resources.reservations.memory`.",
    ),
    (
        "mem_swappiness",
        "Remove it: a Swarm service cannot set it.",
    ),
    (
        "oom_kill_disable",
        "Remove it: a Swarm service cannot set it.",
    ),
    ("pids_limit", "Use `deploy.resources.limits.pids`."),
    (
        "device_cgroup_rules",
        "Remove it: a Swarm service cannot set it.",
    ),
    (
        "device_requests",
        "Use `deploy.resources.reservations.generic_resources`.",
    ),
    (
        "dns_opt",
        "Remove it: a compose file for a Swarm cannot set it.",
    ),
    ("log_driver", "Use `logging.driver`."),
    ("log_opt", "Use `logging.options`."),
    ("net", "Use `networks`."),
    ("storage_opt", "Remove it: a Swarm service cannot set it."),
    ("blkio_config", "Remove it: a Swarm service cannot set it."),
    ("cgroup", "Remove it: a Swarm service cannot set it."),
    ("uts", "Remove it: a Swarm service cannot set it."),
    (
        "content",
        "Put the text into a file beside the compose file, and name it with `file`.",
    ),
    ("enable_ipv6", "Remove it: Docker reads it in no stack."),
    (
        "create_host_path",
        "Remove it: a Swarm mounts only what exists on the node.",
    ),
    (
        "gateway",
        "Remove it: Docker reads only `subnet` in a stack.",
    ),
    (
        "ip_range",
        "Remove it: Docker reads only `subnet` in a stack.",
    ),
    (
        "aux_addresses",
        "Remove it: Docker reads only `subnet` in a stack.",
    ),
];

/// For something that only later versions have.
pub(super) fn later(since: Since) -> String {
    if since == OURS {
        return "Write it as Docker has it, or leave `--compat docker` away.".to_owned();
    }
    format!("Write `version: \"3.{since}\"` or later, or remove `version`.")
}

/// For a key that is not known.
pub(super) fn unknown<'a>(
    name: &str,
    value: &Node,
    known: impl Iterator<Item = &'a str>,
    at_top: bool,
) -> String {
    let known: Vec<_> = known.collect();
    if let Some((_, hint)) = NOT_IN_A_STACK.iter().find(|(key, _)| *key == name) {
        return (*hint).to_owned();
    }
    if let Some(place) = home(name) {
        return format!("Move it {place}: check the indentation.");
    }
    if let Some(likely) = closest(name, known.iter().copied()) {
        return format!("Did you mean `{likely}`?");
    }
    if at_top && !matches!(&value.value, Value::Map(map) if map.get("image").is_some()) {
        return "Move it into `services`, or put `x-` in front of the name.".to_owned();
    }
    if matches!(&value.value, Value::Map(map) if map.get("image").is_some()) {
        return "Indent it like the other services: it looks like one.".to_owned();
    }
    let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
    if known.len() > 10 {
        return "Remove it, or check the indentation: it may belong elsewhere.".to_owned();
    }
    format!("Use one of {}.", known.join(", "))
}

/// Where a key would be at home.
fn home(name: &str) -> Option<&'static str> {
    let read = |key: &super::Key| key.name == name && !matches!(key.shape, Shape::Anything);
    let has = |keys: &[super::Key]| keys.iter().any(read);
    match name {
        "services" | "volumes" | "networks" | "configs" | "secrets" | "version" => {
            Some("to the top level of the file or directly under the service")
        }
        "constraints" | "preferences" => Some("under `deploy.placement`"),
        "limits" | "reservations" => Some("under `deploy.resources`"),
        _ if has(DEPLOY_KEYS) => Some("under `deploy`"),
        _ if has(SERVICE_KEYS) => Some("directly under the service"),
        _ => None,
    }
}

/// For a value of the wrong kind.
pub(super) fn wrong_type(node: &Node, expected: &str) -> Option<String> {
    let takes = |kind: &str| expected.contains(kind);
    let hint = match node.value {
        Value::Null => "Remove the key, or give it a value.",
        Value::Bool(_) | Value::Int(_) | Value::Float(_) if takes("string") => {
            "Put the value in quotes."
        }
        Value::Text(_) if takes("integer") || takes("number") => {
            "Write a plain number, without quotes."
        }
        Value::Text(_) if takes("boolean") => "Write `true` or `false`, without quotes.",
        Value::Text(_) | Value::Map(_) if takes("list") => {
            "Write it as a list: a line with `- ` for each item."
        }
        Value::List(_) if takes("mapping") => "Write it as `key: value` lines, without `- `.",
        _ => return None,
    };
    Some(hint.to_owned())
}
