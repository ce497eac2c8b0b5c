//! In which order the services of a stack go: what `depends_on` says.
//!
//! Docker ignores `depends_on` in a Swarm, so it is in no body that is sent. Services without order
//! between them go together, in one *wave*; removals go the other way round, by the label
//! [`label::DEPENDS_ON`] that a service carries for when its compose file is gone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::compose::model::Condition;
use crate::names::{StackName, label};
use crate::observed::{Observed, Service};
use crate::spec::{ServiceSpec, StackSpec};
use crate::status::services_of;

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

/// By stack: those that it depends on.
pub type Orders = BTreeMap<StackName, BTreeSet<StackName>>;

/// Stacks in the waves in which they are to be removed: before those that they depend on, and
/// before those whose networks they use, which cannot go as long as somebody is on them.
pub fn stacks_to_remove(
    stacks: &BTreeSet<StackName>,
    orders: &Orders,
    observed: &Observed,
) -> Vec<Vec<StackName>> {
    let names: BTreeMap<_, _> = stacks.iter().map(|name| (name.as_str(), name)).collect();
    let after = |name: &str| {
        let stack = names.get(name);
        let own = stack.map(|stack| services_of(stack, &observed.services));
        let used = own
            .into_iter()
            .flatten()
            .flat_map(|s| network_targets(&s.spec));
        let makers = used.filter_map(|target| {
            let mut networks = observed.networks.iter();
            let network = networks.find(|n| n.id == target || n.name == target)?;
            let maker = network.labels.get(label::NAMESPACE)?;
            names.get_key_value(maker.as_str()).map(|(name, _)| *name)
        });
        let depends_on = stack.and_then(|stack| orders.get(*stack));
        let depends_on = depends_on.into_iter().flatten().filter_map(|other| {
            let known = names.get_key_value(other.as_str())?;
            Some(*known.0)
        });
        let before = makers.chain(depends_on);
        before.filter(|other| *other != name).collect()
    };
    let waves = levels(&names.keys().copied().collect(), after).into_iter();
    let owned = |wave: Vec<&str>| {
        let found = wave.into_iter().filter_map(|name| names.get(name));
        found.map(|name| (*name).clone()).collect()
    };
    waves.rev().map(owned).collect()
}

/// Whether services of others are on a network of `stack`.
pub fn shares_networks(stack: &StackName, observed: &Observed) -> bool {
    let networks = observed.networks.iter();
    let own = networks
        .filter(|n| n.labels.get(label::NAMESPACE).map(String::as_str) == Some(stack.as_str()));
    let own: Vec<_> = own.collect();
    let services = observed.services.iter();
    let mut others = services.filter(|s| s.label(label::NAMESPACE) != Some(stack.as_str()));
    others.any(|service| {
        let mut targets = network_targets(&service.spec);
        targets.any(|target| own.iter().any(|n| n.id == target || n.name == target))
    })
}

/// The networks that a service's spec names, by id or name.
fn network_targets(spec: &Value) -> impl Iterator<Item = &str> {
    let lists = ["/TaskTemplate/Networks", "/Networks"].into_iter();
    let networks = lists.filter_map(|list| spec.pointer(list)?.as_array());
    networks
        .flatten()
        .filter_map(|network| network.get("Target")?.as_str())
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
    use serde_json::json;

    use super::*;
    use crate::observed::Network;

    #[test]
    fn a_stack_goes_before_the_one_whose_network_it_uses() {
        let service = |name: &str, stack: &str, network: &str| Service {
            id: name.to_owned(),
            version: 1,
            name: name.to_owned(),
            spec: json!({
                "Labels": {"com.docker.stack.namespace": stack},
                "TaskTemplate": {"Networks": [{"Target": network}]},
            }),
            update: None,
            job_iteration: None,
        };
        let observed = Observed {
            services: vec![service("api_a", "api", "n1"), service("db_a", "db", "n1")],
            networks: vec![Network {
                id: "n1".to_owned(),
                name: "shop".to_owned(),
                scope: "swarm".to_owned(),
                labels: BTreeMap::from([(label::NAMESPACE.to_owned(), "db".to_owned())]),
                raw: Value::Null,
            }],
            ..Observed::default()
        };
        let db = StackName::parse("db").unwrap();
        assert!(shares_networks(&db, &observed));
        let stacks = ["api", "db", "web"].map(|name| StackName::parse(name).unwrap());
        let waves = stacks_to_remove(&stacks.clone().into(), &Orders::new(), &observed);
        let names: Vec<Vec<_>> = waves
            .iter()
            .map(|wave| wave.iter().map(StackName::as_str).collect())
            .collect();
        assert_eq!(names, [vec!["api"], vec!["db", "web"]]);

        let [api, _, web] = stacks.clone();
        let orders = Orders::from([(web, BTreeSet::from([api]))]);
        let waves = stacks_to_remove(&stacks.into(), &orders, &observed);
        let names: Vec<_> = waves.iter().flatten().map(StackName::as_str).collect();
        assert_eq!(names, ["web", "api", "db"]);
    }

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
