//! What can go wrong with an engine, and the way out.
//!
//! Which of the engine's sentences is which error is said in `refusal`.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Something went wrong between us and Docker.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// `DOCKER_HOST` cannot be used.
    #[error("cannot use `{host}` as Docker host: {why}")]
    BadHost {
        /// As given.
        host: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A certificate of `DOCKER_CERT_PATH` cannot be read.
    #[error("cannot read the Docker certificate `{}`", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate of `DOCKER_CERT_PATH` is not one.
    #[error("cannot use the Docker certificates in `{}`", path.display())]
    BadCertificate {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: reqwest::Error,
    },
    /// There is no socket.
    #[error("there is no Docker socket at `{path}`")]
    NoSocket {
        /// Where it was looked for.
        path: String,
    },
    /// The socket is not ours to use.
    #[error("permission denied on the Docker socket `{path}`")]
    SocketDenied {
        /// The socket.
        path: String,
    },
    /// Nobody listens.
    #[error("cannot reach Docker at `{host}`")]
    Unreachable {
        /// Socket or address.
        host: String,
        /// Why.
        source: reqwest::Error,
    },
    /// It answered nothing for too long.
    #[error("Docker did not answer within {} s: {doing}", after.as_secs())]
    TimedOut {
        /// The request.
        doing: String,
        /// How long was waited.
        after: Duration,
    },
    /// Something that had to come about did not.
    #[error("{what} did not happen within {} s", within.as_secs())]
    NotInTime {
        /// What was waited for, as a noun.
        what: String,
        /// How long.
        within: Duration,
    },
    /// The API is older than we speak.
    #[error(
        "the Docker Engine is too old: its API version is {api}, and {} is needed",
        super::client::MIN_API
    )]
    TooOld {
        /// `Api-Version` of the engine.
        api: String,
    },
    /// The engine is in no Swarm.
    #[error("this Docker Engine is not part of a Swarm")]
    NotSwarm,
    /// The engine only runs tasks.
    #[error("this node is not a manager of the Swarm")]
    NotManager,
    /// The Swarm waits for its unlock key.
    #[error("the Swarm is locked")]
    Locked,
    /// The managers have no quorum.
    #[error("the Swarm has no leader: too few of its managers are online")]
    NoLeader,
    /// Somebody else changed it since it was observed.
    #[error("`{name}` was changed by somebody else in the meantime")]
    OutOfSequence {
        /// Its name.
        name: String,
    },
    /// A network that a service needs is being removed.
    #[error("network `{network}`, which `{name}` needs, is gone")]
    NetworkVanished {
        /// The service.
        name: String,
        /// The network.
        network: String,
    },
    /// Something uses it.
    #[error("`{name}` is in use: {message}")]
    InUse {
        /// Its name.
        name: String,
        /// The engine's sentence.
        message: String,
    },
    /// Another object has that name.
    #[error("`{name}` exists already: {message}")]
    NameConflict {
        /// The name.
        name: String,
        /// The engine's sentence.
        message: String,
    },
    /// A network of that name exists and is not the one that was asked for.
    #[error("network `{name}` exists already and differs: {difference}")]
    NetworkDiffers {
        /// Its name.
        name: String,
        /// What differs.
        difference: String,
    },
    /// It does not exist.
    #[error("{what} `{name}` does not exist on the Swarm")]
    NotFound {
        /// `network`, `config`, `service`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A pull failed.
    #[error("cannot pull `{image}`: {message}")]
    Pull {
        /// The reference.
        image: String,
        /// The engine's sentence.
        message: String,
    },
    /// The engine refused, in its own words.
    #[error("Docker refused {doing}: {message}")]
    Refused {
        /// The request.
        doing: String,
        /// The HTTP status.
        status: u16,
        /// The engine's sentence.
        message: String,
    },
    /// The answer broke off or is not what the API promises.
    #[error("Docker's answer to {doing} cannot be read")]
    BadAnswer {
        /// The request.
        doing: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl EngineError {
    /// One sentence that gets the reader unstuck.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::BadHost { host, .. } if host.starts_with("ssh://") => {
                "Forward the socket (`ssh -L /tmp/docker.sock:/var/run/docker.sock HOST`) and set `DOCKER_HOST=unix:///tmp/docker.sock`, or run DockerOps on the manager."
            }
            Self::BadHost { .. } => {
                "Set `DOCKER_HOST` to `unix:///path/of/docker.sock` or `tcp://host:port`, or unset it."
            }
            Self::Certificate { .. } | Self::BadCertificate { .. } => {
                "Put `ca.pem`, `cert.pem` and `key.pem` in the folder that `DOCKER_CERT_PATH` names."
            }
            Self::NoSocket { .. } => {
                "Start Docker (`systemctl start docker`), or set `DOCKER_HOST` to where it listens."
            }
            Self::SocketDenied { .. } => {
                "Run DockerOps with `sudo`, or as a user of the group `docker` with `DOCKEROPS_ALLOW_NON_ROOT=1`."
            }
            Self::Unreachable { .. } => "Check that Docker is running: `docker info`.",
            Self::TimedOut { .. } => {
                "Check that Docker answers: `docker info`; then run the command again."
            }
            Self::TooOld { .. } => "Update Docker to 20.10 or later.",
            Self::NotSwarm => "Run `docker swarm init` first, or run DockerOps on a manager.",
            Self::NotManager => {
                "Run DockerOps on a manager, or make this node one: `docker node promote`, run on a manager."
            }
            Self::Locked => "Unlock it: `docker swarm unlock`.",
            Self::NoLeader => {
                "Bring the other managers back; see `docker node ls` on each of them."
            }
            Self::OutOfSequence { .. } | Self::NetworkVanished { .. } => {
                "Run the command again: it will look at the Swarm anew."
            }
            Self::NetworkDiffers { name, .. } => {
                return Some(format!(
                    "Remove it (`docker network rm {name}`), or declare it as `external`."
                ));
            }
            Self::NameConflict { .. } => "Rename or remove the other one.",
            Self::NotFound {
                what: "network",
                name,
            } => {
                return Some(format!(
                    "Create it: `docker network create --driver overlay {name}`."
                ));
            }
            Self::NotFound { what, name } if matches!(*what, "config" | "secret") => {
                return Some(format!("Create it: `docker {what} create {name} FILE`."));
            }
            Self::Pull { message, .. } if mentions_login(message) => {
                "Log in to the registry with `docker login`, as the user that DockerOps runs as."
            }
            Self::Pull { .. }
            | Self::InUse { .. }
            | Self::NotInTime { .. }
            | Self::NotFound { .. }
            | Self::Refused { .. }
            | Self::BadAnswer { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether the Swarm moved since it was observed: observe, plan and try again.
    pub fn is_stale(&self) -> bool {
        matches!(
            self,
            Self::OutOfSequence { .. } | Self::NetworkVanished { .. }
        )
    }

    /// Whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        self.is_stale()
            || matches!(
                self,
                Self::NoLeader | Self::TimedOut { .. } | Self::Unreachable { .. }
            )
    }
}

fn mentions_login(message: &str) -> bool {
    ["denied", "unauthorized", "authentication", "no basic auth"]
        .iter()
        .any(|word| message.contains(word))
}

/// Why a request could not even be sent.
pub(super) fn unreachable(host: &str, error: reqwest::Error) -> EngineError {
    let path = host.to_owned();
    match io_kind(&error) {
        Some(io::ErrorKind::NotFound) => EngineError::NoSocket { path },
        Some(io::ErrorKind::PermissionDenied) => EngineError::SocketDenied { path },
        _ => EngineError::Unreachable {
            host: path,
            source: error,
        },
    }
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        source = inner.source();
    }
    None
}
