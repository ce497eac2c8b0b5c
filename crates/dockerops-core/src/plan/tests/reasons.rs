//! Why something differs, and what to think about before applying.

use serde_json::json;

use super::world::{With, World, lines, service, tainted};
use crate::body::Body;
use crate::observed::Node;
use crate::plan::{Action, Platform, PullPolicy, Resolution, VolumeChange, plan, risks};
use crate::report::{Outcome, StackReport};
use crate::secret::Provenance;
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
    let two = json!({"Replicated": {"Replicas": 2}});
    let two = service("api").image("web:2").json("Mode", two);
    world.desired.services = vec![two.clone()];
    assert_eq!(shown(&world), "");
    let at_once = json!({"Parallelism": 2, "Order": "stop-first"});
    world.desired.services = vec![two.json("UpdateConfig", at_once)];
    insta::assert_snapshot!(shown(&world), @"app_api: nothing of it runs while its tasks restart all at once (stop-first)");
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

#[test]
fn a_risk_never_shows_a_secret() {
    let port = Body::object([
        (
            "PublishedPort",
            Body::Scalar(json!(4711), Provenance::secret("port")),
        ),
        ("TargetPort", Body::from(53u64)),
        ("PublishMode", Body::from("host")),
    ]);
    let zone = tainted("node.labels.zone == canary", "zone");
    let with = |image: &str| {
        service("api")
            .image(image)
            .with("EndpointSpec.Ports", Body::List(vec![port.clone()]))
            .with(
                "TaskTemplate.Placement.Constraints",
                Body::List(vec![zone.clone()]),
            )
            .json(
                "UpdateConfig",
                json!({"Parallelism": 1, "Order": "start-first"}),
            )
    };
    let mut world = deployed(with("web:1"));
    world.desired.services = vec![with("web:2")];
    insta::assert_snapshot!(shown(&world), @r"
    app_api: start-first needs another node: the old task has the host port [secret port] until it stops
    app_api: its tasks will wait: no node satisfies `[secret zone]`
    ");
}

#[test]
fn a_variable_that_sounds_like_a_secret_is_masked_wherever_it_comes_from() {
    let with = |value: &str| service("api").env(vec![Body::from(format!("DB_PASSWORD={value}"))]);
    let mut world = deployed(with("old"));
    world.desired.services = vec![with("new")];
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api (restarts) [Changed]
        environment.DB_PASSWORD: [secret] → [secret]
    ");
}

#[test]
fn an_image_that_is_used_as_written_keeps_no_platform_of_another() {
    let platforms = vec![Platform {
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
    }];
    let digest = super::world::digest('a');
    let mut world = World::new(vec![service("api")]);
    let pinned = Resolution::Pinned { digest, platforms };
    world.images.insert("web:1".to_owned(), pinned);
    world.deploy();
    world.policy.pull = PullPolicy::Never;
    world.desired.services = vec![service("api").image("web:9")];
    world.images.insert("web:9".to_owned(), Resolution::Unknown);
    let plan = world.plan();
    let Action::UpdateService { body, .. } = &plan.changes[0].action else {
        panic!("{plan:?}");
    };
    let body = body.expose();
    assert_eq!(body["TaskTemplate"]["ContainerSpec"]["Image"], "web:9");
    assert!(
        body["TaskTemplate"]["Placement"]["Platforms"].is_null(),
        "{body}"
    );
}

#[test]
fn numbers_and_names_of_networks_never_show_a_secret() {
    let with = |value: &str, number: u64| {
        let number = |id| Body::Scalar(json!(number), Provenance::secret(id));
        let network = Body::object([
            ("Target", Body::from("app_default")),
            ("Aliases", Body::List(vec![tainted(value, "alias")])),
        ]);
        let port = Body::object([
            ("PublishedPort", number("port")),
            ("TargetPort", number("port")),
        ]);
        let replicated = Body::object([("Replicas", number("count"))]);
        service("api")
            .with("TaskTemplate.Networks", Body::List(vec![network]))
            .with("EndpointSpec.Ports", Body::List(vec![port]))
            .with("Mode", Body::object([("Replicated", replicated)]))
    };
    let mut world = deployed(with("canary-old", 4711));
    world.desired.services = vec![with("canary-new", 4712)];
    let told = |world: &World| {
        let plan = world.plan();
        let report = StackReport::of_plan(&plan, Outcome::Changed, &world.swarm.observed);
        format!(
            "{}\n{}",
            lines(&plan),
            serde_json::to_string(&report).unwrap()
        )
    };
    let rotated = told(&world);
    world.desired.services = vec![service("api")];
    let dropped = told(&world);
    for shown in [rotated, dropped] {
        for canary in ["canary", "4711", "4712"] {
            assert!(!shown.contains(canary), "{canary}: {shown}");
        }
    }
}
