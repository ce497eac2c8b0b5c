//! Reading a URL. What is not clearly harmless is refused.

use std::borrow::Cow;
use std::net::IpAddr;

use super::{InvalidUrl, RepositoryUrl, Scheme};

/// `text` has no spaces around it.
pub(super) fn parse(text: &str) -> Result<RepositoryUrl, InvalidUrl> {
    check_characters(text)?;
    if let Some((scheme, rest)) = text.split_once("://") {
        return with_scheme(text, scheme, rest);
    }
    if text.starts_with(['/', '.', '~']) {
        return Err(InvalidUrl::Path(shown(text)));
    }
    if text.contains("::") && !text.contains('[') {
        return Err(InvalidUrl::Protocol(shown(text)));
    }
    let first = text.split('/').next().unwrap_or_default();
    if first.contains('@') {
        return scp(text);
    }
    if !first.contains('.') {
        return Err(malformed(text, "no protocol and no host name"));
    }
    with_scheme(text, "https", text)
}

/// `text` without `user:password@` when it is reached over HTTP.
pub(super) fn without_user(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.into();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match (Scheme::parse(scheme), authority.rsplit_once('@')) {
        (Some(Scheme::Https | Scheme::Http), Some((_, host))) => {
            format!("{scheme}://{host}{path}").into()
        }
        _ => text.into(),
    }
}

fn check_characters(text: &str) -> Result<(), InvalidUrl> {
    // Bidirectional marks could make one URL look like another.
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    // Git decodes these before it uses a URL.
    let lower = text.to_ascii_lowercase();
    let encoded_control = ["%0", "%1", "%7f"].iter().any(|code| lower.contains(code));
    if text.is_empty() {
        return Err(InvalidUrl::Empty);
    }
    if text.starts_with('-') || text.contains(invisible) || encoded_control {
        return Err(InvalidUrl::Unsafe(shown(text)));
    }
    Ok(())
}

fn with_scheme(text: &str, scheme: &str, rest: &str) -> Result<RepositoryUrl, InvalidUrl> {
    let Some(scheme) = Scheme::parse(scheme) else {
        return Err(InvalidUrl::Protocol(shown(text)));
    };
    if scheme == Scheme::File {
        return file(text, rest);
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host_port) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    check_user(text, scheme, user)?;
    let web = matches!(scheme, Scheme::Https | Scheme::Http);
    if web && rest.contains(['?', '#']) {
        return Err(InvalidUrl::Query(shown(text)));
    }
    if rest.contains(char::is_whitespace) {
        return Err(malformed(text, "a space in it"));
    }
    let (host, port) = match host_and_port(text, host_port) {
        // `https://user:pa/ss@host/…`: the password's slash ended the host too early.
        Err(_) if path.contains('@') => return Err(InvalidUrl::Credentials),
        other => other?,
    };
    let path = path.trim_matches('/');
    if path.is_empty() || path == ".git" {
        return Err(malformed(text, "no path"));
    }
    Ok(RepositoryUrl {
        given: text.to_owned(),
        scheme,
        user: user.map(str::to_owned),
        host,
        port: port.filter(|port| Some(*port) != scheme.default_port()),
        path: path.to_owned(),
        scp: false,
    })
}

fn check_user(text: &str, scheme: Scheme, user: Option<&str>) -> Result<(), InvalidUrl> {
    let Some(user) = user else { return Ok(()) };
    if scheme != Scheme::Ssh || user.contains(':') {
        return Err(InvalidUrl::Credentials);
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-+~".contains(c);
    if user.is_empty() || user.starts_with('-') || !user.chars().all(allowed) {
        return Err(malformed(text, "an invalid user name"));
    }
    Ok(())
}

fn host_and_port(text: &str, host_port: &str) -> Result<(String, Option<u16>), InvalidUrl> {
    let bracket_end = host_port.rfind(']').unwrap_or(0);
    let (host, port) = match host_port.rfind(':').filter(|at| *at > bracket_end) {
        Some(at) => (host_port.get(..at), host_port.get(at + 1..)),
        None => (Some(host_port), None),
    };
    let host = host.unwrap_or_default().to_ascii_lowercase();
    let name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let plain = !host.is_empty() && !host.starts_with(['-', '.']) && host.chars().all(name);
    if !plain && ipv6(&host).is_none() {
        return Err(malformed(text, "an invalid host"));
    }
    let port = match port {
        None => None,
        Some(port) => match port.parse::<u16>() {
            Ok(port) if port > 0 => Some(port),
            _ => return Err(malformed(text, "an invalid port")),
        },
    };
    Ok((host, port))
}

fn ipv6(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse::<IpAddr>().ok().filter(IpAddr::is_ipv6)
}

fn file(text: &str, rest: &str) -> Result<RepositoryUrl, InvalidUrl> {
    let path = rest.trim_end_matches('/');
    if !rest.starts_with('/') {
        return Err(malformed(text, "a host or a relative path after `file://`"));
    }
    if path.is_empty() {
        return Err(malformed(text, "no path"));
    }
    Ok(RepositoryUrl {
        given: text.to_owned(),
        scheme: Scheme::File,
        user: None,
        host: String::new(),
        port: None,
        path: path.to_owned(),
        scp: false,
    })
}

fn scp(text: &str) -> Result<RepositoryUrl, InvalidUrl> {
    let (user, rest) = text.split_once('@').unwrap_or(("", text));
    check_user(text, Scheme::Ssh, Some(user))?;
    // Another `@` before the colon would be a password's.
    if rest.split(':').next().is_some_and(|h| h.contains('@')) {
        return Err(InvalidUrl::Credentials);
    }
    let end_of_host = rest.find(']').unwrap_or(0);
    let colon = rest
        .get(end_of_host..)
        .and_then(|tail| tail.find(':'))
        .map(|at| at + end_of_host);
    let Some(colon) = colon else {
        return Err(malformed(text, "no `:` between host and path"));
    };
    let (host, _) = host_and_port(text, rest.get(..colon).unwrap_or_default())?;
    let path = rest.get(colon + 1..).unwrap_or_default();
    let path = path.trim_end_matches('/');
    if path.is_empty() || path.starts_with('-') {
        return Err(malformed(text, "no path"));
    }
    Ok(RepositoryUrl {
        given: text.to_owned(),
        scheme: Scheme::Ssh,
        user: Some(user.to_owned()),
        host,
        port: None,
        path: path.to_owned(),
        scp: true,
    })
}

fn malformed(text: &str, what: &'static str) -> InvalidUrl {
    InvalidUrl::Malformed {
        text: shown(text),
        what,
    }
}

/// `text` for an error message, without anything that could be a credential.
pub(super) fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let rest = match rest.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => rest.to_owned(),
    };
    format!("{scheme}{}", rest.escape_debug())
}
