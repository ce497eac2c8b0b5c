//! `ports`: short forms (`docker/go-connections/nat`) and long ones.
//!
//! One short form may publish many ports. Their order is Docker's: by the text of
//! `port/protocol`, so `10` comes before `8`.

use std::net::IpAddr;

use super::model::Port;
use super::path::Path;
use super::section::{Section, nonzero};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Field;
use crate::yaml::{Node, Value};

/// More than every port of every protocol: beyond, somebody means harm.
const MOST: usize = 3 * 65_536;

/// Reads the `ports` of the service.
pub(super) fn ports(service: &Section<'_, '_>, out: &mut Diagnostics) -> Vec<Port> {
    let list = service.path.key("ports");
    let mut all = Vec::new();
    for (index, item) in service.items("ports").iter().enumerate() {
        let path = list.item(index);
        match &item.value {
            Value::Map(_) => all.extend(long(&Section::new(item, path), out)),
            Value::Text(text) => all.extend(short(item, text, path, out)),
            Value::Int(number) => all.extend(short(item, &number.to_string(), path, out)),
            Value::Float(_) => refuse(item, path, "a number with a point", out),
            _ => {}
        }
        if all.len() > MOST {
            refuse(item, path, "more ports than there are", out);
            break;
        }
    }
    all
}

fn long(port: &Section<'_, '_>, out: &mut Diagnostics) -> Option<Port> {
    let target = port.unsigned32("target", out);
    let published = nonzero(port.unsigned32("published", out));
    let Some(target) = target else {
        if port.node("target").is_none() {
            let message = format!("`{}` needs the key `target`", port.path);
            out.push(
                Diagnostic::error("missing-key", port.span(), message)
                    .hint("Add `target:`, the port in the container."),
            );
        }
        return None;
    };
    Some(Port {
        span: port.span(),
        mode: port.text("mode"),
        target,
        published,
        protocol: port.text("protocol"),
    })
}

fn short(node: &Node, text: &str, path: Path<'_>, out: &mut Diagnostics) -> Vec<Port> {
    let mapping = match parse(text) {
        Ok(mapping) => mapping,
        Err(what) => {
            refuse(node, path, what, out);
            return Vec::new();
        }
    };
    if mapping.ip.is_some_and(|ip| !ip.is_unspecified()) {
        let message =
            format!("the address in `{path}` is ignored: the service will listen on `0.0.0.0`");
        out.push(
            Diagnostic::warning("ignored-ip", node.span, message)
                .hint("Remove the address; a Swarm publishes a port on all addresses."),
        );
    }
    mapping
        .expand()
        .into_iter()
        .map(|pair| port(node, pair, mapping.protocol))
        .collect()
}

fn port(node: &Node, (target, published): (u16, Option<u16>), protocol: &str) -> Port {
    Port {
        span: node.span,
        mode: Some(Field::new("ingress".to_owned(), node.span)),
        target: node.field(u32::from(target)),
        published: nonzero(published.map(|port| node.field(u32::from(port)))),
        protocol: Some(node.field(protocol.to_owned())),
    }
}

fn refuse(node: &Node, path: Path<'_>, what: &str, out: &mut Diagnostics) {
    let message = format!("`{path}` is not a port mapping: {what}");
    out.push(
        Diagnostic::error("invalid-port", node.span, message)
            .hint("Write `\"published:target\"`, `\"8000-8010:8000-8010/udp\"`, or the long form with `target:` and `published:`."),
    );
}

/// A short form, taken apart.
struct PortMapping {
    ip: Option<IpAddr>,
    host: Option<(u16, u16)>,
    container: (u16, u16),
    protocol: &'static str,
}

impl PortMapping {
    /// Container and published port of each, in Docker's order.
    fn expand(&self) -> Vec<(u16, Option<u16>)> {
        let (first, last) = self.container;
        let Some((from, to)) = self.host else {
            return in_text_order(first, last)
                .map(|port| (port, None))
                .collect();
        };
        if first == last {
            return (from..=to)
                .map(|published| (first, Some(published)))
                .collect();
        }
        in_text_order(first, last)
            .map(|port| (port, Some(from + (port - first))))
            .collect()
    }
}

fn in_text_order(first: u16, last: u16) -> impl Iterator<Item = u16> {
    let mut ports: Vec<_> = (first..=last)
        .map(|port| (format!("{port}/"), port))
        .collect();
    ports.sort();
    ports.into_iter().map(|(_, port)| port)
}

/// Takes `[ip:][published:]target[/protocol]` apart.
fn parse(text: &str) -> Result<PortMapping, &'static str> {
    let mut parts = text.rsplitn(3, ':');
    let container = parts.next().unwrap_or_default();
    let host = parts.next().unwrap_or_default();
    let ip = parts.next().unwrap_or_default();
    let mut pieces = container.split('/');
    let container = pieces.next().unwrap_or_default();
    if container.is_empty() {
        return Err("no port in the container");
    }
    let protocol = protocol(pieces.next().unwrap_or_default())?;
    let ip = if ip.is_empty() {
        None
    } else {
        Some(address(ip)?)
    };
    let container = range(container).ok_or("the port in the container is not a port or range")?;
    let host = match host {
        "" => None,
        host => Some(range(host).ok_or("the published port is not a port or range")?),
    };
    let size = |(first, last): (u16, u16)| last - first;
    if host.is_some_and(|host| size(container) != 0 && size(host) != size(container)) {
        return Err("the ranges differ in size");
    }
    Ok(PortMapping {
        ip,
        host,
        container,
        protocol,
    })
}

fn protocol(text: &str) -> Result<&'static str, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "" | "tcp" => Ok("tcp"),
        "udp" => Ok("udp"),
        "sctp" => Ok("sctp"),
        _ => Err("the protocol is not `tcp`, `udp` or `sctp`"),
    }
}

fn address(text: &str) -> Result<IpAddr, &'static str> {
    let inner = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or("the IP address lacks a `]`")?,
        None => text,
    };
    inner.parse().map_err(|_| "the IP address is not one")
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

fn number(text: &str) -> Option<u16> {
    // `parse` would take a sign.
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
