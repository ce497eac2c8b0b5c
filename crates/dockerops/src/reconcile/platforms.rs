//! The platforms of images whose digest this node said, and not a registry.
//!
//! Without them Swarm sends tasks to nodes of an architecture that cannot run them,
//! and only a registry knows them. Best effort: one that does not answer soon leaves
//! them out, and the run goes on as if nobody had asked.

use std::collections::BTreeMap;
use std::time::Duration;

use dockerops_core::image::ImageRef;
use dockerops_core::plan::Resolution;
use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use crate::registry::Registry;

/// How long all registries together may take, asked side by side.
const WITHIN: Duration = Duration::from_secs(3);

/// Asks for the platforms of those of `resolved`, by image text, that have none.
pub(super) async fn complete(registry: &Registry, resolved: &mut BTreeMap<String, Resolution>) {
    let deadline = Instant::now() + WITHIN;
    let asked = resolved.iter_mut().filter_map(|(text, resolution)| {
        let image = ImageRef::parse(text).ok()?;
        match resolution {
            Resolution::Pinned { digest, platforms } if platforms.is_empty() => {
                Some((image, digest, platforms))
            }
            _ => None,
        }
    });
    let answers = asked.map(|(image, digest, platforms)| async move {
        let answer = timeout_at(deadline, registry.platforms_of(&image, digest)).await;
        if let Ok(Ok(found)) = answer {
            *platforms = found;
        }
    });
    join_all(answers).await;
}
