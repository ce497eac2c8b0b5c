//! Image reference → digest and platforms, from any OCI registry.
//!
//! A digest is asked for with HEAD, which Docker Hub does not count; a manifest
//! is only read when its digest is new to the caller.
//!
//! **Invariants**
//!
//! - All four manifest types are accepted in every request: with fewer, a registry
//!   answers another manifest's digest and says nothing.
//! - Credentials go to the registry that they are for, and to the token server that
//!   it names; never across a redirect to another host, never into a message.
//! - Plain HTTP is spoken to loopback and to the registries listed for it only.

mod auth;
mod clock;
mod credentials;
mod error;
mod http;
mod manifest;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use dockerops_core::image::ImageRef;
use dockerops_core::plan::Platform;
use tokio::sync::Mutex;

pub use self::credentials::Credential;
pub use self::error::RegistryError;

/// How registries are spoken to. Nothing is read from the environment here.
#[derive(Debug, Clone)]
pub struct RegistrySettings {
    /// The folder of Docker's configuration, `DOCKER_CONFIG` or `~/.docker`.
    pub docker_config: Option<PathBuf>,
    /// `DOCKEROPS_INSECURE_REGISTRIES`: `host[:port]` spoken to over plain HTTP.
    pub insecure: Vec<String>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a registry may stay silent.
    pub stall_timeout: Duration,
    /// How long `Retry-After` is obeyed in all, for one image, before it is an error.
    pub patience: Duration,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        Self {
            docker_config: None,
            insecure: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            patience: Duration::from_secs(60),
        }
    }
}

/// What a reference stands for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// `sha256:…`; of the index where there is one.
    pub digest: String,
    /// What it runs on; `None` when the digest is the known one.
    pub platforms: Option<Vec<Platform>>,
}

/// Asks registries. One value serves one run: tokens and credentials are kept in it.
#[derive(Debug)]
pub struct Registry {
    /// Made when first used: reading the system's certificates takes 20 ms.
    http: OnceLock<reqwest::Client>,
    /// Follows no redirect: for requests with a token in their body.
    no_redirect: OnceLock<reqwest::Client>,
    settings: RegistrySettings,
    /// `Authorization` by registry and repository, once it was asked for.
    authorizations: Mutex<BTreeMap<(String, String), auth::Authorization>>,
    /// By registry; also what failed, so that a helper is asked once.
    credentials: Mutex<BTreeMap<String, Result<Option<Credential>, credentials::Failure>>>,
}

impl Registry {
    /// Prepares to ask registries; nothing is sent.
    pub fn new(settings: RegistrySettings) -> Self {
        Self {
            http: OnceLock::new(),
            no_redirect: OnceLock::new(),
            settings,
            authorizations: Mutex::default(),
            credentials: Mutex::default(),
        }
    }

    fn http(&self) -> Result<reqwest::Client, RegistryError> {
        made(&self.http, &self.settings, http::redirects)
    }

    fn no_redirect(&self) -> Result<reqwest::Client, RegistryError> {
        made(
            &self.no_redirect,
            &self.settings,
            reqwest::redirect::Policy::none,
        )
    }

    /// The digest of `image`, and its platforms unless the digest is `known`.
    ///
    /// An image with a digest is checked to be there.
    pub async fn resolve(
        &self,
        image: &ImageRef,
        known: Option<&str>,
    ) -> Result<Resolved, RegistryError> {
        let found = self.head(image).await?;
        if known == Some(found.digest.as_str()) {
            return Ok(Resolved {
                digest: found.digest,
                platforms: None,
            });
        }
        let platforms = self.platforms(image, &found).await?;
        Ok(Resolved {
            digest: found.digest,
            platforms: Some(platforms),
        })
    }

    /// The credentials for the registry of `image`, from Docker's configuration.
    /// `None` when there are none.
    pub async fn credential(&self, image: &ImageRef) -> Result<Option<Credential>, RegistryError> {
        let registry = image.registry();
        let mut known = self.credentials.lock().await;
        if let Some(found) = known.get(registry) {
            return found.clone().map_err(|failure| failure.of(registry));
        }
        let folder = self.settings.docker_config.clone();
        let found = credentials::read(folder, registry).await;
        known.insert(registry.to_owned(), found.clone());
        found.map_err(|failure| failure.of(registry))
    }
}

/// The client in `slot`, made now if it was not.
fn made(
    slot: &OnceLock<reqwest::Client>,
    settings: &RegistrySettings,
    redirects: impl Fn() -> reqwest::redirect::Policy,
) -> Result<reqwest::Client, RegistryError> {
    if let Some(client) = slot.get() {
        return Ok(client.clone());
    }
    let client = http::client(settings, redirects)?;
    Ok(slot.get_or_init(|| client).clone())
}

#[cfg(test)]
mod tests;
