//! Repository URL → revision and files, by way of a bare mirror.
//!
//! Git's own program does the work over the network; files are read straight
//! from the mirror's objects, so there is never a checkout.
//!
//! **Invariants**
//!
//! - The token leaves this process only through [`askpass`], towards a host that
//!   may have it: never in an argument list, a URL, a config file or an error.
//! - Git sees nothing of our environment but what [`GitSettings::environment`] lets through.
//! - Whoever kills us at any point leaves a mirror that the next run uses or replaces.

pub mod askpass;
mod checkout;
mod classify;
mod error;
mod history;
mod home;
mod mirror;
mod objects;
mod parse;
mod probe;
mod remote;
mod run;
mod tree;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;
use dockerops_core::secret::Secret;
use tokio::sync::OnceCell;

pub use error::GitError;
pub use tree::{CommitInfo, Entry, Kind, Tree, TreeError};

/// The oldest Git that works.
pub const OLDEST_GIT: (u32, u32) = (2, 25);

/// What [`Git`] needs to know.
#[derive(Debug, Clone)]
pub struct GitSettings {
    /// Where mirrors lie: `~/.dockerops/mirrors`.
    pub root: PathBuf,
    /// `GITHUB_TOKEN`.
    pub token: Option<Secret>,
    /// Hosts besides GitHub's that may have the token: `host[:port]`.
    pub token_hosts: Vec<String>,
    /// The program that Git asks for credentials; it must call [`askpass::main`].
    pub askpass: PathBuf,
    /// How long a server may take to answer a question.
    pub answer: Duration,
    /// How long a transfer may stand still.
    pub stall: Duration,
    /// Our environment. Only `PATH`, proxies, certificates, the SSH agent and
    /// `GIT_SSH_COMMAND` of it reach Git; `SUDO_USER` chooses a hint.
    pub environment: BTreeMap<String, OsString>,
    /// Shown in hints: where a token can be kept for `sudo` and cron.
    pub settings_file: PathBuf,
}

/// A stage of a transfer in Git's own words: `Receiving objects:  45% (9/20)`.
pub type OnProgress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Fetches repositories and reads their files.
#[derive(Debug)]
pub struct Git {
    settings: GitSettings,
    /// Where `git` lies: a whole path lets the standard library start it without a copy of us.
    program: PathBuf,
    /// Its version, once everything is in place.
    ready: OnceCell<String>,
    /// For probes; `None` when it cannot be made.
    http: OnceLock<Option<reqwest::Client>>,
    https: OnceLock<Option<reqwest::Client>>,
}

impl GitSettings {
    /// Settings with the usual limits, asking this very program for credentials.
    pub fn new(root: PathBuf) -> Self {
        Self {
            root,
            token: None,
            token_hosts: Vec::new(),
            askpass: askpass::this_program(),
            answer: Duration::from_secs(30),
            stall: Duration::from_secs(60),
            environment: BTreeMap::new(),
            settings_file: PathBuf::from("/etc/dockerops/dockerops.env"),
        }
    }

    /// The token, when `url` may have it.
    fn token_for(&self, url: &RepositoryUrl) -> Option<&Secret> {
        self.token
            .as_ref()
            .filter(|_| url.may_receive_token(&self.token_hosts))
    }
}

impl Git {
    /// Touches nothing yet: the folder is made and Git's version is asked on first use.
    pub fn new(settings: GitSettings) -> Self {
        Self {
            program: home::find_git(&settings.environment),
            settings,
            ready: OnceCell::new(),
            http: OnceLock::new(),
            https: OnceLock::new(),
        }
    }

    /// The revision that is in the mirror already, from the last [`Git::fetch`].
    ///
    /// Reads one small file and starts no process.
    pub fn mirrored(&self, url: &RepositoryUrl) -> Option<Revision> {
        self.mirror(url).head()
    }

    /// The files of `revision`, which must be in the mirror. Blocks for a few milliseconds.
    pub fn tree(&self, url: &RepositoryUrl, revision: &Revision) -> Result<Tree, TreeError> {
        let mirror = objects::LocalMirror {
            program: self.program.clone(),
            folder: self.mirror(url).folder().to_owned(),
            environment: self.plain_environment(),
        };
        Tree::open(mirror, revision)
    }
}
