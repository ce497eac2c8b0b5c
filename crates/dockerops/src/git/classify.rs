//! What Git's messages mean. They are English by `LC_ALL=C`.

use dockerops_core::repository_url::RepositoryUrl;

use super::{GitError, GitSettings};

/// What Git's words mean.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    DiskFull,
    ReadOnly,
    ChangedHostKey,
    UnknownHostKey,
    SshDenied,
    Authentication,
    UnknownHost,
    Silent,
    Unreachable,
    Tls,
    Ownership,
    NotFound,
}

/// The first row that matches counts: kinds whose words others also use come later.
const WORDS: [(Meaning, &[&str]); 12] = [
    (
        Meaning::DiskFull,
        &["No space left on device", "Disk quota exceeded"],
    ),
    (Meaning::ReadOnly, &["Read-only file system"]),
    (
        Meaning::ChangedHostKey,
        &["REMOTE HOST IDENTIFICATION HAS CHANGED"],
    ),
    (Meaning::UnknownHostKey, &["Host key verification failed"]),
    (
        Meaning::SshDenied,
        &["Permission denied (", "Too many authentication failures"],
    ),
    (
        Meaning::Authentication,
        &[
            "could not read Username",
            "could not read Password",
            "Authentication failed",
            "error: 401",
            "error: 403",
        ],
    ),
    (
        Meaning::UnknownHost,
        &[
            "Could not resolve host",
            "Could not resolve proxy",
            "Name or service not known",
            "Temporary failure in name resolution",
        ],
    ),
    (
        Meaning::Silent,
        &["Operation too slow", "Operation timed out"],
    ),
    (
        Meaning::Unreachable,
        &[
            "Failed to connect",
            "Connection refused",
            "Connection timed out",
            "No route to host",
            "Network is unreachable",
            "Couldn't connect to server",
            "onnection reset",
            "Empty reply from server",
        ],
    ),
    (
        Meaning::Tls,
        &["SSL", "TLS", "certificate", "gnutls_handshake"],
    ),
    (
        Meaning::Ownership,
        &["dubious ownership", "unsafe repository"],
    ),
    (
        Meaning::NotFound,
        &[
            "does not appear to be a git repository",
            "epository not found",
            "' not found",
            "error: 404",
            "' does not exist",
        ],
    ),
];

/// Turns what Git wrote to stderr into an error about `url`.
pub(super) fn classify(stderr: &str, url: &RepositoryUrl, settings: &GitSettings) -> GitError {
    let given = url.as_given().to_owned();
    let host = url.host().to_owned();
    let path = settings.root.clone();
    let detail = detail(stderr, settings);
    if stderr.contains("Permission denied") && names_root(stderr, settings) {
        return GitError::NotWritable { path, detail };
    }
    let says = |(_, words): &&(Meaning, &[&str])| words.iter().any(|word| stderr.contains(word));
    let Some((meaning, _)) = WORDS.iter().find(says) else {
        return GitError::Failed { url: given, detail };
    };
    match meaning {
        Meaning::DiskFull => GitError::DiskFull { path },
        Meaning::ReadOnly => GitError::NotWritable { path, detail },
        Meaning::ChangedHostKey => GitError::ChangedHostKey { url: given, host },
        Meaning::UnknownHostKey => GitError::UnknownHostKey {
            keyscan: keyscan(url),
            url: given,
            host,
        },
        Meaning::SshDenied => GitError::SshDenied { url: given },
        Meaning::Authentication => authentication(url, settings),
        Meaning::UnknownHost => GitError::UnknownHost { url: given, host },
        Meaning::Silent => GitError::silent(url, settings.stall),
        Meaning::Unreachable => GitError::Unreachable { url: given, detail },
        Meaning::Tls => GitError::Tls { url: given, detail },
        Meaning::Ownership => GitError::Ownership { url: given },
        Meaning::NotFound => GitError::NotFound {
            hint: not_found_hint(url, settings),
            url: given,
        },
    }
}

fn names_root(stderr: &str, settings: &GitSettings) -> bool {
    settings
        .root
        .to_str()
        .is_some_and(|root| stderr.contains(root))
}

fn authentication(url: &RepositoryUrl, settings: &GitSettings) -> GitError {
    let host = url.host();
    let file = settings.settings_file.display();
    let sudo = settings.environment.contains_key("SUDO_USER");
    let allowed = url.may_receive_token(&settings.token_hosts);
    let (why, hint) = match (&settings.token, allowed) {
        (None, _) if sudo => (
            "`GITHUB_TOKEN` is not set".to_owned(),
            format!("Run `sudo --preserve-env=GITHUB_TOKEN dockerops …`, or write `GITHUB_TOKEN=…` into `{file}` (mode 0600)."),
        ),
        (None, _) => (
            "`GITHUB_TOKEN` is not set".to_owned(),
            format!("Set `GITHUB_TOKEN` in the environment or in `{file}` (mode 0600)."),
        ),
        (Some(_), true) => (
            "the server refused `GITHUB_TOKEN`".to_owned(),
            "Check that the token has not expired and may read this repository (`repo`, or `Contents: read`).".to_owned(),
        ),
        (Some(_), false) => (
            format!("`GITHUB_TOKEN` is not sent to `{}`", url.origin()),
            format!("Add `{host}` to `DOCKEROPS_GITHUB_HOSTS` if it is yours, and use https."),
        ),
    };
    GitError::Authentication {
        url: url.as_given().to_owned(),
        why,
        hint,
    }
}

fn not_found_hint(url: &RepositoryUrl, settings: &GitSettings) -> String {
    let spelling = "Check the spelling of the URL";
    match settings.token_for(url) {
        Some(_) => format!("{spelling}, and that `GITHUB_TOKEN` may read this repository."),
        None => format!("{spelling}, and that this machine may read it."),
    }
}

fn keyscan(url: &RepositoryUrl) -> String {
    let host = url.host().trim_start_matches('[').trim_end_matches(']');
    match url.port() {
        Some(port) => format!("ssh-keyscan -p {port} {host} >> ~/.ssh/known_hosts"),
        None => format!("ssh-keyscan {host} >> ~/.ssh/known_hosts"),
    }
}

/// Git's own reason: SSH's line, else the last `fatal:` or `error:`, else the last line.
fn detail(stderr: &str, settings: &GitSettings) -> String {
    let lines = stderr.split(['\n', '\r']).map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let last = |start: &str| lines.iter().rev().find_map(|line| line.strip_prefix(start));
    let line = last("ssh: ")
        .or_else(|| last("fatal: "))
        .or_else(|| last("error: "));
    let line = line.or(lines.last().copied());
    let line = line.unwrap_or("git gave no reason");
    let mut shown: String = line.chars().filter(|c| !c.is_control()).take(400).collect();
    let token = settings
        .token
        .as_ref()
        .and_then(|token| token.expose_text());
    if let Some(token) = token.filter(|token| !token.is_empty()) {
        shown = shown.replace(token, "[redacted]");
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use dockerops_core::secret::Secret;

    use super::*;

    fn told(stderr: &str, url: &str) -> String {
        let settings = GitSettings::new("/root/.dockerops/mirrors".into());
        let url = RepositoryUrl::parse(url).unwrap();
        classify(stderr, &url, &settings).to_string()
    }

    #[test]
    fn git_s_words_become_ours() {
        let web = "https://git.example/u/r";
        let ssh = "ssh://git@git.example:2222/u/r";
        let said = [
            (
                web,
                "fatal: unable to access 'https://git.example/u/r/': Could not resolve host: git.example",
            ),
            (
                web,
                "fatal: unable to access 'https://git.example/u/r/': Failed to connect to git.example port 443 after 2 ms: Couldn't connect to server",
            ),
            (
                web,
                "fatal: unable to access 'https://git.example/u/r/': SSL certificate problem: self-signed certificate",
            ),
            (
                web,
                "fatal: unable to access 'https://git.example/u/r/': server certificate verification failed. CAfile: none CRLfile: none",
            ),
            (
                web,
                "remote: Repository not found.\nfatal: repository 'https://git.example/u/r/' not found",
            ),
            (
                web,
                "error: RPC failed; curl 28 Operation too slow. Less than 1 bytes/sec transferred the last 60 seconds\nfatal: early EOF",
            ),
            (
                web,
                "fatal: write error: No space left on device\nfatal: index-pack failed",
            ),
            (
                web,
                "error: unable to create temporary file: Read-only file system",
            ),
            (
                ssh,
                "ssh: Could not resolve hostname git.example: Name or service not known\nfatal: Could not read from remote repository.",
            ),
            (
                ssh,
                "No ED25519 host key is known for [git.example]:2222 and you have requested strict checking.\nHost key verification failed.\nfatal: Could not read from remote repository.",
            ),
            (
                ssh,
                "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.",
            ),
            (
                ssh,
                "git@git.example: Permission denied (publickey).\nfatal: Could not read from remote repository.",
            ),
            (
                ssh,
                "ssh: connect to host git.example port 2222: Connection refused\nfatal: Could not read from remote repository.",
            ),
            (
                "file:///srv/r",
                "fatal: '/srv/r' does not appear to be a git repository\nfatal: Could not read from remote repository.",
            ),
            (
                "file:///srv/r",
                "fatal: detected dubious ownership in repository at '/srv/r'",
            ),
            (web, "fatal: something new"),
        ];
        let told: Vec<String> = said.iter().map(|(url, stderr)| told(stderr, url)).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_private_repository_names_the_token_and_under_sudo_the_way_to_pass_it() {
        let url = RepositoryUrl::parse("https://github.com/u/r").unwrap();
        let asks =
            "fatal: could not read Username for 'https://github.com': terminal prompts disabled";
        let mut settings = GitSettings::new("/m".into());
        settings
            .environment
            .insert("SUDO_USER".to_owned(), OsString::from("ann"));
        let error = classify(asks, &url, &settings);
        let shown = format!("{error}");
        assert!(shown.contains("remote authentication required"), "{shown}");
        assert!(shown.contains("GITHUB_TOKEN"), "{shown}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("sudo --preserve-env=GITHUB_TOKEN"), "{hint}");
        assert!(hint.contains("/etc/dockerops/dockerops.env"), "{hint}");
    }

    #[test]
    fn an_unknown_ssh_host_comes_with_the_keyscan_line() {
        let url = RepositoryUrl::parse("ssh://git@h.example:2222/u/r").unwrap();
        let error = classify(
            "Host key verification failed.",
            &url,
            &GitSettings::new("/m".into()),
        );
        let hint = error.hint().unwrap();
        assert!(
            hint.contains("ssh-keyscan -p 2222 h.example >> ~/.ssh/known_hosts"),
            "{hint}"
        );
    }

    #[test]
    fn no_detail_repeats_the_token() {
        let url = RepositoryUrl::parse("https://github.com/u/r").unwrap();
        let mut settings = GitSettings::new("/m".into());
        settings.token = Some(Secret::new("hunter2"));
        let error = classify("fatal: odd hunter2 thing", &url, &settings);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
