//! Credentials from Docker's configuration and its helpers.
//!
//! The helper named for a registry in `credHelpers` is asked first, else that of
//! `credsStore`, as Docker's client does; then what stands in `auths` counts. Nothing that a
//! helper prints gets into a message.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use dockerops_core::credentials::{Moment, Offered, Origin, ends};
use dockerops_core::secret::Secret;
use serde_json::{Value, json};

use super::error::RegistryError;

/// Under which Docker Hub's credentials are kept, whatever the name it is called by.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// How long a credential helper may take: some ask a cloud.
const PATIENCE: Duration = Duration::from_secs(30);

/// What proves to a registry who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    server: String,
    origin: Origin,
    pub(super) kind: Kind,
}

/// Why there is no credential, in words of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    what: String,
    /// The program that failed.
    helper: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Password {
        user: String,
        password: Secret,
    },
    /// A refresh token of OAuth 2.
    Identity(Secret),
}

impl Credential {
    /// The same for a decision whether nodes need it, if it was first seen then.
    pub fn offered(&self, first_seen: Moment) -> Offered {
        let ends = match &self.kind {
            Kind::Password { user, password } => ends(user, password, first_seen),
            Kind::Identity(token) => ends("", token, first_seen),
        };
        Offered {
            content: self.x_registry_auth(),
            ends,
            origin: self.origin,
        }
    }

    /// The value of the header `X-Registry-Auth` for the engine.
    pub fn x_registry_auth(&self) -> Secret {
        let text = |secret: &Secret| secret.expose_text().unwrap_or_default().to_owned();
        let fields = match &self.kind {
            Kind::Password { user, password } => json!({
                "username": user,
                "password": text(password),
                "serveraddress": self.server,
            }),
            Kind::Identity(token) => json!({
                "identitytoken": text(token),
                "serveraddress": self.server,
            }),
        };
        Secret::new(BASE64_URL_SAFE.encode(fields.to_string()))
    }
}

/// The credentials for `registry` in the `config.json` of `folder`.
pub(super) async fn read(
    folder: Option<PathBuf>,
    registry: &str,
) -> Result<Option<Credential>, Failure> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let key = match registry {
        "docker.io" => HUB_KEY.to_owned(),
        other => other.to_owned(),
    };
    // A helper is a program: it may take its time, but not all of ours.
    let lookup = tokio::task::spawn_blocking(move || look_up(&folder, &key));
    match tokio::time::timeout(PATIENCE, lookup).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => Err(failure("the lookup broke off")),
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            Err(failure(format!(
                "its credential helper did not answer within {seconds} s"
            )))
        }
    }
}

impl Failure {
    /// The same as the error of one registry.
    pub(super) fn of(self, registry: &str) -> RegistryError {
        let Self { what, helper } = self;
        let registry = registry.to_owned();
        RegistryError::Credentials {
            registry,
            what,
            helper,
        }
    }
}

fn failure(what: impl Into<String>) -> Failure {
    let what = what.into();
    Failure { what, helper: None }
}

fn look_up(folder: &Path, key: &str) -> Result<Option<Credential>, Failure> {
    let path = folder.join("config.json");
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failure(format!("`{}`: {error}", path.display()))),
    };
    let config: Value =
        serde_json::from_slice(&text).map_err(|_| failure("`config.json` is not readable JSON"))?;
    let asked = helper(&config, key).map(|helper| ask(&helper, key));
    let failed = match asked {
        Some(Ok(Some(credential))) => return Ok(Some(credential)),
        Some(Err(failure)) => Some(failure),
        Some(Ok(None)) | None => None,
    };
    match (in_file(config, key)?, failed) {
        (None, Some(failure)) => Err(failure),
        (found, _) => Ok(found),
    }
}

/// The helper to ask for `key`.
fn helper(config: &Value, key: &str) -> Option<String> {
    let own = config
        .get("credHelpers")
        .and_then(|helpers| helpers.get(key));
    let names = [own, config.get("credsStore")].into_iter().flatten();
    names
        .filter_map(Value::as_str)
        .find(|name| !name.is_empty())
        .map(str::to_owned)
}

fn ask(helper: &str, key: &str) -> Result<Option<Credential>, Failure> {
    let config = json!({"credsStore": helper});
    let found = credential(&config, key, Origin::Helper);
    found.map_err(|failed| Failure {
        helper: Some(format!("docker-credential-{helper}")),
        ..failed
    })
}

/// What stands in the file. An entry that only says that a helper has it says nothing.
fn in_file(mut config: Value, key: &str) -> Result<Option<Credential>, Failure> {
    let mut auths = config.get_mut("auths").map_or(json!({}), Value::take);
    let entries = auths
        .as_object_mut()
        .into_iter()
        .flat_map(|auths| auths.values_mut());
    for entry in entries.filter_map(Value::as_object_mut) {
        entry.retain(|_, value| value != "");
    }
    credential(&json!({"auths": auths}), key, Origin::File)
}

fn credential(config: &Value, key: &str, origin: Origin) -> Result<Option<Credential>, Failure> {
    let found = match get_credential_from_reader(config.to_string().as_bytes(), key) {
        Ok(found) => found,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failure(describe(&error))),
    };
    let kind = match found {
        DockerCredential::UsernamePassword(user, password) => Kind::Password {
            user,
            password: Secret::new(password),
        },
        DockerCredential::IdentityToken(token) => Kind::Identity(Secret::new(token)),
    };
    Ok(Some(Credential {
        server: key.to_owned(),
        origin,
        kind,
    }))
}

/// Whether the error only says that there are no credentials for this registry.
fn is_absent(error: &CredentialRetrievalError) -> bool {
    use CredentialRetrievalError as E;
    match error {
        E::NoCredentialConfigured | E::ConfigNotFound => true,
        // What all of Docker's helpers say (docker-credential-helpers, `credentials/error.go`).
        E::HelperFailure { stdout, stderr, .. } => {
            format!("{stdout}{stderr}").contains("credentials not found")
        }
        _ => false,
    }
}

/// In words of ours: a helper's output may hold anything.
fn describe(error: &CredentialRetrievalError) -> String {
    use CredentialRetrievalError as E;
    match error {
        E::HelperFailure { helper, .. } => format!("`{helper}` failed"),
        E::HelperCommunicationError => "its credential helper cannot be run".to_owned(),
        E::MalformedHelperResponse => "its credential helper answered nonsense".to_owned(),
        E::CredentialDecodingError => {
            "an entry of `auths` is not base64 of `user:password`".to_owned()
        }
        E::CredentialMismatchError => "an entry of `auths` contradicts itself".to_owned(),
        _ => "`auths` in `config.json` is not what Docker writes".to_owned(),
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn user(config: &Value, key: &str) -> Option<String> {
        let found = in_file(config.clone(), key).unwrap()?;
        match found.kind {
            Kind::Password { user, .. } => Some(user),
            Kind::Identity(_) => Some("<token>".to_owned()),
        }
    }

    #[test]
    fn helpers_come_before_what_stands_in_the_file() {
        let config = json!({
            "auths": {"r.example": {"username": "file", "password": "p"}},
            "credHelpers": {"r.example": "own", "empty.example": ""},
            "credsStore": "store",
        });
        assert_eq!(helper(&config, "r.example").as_deref(), Some("own"));
        assert_eq!(helper(&config, "empty.example").as_deref(), Some("store"));
        assert_eq!(helper(&config, "other.example").as_deref(), Some("store"));
        assert_eq!(helper(&json!({"credsStore": ""}), "r.example"), None);
    }

    #[test]
    fn an_entry_that_only_names_a_registry_holds_no_credentials() {
        let config = json!({"auths": {
            "bare.example": {},
            "empty.example": {"auth": "", "identitytoken": ""},
            "azure.example": {"auth": "MDA6", "identitytoken": "t"},
            HUB_KEY: {"auth": "bWU6cA=="},
        }});
        assert_eq!(user(&config, "bare.example"), None);
        assert_eq!(user(&config, "empty.example"), None);
        assert_eq!(user(&config, "absent.example"), None);
        assert_eq!(user(&config, "azure.example").as_deref(), Some("<token>"));
        assert_eq!(user(&config, HUB_KEY).as_deref(), Some("me"));
    }

    #[test]
    fn a_helper_that_is_missing_is_named() {
        let failure = ask("is-not-installed", "r.example").unwrap_err();
        let error = failure.of("r.example");
        assert!(
            error
                .to_string()
                .ends_with("its credential helper cannot be run")
        );
        let hint = error.hint().unwrap();
        assert!(
            hint.contains("`echo r.example | docker-credential-is-not-installed get`"),
            "{hint}"
        );
    }
}
