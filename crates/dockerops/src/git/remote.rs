//! Asking a server: what is its default branch's newest revision, and is it there at all.

use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;
use tokio::process::Command;

use super::classify::classify;
use super::run::Output;
use super::{Git, GitError, OnProgress};

impl Git {
    /// The newest revision of the default branch, as the server says now.
    pub async fn remote_head(&self, url: &RepositoryUrl) -> Result<Revision, GitError> {
        if let Some(revision) = self.probe(url).await {
            return Ok(revision);
        }
        let mut command = self.network(url).await?;
        command.args(["ls-remote", "--symref", "--", &url.fetch_url(), "HEAD"]);
        let output = self.talk(command, url, None).await?;
        let text = String::from_utf8_lossy(&output.stdout);
        match head_of(&text) {
            Some(revision) => Ok(revision),
            None => Err(self.why_no_head(url, target_of(&text)).await),
        }
    }

    /// A command that talks to `url`, with the token if the host may have it.
    pub(super) async fn network(&self, url: &RepositoryUrl) -> Result<Command, GitError> {
        self.prepare().await?;
        let mut command = self.bare_command();
        command.envs(self.network_environment(url));
        Ok(command)
    }

    /// Runs `command`; its failure is explained in terms of `url`.
    pub(super) async fn talk(
        &self,
        command: Command,
        url: &RepositoryUrl,
        progress: Option<OnProgress<'_>>,
    ) -> Result<Output, GitError> {
        let silence = if progress.is_some() {
            self.settings.stall
        } else {
            self.settings.answer
        };
        let output = match self.run(command, progress, silence).await {
            Err(GitError::SilentProcess) => return Err(GitError::silent(url, silence)),
            other => other?,
        };
        if let Some(elsewhere) = redirect(&output.stderr, url) {
            return Err(GitError::Redirected {
                url: url.as_given().to_owned(),
                elsewhere,
            });
        }
        if output.code == Some(0) {
            return Ok(output);
        }
        Err(classify(&output.stderr, url, &self.settings))
    }

    /// An answer without `HEAD`: either nothing was ever pushed, or `HEAD` names no branch.
    pub(super) async fn why_no_head(&self, url: &RepositoryUrl, head: Option<String>) -> GitError {
        let mut command = match self.network(url).await {
            Ok(command) => command,
            Err(error) => return error,
        };
        command.args(["ls-remote", "--heads", "--", &url.fetch_url()]);
        let output = match self.talk(command, url, None).await {
            Ok(output) => output,
            Err(error) => return error,
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let branches: Vec<String> = text
            .lines()
            .filter_map(|line| line.split_once("\trefs/heads/"))
            .map(|(_, branch)| branch.escape_debug().to_string())
            .collect();
        let url = url.as_given().to_owned();
        if branches.is_empty() {
            return GitError::Empty { url };
        }
        GitError::NoDefaultBranch {
            url,
            head: head.unwrap_or_else(|| "HEAD".to_owned()),
            branches,
        }
    }
}

/// The line `<id>\tHEAD`. A pattern also matches `refs/remotes/origin/HEAD`, which does not count.
fn head_of(text: &str) -> Option<Revision> {
    let line = text.lines().find_map(|line| {
        line.strip_suffix("\tHEAD")
            .filter(|id| !id.starts_with("ref: "))
    })?;
    Revision::parse(line).ok()
}

/// The branch in `ref: refs/heads/main\tHEAD`, when the server told it.
fn target_of(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_suffix("\tHEAD"))?;
    let branch = line.strip_prefix("ref: refs/heads/")?;
    Some(branch.escape_debug().to_string())
}

/// The other host, when Git was sent to one. What the server itself says is prefixed by `remote: `.
fn redirect(stderr: &str, url: &RepositoryUrl) -> Option<String> {
    let mut lines = stderr.lines();
    lines.find_map(|line| followed(line, url).or_else(|| asked_by_another(line, url)))
}

/// Git says so when it has followed a redirect and got an answer.
fn followed(line: &str, url: &RepositoryUrl) -> Option<String> {
    let target = line.strip_prefix("warning: redirecting to ")?;
    match RepositoryUrl::parse(target) {
        // From http to https on one host, or to a renamed repository.
        Ok(to) if to.host() == url.host() && to.scheme() <= url.scheme() => None,
        Ok(to) => Some(to.origin()),
        Err(_) => Some("another place".to_owned()),
    }
}

/// When the other host wants credentials, Git gives up before it mentions the redirect.
fn asked_by_another(line: &str, url: &RepositoryUrl) -> Option<String> {
    let rest = line.strip_prefix("fatal: could not read Username for '")?;
    let (origin, _) = rest.split_once('\'')?;
    // A repository's URL needs a path; which one does not matter here.
    let asked = RepositoryUrl::parse(&format!("{origin}/x")).ok()?;
    (asked.host() != url.host()).then(|| asked.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_line_of_head_itself_counts() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        let text =
            format!("ref: refs/heads/main\tHEAD\n{id}\tHEAD\n{id}\trefs/remotes/origin/HEAD\n");
        assert_eq!(head_of(&text).unwrap().as_str(), id);
        assert_eq!(target_of(&text).unwrap(), "main");
        assert_eq!(head_of(&format!("{id}\trefs/remotes/origin/HEAD\n")), None);
    }

    #[test]
    fn a_redirect_stays_on_its_host_and_never_loses_tls() {
        let url = RepositoryUrl::parse("https://github.com/old/name").unwrap();
        let to = |target: &str| redirect(&format!("warning: redirecting to {target}\n"), &url);
        assert_eq!(to("https://github.com/new/name/"), None);
        assert_eq!(
            to("https://evil.example/x").unwrap(),
            "https://evil.example"
        );
        assert_eq!(to("http://github.com/x").unwrap(), "http://github.com");
        assert_eq!(
            redirect("remote: warning: redirecting to https://e.x/y\n", &url),
            None
        );
    }
}
