//! Git over HTTP: the token, redirects, servers that do not answer.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "shared with the tests over `file://`")]
mod git_server;

use std::path::PathBuf;
use std::time::Duration;

use dockerops::git::{Git, GitError, GitSettings};
use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::secret::Secret;
use git_server::{Repository, Server, processes_naming};

const TOKEN: &str = "hunter2";

fn quiet(_: &str) {}

fn settings(root: &tempfile::TempDir) -> GitSettings {
    let mut settings = GitSettings::new(root.path().join("mirrors"));
    settings.askpass = PathBuf::from(env!("CARGO_BIN_EXE_dockerops"));
    settings.environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name == "PATH")
        .collect();
    settings
}

fn with_token(root: &tempfile::TempDir, host: &str) -> Git {
    let mut settings = settings(root);
    settings.token = Some(Secret::new(TOKEN));
    settings.token_hosts = vec![host.to_owned()];
    Git::new(settings)
}

fn url(address: &str) -> RepositoryUrl {
    RepositoryUrl::parse(&format!("http://{address}/app/.git")).unwrap()
}

fn said(error: &GitError) -> String {
    format!("{error} {error:?} {:?}", error.hint())
}

#[tokio::test]
async fn a_private_repository_is_fetched_with_the_token() {
    let repository = Repository::with(&[("stacks.yaml", "- name: web\n")]);
    let root = tempfile::tempdir().unwrap();
    let server = Server {
        root: repository.root(),
        password: Some(TOKEN.to_owned()),
        ..Server::default()
    };
    let address = server.start().await;
    let git = with_token(&root, &address);
    let head = git.remote_head(&url(&address)).await.unwrap();
    assert_eq!(head.as_str(), repository.head());
    let fetched = git.fetch(&url(&address), &quiet).await.unwrap();
    assert_eq!(fetched, head);
    assert_no_token_below(root.path());
}

#[tokio::test]
async fn without_the_token_the_message_names_it() {
    let repository = Repository::with(&[("f", "x")]);
    let root = tempfile::tempdir().unwrap();
    let server = Server {
        root: repository.root(),
        password: Some(TOKEN.to_owned()),
        ..Server::default()
    };
    let address = server.start().await;
    let error = Git::new(settings(&root))
        .remote_head(&url(&address))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("remote authentication required"),
        "{error}"
    );
    assert!(error.to_string().contains("GITHUB_TOKEN"), "{error}");
}

#[tokio::test]
async fn a_token_that_is_refused_is_said_to_be_and_not_shown() {
    let repository = Repository::with(&[("f", "x")]);
    let root = tempfile::tempdir().unwrap();
    let server = Server {
        root: repository.root(),
        password: Some("another".to_owned()),
        ..Server::default()
    };
    let address = server.start().await;
    let error = with_token(&root, &address)
        .remote_head(&url(&address))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("refused `GITHUB_TOKEN`"),
        "{error}"
    );
    assert!(!said(&error).contains(TOKEN));
}

#[tokio::test]
async fn a_host_that_is_not_named_never_gets_the_token() {
    let repository = Repository::with(&[("f", "x")]);
    let root = tempfile::tempdir().unwrap();
    let server = Server {
        root: repository.root(),
        password: Some(TOKEN.to_owned()),
        ..Server::default()
    };
    let seen = server.seen.clone();
    let address = server.start().await;
    let git = with_token(&root, "ghe.example.com");
    let error = git.remote_head(&url(&address)).await.unwrap_err();
    assert!(error.to_string().contains("is not sent to"), "{error}");
    assert!(error.hint().unwrap().contains("DOCKEROPS_GITHUB_HOSTS"));
    let seen = seen.lock().unwrap();
    assert!(
        !seen.is_empty() && seen.iter().all(|request| request.ends_with("None")),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_redirect_to_another_host_fails_and_the_token_does_not_arrive() {
    let repository = Repository::with(&[("f", "x")]);
    let root = tempfile::tempdir().unwrap();
    // Same machine, another name: to Git and to us, another host.
    let other = Server {
        root: repository.root(),
        password: Some(TOKEN.to_owned()),
        ..Server::default()
    };
    let seen = other.seen.clone();
    let other = other.start().await.replace("127.0.0.1", "localhost");
    let first = Server {
        redirect: Some(format!("http://{other}")),
        ..Server::default()
    };
    let address = first.start().await;
    let git = with_token(&root, &address);
    for result in [
        git.remote_head(&url(&address)).await,
        git.fetch(&url(&address), &quiet).await,
    ] {
        let error = result.unwrap_err();
        assert!(
            matches!(&error, GitError::Redirected { elsewhere, .. } if elsewhere.contains(&other)),
            "{error:?}"
        );
    }
    let seen = seen.lock().unwrap();
    assert!(
        seen.iter().all(|request| request.ends_with("None")),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_redirect_to_an_open_repository_elsewhere_fails_too() {
    let repository = Repository::with(&[("f", "x")]);
    let root = tempfile::tempdir().unwrap();
    let other = Server {
        root: repository.root(),
        ..Server::default()
    };
    let other = other.start().await.replace("127.0.0.1", "localhost");
    let first = Server {
        redirect: Some(format!("http://{other}")),
        ..Server::default()
    };
    let address = first.start().await;
    let git = Git::new(settings(&root));
    for result in [
        git.remote_head(&url(&address)).await,
        git.fetch(&url(&address), &quiet).await,
    ] {
        assert!(
            matches!(result, Err(GitError::Redirected { .. })),
            "{result:?}"
        );
    }
    assert_eq!(git.mirrored(&url(&address)), None);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let root = tempfile::tempdir().unwrap();
    let mut settings = settings(&root);
    settings.answer = Duration::from_secs(1);
    settings.stall = Duration::from_secs(1);
    let git = Git::new(settings);
    for result in [
        git.remote_head(&url(&address)).await,
        git.fetch(&url(&address), &quiet).await,
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, GitError::Silent { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn whoever_stops_waiting_leaves_no_process_behind() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let root = tempfile::tempdir().unwrap();
    let git = Git::new(settings(&root));
    let asked = url(&address);
    let _open = tokio::select! {
        answer = git.remote_head(&asked) => panic!("{answer:?}"),
        connection = silent.accept() => connection.unwrap(),
    };
    // The kernel takes a moment to end what was killed.
    for _ in 0..200 {
        if processes_naming(&address).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still there: {:?}", processes_naming(&address));
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_host_are_told_apart() {
    let root = tempfile::tempdir().unwrap();
    let git = Git::new(settings(&root));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = git.remote_head(&url(&address)).await.unwrap_err();
    assert!(matches!(error, GitError::Unreachable { .. }), "{error:?}");
    let error = git
        .remote_head(&url("no-such-host.invalid"))
        .await
        .unwrap_err();
    assert!(matches!(error, GitError::UnknownHost { .. }), "{error:?}");
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_not_found() {
    let root = tempfile::tempdir().unwrap();
    let server = Server {
        root: root.path().to_owned(),
        ..Server::default()
    };
    let address = server.start().await;
    let error = Git::new(settings(&root))
        .remote_head(&url(&address))
        .await
        .unwrap_err();
    assert!(matches!(error, GitError::NotFound { .. }), "{error:?}");
}

fn assert_no_token_below(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            assert_no_token_below(&entry.path());
            continue;
        }
        let content = std::fs::read(entry.path()).unwrap();
        let found = content.windows(TOKEN.len()).any(|w| w == TOKEN.as_bytes());
        assert!(!found, "{}", entry.path().display());
    }
}
