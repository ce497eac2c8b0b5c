//! In which order the services of a stack go: what `depends_on` says.
//!
//! Docker ignores `depends_on` in a Swarm, so it is in no body that is sent. Services without order
//! between them go together, in one *wave*; removals go the other way round, by the label
//! [`label::DEPENDS_ON`] that a service carries for when its compose file is gone.

use std::collections::{BTreeMap, BTreeSet};

use crate::compose::model::Condition;
use crate::names::{StackName, label};
use crate::observed::Service;
use crate::spec::{ServiceSpec, StackSpec};

/// The services by wave, the first to go first; each wave is sorted by name.
pub fn waves(spec: &StackSpec) -> Vec<Vec<String>> {
    let names = spec.services.iter().map(|service| service.name.as_str());
    let after = |name: &str| {
        let own = after(spec, name).iter();
        own.map(|(name, _)| name.as_str()).collect()
    };
    let levels = levels(&names.collect(), after).into_iter();
    let owned = |level: Vec<&str>| level.into_iter().map(str::to_owned).collect();
    levels.map(owned).collect()
}

/// What `service`, by its name on the Swarm, waits for, and until when.
pub fn after<'s>(spec: &'s StackSpec, service: &str) -> &'s [(String, Condition)] {
    let found = spec.services.iter().find(|s| s.name == service);
    found.map_or(&[], |service| &service.depends_on)
}

/// Takes out what services in a circle wait for, so that each only waits for earlier waves.
pub(crate) fn break_circles(spec: &mut StackSpec) {
    let waves = waves(spec);
    let wave = |name: &String| waves.iter().position(|wave| wave.contains(name));
    for service in &mut spec.services {
        let own = wave(&service.name);
        service.depends_on.retain(|(name, _)| wave(name) < own);
    }
}

/// What the label of `service` says, when it needs one. A job has none: writing it would run the
/// job again.
pub(crate) fn label_of(service: &ServiceSpec, stack: &StackName) -> Option<String> {
    if service.is_job || service.depends_on.is_empty() {
        return None;
    }
    let prefix = stack.scoped("");
    let names = service.depends_on.iter();
    let names: BTreeSet<_> = names
        .map(|(name, _)| name.strip_prefix(&prefix).unwrap_or(name))
        .collect();
    Some(names.into_iter().collect::<Vec<_>>().join(","))
}

/// Running services in the waves in which they are to be removed: before what they depend on.
pub(crate) fn removal_waves<'s>(
    services: &[&'s Service],
    stack: &StackName,
) -> Vec<Vec<&'s Service>> {
    let mut waves = labelled_waves(services, stack);
    waves.reverse();
    waves
}

/// Running services by wave, as their labels say.
pub(crate) fn labelled_waves<'s>(
    services: &[&'s Service],
    stack: &StackName,
) -> Vec<Vec<&'s Service>> {
    let by_name: BTreeMap<_, _> = services.iter().map(|s| (s.name.as_str(), *s)).collect();
    let after = |name: &str| {
        let service = by_name.get(name);
        let labelled = service.and_then(|service| service.label(label::DEPENDS_ON));
        let keys = labelled.into_iter().flat_map(|keys| keys.split(','));
        let scoped = keys.map(|key| stack.scoped(key));
        let known = scoped.filter_map(|name| by_name.get_key_value(name.as_str()));
        known.map(|(name, _)| *name).collect()
    };
    let levels = levels(&by_name.keys().copied().collect(), after).into_iter();
    let services = |level: Vec<&str>| {
        let found = level.into_iter();
        found
            .filter_map(|name| by_name.get(name).copied())
            .collect()
    };
    levels.map(services).collect()
}

/// Each of `names` behind all that it comes `after`. Names in a circle, which a compose file cannot
/// have but labels may, come last, together.
fn levels<'n>(
    names: &BTreeSet<&'n str>,
    after: impl Fn(&'n str) -> BTreeSet<&'n str>,
) -> Vec<Vec<&'n str>> {
    let mut rest: BTreeMap<_, _> = names.iter().map(|name| (*name, after(name))).collect();
    let mut levels = Vec::new();
    while !rest.is_empty() {
        let free = |waits: &BTreeSet<&str>| !waits.iter().any(|name| rest.contains_key(name));
        let mut level: Vec<&str> = rest
            .iter()
            .filter(|(_, waits)| free(waits))
            .map(|(name, _)| *name)
            .collect();
        if level.is_empty() {
            level = rest.keys().copied().collect();
        }
        rest.retain(|name, _| !level.contains(name));
        levels.push(level);
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(edges: &[(&'static str, &[&'static str])]) -> String {
        let names = edges.iter().map(|(name, _)| *name).collect();
        let after = |name: &str| {
            let own = edges.iter().find(|(of, _)| *of == name);
            own.map_or(BTreeSet::new(), |(_, waits)| {
                waits.iter().copied().collect()
            })
        };
        let levels = levels(&names, after).into_iter();
        levels
            .map(|level| level.join(" "))
            .collect::<Vec<_>>()
            .join(" | ")
    }

    #[test]
    fn services_without_order_between_them_go_together() {
        assert_eq!(shown(&[("b", &[]), ("a", &[])]), "a b");
        assert_eq!(
            shown(&[
                ("web", &["api", "db"]),
                ("api", &["db"]),
                ("db", &[]),
                ("cache", &[])
            ]),
            "cache db | api | web"
        );
        assert_eq!(shown(&[("web", &["elsewhere"])]), "web");
        assert_eq!(
            shown(&[("a", &["b"]), ("b", &["a"]), ("c", &["a"]), ("d", &[])]),
            "d | a b c"
        );
        assert_eq!(shown(&[]), "");
    }
}
