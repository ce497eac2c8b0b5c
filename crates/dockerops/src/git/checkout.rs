//! Questions about a checkout on disk: where is it from, and what would be committed?
//!
//! Nothing that the checkout's own configuration names is run, and nothing is written to it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::Git;

impl Git {
    /// Where the checkout in `folder` was cloned from, as its configuration has it. It may hold credentials.
    pub async fn origin(&self, folder: &Path) -> Option<String> {
        let arguments = ["config", "--local", "--get", "remote.origin.url"];
        let url = String::from_utf8(self.answer_of(folder, &arguments).await?).ok()?;
        let url = url.trim();
        (!url.is_empty()).then(|| url.to_owned())
    }

    /// The files of the checkout in `folder` that its next commit would have, those that
    /// are gone included; `None` when it is no checkout.
    pub async fn listed(&self, folder: &Path) -> Option<HashSet<PathBuf>> {
        let arguments = [
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ];
        let said = self.answer_of(folder, &arguments).await?;
        let paths = said
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty());
        Some(
            paths
                .map(|path| PathBuf::from(OsStr::from_bytes(path)))
                .collect(),
        )
    }

    /// What Git answers about the checkout whose root is `folder`; in a worktree or a
    /// submodule `.git` is a file. `None` when it is none, or Git fails.
    async fn answer_of(&self, folder: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
        let folder = fs::canonicalize(folder).ok()?;
        fs::symlink_metadata(folder.join(".git")).ok()?;
        self.prepare().await.ok()?;
        let mut command = self.checkout_command(&folder);
        command.args(arguments);
        let output = self.run(command, None, self.settings.answer).await.ok()?;
        (output.code == Some(0)).then_some(output.stdout)
    }

    fn checkout_command(&self, folder: &Path) -> Command {
        let mut command = self.bare_command();
        // A `.git` that is none does not make a checkout further up answer.
        let above = folder.parent().unwrap_or(folder);
        command.env("GIT_CEILING_DIRECTORIES", above);
        command.env("GIT_OPTIONAL_LOCKS", "0");
        // No missing object is fetched, for which the checkout could name a program.
        command.env("GIT_ALLOW_PROTOCOL", "none");
        command
            .args(["-c", "core.fsmonitor=false", "-C"])
            .arg(folder);
        command
    }
}
