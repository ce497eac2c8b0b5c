//! Why something differs, and what to think about before applying.

use serde_json::json;

use super::world::{With, World, lines, service, tainted};
use crate::body::Body;
use crate::observed::Node;
use crate::plan::{VolumeChange, plan, risks};
use crate::spec::ServiceSpec;

/// A world in which `service` runs, and what was sent is remembered.
fn deployed(service: ServiceSpec) -> World {
    let mut world = World::new(vec![service]);
    world.attempted = world.deploy().hashes;
    world
}

#[test]
fn what_was_changed_by_hand_is_told_from_what_is_asked_for_anew() {
    let mut world = deployed(service("api").env(vec![Body::from("A=1")]));
    world.live("api").spec["TaskTemplate"]["ContainerSpec"]["Env"] = json!(["A=hand"]);
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api (restarts) [Drifted]
        environment.A: hand → 1
    ");
    world.desired.services = vec![service("api").env(vec![Body::from("A=2")])];
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api (restarts) [Changed]
        environment.A: hand → 2
    ");
    world.attempted.clear();
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api (restarts) [Differs]
        environment.A: hand → 2
    ");
}

#[test]
fn a_rotated_secret_is_named_as_the_reason() {
    let with = |value: &str, other: &str| {
        service("api").env(vec![
            tainted(&format!("PW={value}"), "db"),
            Body::from(other),
        ])
    };
    let mut world = deployed(with("old", "A=1"));
    world.desired.services = vec![with("new", "A=1")];
    insta::assert_snapshot!(lines(&world.plan()), @r#"
    ~ app_api (restarts) [SecretChanged(["db"])]
        environment.PW: [secret db] → [secret db]
    "#);
    world.desired.services = vec![with("new", "A=2")];
    insta::assert_snapshot!(lines(&world.plan()), @r#"
    ~ app_api (restarts) [Changed, SecretChanged(["db"])]
        environment.A: 1 → 2
        environment.PW: [secret db] → [secret db]
    "#);
}

fn shown(world: &World) -> String {
    let node = Node {
        hostname: "one".to_owned(),
        state: "ready".to_owned(),
        availability: "active".to_owned(),
        ..Node::default()
    };
    let inputs = world.inputs();
    let risks = risks(&plan(&inputs).unwrap(), &inputs, &[node]);
    let lines = risks
        .iter()
        .map(|r| format!("{}: {}", r.service, r.message));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_single_task_that_stops_first_is_down_meanwhile() {
    let mut world = deployed(service("api"));
    world.desired.services = vec![service("api").image("web:2")];
    insta::assert_snapshot!(shown(&world), @"app_api: nothing of it runs while its one task restarts (stop-first)");
    let start_first = json!({"Parallelism": 1, "Order": "start-first"});
    world.desired.services = vec![
        service("api")
            .image("web:2")
            .json("UpdateConfig", start_first),
    ];
    assert_eq!(shown(&world), "");
    world.desired.services = vec![
        service("api")
            .image("web:2")
            .json("Mode", json!({"Replicated": {"Replicas": 2}})),
    ];
    assert_eq!(shown(&world), "");
}

#[test]
fn a_replaced_service_is_down_until_it_is_made_anew() {
    let mut world = deployed(service("api"));
    world.desired.services = vec![service("api").json("Mode", json!({"Global": {}}))];
    insta::assert_snapshot!(shown(&world), @"app_api: nothing of it runs until it is made anew");
}

#[test]
fn a_host_port_with_start_first_needs_another_node() {
    let ports =
        json!([{"PublishedPort": 53, "TargetPort": 53, "Protocol": "udp", "PublishMode": "host"}]);
    let with = |image: &str| {
        service("api")
            .image(image)
            .json("EndpointSpec.Ports", ports.clone())
            .json(
                "UpdateConfig",
                json!({"Parallelism": 1, "Order": "start-first"}),
            )
    };
    let mut world = deployed(with("web:1"));
    world.desired.services = vec![with("web:2")];
    insta::assert_snapshot!(shown(&world), @"app_api: start-first needs another node: the old task has the host port 53 until it stops");
}

#[test]
fn a_constraint_that_no_node_satisfies_and_a_volume_that_moves_are_told() {
    let mut world = deployed(service("api").volume("old"));
    world.policy.volumes = VolumeChange::Allow;
    let placed = json!(["node.hostname == two"]);
    world.desired.services = vec![
        service("api")
            .volume("new")
            .json("TaskTemplate.Placement.Constraints", placed)
            .json("Mode", json!({"Replicated": {"Replicas": 2}})),
    ];
    insta::assert_snapshot!(shown(&world), @r"
    app_api: its tasks will wait: no node satisfies `node.hostname == two`
    app_api: would get volume `new` instead of `old` at `/data`: its data stays behind
    ");
}
