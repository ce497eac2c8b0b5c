//! Whose things are: adopted visibly, refused otherwise, never touched when foreign.

use std::collections::BTreeSet;

use serde_json::json;

use super::world::{With, World, file, lines, service};
use crate::names::Owner;
use crate::plan::{Adopt, Ownership, owner_of, removal};

fn deployed_by_docker() -> World {
    let mut world = World::new(vec![
        service("api")
            .port(80)
            .config("app_conf")
            .container("Env", json!(["B=1", "A=2"])),
        service("job").job(),
    ]);
    world.desired.configs = vec![file("app_conf", "one")];
    world.desired.secrets = vec![file("app_key", "hunter2")];
    world.deploy();
    world.unlabel();
    world
}

#[test]
fn an_unlabelled_stack_is_refused() {
    insta::assert_snapshot!(deployed_by_docker().refusal(), @"foreign-stack: stack `app` exists, and something else deployed it");
}

#[test]
fn adopting_writes_labels_and_restarts_nothing() {
    let mut world = deployed_by_docker();
    let live = world.live("api");
    live.spec["TaskTemplate"]["ContainerSpec"]["Env"]
        .as_array_mut()
        .unwrap()
        .reverse();
    live.spec["TaskTemplate"]["ForceUpdate"] = json!(4);
    live.spec["TaskTemplate"]["Placement"]["Platforms"] = json!([{"OS": "linux"}]);
    let before = live.spec.clone();
    world.images.clear();
    world.policy.adopt = Adopt::Take;
    let plan = world.deploy();
    insta::assert_snapshot!(lines(&plan), @r"
    ~ Config app_conf [Adopted]
        labels.dockerops.repository: ∅ → https://example.com/repo
    ~ Secret app_key [Adopted]
        labels.dockerops.fingerprint: ∅ → 92296fcf:f26b
        labels.dockerops.repository: ∅ → https://example.com/repo
    ~ app_api [Adopted]
        deploy.labels.dockerops.repository: ∅ → https://example.com/repo
      app_job JobDone
    ! secret `app_key`: content could not be compared, kept; `--rotate app_key` replaces it
    ");
    let after = world.live("api").spec.clone();
    assert_eq!(after["TaskTemplate"], before["TaskTemplate"]);
    assert_eq!(after["EndpointSpec"], before["EndpointSpec"]);
    assert_eq!(world.plan().changes, []);
    world.policy.adopt = Adopt::Refuse;
    assert_eq!(world.plan().changes, []);
}

#[test]
fn a_stack_of_another_owner_is_refused_even_to_adopt() {
    let mut world = World::new(vec![service("api")]);
    world.deploy();
    world.owner = Owner("https://example.com/other".to_owned());
    world.policy.adopt = Adopt::Take;
    insta::assert_snapshot!(world.refusal(), @"foreign-stack: stack `app` belongs to `https://example.com/repo`");
    let owners = BTreeSet::from([Owner("https://example.com/repo".to_owned())]);
    assert_eq!(
        owner_of(&world.swarm.observed, &world.desired.name),
        Ownership::Owned(owners)
    );
}

#[test]
fn a_stack_that_its_owner_gave_up_is_taken_over_without_a_restart() {
    let mut world = World::new(vec![service("api").config("app_conf"), service("gone")]);
    world.desired.configs = vec![file("app_conf", "one")];
    world.deploy();
    let before = world.live("api").spec.clone();
    world.desired.services.pop();
    let former = std::mem::replace(
        &mut world.owner,
        Owner("https://example.com/new".to_owned()),
    );
    world.former = BTreeSet::from([Owner("https://example.com/third".to_owned())]);
    insta::assert_snapshot!(world.refusal(), @"foreign-stack: stack `app` belongs to `https://example.com/repo`");
    world.former.insert(former);
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    ~ Config app_conf [Differs]
        labels.dockerops.repository: [not shown] → https://example.com/new
    ~ app_api [Adopted]
        deploy.labels.dockerops.repository: https://example.com/repo → https://example.com/new
    - app_gone [Undeclared]
    ");
    assert_eq!(
        world.live("api").spec["TaskTemplate"],
        before["TaskTemplate"]
    );
    world.former.clear();
    assert_eq!(world.plan().changes, []);
}

#[test]
fn comparing_with_a_foreign_stack_says_so_and_counts_no_label() {
    let mut world = deployed_by_docker();
    world.policy.adopt = Adopt::Compare;
    insta::assert_snapshot!(lines(&world.plan()), @r"
      app_api UpToDate
      app_job JobDone
    ! something else deployed stack `app`: it is only compared
    ! secret `app_key`: content could not be compared, kept; `--rotate app_key` replaces it
    ");
}

#[test]
fn what_is_in_our_namespace_without_our_label_is_reported_and_stays() {
    let mut world = World::new(vec![service("api"), service("hand")]);
    world.deploy();
    let hand = world.live("hand");
    hand.spec["Labels"] = json!({"com.docker.stack.namespace": "app"});
    let before = world.live("hand").clone();
    world.desired.services.pop();
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    app_api UpToDate
    app_hand Foreign
    ");
    assert_eq!(*world.live("hand"), before);
    world.desired.services.push(service("hand"));
    insta::assert_snapshot!(world.refusal(), @"foreign-service: service `app_hand` exists, and something else deployed it");
}

#[test]
fn a_removal_takes_what_is_ours_and_nothing_else() {
    let mut world = deployed_by_docker();
    let stack = world.desired.name.clone();
    let remove = |world: &World, adopt| removal(&stack, &world.owner, &world.swarm.observed, adopt);
    assert!(remove(&world, Adopt::Refuse).is_err());
    assert!(remove(&world, Adopt::Compare).is_err());
    insta::assert_snapshot!(lines(&remove(&world, Adopt::Take).unwrap()), @r"
    - app_api [Undeclared]
    - app_job [Undeclared]
    - Secret app_key [Undeclared]
    - Config app_conf [Undeclared]
    - network app_default [Undeclared]
    ");
    world.policy.adopt = Adopt::Take;
    world.deploy();
    let plan = remove(&world, Adopt::Refuse).unwrap();
    insta::assert_snapshot!(lines(&plan), @r"
    - app_api [Undeclared]
    - app_job [Undeclared]
    - Secret app_key [Undeclared]
    - Config app_conf [Undeclared]
    - network app_default [Undeclared]
    ");
}

#[test]
fn a_job_that_was_taken_over_goes_like_the_rest_and_one_made_by_hand_stays() {
    let mut world = deployed_by_docker();
    world.policy.adopt = Adopt::Take;
    world.deploy();
    world.policy.adopt = Adopt::Refuse;
    world
        .desired
        .services
        .retain(|service| service.key != "job");
    insta::assert_snapshot!(lines(&world.plan()), @r"
    - app_job [Undeclared]
      app_api UpToDate
    ");
    let labels = world.live("job").spec["Labels"].as_object_mut().unwrap();
    labels.remove("com.docker.stack.image");
    insta::assert_snapshot!(lines(&world.plan()), @r"
      app_api UpToDate
      app_job Foreign
    ");
}

#[test]
fn a_removal_of_nothing_is_empty() {
    let world = World::new(vec![]);
    let plan = removal(
        &world.desired.name,
        &world.owner,
        &world.swarm.observed,
        Adopt::Refuse,
    );
    assert_eq!(plan.unwrap().changes, []);
}
