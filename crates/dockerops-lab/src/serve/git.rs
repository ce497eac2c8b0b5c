//! Git over smart HTTP: Git's own `http-backend` behind a server that can misbehave.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};

use crate::behaviour::{Behaviour, Fault, GitRequest, Wanted, read_behaviour};
use crate::layout::{GIT_PORT, HUB, Layout, TLS_GIT_PORT};
use crate::serve::basic;
use crate::serve::relay::relay_tls;

const LARGEST_REQUEST: usize = 1 << 30;

/// Serves the repositories of the lab in `folder` until it is killed.
pub async fn serve(folder: PathBuf) -> io::Result<()> {
    let layout = Arc::new(Layout { folder, nodes: 0 });
    let listener = TcpListener::bind((HUB, GIT_PORT)).await?;
    std::fs::File::create(layout.git_log())?;
    let app = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&layout));
    let (certificate, key) = (layout.certificate(), layout.certificate_key());
    let plain = |_: &str| format!("{HUB}:{GIT_PORT}");
    let encrypted = relay_tls((HUB, TLS_GIT_PORT), plain, &certificate, &key);
    tokio::try_join!(axum::serve(listener, app).into_future(), encrypted).map(|_| ())
}

/// Answers one request, whatever host it names.
pub(super) async fn answer(State(layout): State<Arc<Layout>>, request: Request) -> Response {
    match handle(&layout, request).await {
        Ok(response) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn handle(layout: &Layout, request: Request) -> io::Result<Response> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_REQUEST)
        .await
        .map_err(io::Error::other)?;
    let path = parts.uri.path();
    let (name, rest) = repository_and_rest(path);
    let wanted = wanted(rest, &body);
    log(
        layout,
        &GitRequest {
            repository: name.clone(),
            wanted,
            brought_credentials: parts.headers.contains_key("authorization"),
            host: header(&parts.headers, "host"),
        },
    )?;
    let behaviour = read_behaviour(&layout.git_folder().join(format!("{name}.git")));
    tokio::time::sleep(Duration::from_millis(behaviour.latency_ms)).await;
    if let Some(fault) = misbehave(&behaviour, path, parts.uri.query()).await {
        return Ok(fault);
    }
    if !is_allowed(&behaviour, &parts.headers) {
        let challenge = [("www-authenticate", "Basic realm=\"lab\"")];
        return Ok((StatusCode::UNAUTHORIZED, challenge, "credentials wanted\n").into_response());
    }
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let path = format!("/{name}.git/{rest}");
    let mut child = backend(layout, parts.method.as_str(), &path, &query, &parts.headers)?;
    feed(&mut child, body);
    let stalls = behaviour.fault == Some(Fault::Stall) && wanted == Wanted::Objects;
    respond(child, stalls).await
}

/// `/you/stacks.git/info/refs` is `info/refs` of the repository `you-stacks`.
fn repository_and_rest(path: &str) -> (String, &str) {
    let path = path.trim_start_matches('/');
    let services = ["info/refs", "git-upload-pack", "git-receive-pack"];
    let found = services.iter().find_map(|service| {
        let name = path.strip_suffix(service)?.strip_suffix('/')?;
        Some((name, *service))
    });
    let (name, rest) = found.or_else(|| path.split_once('/')).unwrap_or_default();
    (name.trim_end_matches(".git").replace('/', "-"), rest)
}

fn wanted(rest: &str, body: &Bytes) -> Wanted {
    let lists = body.windows(15).any(|part| part == b"command=ls-refs");
    match rest {
        "info/refs" => Wanted::Advertisement,
        "git-upload-pack" if lists => Wanted::References,
        "git-upload-pack" => Wanted::Objects,
        "git-receive-pack" => Wanted::Push,
        _ => Wanted::Other,
    }
}

fn log(layout: &Layout, request: &GitRequest) -> io::Result<()> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    std::fs::File::options()
        .append(true)
        .open(layout.git_log())?
        .write_all(&line)
}

async fn misbehave(behaviour: &Behaviour, path: &str, query: Option<&str>) -> Option<Response> {
    match behaviour.fault.as_ref()? {
        Fault::Silent => std::future::pending().await,
        Fault::Status(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::IM_A_TEAPOT);
            Some((status, "the lab was told to answer so\n").into_response())
        }
        Fault::Redirect(to) => {
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            Some(
                (
                    StatusCode::FOUND,
                    [("location", format!("{to}{path}{query}"))],
                )
                    .into_response(),
            )
        }
        Fault::Stall => None,
    }
}

fn is_allowed(behaviour: &Behaviour, headers: &HeaderMap) -> bool {
    let Some(token) = &behaviour.token else {
        return true;
    };
    basic::credentials(headers).is_some_and(|(_, password)| password == *token)
}

fn backend(
    layout: &Layout,
    method: &str,
    path: &str,
    query: &str,
    headers: &HeaderMap,
) -> io::Result<Child> {
    Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", layout.git_folder())
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REMOTE_USER", "lab")
        .env("CONTENT_TYPE", header(headers, "content-type"))
        .env("HTTP_CONTENT_ENCODING", header(headers, "content-encoding"))
        .env("GIT_PROTOCOL", header(headers, "git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

fn feed(child: &mut Child, body: Bytes) {
    if let Some(mut stdin) = child.stdin.take() {
        tokio::spawn(async move {
            let _ = stdin.write_all(&body).await;
        });
    }
}

/// Turns what the backend says (CGI: headers, an empty line, the body) into a response.
async fn respond(mut child: Child, stalls: bool) -> io::Result<Response> {
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("the backend has no output"))?;
    let mut reader = BufReader::new(stdout);
    let mut response = Response::builder();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        response = if name == "Status" {
            response.status(value.split(' ').next().unwrap_or_default())
        } else {
            response.header(name, value)
        };
    }
    let chunks = stream::unfold((child, reader, 0), move |state| next_chunk(state, stalls));
    response
        .body(Body::from_stream(chunks))
        .map_err(io::Error::other)
}

type Source = (Child, BufReader<ChildStdout>, usize);

/// The next piece of the body; with `stalls`, nothing ever after the first piece.
async fn next_chunk(state: Source, stalls: bool) -> Option<(io::Result<Bytes>, Source)> {
    let (child, mut reader, sent) = state;
    if stalls && sent > 0 {
        stream::pending::<()>().next().await;
    }
    let mut piece = vec![0; if stalls { 64 } else { 1 << 16 }];
    match reader.read(&mut piece).await {
        Ok(0) => None,
        Ok(size) => {
            piece.truncate(size);
            Some((Ok(Bytes::from(piece)), (child, reader, sent + size)))
        }
        Err(error) => Some((Err(error), (child, reader, sent))),
    }
}
