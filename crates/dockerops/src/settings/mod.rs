//! Every environment variable that DockerOps obeys, read once into [`Settings`].
//!
//! `sudo` and cron drop the environment, so the same names are also read from
//! `/etc/dockerops/dockerops.env` and `~/.dockerops/dockerops.env`. The
//! environment wins over the user's file, which wins over the machine's.
//!
//! **Invariants**
//!
//! - A value that cannot be meant is refused, naming what is allowed.
//! - No `Debug` and no error shows the token or the value of another variable.

mod env_file;
mod files;
mod key;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dockerops_core::secret::Secret;

use files::{loose_mode, passwd_home, read_settings_file, unknown_names};
use values::{Values, checked_token, compose_env, expand, pull_policy, take_token};

pub use key::{FingerprintKey, KeyError};

/// Where settings for the whole machine lie.
pub const MACHINE_FILE: &str = "/etc/dockerops/dockerops.env";

/// How many runs of each stack are remembered when nobody says.
const HISTORY: u32 = 50;

/// Docker's own client watches for so long when nobody says.
const STABILITY_WINDOW: Duration = Duration::from_secs(5);

/// What the environment and the settings files say, checked.
#[derive(Debug)]
pub struct Settings {
    /// `~/.dockerops`: mirrors, key and user's settings file lie here.
    pub folder: PathBuf,
    /// `DOCKEROPS_DB_PATH`, absolute.
    pub database: PathBuf,
    /// `DOCKEROPS_IMAGE_PULL_POLICY`.
    pub pull_policy: PullPolicy,
    /// `GITHUB_TOKEN` or the content of `GITHUB_TOKEN_FILE`.
    pub token: Option<Secret>,
    /// `DOCKEROPS_GITHUB_HOSTS`: `host[:port]`, lower case.
    pub token_hosts: Vec<String>,
    /// `DOCKEROPS_COMPOSE_ENV`: names that compose files may read.
    pub compose_env: BTreeSet<String>,
    /// `DOCKEROPS_INSECURE_REGISTRIES`: `host[:port]`, lower case.
    pub insecure_registries: Vec<String>,
    /// `DOCKEROPS_LOG_DIR`.
    pub log_dir: Option<PathBuf>,
    /// `DOCKEROPS_HISTORY`: how many runs of each stack are remembered.
    pub history: u32,
    /// `DOCKEROPS_STABILITY_WINDOW`: for how long a changed service must run before it
    /// counts as well.
    pub stability_window: Duration,
    /// `DOCKER_HOST` and the like.
    pub docker: DockerSettings,
    /// `DOCKEROPS_ALLOW_NON_ROOT=1`.
    pub allow_non_root: bool,
    /// All variables of environment and files, without the token.
    pub environment: Environment,
    /// What a person should know, one sentence each.
    pub warnings: Vec<String>,
}

/// `DOCKEROPS_IMAGE_PULL_POLICY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PullPolicy {
    /// Ask the registry for every image in every run.
    Always,
    /// Ask only for images that are not pinned yet.
    #[default]
    IfNotPresent,
}

/// How the engine is reached, as for Docker's own client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DockerSettings {
    /// `DOCKER_HOST`; `None` means the default socket.
    pub host: Option<String>,
    /// `DOCKER_TLS_VERIFY`: set and not empty.
    pub tls_verify: bool,
    /// `DOCKER_CERT_PATH`.
    pub cert_path: Option<PathBuf>,
    /// `DOCKER_CONFIG`, else `~/.docker`.
    pub config: PathBuf,
}

/// Variables by name. `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Environment(pub BTreeMap<String, OsString>);

/// The names of all settings that are DockerOps' own.
pub const NAMES: [&str; 9] = [
    "DOCKEROPS_DB_PATH",
    "DOCKEROPS_IMAGE_PULL_POLICY",
    "DOCKEROPS_GITHUB_HOSTS",
    "DOCKEROPS_COMPOSE_ENV",
    "DOCKEROPS_INSECURE_REGISTRIES",
    "DOCKEROPS_LOG_DIR",
    "DOCKEROPS_STABILITY_WINDOW",
    "DOCKEROPS_HISTORY",
    "DOCKEROPS_ALLOW_NON_ROOT",
];

/// What [`Settings::decide`] decides from.
#[derive(Debug, Default)]
pub struct Sources {
    /// The process's environment.
    pub process: Environment,
    /// Settings files, the weakest first: name and text.
    pub files: Vec<(String, String)>,
    /// The home of the effective user, used when `HOME` is not set.
    pub passwd_home: Option<PathBuf>,
}

/// A setting is wrong.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum SettingsError {
    /// Neither root nor allowed to be somebody else.
    #[error("DockerOps must be run with root privileges (use sudo)")]
    NotRoot,
    /// A value outside of what is allowed.
    #[error("`{name}` is `{}`, but {expected}", value.escape_debug())]
    Invalid {
        name: &'static str,
        value: String,
        expected: &'static str,
    },
    /// A value that must not be repeated.
    #[error("`{name}` {problem}")]
    InvalidSecret {
        name: &'static str,
        problem: &'static str,
    },
    /// A line of a settings file.
    #[error("line {line} of `{file}` is not `NAME=value`")]
    Line { file: String, line: usize },
    /// A file that a setting names, or a settings file.
    #[error("`{}` cannot be read", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// No `HOME`, and no entry for this user in `/etc/passwd`.
    #[error("the home folder of this user is unknown")]
    NoHome,
}

impl SettingsError {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotRoot => "Run it with `sudo`, or set `DOCKEROPS_ALLOW_NON_ROOT=1` if your user reaches the Docker socket.".to_owned(),
            Self::Invalid { name, .. } | Self::InvalidSecret { name, .. } => format!("Correct `{name}` in the environment or the settings file."),
            Self::Line { .. } => "Write one `NAME=value` a line; the file is not a shell script.".to_owned(),
            Self::Read { .. } => return None,
            Self::NoHome => "Set `HOME`.".to_owned(),
        })
    }
}

impl Settings {
    /// Reads the process's environment, the settings files and `GITHUB_TOKEN_FILE`.
    pub fn read() -> Result<Self, SettingsError> {
        let mut sources = Sources {
            process: Environment(
                std::env::vars_os()
                    .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                    .collect(),
            ),
            files: Vec::new(),
            passwd_home: passwd_home(),
        };
        let user_file = sources.home()?.join(".dockerops/dockerops.env");
        let mut warnings = Vec::new();
        for path in [Path::new(MACHINE_FILE), &user_file] {
            if let Some(text) = read_settings_file(path, &mut warnings)? {
                sources.files.push((path.display().to_string(), text));
            }
        }
        let mut settings = Self::decide(&sources)?;
        settings.read_token_file()?;
        settings.database =
            std::path::absolute(&settings.database).map_err(|source| SettingsError::Read {
                path: settings.database.clone(),
                source,
            })?;
        warnings.append(&mut settings.warnings);
        settings.warnings = warnings;
        Ok(settings)
    }

    /// Decides from `sources` alone; `GITHUB_TOKEN_FILE` is not opened.
    pub fn decide(sources: &Sources) -> Result<Self, SettingsError> {
        let home = sources.home()?;
        let mut all = env_file::merge(sources)?;
        let warnings = unknown_names(&sources.files);
        let token = take_token(&mut all)?;
        let values = Values {
            all: &all,
            home: &home,
        };
        let folder = home.join(".dockerops");
        Ok(Self {
            database: values
                .path("DOCKEROPS_DB_PATH")
                .unwrap_or_else(|| folder.join("dockerops.db")),
            folder,
            pull_policy: pull_policy(values.text("DOCKEROPS_IMAGE_PULL_POLICY")?)?,
            token,
            token_hosts: values.hosts("DOCKEROPS_GITHUB_HOSTS")?,
            compose_env: compose_env(&values.list("DOCKEROPS_COMPOSE_ENV")?)?,
            insecure_registries: values.hosts("DOCKEROPS_INSECURE_REGISTRIES")?,
            log_dir: values.path("DOCKEROPS_LOG_DIR"),
            history: values.number("DOCKEROPS_HISTORY")?.unwrap_or(HISTORY),
            stability_window: values
                .duration("DOCKEROPS_STABILITY_WINDOW")?
                .unwrap_or(STABILITY_WINDOW),
            docker: DockerSettings {
                host: values.text("DOCKER_HOST")?.map(str::to_owned),
                tls_verify: values.text("DOCKER_TLS_VERIFY")?.is_some(),
                cert_path: values.path("DOCKER_CERT_PATH"),
                config: values
                    .path("DOCKER_CONFIG")
                    .unwrap_or_else(|| home.join(".docker")),
            },
            allow_non_root: values.flag("DOCKEROPS_ALLOW_NON_ROOT")?,
            environment: Environment(all),
            warnings,
        })
    }

    /// Refuses whoever is not root, by the effective uid.
    pub fn require_root(&self) -> Result<(), SettingsError> {
        root_or_allowed(rustix::process::geteuid().is_root(), self.allow_non_root)
    }

    /// The variables that compose files of repositories may read, and the names of all others.
    pub fn compose_variables(&self) -> (BTreeMap<String, String>, BTreeSet<String>) {
        let text = |name: &String| Some((name.clone(), self.environment.text(name)?.to_owned()));
        let allowed = self.compose_env.iter().filter_map(text).collect();
        let all = self.environment.0.keys();
        let hidden = all.filter(|name| !self.compose_env.contains(*name));
        (allowed, hidden.cloned().collect())
    }

    /// Where mirrors of repositories lie.
    pub fn mirrors(&self) -> PathBuf {
        self.folder.join("mirrors")
    }

    /// Reads the key for fingerprints of secrets, or makes it.
    pub fn fingerprint_key(&self) -> Result<FingerprintKey, KeyError> {
        FingerprintKey::read_or_create(&self.folder.join("key"))
    }

    /// The same for whoever only looks: see [`FingerprintKey::read_or_random`].
    pub fn fingerprint_key_to_look(&self) -> Result<FingerprintKey, KeyError> {
        FingerprintKey::read_or_random(&self.folder.join("key"))
    }

    /// `GITHUB_TOKEN` wins over `GITHUB_TOKEN_FILE`.
    fn read_token_file(&mut self) -> Result<(), SettingsError> {
        let file = self.environment.0.get("GITHUB_TOKEN_FILE");
        let Some(file) = file.filter(|file| !file.is_empty() && self.token.is_none()) else {
            return Ok(());
        };
        let home = self.folder.parent().unwrap_or(Path::new("/"));
        let path = expand(file, home);
        let content = fs::read(&path).map_err(|source| SettingsError::Read {
            path: path.clone(),
            source,
        })?;
        // The file's content is the token, so it is judged as one that sets it.
        self.warnings.extend(loose_mode(&path, "GITHUB_TOKEN="));
        self.token = Some(checked_token("GITHUB_TOKEN_FILE", &content)?);
        Ok(())
    }
}

impl Environment {
    /// The value of `name`, when it is set and UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Sources {
    /// `$HOME`, else the home of the effective uid.
    fn home(&self) -> Result<PathBuf, SettingsError> {
        let variable = self.process.0.get("HOME").filter(|home| !home.is_empty());
        variable
            .map(PathBuf::from)
            .or_else(|| self.passwd_home.clone())
            .ok_or(SettingsError::NoHome)
    }
}

fn root_or_allowed(is_root: bool, allowed: bool) -> Result<(), SettingsError> {
    if is_root || allowed {
        return Ok(());
    }
    Err(SettingsError::NotRoot)
}

#[cfg(test)]
mod tests;
