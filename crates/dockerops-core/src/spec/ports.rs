//! Published ports: the endpoint of a service, and conflicts between services.
//!
//! Rules: `convertEndpointSpec` of docker/cli; conflicts are those that swarmkit's
//! `validateEndpointSpec` and `checkPortConflicts` refuse.

use std::collections::BTreeMap;

use super::object::Object;
use super::stack::Stack;
use crate::body::Body;
use crate::compose::model::{Port, Service};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// `EndpointSpec`: ports sorted by published port.
pub(super) fn endpoint(service: &Service) -> Body {
    let mode = service.deploy.endpoint_mode.clone();
    let mut ports: Vec<&Port> = service.ports.iter().collect();
    ports.sort_by_key(|port| published(port));
    let ports: Vec<Body> = ports.into_iter().map(port).collect();
    Object::new()
        .filled("Mode", mode.map(|mode| mode.map(|m| m.to_lowercase())))
        .filled("Ports", ports)
        .into()
}

fn port(port: &Port) -> Body {
    Object::new()
        .filled("Protocol", port.protocol.clone())
        .filled("TargetPort", port.target.clone().map(i64::from))
        .filled(
            "PublishedPort",
            port.published.clone().map(|p| p.map(i64::from)),
        )
        .filled("PublishMode", port.mode.clone())
        .into()
}

/// The port on the outside; 0 when the engine chooses one.
pub(crate) fn published(port: &Port) -> u32 {
    port.published.as_ref().map_or(0, |port| port.value)
}

/// Who published a port first, and how.
struct Taken<'a> {
    service: &'a str,
    ingress: bool,
}

/// Refuses ports that cannot be published together.
pub(super) fn check(stack: &Stack<'_>, out: &mut Diagnostics) {
    let mut taken: BTreeMap<(u32, String), Vec<Taken<'_>>> = BTreeMap::new();
    for service in stack.compose.services.values() {
        check_endpoint_mode(service, out);
        for port in service.ports.iter().filter(|port| published(port) != 0) {
            let entry = taken.entry((published(port), protocol(port))).or_default();
            let ingress = is_ingress(port);
            if let Some(other) = entry.iter().find(|other| conflict(other, service, ingress)) {
                out.push(conflicting(port, other, service));
            }
            entry.push(Taken {
                service: &service.name,
                ingress,
            });
        }
    }
}

/// Two services may publish the same port of their hosts: Swarm then puts them on different nodes.
fn conflict(other: &Taken<'_>, service: &Service, ingress: bool) -> bool {
    other.service == service.name || other.ingress || ingress
}

fn conflicting(port: &Port, other: &Taken<'_>, service: &Service) -> Diagnostic {
    let number = port.published.as_ref().map_or_else(String::new, |port| {
        if port.secrets.is_secret() {
            return port.secrets.mask();
        }
        port.value.to_string()
    });
    let message = if other.service == service.name {
        format!("port {number} is published twice")
    } else {
        format!(
            "port {number} is published by service `{}`, too",
            other.service
        )
    };
    Diagnostic::error("port-conflict", port.span, message).hint("Publish another port.")
}

fn check_endpoint_mode(service: &Service, out: &mut Diagnostics) {
    let Some(mode) = &service.deploy.endpoint_mode else {
        return;
    };
    match mode.value.to_lowercase().as_str() {
        "" | "vip" => {}
        "dnsrr" => {
            for port in service.ports.iter().filter(|port| is_ingress(port)) {
                let message = "a port of the routing mesh does not go with `endpoint_mode: dnsrr`";
                out.push(
                    Diagnostic::error("dnsrr-ingress", port.span, message)
                        .hint("Publish the port with `mode: host`, or remove `endpoint_mode`."),
                );
            }
        }
        _ => out.push(
            Diagnostic::error("endpoint-mode", mode.span, "unknown `endpoint_mode`")
                .hint("Use `vip` or `dnsrr`."),
        ),
    }
}

/// Whether it is a port of the routing mesh: the engine takes every word but `host` for `ingress`.
pub(crate) fn is_ingress(port: &Port) -> bool {
    let mode = port.mode.as_ref().map_or("", |mode| mode.value.as_str());
    !mode.eq_ignore_ascii_case("host")
}

/// `tcp`, `udp` or `sctp`.
pub(crate) fn protocol(port: &Port) -> String {
    let protocol = port.protocol.as_ref().map(|p| p.value.to_lowercase());
    let known = protocol.filter(|p| matches!(p.as_str(), "udp" | "sctp"));
    known.unwrap_or_else(|| "tcp".to_owned())
}
