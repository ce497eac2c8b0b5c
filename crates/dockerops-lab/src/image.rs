//! Stub images: a static busybox and a marker that decides the digest.
//!
//! Written straight to the registry's API, so no engine, no build and no internet is needed. The
//! busybox layer is the same for all, so an engine pulls it once. The image stops by `SIGKILL`:
//! a stub has nothing to save, and tests need not wait ten seconds for it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::{Doing, LabError};
use crate::http;
use crate::tar::Tar;

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const APPLETS: &str = "sh sleep httpd nc cat ls echo env hostname mkdir touch rm stat wget true false kill id test printf chmod grep date";

/// What a stub image is besides busybox.
#[derive(Debug, Clone, Copy)]
pub struct Stub<'a> {
    /// What it runs when it is told nothing else.
    pub command: &'a [&'a str],
    /// Programs of its own in `/bin`: name and script.
    pub programs: &'a [(&'a str, &'a str)],
    /// Another marker is another digest.
    pub marker: &'a str,
}

impl<'a> Stub<'a> {
    /// One that sleeps.
    pub fn sleeper(marker: &'a str) -> Self {
        Self {
            command: &["/bin/sleep", "1000000"],
            programs: &[],
            marker,
        }
    }
}

/// Pushes `name:tag` for amd64; gives the digest of its manifest.
pub(crate) fn push(
    registry: &Path,
    name: &str,
    tag: &str,
    stub: &Stub<'_>,
) -> Result<String, LabError> {
    let (body, _) = push_platform(registry, name, stub, "amd64")?;
    put_manifest(registry, name, tag, MANIFEST, &body)
}

/// Pushes `name:tag` as a list for amd64 and arm64 (which has nothing to run); gives the list's digest.
pub(crate) fn push_list(
    registry: &Path,
    name: &str,
    tag: &str,
    marker: &str,
) -> Result<String, LabError> {
    let mut entries = Vec::new();
    for platform in ["amd64", "arm64"] {
        let stub = Stub::sleeper(marker);
        let (body, digest) = push_platform(registry, name, &stub, platform)?;
        put_manifest(registry, name, &digest, MANIFEST, &body)?;
        entries.push(json!({
            "mediaType": MANIFEST, "size": body.len(), "digest": digest,
            "platform": {"architecture": platform, "os": "linux"},
        }));
    }
    let list = json!({"schemaVersion": 2, "mediaType": LIST, "manifests": entries});
    put_manifest(registry, name, tag, LIST, list.to_string().as_bytes())
}

/// Pushes layers and configuration; gives the manifest and its digest.
fn push_platform(
    registry: &Path,
    name: &str,
    stub: &Stub<'_>,
    platform: &str,
) -> Result<(Vec<u8>, String), LabError> {
    let layers = [busybox_layer()?, own_layer(stub)];
    let digests: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    let config = config(&digests, stub.command, platform);
    let config = config.to_string().into_bytes();
    for blob in layers.iter().chain([&config]) {
        put_blob(registry, name, blob)?;
    }
    let described: Vec<Value> = layers
        .iter()
        .zip(&digests)
        .map(|(layer, digest)| {
            json!({"mediaType": "application/vnd.docker.image.rootfs.diff.tar", "size": layer.len(), "digest": digest})
        })
        .collect();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "layers": described,
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": config.len(), "digest": digest(&config),
        },
    });
    let body = manifest.to_string().into_bytes();
    let digest = digest(&body);
    Ok((body, digest))
}

fn config(layers: &[String], command: &[&str], platform: &str) -> Value {
    json!({
        "architecture": platform, "os": "linux", "created": "2025-01-01T00:00:00Z",
        "config": {
            "Env": ["PATH=/bin"], "Cmd": command, "StopSignal": "SIGKILL",
        },
        "rootfs": {"type": "layers", "diff_ids": layers},
    })
}

fn busybox_layer() -> Result<Vec<u8>, LabError> {
    let busybox = fs::read("/bin/busybox").doing(|| "cannot read `/bin/busybox`".to_owned())?;
    let mut tar = Tar::default();
    for folder in ["bin/", "etc/", "tmp/", "www/"] {
        tar.folder(folder);
    }
    tar.file("bin/busybox", &busybox);
    for applet in APPLETS.split(' ') {
        tar.link(&format!("bin/{applet}"), "busybox");
    }
    Ok(tar.finish())
}

fn own_layer(stub: &Stub<'_>) -> Vec<u8> {
    let mut tar = Tar::default();
    tar.file("marker", stub.marker.as_bytes());
    for (name, script) in stub.programs {
        tar.file(
            &format!("bin/{name}"),
            format!("#!/bin/sh\n{script}\n").as_bytes(),
        );
    }
    tar.finish()
}

fn put_blob(registry: &Path, name: &str, blob: &[u8]) -> Result<(), LabError> {
    let digest = digest(blob);
    if http::request(
        registry,
        "HEAD",
        &format!("/v2/{name}/blobs/{digest}"),
        &[],
        &[],
    )
    .is_ok()
    {
        return Ok(());
    }
    let upload = http::request(
        registry,
        "POST",
        &format!("/v2/{name}/blobs/uploads/"),
        &[],
        &[],
    )?;
    let unreadable = || LabError::Unreadable {
        what: "the registry's place for a blob".to_owned(),
    };
    let location = upload.header("location").ok_or_else(unreadable)?;
    let path = location
        .find("/v2/")
        .and_then(|start| location.get(start..))
        .ok_or_else(unreadable)?;
    let kind = [("Content-Type", "application/octet-stream")];
    http::request(
        registry,
        "PUT",
        &format!("{path}&digest={digest}"),
        &kind,
        blob,
    )
    .map(|_| ())
}

fn put_manifest(
    registry: &Path,
    name: &str,
    tag: &str,
    kind: &str,
    body: &[u8],
) -> Result<String, LabError> {
    let path = format!("/v2/{name}/manifests/{tag}");
    http::request(registry, "PUT", &path, &[("Content-Type", kind)], body)?;
    Ok(digest(body))
}

fn digest(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash.iter().fold("sha256:".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    })
}
