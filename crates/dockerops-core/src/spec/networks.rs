//! Networks: those to create, those that must exist, and how services attach to them.
//!
//! Rules: `Networks` and `convertServiceNetworks` of docker/cli `compose/convert`.

use std::collections::BTreeMap;

use super::check::check_network_name;
use super::object::Object;
use super::stack::{Stack, did_you_mean, is_open};
use super::{External, NetworkSpec};
use crate::body::Body;
use crate::compose::model::{Ipam, Network, NetworkAttachment, Service};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Span;

/// What a service joins that names no network.
const DEFAULT: &str = "default";

/// The networks that services use: to create, and external. Others are left alone, as Docker does.
pub(super) fn networks(
    stack: &Stack<'_>,
    out: &mut Diagnostics,
) -> (Vec<NetworkSpec>, Vec<External>) {
    let implied = Network::default();
    let (mut ours, mut external) = (BTreeMap::new(), BTreeMap::new());
    for (key, used_at) in used(stack) {
        let network = match stack.compose.networks.get(key) {
            Some(network) => network,
            None if key == DEFAULT => &implied,
            None => continue,
        };
        if !is_open(network.name.as_ref(), out) {
            continue;
        }
        let name = target(stack, key);
        if network.external && is_user_defined(&name) {
            let span = network.name.as_ref().map(|name| name.span);
            let span = span.or(network.span).or(Some(used_at));
            external.insert(name.clone(), External { name, span });
        } else if !network.external {
            check_network_name(&name, network.span.unwrap_or(used_at), out);
            stack.check_labels(&network.labels, out);
            let body = body(stack, &name, network);
            ours.insert(name.clone(), NetworkSpec { name, body });
        }
    }
    (
        ours.into_values().collect(),
        external.into_values().collect(),
    )
}

/// How `service` joins its networks; sorted by target.
pub(super) fn attachments(stack: &Stack<'_>, service: &Service, out: &mut Diagnostics) -> Body {
    let default = BTreeMap::from([(DEFAULT.to_owned(), NetworkAttachment::default())]);
    let named = service.networks.as_ref().filter(|named| !named.is_empty());
    let mut all = Vec::new();
    for (key, attachment) in named.unwrap_or(&default) {
        if key != DEFAULT && !stack.compose.networks.contains_key(key) {
            out.push(undefined(
                stack,
                key,
                attachment.span.unwrap_or(service.span),
            ));
            continue;
        }
        let target = target(stack, key);
        let body = attachment_body(service, &target, attachment);
        all.push((target, body));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    Body::List(all.into_iter().map(|(_, body)| body).collect())
}

/// Each network key that a service names, and one place where it does.
fn used<'a>(stack: &Stack<'a>) -> BTreeMap<&'a str, Span> {
    let mut used = BTreeMap::new();
    for service in stack.compose.services.values() {
        match service.networks.as_ref().filter(|named| !named.is_empty()) {
            None => {
                used.entry(DEFAULT).or_insert(service.span);
            }
            Some(named) => {
                for (key, attachment) in named {
                    let span = attachment.span.unwrap_or(service.span);
                    used.entry(key.as_str()).or_insert(span);
                }
            }
        }
    }
    used
}

fn target(stack: &Stack<'_>, key: &str) -> String {
    match stack.compose.networks.get(key) {
        Some(network) => stack.object_name(key, network.name.as_ref(), network.external),
        None => stack.scoped(key),
    }
}

fn body(stack: &Stack<'_>, name: &str, network: &Network) -> Body {
    let driver = network.driver.clone().filter(|d| !d.value.is_empty());
    Object::new()
        .always("Name", name)
        .always(
            "Driver",
            driver.map_or_else(|| "overlay".into(), Body::from),
        )
        .always("Scope", "")
        .always("IPAM", network.ipam.as_ref().and_then(ipam))
        .always("Internal", network.internal)
        .always("Attachable", network.attachable)
        .always("Ingress", false)
        .always("ConfigOnly", false)
        .always("ConfigFrom", Body::null())
        .always("Options", network.driver_opts.clone())
        .always("Labels", stack.labels(&network.labels))
        .into()
}

fn ipam(ipam: &Ipam) -> Option<Body> {
    let driver = ipam.driver.clone().filter(|d| !d.value.is_empty());
    if driver.is_none() && ipam.subnets.is_empty() {
        return None;
    }
    let subnets: Vec<Body> = ipam
        .subnets
        .iter()
        .map(|subnet| Object::new().filled("Subnet", subnet.clone()).into())
        .collect();
    let ipam = Object::new()
        .always("Driver", driver.map_or_else(|| "".into(), Body::from))
        .always("Options", Body::null())
        .always("Config", (!subnets.is_empty()).then_some(subnets));
    Some(ipam.into())
}

fn attachment_body(service: &Service, target: &str, attachment: &NetworkAttachment) -> Body {
    let mut aliases: Vec<Body> = attachment.aliases.iter().cloned().map(Body::from).collect();
    if is_user_defined(target) {
        aliases.push(Body::from(service.name.as_str()));
    }
    Object::new()
        .filled("Target", target)
        .filled("Aliases", aliases)
        .filled("DriverOpts", attachment.driver_opts.clone())
        .into()
}

/// Docker's `NetworkMode.IsUserDefined`: the engine's own networks take no aliases and always exist.
fn is_user_defined(name: &str) -> bool {
    !matches!(name, "default" | "bridge" | "host" | "none") && !name.starts_with("container:")
}

fn undefined(stack: &Stack<'_>, key: &str, span: Span) -> Diagnostic {
    let known = stack.compose.networks.keys().map(String::as_str);
    Diagnostic::error(
        "undefined-network",
        span,
        format!("network `{key}` is not defined"),
    )
    .hint(did_you_mean(key, known, || {
        format!("Define `{key}` under the top-level `networks:`.")
    }))
}
