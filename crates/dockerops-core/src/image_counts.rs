//! How often each image is named, and which recorded images may go.
//!
//! Counts run over all watched repositories together: an image that only
//! another repository names stays. What cannot be read keeps its last count.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::image::ImageRef;
use crate::observed::Observed;

/// Image text as written (after interpolation) → number of services that name it.
pub type Counts = BTreeMap<String, u64>;

/// Adds up the services' images.
pub fn count<'a>(images: impl IntoIterator<Item = &'a str>) -> Counts {
    let mut counts = Counts::new();
    for image in images {
        *counts.entry(image.to_owned()).or_default() += 1;
    }
    counts
}

/// Adds several counts together.
pub fn total<'a>(counts: impl IntoIterator<Item = &'a Counts>) -> Counts {
    let mut total = Counts::new();
    for (image, number) in counts.into_iter().flatten() {
        *total.entry(image.clone()).or_default() += number;
    }
    total
}

/// Of the images recorded before, those that nobody counts any more and that no
/// service on the Swarm, ours or not, names in its current spec.
pub fn removable(recorded: &Counts, now: &Counts, observed: &Observed) -> Vec<String> {
    let used = used_by_services(observed);
    let unused = |image: &&String| {
        let spellings = [(*image).clone(), whole_name(image)];
        !now.contains_key(*image) && !spellings.iter().any(|name| used.contains(name))
    };
    recorded.keys().filter(unused).cloned().collect()
}

/// Images in services' current specs, without the pinned digest: as written, and by their whole name.
fn used_by_services(observed: &Observed) -> BTreeSet<String> {
    let images = observed.services.iter().filter_map(|service| {
        service
            .spec
            .pointer("/TaskTemplate/ContainerSpec/Image")
            .and_then(Value::as_str)
    });
    images
        .flat_map(|image| [image, image.split('@').next().unwrap_or(image)])
        .flat_map(|image| [image.to_owned(), whole_name(image)])
        .collect()
}

/// `nginx` → `nginx:latest`, as a service that was sent with a pin names it.
fn whole_name(image: &str) -> String {
    ImageRef::parse(image).map_or_else(|_| image.to_owned(), |image| image.familiar())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::observed::Service;

    fn running(image: &str) -> Observed {
        let service = Service {
            id: "1".into(),
            version: 1,
            name: "x".into(),
            spec: json!({"TaskTemplate": {"ContainerSpec": {"Image": image}}}),
            update: None,
            job_iteration: None,
        };
        Observed {
            services: vec![service],
            ..Observed::default()
        }
    }

    #[test]
    fn counts_run_over_all_repositories() {
        let total = total([&count(["web:1", "web:1"]), &count(["web:1", "db:2"])]);
        assert_eq!(
            total,
            Counts::from([("db:2".into(), 1), ("web:1".into(), 3)])
        );
    }

    #[test]
    fn only_recorded_uncounted_and_unused_images_may_go() {
        let recorded = count(["old:1", "web:1", "held:1"]);
        let gone = removable(&recorded, &count(["web:1"]), &running("held:1@sha256:aa"));
        assert_eq!(gone, ["old:1"]);
    }

    #[test]
    fn an_image_in_use_under_another_spelling_of_its_name_stays() {
        let recorded = count(["nginx", "docker.io/library/redis:7"]);
        for live in ["nginx:latest@sha256:aa", "redis:7"] {
            let gone = removable(&recorded, &Counts::new(), &running(live));
            assert_eq!(gone.len(), 1, "{live}: {gone:?}");
        }
    }
}
