//! Which volumes go, when it was asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{With, World, lines, service};
use crate::names::StackName;
use crate::observed::Volume;
use crate::plan::{Prune, PruneVolumes, volumes_left};

fn volume(stack: Option<&str>, name: &str) -> Volume {
    let label = stack.map(|stack| ("com.docker.stack.namespace".to_owned(), stack.to_owned()));
    Volume {
        name: name.to_owned(),
        labels: label.into_iter().collect::<BTreeMap<_, _>>(),
    }
}

/// `app` mounts `app_data`, declares `app_spare`, and once had `app_old`.
fn world() -> World {
    let mut world = World::new(vec![service("api").volume("app_data")]);
    world.desired.volumes = ["app_data", "app_spare", "app_listed"]
        .map(str::to_owned)
        .into();
    world.deploy();
    world.swarm.observed.volumes = vec![
        volume(Some("app"), "app_data"),
        volume(Some("app"), "app_listed"),
        volume(Some("app"), "app_old"),
        volume(Some("app"), "app_spare"),
        volume(Some("app"), "named"),
        volume(Some("other"), "other_data"),
        volume(None, "app_by_hand"),
    ];
    world.policy.prune_volumes = PruneVolumes::Remove;
    world
}

#[test]
fn a_volume_goes_only_when_asked_and_when_nothing_declares_or_mounts_it() {
    let mut world = world();
    insta::assert_snapshot!(lines(&world.plan()), @r"
    - volume app_old [Undeclared]
      app_api UpToDate
    ");
    world.policy.prune_volumes = PruneVolumes::Keep;
    assert!(world.plan().changes.is_empty());
    world.policy.prune_volumes = PruneVolumes::Remove;
    world.policy.prune = Prune::Keep;
    assert!(world.plan().changes.is_empty());
}

#[test]
fn a_volume_goes_last_when_the_service_lets_it_go_and_stays_while_another_mounts_it() {
    let mut world = world();
    world.desired.volumes.remove("app_data");
    world.desired.services = vec![service("api")];
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api (restarts) [Differs]
        volumes: app_data:/data → ∅
    - volume app_data [Undeclared]
    - volume app_old [Undeclared]
    ");
    let mut guest = world.live("api").clone();
    guest.id = "guest".to_owned();
    guest.name = "other_guest".to_owned();
    guest.spec["Labels"] = serde_json::json!({"com.docker.stack.namespace": "other"});
    world.swarm.observed.services.push(guest);
    assert!(!lines(&world.plan()).contains("- volume app_data"));
}

#[test]
fn of_a_stack_that_left_nothing_goes_that_others_mount_or_a_list_names() {
    let world = world();
    let left = |observed, stack| {
        let listed = BTreeSet::from(["app_listed".to_owned()]);
        let left = volumes_left(&StackName::parse(stack).unwrap(), observed, &listed);
        left.iter()
            .map(|change| format!("{:?}", change.action))
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(left(&world.swarm.observed, "app"), @r#"
    RemoveVolume { name: "app_data" }
    RemoveVolume { name: "app_old" }
    RemoveVolume { name: "app_spare" }
    "#);
    assert_eq!(left(&world.swarm.observed, "gone"), "");
    let mut mounted = world.swarm.observed.clone();
    mounted.services[0].spec["Labels"] = serde_json::json!({});
    assert!(!left(&mounted, "app").contains("app_data"));
}
