//! Whether any node may run a service's tasks: its constraints and platforms
//! against the nodes that take tasks.
//!
//! Rules: `NodeMatches` of swarmkit `manager/constraint/constraint.go`. What is
//! not understood here (`node.ip`, a form of a newer engine) counts as
//! satisfied: a doubt is no reason to warn.

use serde_json::Value;

use crate::body::Body;
use crate::observed::Node;

/// Why no node may run tasks of this service spec, in words; `None` when one may.
///
/// Without any node that takes tasks, nothing is said: that is no fault of the spec.
///
/// A constraint into which a secret flowed is masked.
pub fn misfit(spec: &Body, nodes: &[Node]) -> Option<String> {
    let open: Vec<&Node> = nodes.iter().filter(|node| takes_tasks(node)).collect();
    misfit_among(spec, &open)
}

/// Why no node may ever run them, one that is down or drained now included.
pub fn misfit_for_good(spec: &Body, nodes: &[Node]) -> Option<String> {
    misfit_among(spec, &nodes.iter().collect::<Vec<_>>())
}

/// Whether `node` may run them, whether or not it takes tasks now.
pub fn fits(spec: &Body, node: &Node) -> bool {
    misfit_among(spec, &[node]).is_none()
}

/// Why none of `open` may run them.
fn misfit_among(spec: &Body, open: &[&Node]) -> Option<String> {
    if open.is_empty() {
        return None;
    }
    let placement = spec.at(&["TaskTemplate", "Placement"])?;
    let constraints = constraints(placement);
    let alone = constraints
        .iter()
        .find(|(text, _)| !open.iter().any(|node| satisfies(node, text)));
    if let Some((_, shown)) = alone {
        return Some(format!("no node satisfies `{shown}`"));
    }
    let fits = |node: &&&Node| constraints.iter().all(|(text, _)| satisfies(node, text));
    let fitting: Vec<_> = open.iter().filter(fits).collect();
    if fitting.is_empty() {
        let shown: Vec<_> = constraints.into_iter().map(|(_, shown)| shown).collect();
        return Some(format!("no node satisfies all of `{}`", shown.join("`, `")));
    }
    let platforms = placement.get("Platforms").map(Body::expose);
    let platforms = platforms.as_ref().and_then(Value::as_array)?;
    let runs = |node: &&&&Node| platforms.iter().any(|platform| is_platform(node, platform));
    if platforms.is_empty() || fitting.iter().any(|node| runs(&node)) {
        return None;
    }
    Some("its image is for no platform of a node that it may run on".to_owned())
}

/// Whether Swarm gives it tasks.
pub fn takes_tasks(node: &Node) -> bool {
    node.state == "ready" && node.availability == "active"
}

/// Each constraint, and how it is shown.
fn constraints(placement: &Body) -> Vec<(&str, String)> {
    let Some(Body::List(items)) = placement.get("Constraints") else {
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| Some((item.as_str()?, item.shown())))
        .collect()
}

fn satisfies(node: &Node, constraint: &str) -> bool {
    let (key, value, wanted) = match (constraint.split_once("!="), constraint.split_once("==")) {
        (Some((key, value)), _) => (key.trim(), value.trim(), false),
        (None, Some((key, value))) => (key.trim(), value.trim(), true),
        (None, None) => return true,
    };
    let Some(found) = attribute(node, key) else {
        return true;
    };
    // S: `strings.EqualFold`; an absent label compares as the empty text.
    found.eq_ignore_ascii_case(value) == wanted
}

fn attribute<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    let label = |labels: &'n std::collections::BTreeMap<String, String>, name: &str| {
        labels.get(name).map_or("", String::as_str)
    };
    if let Some(name) = key.strip_prefix("node.labels.") {
        return Some(label(&node.labels, name));
    }
    if let Some(name) = key.strip_prefix("engine.labels.") {
        return Some(label(&node.engine_labels, name));
    }
    match key {
        "node.id" => Some(&node.id),
        "node.hostname" => Some(&node.hostname),
        "node.role" => Some(&node.role),
        "node.platform.os" => Some(&node.os),
        "node.platform.arch" => Some(&node.architecture),
        _ => None,
    }
}

/// As swarmkit compares platforms: names of one processor are equal, an absent part fits.
fn is_platform(node: &Node, platform: &Value) -> bool {
    let part = |key| {
        platform
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (os, architecture) = (part("OS"), part("Architecture"));
    (os.is_empty() || os == node.os)
        && (architecture.is_empty() || processor(architecture) == processor(&node.architecture))
}

fn processor(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn node(name: &str, role: &str, disk: &str) -> Node {
        Node {
            id: format!("id-{name}"),
            hostname: name.to_owned(),
            state: "ready".to_owned(),
            availability: "active".to_owned(),
            role: role.to_owned(),
            labels: BTreeMap::from([("disk".to_owned(), disk.to_owned())]),
            engine_labels: BTreeMap::new(),
            os: "linux".to_owned(),
            architecture: "x86_64".to_owned(),
        }
    }

    fn why(constraints: &[&str], nodes: &[Node]) -> Option<String> {
        let spec = json!({"TaskTemplate": {"Placement": {"Constraints": constraints}}});
        misfit(&Body::from(spec), nodes)
    }

    #[test]
    fn a_constraint_that_no_node_satisfies_is_named() {
        let nodes = [node("a", "manager", "hdd"), node("b", "worker", "SSD")];
        assert_eq!(why(&["node.labels.disk == ssd"], &nodes), None);
        assert_eq!(
            why(&["node.role==worker", "node.hostname != a"], &nodes),
            None
        );
        assert_eq!(why(&["node.ip==10.0.0.0/8", "what is this"], &nodes), None);
        assert_eq!(
            why(&["node.labels.zone == x"], &nodes).unwrap(),
            "no node satisfies `node.labels.zone == x`"
        );
        assert_eq!(
            why(&["node.role==manager", "node.labels.disk==ssd"], &nodes).unwrap(),
            "no node satisfies all of `node.role==manager`, `node.labels.disk==ssd`"
        );
    }

    #[test]
    fn a_node_that_takes_no_tasks_satisfies_nothing() {
        let mut drained = node("b", "worker", "ssd");
        drained.availability = "drain".to_owned();
        let nodes = [node("a", "manager", "hdd"), drained.clone()];
        assert!(why(&["node.role == worker"], &nodes).is_some());
        assert_eq!(why(&["node.role == worker"], &[drained]), None);
    }

    #[test]
    fn an_image_for_another_platform_is_told() {
        let nodes = [node("a", "manager", "hdd")];
        let spec_of = |architecture: &str| {
            let platform = json!({"OS": "linux", "Architecture": architecture});
            Body::from(json!({"TaskTemplate": {"Placement": {"Platforms": [platform]}}}))
        };
        assert_eq!(misfit(&spec_of("amd64"), &nodes), None);
        assert_eq!(
            misfit(&spec_of("arm64"), &nodes).unwrap(),
            "its image is for no platform of a node that it may run on"
        );
    }
}
