//! Which image a service runs: the text of the compose file, pinned to a digest.
//!
//! A pin that we sent is the label `dockerops.pin`. It is kept while the image
//! text is the same, so a registry that is down changes nothing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::inputs::{ImageNeed, NeedWhy, Platform, PullPolicy, Resolution};
use super::ownership::labels_of;
use crate::body::Body;
use crate::image::{ImageRef, InvalidImage};
use crate::names::label;
use crate::observed::{Observed, Service};
use crate::spec::{ServiceSpec, StackSpec};

/// The image to send.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    /// `ContainerSpec.Image`: `name:tag@sha256:…`.
    pub(super) image: String,
    /// For the label; `None` when the text has a digest itself, or there is none.
    pub(super) pin: Option<String>,
    /// `Placement.Platforms` to send; `None` keeps those in use.
    pub(super) platforms: Option<Body>,
    /// Whether no registry has it.
    pub(super) local: bool,
}

/// No image can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoImage {
    /// The text is no image reference.
    Invalid(InvalidImage),
    /// Nobody said what it stands for.
    Unresolved,
}

/// Chooses the image of `service`; one that is `ignored` is what runs.
pub(super) fn choose(
    service: &ServiceSpec,
    live: Option<&Service>,
    resolution: Option<&Resolution>,
    ignored: bool,
    pull: PullPolicy,
) -> Result<Chosen, NoImage> {
    let text = ImageRef::parse(&service.image.value).map_err(NoImage::Invalid)?;
    if let Some(live) = live.filter(|_| ignored)
        && let Some(image) = live_image(&live.spec)
    {
        let pin = labels_of(live).get(label::PIN).cloned();
        return Ok(unchanged(image.to_owned(), pin));
    }
    if text.digest().is_some() {
        return Ok(unchanged(text.familiar(), None));
    }
    let kept = live.and_then(|live| in_use(&service.image.value, &text, live));
    match (kept, resolution) {
        (Some(kept), _) if pull != PullPolicy::Always => Ok(kept),
        (Some(kept), None | Some(Resolution::Local | Resolution::Unknown)) => Ok(kept),
        (Some(kept), Some(Resolution::Pinned { digest, .. }))
            if kept.pin.as_ref() == Some(digest) =>
        {
            Ok(kept)
        }
        (_, Some(Resolution::Pinned { digest, platforms })) => pinned(&text, digest, platforms),
        (None, Some(Resolution::Local)) => Ok(Chosen {
            local: true,
            platforms: Some(Body::List(Vec::new())),
            ..unchanged(text.familiar(), None)
        }),
        // As for Docker's client, platforms of an earlier digest mean nothing here.
        (None, Some(Resolution::Unknown)) => Ok(Chosen {
            platforms: Some(Body::List(Vec::new())),
            ..unchanged(text.familiar(), None)
        }),
        (None, None) => Err(NoImage::Unresolved),
    }
}

/// The image texts that nothing on the Swarm says the digest of; where images are `ignored`, only
/// those of new services.
pub(super) fn needed(
    desired: &StackSpec,
    observed: &Observed,
    ignored: bool,
    pull: PullPolicy,
) -> Vec<ImageNeed> {
    let mut needs: BTreeMap<&str, ImageNeed> = BTreeMap::new();
    for service in &desired.services {
        let live = observed.services.iter().find(|s| s.name == service.name);
        let why = need(service, live, pull);
        let Some(why) = why.filter(|_| live.is_none() || !ignored) else {
            continue;
        };
        let image = service.image.value.as_str();
        let need = needs.entry(image).or_insert_with(|| ImageNeed {
            image: image.to_owned(),
            why,
            services: Vec::new(),
        });
        need.why = need.why.min(why);
        need.services.push(service.name.clone());
    }
    needs.into_values().collect()
}

/// What each image text of `desired` stands for once it is deployed: as `resolved` now,
/// else as it is in use. Texts that name a digest themselves are left out.
pub fn in_force(
    desired: &StackSpec,
    observed: &Observed,
    resolved: &BTreeMap<String, Resolution>,
) -> BTreeMap<String, Resolution> {
    let pin = |service: &ServiceSpec| {
        let raw = &service.image.value;
        let text = ImageRef::parse(raw).ok()?;
        if text.digest().is_some() {
            return None;
        }
        let live = || observed.services.iter().find(|s| s.name == service.name);
        let kept = || in_use_as(raw, &text, live()?);
        Some((raw.clone(), resolved.get(raw).cloned().or_else(kept)?))
    };
    desired.services.iter().filter_map(pin).collect()
}

fn in_use_as(raw: &str, text: &ImageRef, live: &Service) -> Option<Resolution> {
    let digest = in_use(raw, text, live)?.pin?;
    let platforms = live.spec.pointer("/TaskTemplate/Placement/Platforms");
    let platforms = platforms.and_then(Value::as_array).into_iter().flatten();
    let word = |platform: &Value, key: &str| Some(platform.get(key)?.as_str()?.to_owned());
    let platforms = platforms.filter_map(|platform| {
        Some(Platform {
            os: word(platform, "OS")?,
            architecture: word(platform, "Architecture").unwrap_or_default(),
        })
    });
    Some(Resolution::Pinned {
        digest,
        platforms: platforms.collect(),
    })
}

fn need(service: &ServiceSpec, live: Option<&Service>, pull: PullPolicy) -> Option<NeedWhy> {
    let text = ImageRef::parse(&service.image.value).ok()?;
    if text.digest().is_some() {
        return None;
    }
    let Some(live) = live else {
        return Some(NeedWhy::New);
    };
    match (in_use(&service.image.value, &text, live), pull) {
        (None, _) => Some(NeedWhy::Changed),
        (Some(_), PullPolicy::Always) => Some(NeedWhy::Always),
        (Some(_), PullPolicy::IfNotPresent | PullPolicy::Never) => None,
    }
}

/// What `live` already says about the image `text`, written as `raw`.
///
/// With our label: its pin, if it was made for the same text. Without: whatever
/// runs under the same name and tag is trusted, pinned or not.
fn in_use(raw: &str, text: &ImageRef, live: &Service) -> Option<Chosen> {
    let labels = labels_of(live);
    if let Some(pin) = labels.get(label::PIN) {
        let image = text.with_digest(pin).ok()?.familiar();
        let same = labels.get(label::IMAGE).is_some_and(|was| was == raw);
        return same.then(|| unchanged(image, Some(pin.clone())));
    }
    let running = ImageRef::parse(live_image(&live.spec)?).ok()?;
    let pin = running.digest().map(str::to_owned);
    (running.without_digest() == *text).then(|| unchanged(running.familiar(), pin))
}

fn live_image(spec: &Value) -> Option<&str> {
    spec.pointer("/TaskTemplate/ContainerSpec/Image")?.as_str()
}

fn unchanged(image: String, pin: Option<String>) -> Chosen {
    Chosen {
        image,
        pin,
        platforms: None,
        local: false,
    }
}

fn pinned(text: &ImageRef, digest: &str, platforms: &[Platform]) -> Result<Chosen, NoImage> {
    let image = text.with_digest(digest).map_err(NoImage::Invalid)?;
    Ok(Chosen {
        platforms: Some(Body::List(platforms.iter().map(platform).collect())),
        ..unchanged(image.familiar(), Some(digest.to_owned()))
    })
}

/// Docker's client clears `arm`, since nodes report `armv7l` and the like
/// (docker/cli and moby's client, swarmkit issue 2294).
fn platform(platform: &Platform) -> Body {
    let mut body = Body::object([("OS", platform.os.as_str())]);
    if !platform.architecture.eq_ignore_ascii_case("arm") {
        body.set("Architecture", platform.architecture.as_str());
    }
    body
}
