//! No secret shows, on neither side, now or after it left the compose file.

use serde_json::json;

use super::world::{With, World, lines, service, tainted};
use crate::body::Body;

const OLD: &str = "canary-old";
const NEW: &str = "canary-new";

fn with_secret(value: &str) -> crate::spec::ServiceSpec {
    let mut spec = service("api")
        .env(vec![
            tainted(&format!("TOKEN={value}"), "token"),
            Body::from("A=1"),
        ])
        .with(
            "TaskTemplate.ContainerSpec.Args",
            Body::List(vec![Body::from("--password"), tainted(value, "token")]),
        )
        .with(
            "TaskTemplate.ContainerSpec.Hostname",
            tainted(value, "token"),
        );
    spec.body
        .get_mut("Labels")
        .unwrap()
        .set("auth", tainted(value, "token"));
    spec.secret_env = vec!["TOKEN".to_owned()];
    spec
}

#[test]
fn a_changed_secret_is_masked_on_both_sides() {
    let mut world = World::new(vec![with_secret(OLD)]);
    world.deploy();
    world.desired.services = vec![with_secret(NEW)];
    let plan = world.plan();
    insta::assert_snapshot!(lines(&plan), @r"
    ~ app_api (restarts) [Differs]
        command: [secret token] → [secret token]
        deploy.labels.auth: [secret token] → [secret token]
        environment.TOKEN: [secret token] → [secret token]
        hostname: [secret token] → [secret token]
    ");
    let shown = format!("{plan:?}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn a_secret_that_left_the_compose_file_stays_masked() {
    let mut world = World::new(vec![with_secret(OLD)]);
    world.deploy();
    world.desired.services = vec![
        service("api")
            .env(vec![Body::from("TOKEN=public")])
            .container("Args", json!(["--password-file"])),
    ];
    let plan = world.plan();
    insta::assert_snapshot!(lines(&plan), @r"
    ~ app_api (restarts) [Differs]
        command: [secret] → [secret]
        deploy.labels.auth: [secret] → ∅
        environment.A: [not shown] → ∅
        environment.TOKEN: [secret] → [secret]
        hostname: [secret] → ∅
    ");
    assert!(!format!("{plan:?}").contains("canary"));
}

#[test]
fn a_variable_that_only_the_swarm_has_is_shown_by_name_alone() {
    let mut world = World::new(vec![service("api")]);
    world.deploy();
    world.live("api").spec["TaskTemplate"]["ContainerSpec"]["Env"] =
        json!([format!("HAND={OLD}"), OLD]);
    world.desired.services =
        vec![service("api").json("Mode", json!({"Replicated": {"Replicas": 2}}))];
    let plan = world.plan();
    assert!(!format!("{plan:?}").contains(&format!("={OLD}")));
    insta::assert_snapshot!(lines(&plan), @r"
    ~ app_api (restarts) [Differs]
        deploy.replicas: 1 → 2
        environment.HAND: [not shown] → ∅
        environment.canary-old: [not shown] → ∅
    ");
}

#[test]
fn a_body_that_keeps_the_live_template_does_not_show_its_secrets() {
    let mut world = World::new(vec![with_secret(OLD)]);
    world.deploy();
    world.desired.services =
        vec![with_secret(OLD).json("Mode", json!({"Replicated": {"Replicas": 2}}))];
    let plan = world.plan();
    assert_eq!(plan.changes.len(), 1);
    assert!(!format!("{plan:?}").contains("canary"));
}
