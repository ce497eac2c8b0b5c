//! Where a repository lies: which URLs are accepted, and when two are the same.
//!
//! **Invariants**
//!
//! - What [`RepositoryUrl::fetch_url`] gives can be neither a flag nor a command
//!   for Git: it starts with `https://`, `http://`, `ssh://`, `file://` or `user@host:`.
//! - No value of these types holds a password, and no error repeats one.

mod parse;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use crate::names::Owner;

/// A repository's URL, as accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryUrl {
    given: String,
    scheme: Scheme,
    user: Option<String>,
    host: String,
    port: Option<u16>,
    /// Without leading and trailing slashes, except the leading one of `file://` and of `git@host:/path`.
    path: String,
    scp: bool,
}

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// `https://`
    Https,
    /// `http://`
    Http,
    /// `ssh://` and `git@host:path`
    Ssh,
    /// `file://`
    File,
}

/// Why a text is not accepted as the URL of a repository.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidUrl {
    /// Nothing, or only spaces.
    #[error("the repository URL is empty")]
    Empty,
    /// It starts with `-`, or holds control characters, line breaks or invisible ones.
    #[error("the repository URL `{0}` starts with `-` or holds characters that no URL has")]
    Unsafe(String),
    /// A user name (over HTTP) or a password is in it. The text is not repeated.
    #[error("the repository URL contains credentials")]
    Credentials,
    /// A question mark or hash over HTTP; tokens travel there. It is not repeated.
    #[error("the repository URL `{0}` has a query or a fragment")]
    Query(String),
    /// A path on this machine without `file://`.
    #[error("`{0}` is a path, not a URL")]
    Path(String),
    /// `git://`, `ext::` and the like.
    #[error("the repository URL `{0}` uses a protocol that is not accepted")]
    Protocol(String),
    /// Host, port or path is missing or malformed.
    #[error("the repository URL `{text}` has {what}")]
    Malformed {
        /// As given.
        text: String,
        /// `no path`, `an invalid host`…
        what: &'static str,
    },
}

impl InvalidUrl {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Credentials => {
                "Remove them from the URL and set `GITHUB_TOKEN` (and `DOCKEROPS_GITHUB_HOSTS` for another host), or use an SSH key."
            }
            Self::Path(path) if path.starts_with('/') => {
                return Some(format!("Write `file://{path}`."));
            }
            Self::Path(_) => "Write `file://` and the absolute path.",
            Self::Query(_) => "Give the URL that `git clone` takes, without `?` or `#`.",
            Self::Empty | Self::Unsafe(_) | Self::Protocol(_) | Self::Malformed { .. } => {
                "Use `https://host/path`, `ssh://user@host/path`, `user@host:path` or `file:///path`."
            }
        };
        Some(text.to_owned())
    }
}

/// `text` as it may be shown when it is no URL that we accept, but holds credentials: the
/// earlier tool took and kept such ones.
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    if text.contains("…@") || text.ends_with("?…") {
        return text.into();
    }
    match RepositoryUrl::parse(text) {
        Err(InvalidUrl::Credentials) => parse::shown(text).into(),
        Err(InvalidUrl::Query(_)) => format!("{}?…", parse::shown(text)).into(),
        _ => text.into(),
    }
}

impl RepositoryUrl {
    /// Checks `text`; spaces around it do not count.
    ///
    /// `github.com/user/repo` gets `https://`, and so does any `host.name/path`.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        parse::parse(text.trim())
    }

    /// As the user wrote it: for display and for the tables.
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// As [`RepositoryUrl::parse`], of the URL that a checkout was cloned from: whoever
    /// cloned it over HTTP, as in CI, does not count and is kept nowhere.
    pub fn of_checkout(text: &str) -> Result<Self, InvalidUrl> {
        parse::parse(&parse::without_user(text.trim()))
    }

    /// The one spelling of this repository: `.git`, trailing slashes, default
    /// ports and the case of the host do not count, and `git@host:path` is
    /// `ssh://git@host/path`.
    pub fn normalised(&self) -> Owner {
        let segments: Vec<&str> = self.path.split('/').filter(|s| !s.is_empty()).collect();
        let joined = segments.join("/");
        let path = joined.strip_suffix(".git").unwrap_or(&joined);
        let path = path.trim_end_matches('/');
        Owner(format!("{}://{}/{path}", self.scheme, self.authority()))
    }

    /// What Git is given. Put `--` before it all the same.
    pub fn fetch_url(&self) -> String {
        if self.scp {
            let user = self.user.as_deref().unwrap_or("git");
            return format!("{user}@{}:{}", self.host, self.path);
        }
        let slash = if self.scheme == Scheme::File { "" } else { "/" };
        format!("{}://{}{slash}{}", self.scheme, self.authority(), self.path)
    }

    /// The host in lower case, IPv6 addresses in brackets; empty for `file://`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, when it is not the protocol's own.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// How it is reached.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// `https://host[:port]`: what Git names when it asks for credentials.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host_and_port())
    }

    /// Whether the GitHub token may be sent here.
    ///
    /// To `github.com`, its subdomains and `extra_hosts` (`host` for any port of
    /// it, or `host:port`), over https, or over http on loopback; nowhere else.
    pub fn may_receive_token(&self, extra_hosts: &[String]) -> bool {
        let protected = match self.scheme {
            Scheme::Https => true,
            Scheme::Http => is_loopback(&self.host),
            Scheme::Ssh | Scheme::File => false,
        };
        let github = self.host == "github.com" || self.host.ends_with(".github.com");
        let extra = extra_hosts.iter().any(|host| {
            let host = host.to_ascii_lowercase();
            host == self.host || host == self.host_and_default_port()
        });
        protected && (extra || (github && self.port.is_none()))
    }

    fn host_and_port(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    fn host_and_default_port(&self) -> String {
        let port = self.port.or(self.scheme.default_port()).unwrap_or(0);
        format!("{}:{port}", self.host)
    }

    fn authority(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host_and_port()),
            None => self.host_and_port(),
        }
    }
}

impl Scheme {
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "https" => Some(Self::Https),
            "http" => Some(Self::Http),
            "ssh" => Some(Self::Ssh),
            "file" => Some(Self::File),
            _ => None,
        }
    }

    fn default_port(self) -> Option<u16> {
        match self {
            Self::Https => Some(443),
            Self::Http => Some(80),
            Self::Ssh => Some(22),
            Self::File => None,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::File => "file",
        })
    }
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

/// Whether `host` can only be this machine.
fn is_loopback(host: &str) -> bool {
    let inner = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    host == "localhost" || inner.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
