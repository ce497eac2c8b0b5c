//! A repository made by hand, and `git http-backend` behind a small HTTP server.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Response, StatusCode};
use base64::Engine;
use tokio::io::AsyncWriteExt;

/// A working copy with commits at fixed times, so that ids are reproducible.
pub(crate) struct Repository {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Repository {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app");
        std::fs::create_dir(&path).unwrap();
        let made = Self { folder, path };
        made.git(&["init", "--quiet", "--initial-branch=main"]);
        made
    }

    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let made = Self::new();
        made.commit(files);
        made
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What a server serves: the repository is `/app/.git` in it.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            let path = self.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&[
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "a change",
        ]);
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Ann")
            .env("GIT_AUTHOR_EMAIL", "ann@example.org")
            .env("GIT_COMMITTER_NAME", "Ann")
            .env("GIT_COMMITTER_EMAIL", "ann@example.org")
            .env("GIT_COMMITTER_DATE", "1700000000 +0000")
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// What the server does, and what it has seen.
#[derive(Clone, Default)]
pub(crate) struct Server {
    pub(crate) root: PathBuf,
    /// The password that is asked for.
    pub(crate) password: Option<String>,
    /// Where every request is sent instead.
    pub(crate) redirect: Option<String>,
    /// Each request: method, path, and the authorization header.
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves until the test's runtime ends. Returns `127.0.0.1:port`.
    pub(crate) async fn start(self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let app = Router::new().fallback(answer).with_state(self);
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    fn welcomes(&self, headers: &HeaderMap) -> bool {
        let Some(password) = &self.password else {
            return true;
        };
        let expected =
            base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{password}"));
        let given = headers.get(AUTHORIZATION).and_then(|h| h.to_str().ok());
        given == Some(&format!("Basic {expected}"))
    }
}

async fn answer(State(server): State<Server>, request: Request) -> Response<Body> {
    let given = request.headers().get(AUTHORIZATION);
    let seen = format!("{} {} {given:?}", request.method(), request.uri());
    server.seen.lock().unwrap().push(seen);
    if let Some(password) = &server.password {
        let told = processes_naming(password);
        assert!(told.is_empty(), "a process shows the token: {told:?}");
    }
    if let Some(elsewhere) = &server.redirect {
        return Response::builder()
            .status(StatusCode::FOUND)
            .header(LOCATION, format!("{elsewhere}{}", request.uri()))
            .body(Body::empty())
            .unwrap();
    }
    if !server.welcomes(request.headers()) {
        return Response::builder()
            .status(StatusCode::UNAUTHORIZED)
            .header(WWW_AUTHENTICATE, "Basic realm=\"git\"")
            .body(Body::empty())
            .unwrap();
    }
    backend(&server.root, request).await
}

/// `git http-backend` as a CGI program.
async fn backend(root: &Path, request: Request) -> Response<Body> {
    let (request, body) = request.into_parts();
    let header = |name: &str| {
        let value = request.headers.get(name).and_then(|h| h.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", request.method.as_str())
        .env("PATH_INFO", request.uri.path())
        .env("QUERY_STRING", request.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut stdin = child.stdin.take().unwrap();
    tokio::spawn(async move {
        let _ = stdin.write_all(&body).await;
    });
    let output = child.wait_with_output().await.unwrap().stdout;
    let end = output.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        match line.split_once(": ").unwrap() {
            ("Status", status) => response = response.status(&status[..3]),
            ("Content-Type", kind) => response = response.header(CONTENT_TYPE, kind),
            _ => {}
        }
    }
    response
        .body(Body::from(output[end + 4..].to_vec()))
        .unwrap()
}

/// The argument lists of all processes that contain `text`.
pub(crate) fn processes_naming(text: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|p| std::fs::read(p.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(text)).collect()
}
