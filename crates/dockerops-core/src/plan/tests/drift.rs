//! What something else may change, and what a hand changed and is only reported.

use serde_json::json;

use super::world::{With, World, digest, lines, service, span, tainted};
use crate::body::Body;
use crate::field::Field;
use crate::manifest::SelfHeal;
use crate::plan::{Force, KeptWhy, PullPolicy, images_needed};
use crate::spec::ServiceSpec;

/// A world in which `services` run, and what was sent is remembered, with these fields ignored.
fn deployed(services: Vec<ServiceSpec>, ignored: &[&str]) -> World {
    let mut world = World::new(services);
    let text = |field: &&str| Field::new((*field).to_owned(), span());
    world.ignore_drift = ignored.iter().map(text).collect();
    world.attempted = world.deploy().hashes;
    world
}

fn scaled(replicas: u64) -> serde_json::Value {
    json!({"Replicated": {"Replicas": replicas}})
}

fn replicas(world: &mut World) -> u64 {
    let spec = &world.live("api").spec;
    spec["Mode"]["Replicated"]["Replicas"].as_u64().unwrap()
}

#[test]
fn an_ignored_number_of_tasks_stays_as_it_runs_also_when_something_else_is_updated() {
    let mut world = deployed(
        vec![service("api").json("Mode", scaled(2))],
        &["deploy.replicas"],
    );
    assert_eq!(replicas(&mut world), 2, "the file's, when it is made");
    world.live("api").spec["Mode"] = scaled(7);
    assert_eq!(lines(&world.plan()), "  app_api UpToDate");
    world.desired.services = vec![service("api").json("Mode", scaled(3)).image("web:2")];
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    ~ app_api (restarts) [Changed]
        image: web:1@sha256:aaaa → web:2@sha256:bbbb
    ");
    assert_eq!(replicas(&mut world), 7);
    world.ignore_drift.clear();
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api [Changed]
        deploy.replicas: 7 → 3
    ");
}

#[test]
fn of_keys_of_a_field_only_those_named_are_left_to_others() {
    let env =
        |tag: &str| service("api").env(vec![Body::from(format!("TAG={tag}")), Body::from("A=1")]);
    let mut world = deployed(vec![env("1")], &["environment.TAG", "deploy.labels.team"]);
    let live = world.live("api");
    live.spec["TaskTemplate"]["ContainerSpec"]["Env"] = json!(["TAG=hand", "A=hand", "B=hand"]);
    live.spec["Labels"]["team"] = json!("blue");
    live.spec["Labels"]["other"] = json!("x");
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    ~ app_api (restarts) [Drifted]
        deploy.labels.other: x → ∅
        environment.A: hand → 1
        environment.B: [not shown] → ∅
    ");
    let spec = &world.live("api").spec;
    assert_eq!(
        spec["TaskTemplate"]["ContainerSpec"]["Env"],
        json!(["A=1", "TAG=hand"])
    );
    assert_eq!(spec["Labels"]["team"], "blue");
}

#[test]
fn all_labels_but_ours_and_dockers_may_be_left_to_others() {
    let mut world = deployed(
        vec![service("api")],
        &["deploy.labels", "deploy.update_config"],
    );
    let live = world.live("api");
    live.spec["Labels"]["team"] = json!("blue");
    live.spec["UpdateConfig"] =
        json!({"Parallelism": 4, "Order": "start-first", "FailureAction": "pause"});
    assert_eq!(lines(&world.plan()), "  app_api UpToDate");
    world.live("api").spec["Labels"]["com.docker.stack.image"] = json!("other");
    world.live("api").spec["Labels"]["dockerops.pin"] = json!("other");
    world.deploy();
    let spec = world.live("api").spec.clone();
    assert_eq!(spec["Labels"]["com.docker.stack.image"], "web:1");
    assert_eq!(spec["Labels"]["team"], "blue");
    assert_eq!(spec["UpdateConfig"]["Parallelism"], 4);
}

#[test]
fn what_is_absent_on_the_swarm_stays_absent() {
    let config = json!({"Parallelism": 2, "Order": "start-first"});
    let mut world = deployed(
        vec![service("api").json("UpdateConfig", config)],
        &[
            "deploy.update_config",
            "healthcheck",
            "deploy.resources.limits",
        ],
    );
    let live = world.live("api");
    live.spec.as_object_mut().unwrap().remove("UpdateConfig");
    assert_eq!(lines(&world.plan()), "  app_api UpToDate");
    let config = json!({"Parallelism": 3, "Order": "start-first"});
    let limits = json!({"Limits": {"MemoryBytes": 1}});
    world.desired.services = vec![
        service("api")
            .image("web:2")
            .json("UpdateConfig", config)
            .json("TaskTemplate.Resources", limits),
    ];
    world.deploy();
    let spec = &world.live("api").spec;
    assert!(spec.get("UpdateConfig").is_none(), "{spec:#}");
    assert_eq!(spec["TaskTemplate"]["Resources"], json!({}));
}

#[test]
fn an_ignored_image_runs_on_whatever_the_file_says_and_no_registry_is_asked() {
    let mut world = deployed(vec![service("api")], &["image"]);
    let by_hand = format!("web:9@{}", digest('9'));
    world.live("api").spec["TaskTemplate"]["ContainerSpec"]["Image"] = json!(by_hand);
    assert_eq!(lines(&world.plan()), "  app_api UpToDate");
    world.desired.services = vec![service("api").image("web:3").env(vec![Body::from("A=1")])];
    let needed = images_needed(
        &world.desired,
        &world.swarm.observed,
        &world.ignore_drift,
        PullPolicy::Always,
    );
    assert_eq!(needed, []);
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    ~ app_api (restarts) [Changed]
        environment.A: ∅ → 1
    ");
    assert_eq!(
        world.live("api").spec["TaskTemplate"]["ContainerSpec"]["Image"],
        by_hand
    );
    world.ignore_drift.clear();
    world.desired.services = vec![service("api").env(vec![Body::from("A=1")])];
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api (restarts) [Changed]
        image: web:9@sha256:9999 → web:1@sha256:aaaa
    ");
}

#[test]
fn an_ignored_field_with_a_secret_in_it_stays_masked() {
    let with = |value: &str| service("api").env(vec![tainted(&format!("PW={value}"), "db")]);
    let mut world = deployed(vec![with("canary-old")], &["environment"]);
    world.live("api").spec["TaskTemplate"]["ContainerSpec"]["Env"] =
        json!(["PW=canary-hand", "X=1"]);
    world.desired.services = vec![with("canary-new").image("web:2")];
    let told = format!("{}\n{:?}", lines(&world.plan()), world.plan());
    assert!(!told.contains("canary"), "{told}");
    world.deploy();
    world.ignore_drift.clear();
    let told = format!("{}\n{:?}", lines(&world.plan()), world.plan());
    assert!(!told.contains("canary"), "{told}");
}

#[test]
fn ignoring_a_field_of_a_job_never_runs_it_again() {
    let job = |value: &str| {
        service("job")
            .job()
            .env(vec![Body::from(format!("A={value}"))])
    };
    let mut world = deployed(vec![job("1")], &["environment.A", "image"]);
    world.live("job").spec["TaskTemplate"]["ContainerSpec"]["Env"] = json!(["A=hand"]);
    world.desired.services = vec![job("2").image("web:2")];
    assert_eq!(lines(&world.plan()), "  app_job JobDone");
}

fn drifted() -> World {
    let env = |value: &str| Body::from(format!("A={value}"));
    let services = vec![service("api").env(vec![env("1")]), service("db")];
    let mut world = deployed(services, &[]);
    world.self_heal = SelfHeal::No;
    world.live("api").spec["TaskTemplate"]["ContainerSpec"]["Env"] = json!(["A=hand"]);
    world
}

#[test]
fn without_self_heal_a_change_by_hand_is_shown_and_left_until_something_is_asked_anew() {
    let mut world = drifted();
    let plan = world.plan();
    assert_eq!(lines(&plan), "  app_api Drifted\n  app_db UpToDate");
    let field = &plan.kept[0].fields[0];
    assert_eq!(
        (
            field.field.as_str(),
            field.old.as_deref(),
            field.new.as_deref()
        ),
        ("environment.A", Some("hand"), Some("1"))
    );
    world.set_update("api", "paused");
    assert_eq!(
        world.plan().kept[0].why,
        KeptWhy::Drifted,
        "a hand's update that was paused"
    );
    world.set_update("api", "completed");
    let mut forced = world.clone();
    forced.policy.force = Force::Services;
    insta::assert_snapshot!(lines(&forced.plan()), @r"
    ~ app_api (restarts) [Drifted, Forced]
        environment.A: hand → 1
    ~ app_db (restarts) [Forced]
    ");
    world.desired.services[0] = service("api").image("web:2").env(vec![Body::from("A=1")]);
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api (restarts) [Changed]
        environment.A: hand → 1
        image: web:1@sha256:aaaa → web:2@sha256:bbbb
      app_db UpToDate
    ");
}

#[test]
fn without_self_heal_a_service_removed_by_hand_stays_removed_until_something_is_asked_anew() {
    let mut world = drifted();
    world
        .swarm
        .observed
        .services
        .retain(|service| service.name != "app_db");
    assert_eq!(lines(&world.plan()), "  app_api Drifted\n  app_db Missing");
    let mut forced = world.clone();
    forced.policy.force = Force::Services;
    assert!(lines(&forced.plan()).contains("+ app_db [Missing]"));
    world.desired.services[1] = service("db").image("web:2");
    assert!(lines(&world.plan()).contains("+ app_db [Missing]"));
    world.desired.services[1] = service("db");
    world.attempted.clear();
    assert!(
        lines(&world.plan()).contains("+ app_db [Missing]"),
        "never sent"
    );
}

#[test]
fn without_self_heal_what_is_not_known_to_be_a_hands_is_written() {
    let mut world = drifted();
    world.attempted.clear();
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api (restarts) [Differs]
        environment.A: hand → 1
      app_db UpToDate
    ");
}
