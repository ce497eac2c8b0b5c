//! How the Git server treats one repository, and what it writes down about each request.
//!
//! A test sets the first through a file in the repository and reads the second from a log, so
//! neither needs a connection into the lab's namespaces.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Doing, LabError};

/// How the Git server answers for a repository.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Behaviour {
    /// The password (any user) that a request must bring; none is asked for without.
    pub token: Option<String>,
    /// How long each answer is held back.
    pub latency_ms: u64,
    /// What goes wrong.
    pub fault: Option<Fault>,
}

/// What a Git server may do wrong.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub enum Fault {
    /// Accepts the connection and never answers.
    Silent,
    /// Answers with this status.
    Status(u16),
    /// Redirects to this address (`http://host:port`), path kept.
    Redirect(String),
    /// Answers well until a pack is to be sent, sends its start and falls silent.
    Stall,
}

/// What a client wanted.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub enum Wanted {
    /// `GET …/info/refs`: the start of everything.
    Advertisement,
    /// The list of branches and tags, as `ls-remote` asks for with protocol 2.
    References,
    /// Objects: a clone or a fetch.
    Objects,
    /// A push.
    Push,
    /// None of these.
    Other,
}

/// A request that reached the Git server.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct GitRequest {
    /// The repository, without `.git`.
    pub repository: String,
    /// What it was for.
    pub wanted: Wanted,
    /// Whether it brought an `Authorization` header.
    pub brought_credentials: bool,
    /// The address that the client named (`Host`).
    pub host: String,
}

fn behaviour_file(repository: &Path) -> PathBuf {
    repository.join("lab.json")
}

/// Reads the behaviour of the bare repository in `folder`; the default where nothing was set.
pub(crate) fn read_behaviour(folder: &Path) -> Behaviour {
    let text = fs::read(behaviour_file(folder)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Sets it, from the next request on.
pub(crate) fn write_behaviour(folder: &Path, behaviour: &Behaviour) -> Result<(), LabError> {
    let text = serde_json::to_vec(behaviour).map_err(|_| LabError::Unreadable {
        what: "the behaviour".to_owned(),
    })?;
    let hidden = folder.join("lab.json.new");
    fs::write(&hidden, text)
        .and_then(|()| fs::rename(&hidden, behaviour_file(folder)))
        .doing(|| format!("cannot write the behaviour of `{}`", folder.display()))
}
