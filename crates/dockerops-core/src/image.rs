//! Image references, read by the rules of `distribution/reference`, as Docker's client does.
//!
//! An [`ImageRef`] is always complete: it has a registry and a repository path,
//! and a tag unless a digest alone was given. Two spellings of one image
//! (`nginx`, `docker.io/library/nginx:latest`) are equal values.

use std::fmt;

/// The registry of names without one.
const DOCKER_HUB: &str = "docker.io";
/// Docker Hub's name of old, still accepted.
const DOCKER_HUB_OLD: &str = "index.docker.io";
/// The folder of Docker Hub's images without one.
const OFFICIAL: &str = "library";

/// A checked image reference: `registry/repository[:tag][@digest]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// A string is not usable as an image reference. It may come from an
/// interpolated value, so the message does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidImage {
    /// Nothing was written.
    #[error("an image name is empty")]
    Empty,
    /// 64 hexadecimal characters: an image id, which no registry can resolve.
    #[error("an image id is not an image name")]
    BareId,
    /// Upper case in the path: Docker's most common complaint.
    #[error("the repository part of an image name must be lowercase")]
    UpperCase,
    /// The registry is no host name.
    #[error("the registry of an image name is not `host` or `host:port`")]
    Registry,
    /// The path has a character or an order of separators that is not allowed.
    #[error("an image name is malformed")]
    Repository,
    /// The part after `:`.
    #[error("the tag of an image name is malformed")]
    Tag,
    /// The part after `@`.
    #[error("the digest of an image name is malformed")]
    Digest,
    /// Registry and path together exceed 255 characters.
    #[error("an image name has more than 255 characters")]
    TooLong,
}

impl InvalidImage {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::BareId => "Name the image by repository and tag, such as `nginx:1.27`.",
            Self::UpperCase => "Write the repository in lower case.",
            Self::Digest => "Write a digest as `@sha256:` and 64 lower-case hexadecimal digits.",
            _ => "Write an image as `[registry[:port]/]repository[:tag][@digest]`.",
        };
        Some(text.to_owned())
    }
}

impl ImageRef {
    /// Reads `text` as written in a compose file.
    ///
    /// Source of the rules: `distribution/reference`, `ParseNormalizedNamed` and `TagNameOnly`.
    pub fn parse(text: &str) -> Result<Self, InvalidImage> {
        if text.is_empty() {
            return Err(InvalidImage::Empty);
        }
        if text.len() == 64 && text.bytes().all(is_lower_hex) {
            return Err(InvalidImage::BareId);
        }
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(checked_digest(digest)?)),
            None => (text, None),
        };
        let (registry, rest) = split_registry(named);
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(checked_tag(tag)?)),
            None => (rest, None),
        };
        let repository = checked_repository(registry, path)?;
        let tag = match (tag, &digest) {
            (None, None) => Some("latest".to_owned()),
            (tag, _) => tag,
        };
        Ok(Self {
            registry: registry.to_owned(),
            repository,
            tag,
            digest,
        })
    }

    /// The registry's host, with its port if it has one: `docker.io`, `[::1]:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path in the registry: `library/nginx`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag: `latest` where none was written, `None` beside a digest without one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest: `sha256:…`.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The same image, pinned to `digest`.
    pub fn with_digest(&self, digest: &str) -> Result<Self, InvalidImage> {
        Ok(Self {
            digest: Some(checked_digest(digest)?),
            ..self.clone()
        })
    }

    /// The same image as its tag says, without the pin.
    #[must_use]
    pub fn without_digest(&self) -> Self {
        Self {
            digest: None,
            ..self.clone()
        }
    }

    /// The name as people write it and as Docker's client sends it: `nginx:1.27@sha256:…`.
    ///
    /// Docker Hub and its `library/` are left out (`reference.FamiliarString`).
    pub fn familiar(&self) -> String {
        self.suffixed(self.familiar_name())
    }

    /// The name without tag and digest, as people write it: `nginx`.
    pub fn familiar_name(&self) -> String {
        if self.registry != DOCKER_HUB {
            return format!("{}/{}", self.registry, self.repository);
        }
        match self.repository.split_once('/') {
            Some((OFFICIAL, name)) if !name.contains('/') => name.to_owned(),
            _ => self.repository.clone(),
        }
    }

    fn suffixed(&self, mut name: String) -> String {
        for (mark, part) in [(':', &self.tag), ('@', &self.digest)] {
            if let Some(part) = part {
                name.push(mark);
                name.push_str(part);
            }
        }
        name
    }
}

/// The complete form: `docker.io/library/nginx:1.27@sha256:…`.
impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.suffixed(format!("{}/{}", self.registry, self.repository)))
    }
}

/// What stands before the first `/` is a registry when it looks like a host
/// (`splitDockerDomain`).
fn split_registry(named: &str) -> (&str, &str) {
    match named.split_once('/') {
        Some((DOCKER_HUB_OLD, rest)) => (DOCKER_HUB, rest),
        Some((host, rest)) if looks_like_host(host) => (host, rest),
        _ => (DOCKER_HUB, named),
    }
}

fn looks_like_host(first: &str) -> bool {
    first.contains(['.', ':'])
        || first == "localhost"
        || first.bytes().any(|b| b.is_ascii_uppercase())
}

fn checked_repository(registry: &str, path: &str) -> Result<String, InvalidImage> {
    if path.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(InvalidImage::UpperCase);
    }
    if !is_host(registry) {
        return Err(InvalidImage::Registry);
    }
    if !path.split('/').all(is_path_component) {
        return Err(InvalidImage::Repository);
    }
    let path = if registry == DOCKER_HUB && !path.contains('/') {
        format!("{OFFICIAL}/{path}")
    } else {
        path.to_owned()
    };
    if registry.len() + 1 + path.len() > 255 {
        return Err(InvalidImage::TooLong);
    }
    Ok(path)
}

/// A host name, an IPv4 address or an IPv6 address in brackets, with an optional port.
fn is_host(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        let hex = |b: u8| b.is_ascii_hexdigit() || b == b':';
        return !address.is_empty()
            && address.bytes().all(hex)
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    match text.split_once(':') {
        Some((host, port)) => is_host_name(host) && is_port(port),
        None => is_host_name(text),
    }
}

fn is_host_name(host: &str) -> bool {
    host.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
}

/// Letters and digits, separated by one `.`, one or two `_`, or any number of `-`.
fn is_path_component(text: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let edge = |b: Option<u8>| b.is_some_and(alphanumeric);
    let separators = text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let separated =
        |run: &str| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|b| b == b'-');
    edge(text.bytes().next()) && edge(text.bytes().last()) && separators.into_iter().all(separated)
}

fn checked_tag(tag: &str) -> Result<String, InvalidImage> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let first = tag.bytes().next().is_some_and(word);
    let rest = tag.bytes().all(|b| word(b) || b == b'.' || b == b'-');
    if first && rest && tag.len() <= 128 {
        return Ok(tag.to_owned());
    }
    Err(InvalidImage::Tag)
}

fn checked_digest(digest: &str) -> Result<String, InvalidImage> {
    let (algorithm, hex) = digest.split_once(':').ok_or(InvalidImage::Digest)?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(InvalidImage::Digest),
    };
    if hex.len() == length && hex.bytes().all(is_lower_hex) {
        return Ok(digest.to_owned());
    }
    Err(InvalidImage::Digest)
}

fn is_lower_hex(b: u8) -> bool {
    b.is_ascii_digit() || (b'a'..=b'f').contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> String {
        format!("sha256:{}", "ab".repeat(32))
    }

    fn parts(text: &str) -> String {
        ImageRef::parse(text).unwrap().to_string()
    }

    #[test]
    fn names_are_completed_as_docker_completes_them() {
        for (written, complete) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.27", "docker.io/library/nginx:1.27"),
            ("grafana/grafana", "docker.io/grafana/grafana:latest"),
            ("docker.io/nginx", "docker.io/library/nginx:latest"),
            ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
            ("localhost/x", "localhost/x:latest"),
            ("localhost:5000/x:2", "localhost:5000/x:2"),
            ("ghcr.io/a/b/c:v1", "ghcr.io/a/b/c:v1"),
            ("[::1]:5000/x", "[::1]:5000/x:latest"),
            ("[2001:db8::1]/x:1", "[2001:db8::1]/x:1"),
            ("MYHOST/x", "MYHOST/x:latest"),
            ("a_b/c--d__e.f", "docker.io/a_b/c--d__e.f:latest"),
        ] {
            assert_eq!(parts(written), complete, "{written}");
        }
    }

    #[test]
    fn a_digest_alone_gets_no_tag() {
        let text = format!("nginx@{}", digest());
        let image = ImageRef::parse(&text).unwrap();
        assert_eq!((image.tag(), image.digest()), (None, Some(&*digest())));
        assert_eq!(image.familiar(), text);
    }

    #[test]
    fn a_pinned_name_reads_as_dockers_client_sends_it() {
        for (written, familiar) in [
            ("docker.io/library/nginx", "nginx:latest"),
            ("docker.io/library/a/b:1", "library/a/b:1"),
            ("docker.io/grafana/loki:3", "grafana/loki:3"),
            ("127.0.0.1:5000/x", "127.0.0.1:5000/x:latest"),
        ] {
            let pinned = ImageRef::parse(written).unwrap().with_digest(&digest());
            assert_eq!(
                pinned.unwrap().familiar(),
                format!("{familiar}@{}", digest())
            );
        }
    }

    #[test]
    fn what_docker_refuses_is_refused() {
        use InvalidImage as No;
        for (text, why) in [
            ("", No::Empty),
            (&*"ab".repeat(32), No::BareId),
            ("Nginx", No::UpperCase),
            ("a/B:1", No::UpperCase),
            ("nginx:", No::Tag),
            ("nginx:-x", No::Tag),
            ("nginx:a b", No::Tag),
            ("nginx@sha256:abc", No::Digest),
            ("nginx@md5:d41d8cd98f00b204e9800998ecf8427e", No::Digest),
            ("-nginx", No::Repository),
            ("a//b", No::Repository),
            ("a___b", No::Repository),
            ("a..b", No::Repository),
            ("nginx\n", No::Repository),
            ("a.b:port/x", No::Registry),
            ("[::1/x", No::Registry),
            ("http://a.b/x", No::Registry),
            (&*"a".repeat(256), No::TooLong),
        ] {
            assert_eq!(ImageRef::parse(text), Err(why), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_what_is_shown_gives_the_same_image(text in "[a-z0-9./:_-]{1,40}") {
            if let Ok(image) = ImageRef::parse(&text) {
                proptest::prop_assert_eq!(ImageRef::parse(&image.to_string()), Ok(image.clone()));
                proptest::prop_assert_eq!(ImageRef::parse(&image.familiar()), Ok(image));
            }
        }
    }
}
