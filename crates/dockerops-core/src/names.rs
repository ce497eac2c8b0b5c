//! Names that have been checked: a value of these types cannot be wrong.

use std::fmt;

use serde::Serialize;

/// The name of a stack: what comes before `_` in its service names.
///
/// Docker's own rule (`cli/command/stack`): a DNS name component, so letters,
/// digits and `-`, neither first nor last a `-`, at most 63 characters. Upper case and `_`
/// are accepted by Docker's client for a stack name and so are they here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StackName(String);

/// A string is not usable as a stack name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{}` is not a stack name: use letters, digits, `-` and `_`, starting and ending with a letter or digit, at most 63 characters", .0.escape_debug())]
pub struct InvalidStackName(String);

impl StackName {
    /// Checks `name` and wraps it.
    ///
    /// The first character is a letter or digit, so a name can never be read as a flag.
    pub fn parse(name: &str) -> Result<Self, InvalidStackName> {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let ok = name.len() <= 63
            && edge(name.chars().next())
            && edge(name.chars().next_back())
            && name.chars().all(inner);
        if !ok {
            return Err(InvalidStackName(name.to_owned()));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The Swarm name of something in this stack: `stack_name`.
    pub fn scoped(&self, name: &str) -> String {
        format!("{}_{name}", self.0)
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who owns a stack: the normalised URL of a repository, or `file` for bare files.
///
/// It is the value of the label `dockerops.repository`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Owner(pub String);

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Labels that Docker's client and DockerOps put on objects.
pub mod label {
    /// Docker's: the stack that an object belongs to.
    pub const NAMESPACE: &str = "com.docker.stack.namespace";
    /// Docker's: the image as written in the compose file.
    pub const IMAGE: &str = "com.docker.stack.image";
    /// Ours: the [`super::Owner`].
    pub const REPOSITORY: &str = "dockerops.repository";
    /// Ours, on services: the digest that we pinned, `sha256:…`.
    pub const PIN: &str = "dockerops.pin";
    /// Ours, on services: the hash of the bindings that the service mounts.
    pub const BINDINGS: &str = "dockerops.bindings";
    /// Ours, on services: names of environment variables that hold secrets, comma-separated.
    pub const SECRET_ENV: &str = "dockerops.secret-env";
    /// Ours, on services that are no jobs: what the service depends on, within its stack, comma-separated.
    pub const DEPENDS_ON: &str = "dockerops.depends-on";
    /// Ours, on secrets: `<key id>:<hmac>` of the content.
    pub const FINGERPRINT: &str = "dockerops.fingerprint";
    /// Documented for users: `"false"` on a service keeps it from being pruned.
    pub const PRUNE: &str = "dockerops.prune";
    /// The prefix that is ours.
    pub const PREFIX: &str = "dockerops.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_name_can_never_be_read_as_a_flag_or_a_path() {
        for good in ["web", "web-2", "2web", "Web", "a_b"] {
            assert!(StackName::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in [
            "", "-web", "--prune", "web-", "we b", "web;ls", "../x", "a/b", "a.b", "é", "a\n",
            &long,
        ] {
            assert_eq!(
                StackName::parse(bad),
                Err(InvalidStackName(bad.to_owned())),
                "{bad:?}"
            );
        }
    }
}
