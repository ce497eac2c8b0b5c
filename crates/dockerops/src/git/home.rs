//! The surroundings that Git runs in: its own home, configuration and environment.
//!
//! Git never reads the configuration of the machine or of a user: a
//! `url.insteadOf` or a credential helper there would send a repository's
//! traffic, or the token, elsewhere.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use dockerops_core::repository_url::{RepositoryUrl, Scheme};

use super::run::Output;
use super::{Git, GitError, OLDEST_GIT, askpass};

/// `safe.directory` works in a file only: Git's own upload-pack drops what
/// `-c` and `GIT_CONFIG_COUNT` say (measured on 2.39). The three `fsck` rows let
/// well-known flaws of old histories through, which endanger nobody.
const CONFIG: &str = "\
# Written by DockerOps; changes are lost.
[safe]
\tdirectory = *
[core]
\thooksPath = /dev/null
\tfsmonitor = false
[credential]
\thelper =
[transfer]
\tfsckObjects = true
[fetch]
\trecurseSubmodules = false
[fetch \"fsck\"]
\tzeroPaddedFilemode = ignore
\tmissingSpaceBeforeDate = ignore
\tbadTimezone = ignore
[gc]
\tauto = 0
[maintenance]
\tauto = false
[http]
\tfollowRedirects = initial
[protocol]
\tversion = 2
[advice]
\tdetachedHead = false
";

/// What Git may see of our environment.
const PASSED_ON: [&str; 15] = [
    "PATH",
    "SSH_AUTH_SOCK",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "TMPDIR",
];

const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Git {
    /// Makes the folder and configuration, and checks Git's version; once.
    pub(super) async fn prepare(&self) -> Result<(), GitError> {
        self.ready.get_or_try_init(|| self.first_use()).await?;
        Ok(())
    }

    /// Git's version, which is one that works.
    pub async fn version(&self) -> Result<&str, GitError> {
        let version = self.ready.get_or_try_init(|| self.first_use()).await?;
        Ok(version)
    }

    async fn first_use(&self) -> Result<String, GitError> {
        write_home(&self.home()).map_err(|source| GitError::folder(self.home(), source))?;
        let mut command = self.bare_command();
        command.arg("version");
        let output = self.run(command, None, self.settings.answer).await?;
        check_version(&output)
    }

    /// The environment of every Git process.
    pub(super) fn plain_environment(&self) -> BTreeMap<String, OsString> {
        let mut all = BTreeMap::new();
        for name in PASSED_ON {
            if let Some(value) = self.settings.environment.get(name) {
                all.insert(name.to_owned(), value.clone());
            }
        }
        all.entry("PATH".to_owned())
            .or_insert_with(|| USUAL_PATH.into());
        // Git before 2.32 knows no GIT_CONFIG_GLOBAL and reads `$HOME/.gitconfig`.
        all.insert("HOME".to_owned(), self.home().into_os_string());
        let config = self.home().join(".gitconfig");
        all.insert("GIT_CONFIG_GLOBAL".to_owned(), config.into_os_string());
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("LC_ALL", "C"),
        ] {
            all.insert(name.to_owned(), value.into());
        }
        all
    }

    /// The environment of a Git process that talks to `url`.
    pub(super) fn network_environment(&self, url: &RepositoryUrl) -> BTreeMap<String, OsString> {
        let mut all = self.plain_environment();
        let protocols = match url.scheme() {
            Scheme::Https | Scheme::Http => "https:http",
            Scheme::Ssh => "ssh",
            Scheme::File => "file",
        };
        all.insert("GIT_ALLOW_PROTOCOL".to_owned(), protocols.into());
        let stall = self.settings.stall.as_secs().max(1).to_string();
        all.insert("GIT_HTTP_LOW_SPEED_LIMIT".to_owned(), "1".into());
        all.insert("GIT_HTTP_LOW_SPEED_TIME".to_owned(), stall.into());
        all.insert("GIT_SSH_COMMAND".to_owned(), self.ssh_command());
        if let Some(token) = self.settings.token_for(url) {
            let program = self.settings.askpass.clone();
            all.extend(askpass::environment(program, &url.origin(), token));
        }
        all
    }

    /// The user's own SSH command, if there is one, then ours: SSH takes the first of two equal options.
    fn ssh_command(&self) -> OsString {
        let own = self.settings.environment.get("GIT_SSH_COMMAND");
        let mut command = own.cloned().unwrap_or_else(|| "ssh".into());
        let seconds = self.settings.answer.as_secs().max(1);
        let alive = (self.settings.stall.as_secs() / 3).max(1);
        command.push(format!(
            " -o BatchMode=yes -o StrictHostKeyChecking=yes -o ControlMaster=no \
             -o ConnectTimeout={seconds} -o ServerAliveInterval={alive}"
        ));
        command
    }

    fn home(&self) -> PathBuf {
        self.settings.root.join(".git-home")
    }
}

/// `git` as `PATH` finds it, or just `git`, which then fails to start.
pub(super) fn find_git(environment: &BTreeMap<String, OsString>) -> PathBuf {
    let path = environment.get("PATH").cloned();
    let path = path.unwrap_or_else(|| USUAL_PATH.into());
    let candidates = std::env::split_paths(&path).map(|folder| folder.join("git"));
    let mut absolute = candidates.filter(|file| file.is_absolute());
    let found = absolute.find(|file| file.is_file());
    found.unwrap_or_else(|| PathBuf::from("git"))
}

fn write_home(home: &Path) -> io::Result<()> {
    // Mirrors of private repositories are for their owner alone.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home)?;
    let config = home.join(".gitconfig");
    if fs::read(&config).is_ok_and(|old| old == CONFIG.as_bytes()) {
        return Ok(());
    }
    let file = tempfile::NamedTempFile::new_in(home)?;
    fs::write(file.path(), CONFIG)?;
    file.persist(config)?;
    Ok(())
}

fn check_version(output: &Output) -> Result<String, GitError> {
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.trim().trim_start_matches("git version ").to_owned();
    let mut numbers = version.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < OLDEST_GIT {
        return Err(GitError::TooOld { found: version });
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Result<String, GitError> {
        check_version(&Output {
            code: Some(0),
            stdout: text.as_bytes().to_vec(),
            stderr: String::new(),
        })
    }

    #[test]
    fn git_before_2_25_is_refused_by_its_version() {
        assert!(version("git version 2.25.0\n").is_ok());
        assert!(version("git version 2.50.1 (Apple Git-155)\n").is_ok());
        assert!(version("git version 3.0.0-rc1\n").is_ok());
        let error = version("git version 2.20.1\n").unwrap_err().to_string();
        assert!(
            error.contains("2.20.1") && error.contains("2.25"),
            "{error}"
        );
    }
}
