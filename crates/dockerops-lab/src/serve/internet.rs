//! What a machine without an internet takes for one: the hosts of `layout::INTERNET`, all at the hub's address, over TLS.
//!
//! Registries are those of the hub. Every other host serves the files in its folder (a symbolic link there is a
//! redirect), and Git: `https://github.com/you/stacks` is the lab's repository `you-stacks`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{HOST, LOCATION};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use crate::layout::{
    DOCKER_HUB, HUB, INTERNET, INTERNET_PORT, LOGIN_REGISTRY, Layout, PRIVATE_REGISTRY_PORT,
    REGISTRY_PORT,
};
use crate::serve::git;
use crate::serve::relay::relay_tls;

/// Stands for the internet of the lab in `folder` until it is killed.
pub async fn serve(folder: PathBuf) -> io::Result<()> {
    let layout = Arc::new(Layout { folder, nodes: 0 });
    let listener = TcpListener::bind((HUB, INTERNET_PORT)).await?;
    let app = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&layout));
    let (certificate, key) = (layout.certificate(), layout.certificate_key());
    let encrypted = relay_tls((HUB, 443), server_of, &certificate, &key);
    tokio::try_join!(axum::serve(listener, app).into_future(), encrypted).map(|_| ())
}

fn server_of(host: &str) -> String {
    let port = match host {
        DOCKER_HUB => REGISTRY_PORT,
        LOGIN_REGISTRY => PRIVATE_REGISTRY_PORT,
        _ => INTERNET_PORT,
    };
    format!("{HUB}:{port}")
}

async fn answer(State(layout): State<Arc<Layout>>, request: Request) -> Response {
    let host = request.headers().get(HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let path = request.uri().path().trim_start_matches('/');
    let leaves = path.split('/').any(|part| part == "..");
    if leaves || !INTERNET.contains(&host) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let file = layout.internet_folder().join(host).join(path);
    if let Ok(target) = std::fs::read_link(&file) {
        let target = [(LOCATION, target.to_string_lossy().into_owned())];
        return (StatusCode::FOUND, target).into_response();
    }
    match std::fs::read(&file) {
        Ok(content) => content.into_response(),
        Err(_) => git::answer(State(layout), request).await,
    }
}
