//! What can go wrong with a repository, and the way out.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use dockerops_core::repository_url::RepositoryUrl;

/// A repository could not be reached, fetched or kept.
///
/// `url` is as the user gave it and holds no credentials; `detail` is a line of Git's.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum GitError {
    /// There is no `git` program.
    #[error("`git` is not installed, or not in `PATH`")]
    Missing,
    /// Its version is below [`super::OLDEST_GIT`].
    #[error("`git` {found} is too old: 2.25 or newer is needed")]
    TooOld { found: String },
    /// The program could not be run.
    #[error("`git` could not be run")]
    Start { source: io::Error },
    /// Internal: a process that said nothing for too long was killed.
    #[error("`git` said nothing for too long and was stopped")]
    SilentProcess,
    /// The server wants to know who we are, or does not like the answer.
    #[error("remote authentication required for `{url}`: {why}")]
    Authentication {
        url: String,
        why: String,
        hint: String,
    },
    /// SSH knows no key that the server accepts.
    #[error("remote authentication required for `{url}`: the server accepts none of the SSH keys")]
    SshDenied { url: String },
    /// The server says that there is no such repository, or hides it.
    #[error("the repository `{url}` was not found")]
    NotFound { url: String, hint: String },
    /// Nothing was ever pushed.
    #[error("the repository `{url}` is empty")]
    Empty { url: String },
    /// There are branches, but `HEAD` names none of them.
    #[error("the repository `{url}` has no branch `{head}`, which is its default")]
    NoDefaultBranch {
        url: String,
        head: String,
        branches: Vec<String>,
    },
    /// The name does not resolve.
    #[error("the host `{host}` of `{url}` is unknown")]
    UnknownHost { url: String, host: String },
    /// No connection.
    #[error("`{url}` cannot be reached: {detail}")]
    Unreachable { url: String, detail: String },
    /// A connection, but no answer, or a transfer that stopped.
    #[error("`{url}` said nothing for {seconds} s")]
    Silent { url: String, seconds: u64 },
    /// A host key that SSH has not seen.
    #[error("the SSH key of the host `{host}` is not known, so `{url}` was not fetched")]
    UnknownHostKey {
        url: String,
        host: String,
        keyscan: String,
    },
    /// A host key that differs from the one known.
    #[error("the SSH key of the host `{host}` has changed, so `{url}` was not fetched")]
    ChangedHostKey { url: String, host: String },
    /// The certificate does not convince, or no common protocol.
    #[error("no secure connection to `{url}`: {detail}")]
    Tls { url: String, detail: String },
    /// The server sent us to another host.
    #[error("`{url}` redirects to `{elsewhere}`, which is not followed")]
    Redirected { url: String, elsewhere: String },
    /// A local repository of another user.
    #[error("`{url}` belongs to another user")]
    Ownership { url: String },
    /// No space left.
    #[error("the disk that holds `{}` is full", path.display())]
    DiskFull { path: PathBuf },
    /// The mirror's folder cannot be written.
    #[error("the folder `{}` cannot be written", path.display())]
    Folder { path: PathBuf, source: io::Error },
    /// Git could not write the mirror.
    #[error("the folder `{}` cannot be written: {detail}", path.display())]
    NotWritable { path: PathBuf, detail: String },
    /// Another process has held the mirror for too long.
    #[error("another process has been using the mirror `{}` for {seconds} s", path.display())]
    Busy { path: PathBuf, seconds: u64 },
    /// Anything else.
    #[error("`{url}` could not be fetched: {detail}")]
    Failed { url: String, detail: String },
}

impl GitError {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing => "Install it: `apt install git` (or your system's way).".to_owned(),
            Self::TooOld { .. } => "Update `git`.".to_owned(),
            Self::Authentication { hint, .. } | Self::NotFound { hint, .. } => hint.clone(),
            Self::SshDenied { .. } => {
                "Add root's public key (`/root/.ssh/id_ed25519.pub`) as a deploy key of the repository.".to_owned()
            }
            Self::Empty { .. } => "Push a commit with a `stacks.yaml` first.".to_owned(),
            Self::NoDefaultBranch { branches, .. } => {
                format!("Set the default branch on the server to one of: {}.", first_ten(branches))
            }
            Self::UnknownHost { .. } => "Check the spelling of the URL and this machine's DNS.".to_owned(),
            Self::Unreachable { .. } | Self::Silent { .. } => {
                "Check the network, the firewall and `HTTPS_PROXY`, then try again.".to_owned()
            }
            Self::UnknownHostKey { keyscan, .. } => {
                format!("Compare the key with the server's, then add it: {keyscan}")
            }
            Self::ChangedHostKey { host, .. } => {
                format!("Find out why; if it is right, remove the old key with `ssh-keygen -R '{host}'`.")
            }
            Self::Tls { .. } => {
                "Install the server's certificate authority on this machine, or name its file in `GIT_SSL_CAINFO`.".to_owned()
            }
            Self::Redirected { .. } => "Watch the repository under its new URL.".to_owned(),
            Self::Ownership { .. } => "Give the repository to root, or use a URL over the network.".to_owned(),
            Self::DiskFull { .. } => "Free some space there.".to_owned(),
            Self::Folder { .. } | Self::NotWritable { .. } => {
                "Make the folder writable for root; check that its disk is not mounted read-only.".to_owned()
            }
            Self::Busy { .. } => "Wait for the other run to end, then try again.".to_owned(),
            Self::Start { .. } | Self::SilentProcess | Self::Failed { .. } => return None,
        })
    }

    /// Whether a damaged mirror could be the reason, so that a new one may help.
    pub(super) fn may_be_the_mirror(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    pub(super) fn folder(path: PathBuf, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::StorageFull {
            return Self::DiskFull { path };
        }
        Self::Folder { path, source }
    }

    pub(super) fn silent(url: &RepositoryUrl, after: Duration) -> Self {
        Self::Silent {
            url: url.as_given().to_owned(),
            seconds: after.as_secs(),
        }
    }
}

fn first_ten(branches: &[String]) -> String {
    let mut shown: Vec<String> = branches.iter().take(10).map(|b| format!("`{b}`")).collect();
    if branches.len() > 10 {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}
