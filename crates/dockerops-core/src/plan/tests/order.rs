//! Services go in the order of `depends_on`, and leave the other way round.

use serde_json::json;

use super::world::{With, World, lines, service};
use crate::compose::model::Condition;
use crate::plan::{Action, Adopt, Plan, removal};
use crate::spec::ServiceSpec;

fn waiting(key: &str, names: &[&str]) -> ServiceSpec {
    let waits = names
        .iter()
        .map(|name| (format!("app_{name}"), Condition::Started));
    ServiceSpec {
        depends_on: waits.collect(),
        ..service(key)
    }
}

/// `api` and `web` wait for `db`, and `web` for `api`; `cache` for nothing.
fn shop() -> World {
    World::new(vec![
        waiting("api", &["db"]),
        service("cache"),
        service("db"),
        waiting("web", &["api", "db"]),
    ])
}

fn order(plan: &Plan) -> String {
    let waves = plan.waves.iter().map(|wave| wave.join(" "));
    waves.collect::<Vec<_>>().join(" | ")
}

fn remove(world: &World) -> Plan {
    let observed = &world.swarm.observed;
    removal(&world.desired.name, &world.owner, observed, Adopt::Refuse).unwrap()
}

#[test]
fn services_go_in_waves_of_what_they_depend_on() {
    let plan = shop().plan();
    assert_eq!(order(&plan), "app_cache app_db | app_api | app_web");
    insta::assert_snapshot!(lines(&plan), @r"
    + network app_default [Missing]
    + app_cache [Missing]
    + app_db [Missing]
    + app_api [Missing]
    + app_web [Missing]
    ");
}

#[test]
fn a_stack_goes_in_the_reverse_order_also_when_its_files_are_gone() {
    let mut world = shop();
    world.deploy();
    let plan = remove(&world);
    assert_eq!(order(&plan), "app_web | app_api | app_cache app_db");
    insta::assert_snapshot!(lines(&plan), @r"
    - app_web [Undeclared]
    - app_api [Undeclared]
    - app_cache [Undeclared]
    - app_db [Undeclared]
    - network app_default [Undeclared]
    ");
    world.desired.services = vec![service("cache")];
    insta::assert_snapshot!(lines(&world.plan()), @r"
    - app_web [Undeclared]
    - app_api [Undeclared]
    - app_db [Undeclared]
      app_cache UpToDate
    ");
}

#[test]
fn labels_in_a_circle_stop_no_removal() {
    let mut world = shop();
    world.deploy();
    world.live("db").spec["Labels"]["dockerops.depends-on"] = json!("web,elsewhere,");
    assert_eq!(order(&remove(&world)), "app_api app_db app_web | app_cache");
}

#[test]
fn a_changed_order_is_written_without_restarting_anything() {
    let mut world = shop();
    world.attempted = world.deploy().hashes;
    world.desired.services[1] = waiting("cache", &["db"]);
    let plan = world.plan();
    insta::assert_snapshot!(lines(&plan), @r"
    ~ app_cache [Changed]
        deploy.labels.dockerops.depends-on: ∅ → db
      app_api UpToDate
      app_db UpToDate
      app_web UpToDate
    ");
    let Action::UpdateService { body, .. } = &plan.changes[0].action else {
        panic!()
    };
    let was = world.swarm.stored(body);
    assert_eq!(
        was["TaskTemplate"],
        world.live("cache").spec["TaskTemplate"]
    );
    world.deploy();
    assert!(world.plan().changes.is_empty());
}

#[test]
fn the_order_of_a_job_is_no_reason_to_run_it_again() {
    let mut world = World::new(vec![service("db"), service("migrate").job()]);
    world.attempted = world.deploy().hashes;
    world.desired.services[1] = waiting("migrate", &["db"]).job();
    let plan = world.plan();
    assert!(plan.changes.is_empty(), "{}", lines(&plan));
    assert_eq!(order(&plan), "app_db | app_migrate");
    let labels = &world.live("migrate").spec["Labels"];
    assert!(labels.get("dockerops.depends-on").is_none(), "{labels}");
}

#[test]
fn a_port_is_let_go_before_another_takes_it_also_against_the_order() {
    let mut world = World::new(vec![service("db"), waiting("web", &["db"]).port(80)]);
    world.deploy();
    world.desired.services = vec![service("db").port(80), waiting("web", &["db"]).port(81)];
    let plan = world.plan();
    assert_eq!(order(&plan), "app_db app_web");
    insta::assert_snapshot!(lines(&plan), @r"
    ~ app_web (restarts) [Differs]
        ports: 80:80/tcp → 81:80/tcp
    ~ app_db (restarts) [Differs]
        ports: ∅ → 80:80/tcp
    ! service `app_web` lets a port go, so it is changed before what it depends on
    ");
}
