//! Credentials from Docker's configuration and its helpers.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use dockerops_core::secret::Secret;
use serde_json::json;

use super::error::RegistryError;

/// Under which Docker Hub's credentials are kept, whatever the name it is called by.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// What proves to a registry who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    server: String,
    pub(super) kind: Kind,
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
) -> Result<Option<Credential>, RegistryError> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let key = match registry {
        "docker.io" => HUB_KEY.to_owned(),
        other => other.to_owned(),
    };
    let failed = |what: String| RegistryError::Credentials {
        registry: registry.to_owned(),
        what,
    };
    // A helper is a program: it may take its time.
    let lookup = tokio::task::spawn_blocking(move || look_up(&folder, &key));
    match lookup.await {
        Ok(Ok(credential)) => Ok(credential),
        Ok(Err(what)) => Err(failed(what)),
        Err(_) => Err(failed("the lookup broke off".to_owned())),
    }
}

fn look_up(folder: &std::path::Path, key: &str) -> Result<Option<Credential>, String> {
    let path = folder.join("config.json");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("`{}`: {error}", path.display())),
    };
    let found = match get_credential_from_reader(io::BufReader::new(file), key) {
        Ok(found) => found,
        Err(error) => return absent(&error).map_or_else(|| Err(describe(&error)), |()| Ok(None)),
    };
    let kind = match found {
        DockerCredential::UsernamePassword(user, password) => Kind::Password {
            user,
            password: Secret::new(password),
        },
        DockerCredential::IdentityToken(token) => Kind::Identity(Secret::new(token)),
    };
    let server = key.to_owned();
    Ok(Some(Credential { server, kind }))
}

/// Whether the error only says that there are no credentials for this registry.
fn absent(error: &CredentialRetrievalError) -> Option<()> {
    use CredentialRetrievalError as E;
    match error {
        E::NoCredentialConfigured | E::ConfigNotFound => Some(()),
        // What all of Docker's helpers say (docker-credential-helpers, `credentials/error.go`).
        E::HelperFailure { stdout, stderr, .. }
            if format!("{stdout}{stderr}").contains("credentials not found") =>
        {
            Some(())
        }
        _ => None,
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
        _ => "`config.json` is not readable JSON".to_owned(),
    }
}
