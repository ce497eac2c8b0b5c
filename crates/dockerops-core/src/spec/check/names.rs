//! Names that swarmkit refuses.

use crate::compose::model::Service;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Span;

use crate::spec::stack::Stack;

/// The longest name of a service or a network.
const SERVICE: usize = 63;

/// The longest name of a config or a secret.
const FILE: usize = 64;

pub(super) fn check_service_name(stack: &Stack<'_>, service: &Service, out: &mut Diagnostics) {
    let name = stack.scoped(&service.name);
    check(
        "service",
        &name,
        service.span,
        is_dns_name(&name, SERVICE),
        SERVICE,
        out,
    );
}

pub(in crate::spec) fn check_network_name(name: &str, span: Span, out: &mut Diagnostics) {
    check(
        "network",
        name,
        span,
        is_dns_name(name, SERVICE),
        SERVICE,
        out,
    );
}

pub(in crate::spec) fn check_file_name(
    kind: &str,
    name: &str,
    span: impl Into<Option<Span>>,
    out: &mut Diagnostics,
) {
    check(kind, name, span, is_file_name(name), FILE, out);
}

fn check(
    kind: &str,
    name: &str,
    span: impl Into<Option<Span>>,
    valid: bool,
    most: usize,
    out: &mut Diagnostics,
) {
    if valid {
        return;
    }
    let name = name.escape_debug();
    let allowed = if most == FILE {
        "`-`, `_` and `.`"
    } else {
        "`-` and `_`"
    };
    out.push(
        Diagnostic::error(
            "invalid-name",
            span,
            format!("Swarm refuses `{name}` as name of a {kind}"),
        )
        .hint(format!(
            "Use letters, digits, {allowed}, starting and ending with a letter or digit, at most {most} characters together with the stack's name."
        )),
    );
}

/// `^[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*$`
fn is_dns_name(name: &str, most: usize) -> bool {
    within(name, most, |b| matches!(b, b'-' | b'_'))
}

/// `^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$`
fn is_file_name(name: &str) -> bool {
    within(name, FILE, |b| matches!(b, b'-' | b'_' | b'.'))
}

fn within(name: &str, most: usize, inner: impl Fn(u8) -> bool) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    name.len() <= most
        && edge(name.bytes().next())
        && edge(name.bytes().next_back())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || inner(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_swarmkit() {
        assert!(is_dns_name("web_db-1", 63) && is_dns_name(&"a".repeat(63), 63));
        assert!(!is_dns_name(&"a".repeat(64), 63) && !is_dns_name("web.db", 63));
        assert!(!is_dns_name("web_", 63) && !is_dns_name("", 63));
        assert!(is_file_name("app.conf_1") && is_file_name(&"a".repeat(64)));
        assert!(!is_file_name(&"a".repeat(65)) && !is_file_name(".env"));
    }
}
