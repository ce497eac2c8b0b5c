//! Questions about a mirror's history: which commit?

use std::collections::BTreeSet;

use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;

use super::parse::plain;
use super::{CommitInfo, Git, GitError};

/// Id, author, time of commit, subject; a line each.
const FORMAT: &str = "--format=%H%n%an <%ae>%n%ct%n%s";

impl Git {
    /// Whether `new` descends from `old`. An `old` that is not in the mirror (any
    /// more) is no ancestor.
    pub async fn is_ancestor(
        &self,
        url: &RepositoryUrl,
        old: &Revision,
        new: &Revision,
    ) -> Result<bool, GitError> {
        if old == new {
            return Ok(true);
        }
        let mut command = self.local(self.mirror(url).folder()).await?;
        command.args(["merge-base", "--is-ancestor", old.as_str(), new.as_str()]);
        let output = self.run(command, None, self.settings.stall).await?;
        Ok(output.code == Some(0))
    }

    /// The newest commit up to `revision` that changed something at or below one of
    /// `paths`; `None` when none did.
    pub async fn last_change(
        &self,
        url: &RepositoryUrl,
        revision: &Revision,
        paths: &BTreeSet<String>,
    ) -> Result<Option<CommitInfo>, GitError> {
        let mut command = self.local(self.mirror(url).folder()).await?;
        command.args(["log", "-1", FORMAT, revision.as_str(), "--"]);
        // Taken literally: a name may look like a pattern.
        command.args(paths.iter().map(|path| format!(":(literal,top){path}")));
        let output = self.run(command, None, self.settings.stall).await?;
        Ok(commit(&String::from_utf8_lossy(&output.stdout)))
    }
}

fn commit(text: &str) -> Option<CommitInfo> {
    let mut lines = text.lines();
    let revision = Revision::parse(lines.next()?).ok()?;
    let author = plain(lines.next()?);
    let committed_at = lines.next()?.parse().ok()?;
    Some(CommitInfo {
        revision,
        author,
        subject: plain(lines.next().unwrap_or_default()),
        committed_at,
    })
}
