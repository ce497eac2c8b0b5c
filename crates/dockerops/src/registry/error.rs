//! What can go wrong with a registry, and the way out.

use std::time::Duration;

/// A reference could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The HTTP client cannot be made.
    #[error("cannot prepare HTTP for registries")]
    Client(#[source] reqwest::Error),
    /// Nobody answers, or not in time.
    #[error("cannot reach the registry `{registry}`, needed for `{image}`")]
    Unreachable {
        /// The registry's host.
        registry: String,
        /// The image.
        image: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The credentials are missing, wrong or not enough.
    #[error(
        "the registry `{registry}` does not let us read `{image}`{}",
        said(message)
    )]
    Unauthorised {
        /// The registry's host.
        registry: String,
        /// The image.
        image: String,
        /// Whether credentials were sent.
        had_credentials: bool,
        /// The registry's sentence; may be empty.
        message: String,
    },
    /// It is not there.
    #[error("the registry `{registry}` has no image `{image}`")]
    NotFound {
        /// The registry's host.
        registry: String,
        /// The image.
        image: String,
    },
    /// Too many requests.
    #[error("the registry `{registry}` limits requests: asked for `{image}` too often")]
    RateLimited {
        /// The registry's host.
        registry: String,
        /// The image.
        image: String,
        /// What `Retry-After` asks for.
        retry_after: Option<Duration>,
        /// Whether credentials were sent.
        had_credentials: bool,
    },
    /// The answer is not what a registry answers.
    #[error(
        "the registry `{registry}` answered something else for `{image}` than expected: {what}"
    )]
    BadAnswer {
        /// The registry's host.
        registry: String,
        /// The image.
        image: String,
        /// What, in a few words.
        what: String,
    },
    /// Docker's configuration or a credential helper failed.
    #[error("cannot get the credentials for the registry `{registry}`: {what}")]
    Credentials {
        /// The registry's host.
        registry: String,
        /// What failed; no value of a credential.
        what: String,
        /// The credential helper that failed, if one did.
        helper: Option<String>,
    },
}

fn said(message: &str) -> String {
    if message.is_empty() {
        return String::new();
    }
    format!(": {message}")
}

impl RegistryError {
    /// One sentence that gets the reader unstuck.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Client(_) => None,
            Self::Unreachable { source, registry, .. } => {
                Some(hint_of_certificate(&words_of(source), registry).unwrap_or_else(|| format!(
                    "Check that `{registry}` is up; if it speaks plain HTTP, add it to `DOCKEROPS_INSECURE_REGISTRIES`."
                )))
            }
            Self::Unauthorised {
                had_credentials: true,
                registry,
                ..
            } => Some(format!(
                "Log in again with `{}`, as an account that may read the image.",
                login(registry)
            )),
            Self::Unauthorised { registry, .. } => Some(format!(
                "Check the image's name; if it is private, log in with `{}` as the user that DockerOps runs as.",
                login(registry)
            )),
            Self::NotFound { .. } => {
                Some("Check the image's name and tag, or push it first.".to_owned())
            }
            Self::RateLimited {
                had_credentials: false,
                registry,
                ..
            } => Some(format!(
                "Log in with `{}`: accounts have a higher limit.",
                login(registry)
            )),
            Self::RateLimited { retry_after, .. } => Some(retry_after.map_or_else(
                || "Try again later.".to_owned(),
                |after| format!("Try again in {} s.", after.as_secs()),
            )),
            Self::BadAnswer { registry, .. } => Some(format!(
                "Check that `{registry}` is a registry of the OCI distribution specification."
            )),
            Self::Credentials { registry, helper: Some(helper), .. } => Some(format!(
                "Run `echo {registry} | {helper} get` as the user that DockerOps runs as, to see what it says."
            )),
            Self::Credentials { .. } => Some(
                "Correct `config.json` in the folder of `DOCKER_CONFIG`, or log in again with `docker login`."
                    .to_owned(),
            ),
        }
    }

    /// Whether the registry says that the image does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

/// The whole chain of `error`: of certificates the TLS library tells in words alone.
fn words_of(error: &reqwest::Error) -> String {
    let first: &dyn std::error::Error = error;
    let chain = std::iter::successors(Some(first), |error| error.source());
    chain
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// What to do about a certificate that was not accepted; `None` when `words` tell of none.
fn hint_of_certificate(words: &str, registry: &str) -> Option<String> {
    let has = |part: &str| words.contains(part);
    if has("UnknownIssuer") || has("CaUsedAsEndEntity") {
        return Some(format!(
            "Install `ca-certificates`, and see that `SSL_CERT_FILE` is right if it is set; if `{registry}` has an authority of its own, make it known to this machine (`update-ca-certificates`)."
        ));
    }
    has("invalid peer certificate").then(|| {
        format!("See whether this machine's clock is right, and whom the certificate of `{registry}` names and until when.")
    })
}

fn login(registry: &str) -> String {
    if registry == "docker.io" {
        return "docker login".to_owned();
    }
    format!("docker login {registry}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_not_accepted_has_a_hint_of_its_own() {
        let hint = |words: &str| {
            let words = format!("error sending request: client error (Connect): {words}");
            hint_of_certificate(&words, "r.example").unwrap_or_default()
        };
        let unknown = hint("invalid peer certificate: UnknownIssuer");
        assert!(unknown.contains("Install `ca-certificates`"), "{unknown}");
        let expired = hint("invalid peer certificate: Expired");
        assert!(
            expired.contains("clock") && !expired.contains("Install"),
            "{expired}"
        );
        assert_eq!(hint("tcp connect error: Connection refused"), "");
    }
}
