//! Digest and platforms out of manifests.

use std::fmt::Write as _;

use dockerops_core::image::ImageRef;
use dockerops_core::plan::Platform;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Registry;
use super::error::RegistryError;
use super::http::unreachable;

/// Manifests and image configs are small; what is larger is none.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// What was found behind a reference.
pub(super) struct Found {
    pub(super) digest: String,
    /// The manifest, when it had to be read anyway.
    manifest: Option<Value>,
}

impl Registry {
    /// The digest, without reading the manifest where the registry names it.
    pub(super) async fn head(&self, image: &ImageRef) -> Result<Found, RegistryError> {
        let path = format!("manifests/{}", reference(image));
        let response = self.ask(Method::HEAD, image, &path).await?;
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            return self.read(image, &path).await;
        }
        if !response.status().is_success() {
            return Err(self.refused(image, response).await);
        }
        refuse_schema1(image, &response)?;
        match digest_header(&response) {
            Some(digest) => Ok(Found {
                digest,
                manifest: None,
            }),
            None => self.read(image, &path).await,
        }
    }

    /// The digest by reading the manifest: some registries name none.
    async fn read(&self, image: &ImageRef, path: &str) -> Result<Found, RegistryError> {
        let (body, header) = self.body(image, path).await?;
        let digest = header.unwrap_or_else(|| sha256(&body));
        let manifest = parse(image, &body)?;
        Ok(Found {
            digest,
            manifest: Some(manifest),
        })
    }

    /// What the image of a digest that is known already runs on.
    pub async fn platforms_of(
        &self,
        image: &ImageRef,
        digest: &str,
    ) -> Result<Vec<Platform>, RegistryError> {
        let found = Found {
            digest: digest.to_owned(),
            manifest: None,
        };
        self.platforms(image, &found).await
    }

    /// What the image runs on, in the words of Docker's client.
    pub(super) async fn platforms(
        &self,
        image: &ImageRef,
        found: &Found,
    ) -> Result<Vec<Platform>, RegistryError> {
        let manifest = if let Some(manifest) = &found.manifest {
            manifest.clone()
        } else {
            let path = format!("manifests/{}", found.digest);
            self.verified(image, &path, &found.digest).await?
        };
        if let Some(entries) = manifest["manifests"].as_array() {
            let entries = entries.iter().map(|entry| &entry["platform"]);
            let known = entries.filter(|platform| platform.is_object());
            return Ok(known.map(platform).collect());
        }
        let Some(config) = manifest["config"]["digest"].as_str() else {
            return Err(bad_answer(image, "neither an index nor a manifest"));
        };
        let path = format!("blobs/{config}");
        let config = self.verified(image, &path, config).await?;
        Ok(vec![platform(&config)])
    }

    /// Reads JSON whose content must have this digest.
    async fn verified(
        &self,
        image: &ImageRef,
        path: &str,
        digest: &str,
    ) -> Result<Value, RegistryError> {
        let (body, _) = self.body(image, path).await?;
        if digest.starts_with("sha256:") && sha256(&body) != digest {
            return Err(bad_answer(image, "content that does not have its digest"));
        }
        parse(image, &body)
    }

    /// Body and `Docker-Content-Digest` of a GET.
    async fn body(
        &self,
        image: &ImageRef,
        path: &str,
    ) -> Result<(Vec<u8>, Option<String>), RegistryError> {
        let mut response = self.ask(Method::GET, image, path).await?;
        if !response.status().is_success() {
            return Err(self.refused(image, response).await);
        }
        refuse_schema1(image, &response)?;
        let digest = digest_header(&response);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(image, e))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BODY {
                return Err(bad_answer(image, "a manifest of more than 8 MiB"));
            }
        }
        Ok((body, digest))
    }
}

/// What stands for the image in a path: the digest where one is given.
fn reference(image: &ImageRef) -> &str {
    image.digest().or(image.tag()).unwrap_or("latest")
}

fn digest_header(response: &Response) -> Option<String> {
    let value = response.headers().get("docker-content-digest")?;
    let digest = value.to_str().ok()?;
    // Checked by the same rules as a written one.
    let image = ImageRef::parse("x").ok()?.with_digest(digest).ok()?;
    image.digest().map(str::to_owned)
}

/// A `schema1` manifest is made up by old registries; its digest is that of nothing.
fn refuse_schema1(image: &ImageRef, response: &Response) -> Result<(), RegistryError> {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.contains("manifest.v1+") && kind.contains("docker.distribution") {
        return Err(bad_answer(
            image,
            "an image of the outdated format schema 1",
        ));
    }
    Ok(())
}

fn sha256(body: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(body) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn parse(image: &ImageRef, body: &[u8]) -> Result<Value, RegistryError> {
    serde_json::from_slice(body).map_err(|_| bad_answer(image, "a manifest that is not JSON"))
}

/// `os` and `architecture`. The architecture of 32-bit ARM is left out, as nodes
/// call it `armv7l` and would never match (docker/cli `service/create`, swarmkit #2294).
fn platform(json: &Value) -> Platform {
    let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
    let architecture = text("architecture");
    Platform {
        os: text("os"),
        architecture: if architecture.eq_ignore_ascii_case("arm") {
            String::new()
        } else {
            architecture
        },
    }
}

fn bad_answer(image: &ImageRef, what: &str) -> RegistryError {
    RegistryError::BadAnswer {
        registry: image.registry().to_owned(),
        image: image.familiar(),
        what: what.to_owned(),
    }
}
