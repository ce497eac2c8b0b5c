//! Waiting, on a Swarm in memory. No test depends on how long anything takes.

use super::*;
use crate::engine::removed::removed;
use crate::engine::{MemorySwarm, Script};
use dockerops_core::body::Body;
use dockerops_core::names::{StackName, label};
use dockerops_core::plan::{Action, Restarts};
use serde_json::json;

fn soon() -> Limits {
    Limits {
        poll: Duration::from_millis(1),
        ..Limits::within(Duration::from_millis(20))
    }
}

async fn deploy(swarm: &MemorySwarm, name: &str, image: &str) -> Watched {
    let body = json!({"Name": name, "Labels": {label::NAMESPACE: "web"},
        "Mode": {"Replicated": {"Replicas": 2}},
        "TaskTemplate": {"ContainerSpec": {"Image": image}}});
    let body = Body::from(body);
    let find = async || {
        let services = swarm.services().await.unwrap();
        services.into_iter().find(|service| service.name == name)
    };
    let action = match find().await {
        None => Action::CreateService {
            name: name.to_owned(),
            body,
        },
        Some(service) => Action::UpdateService {
            id: service.id,
            version: service.version,
            name: service.name,
            body,
            restarts: Restarts::All,
        },
    };
    swarm.apply(&action, None).await.unwrap();
    let service = find().await.unwrap();
    Watched {
        id: service.id,
        name: service.name,
        window: Duration::ZERO,
        before: BTreeSet::new(),
        decides: true,
    }
}

async fn outcomes(swarm: &MemorySwarm, watched: &[Watched]) -> Vec<(String, Outcome)> {
    let outcomes = wait(swarm, watched, soon(), &mut |_| {}).await.unwrap();
    outcomes.into_iter().collect()
}

#[tokio::test]
async fn a_service_that_runs_is_healthy_and_its_progress_is_told() {
    let swarm = MemorySwarm::new();
    let watched = [deploy(&swarm, "web_a", "a:1").await];
    let mut told = Vec::new();
    wait(&swarm, &watched, soon(), &mut |progress: Progress| {
        let tally = progress.health.tally;
        told.push(format!(
            "{} {}/{}",
            progress.service, tally.running, tally.wanted
        ));
    })
    .await
    .unwrap();
    assert_eq!(told, ["web_a 2/2"]);
}

#[tokio::test]
async fn what_is_still_wrong_when_the_time_is_up_is_said() {
    let swarm = MemorySwarm::new();
    swarm.script("web_a", Script::Fail("task: non-zero exit (3)".to_owned()));
    let watched = [deploy(&swarm, "web_a", "a:1").await];
    let (_, outcome) = outcomes(&swarm, &watched).await.remove(0);
    let Outcome::TimedOut(health) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        health.reason.unwrap().to_string(),
        "task: non-zero exit (3) (on node `node1`)"
    );
}

#[tokio::test]
async fn a_rollback_fails_at_once_with_the_error_of_the_task() {
    let swarm = MemorySwarm::new();
    deploy(&swarm, "web_a", "a:1").await;
    swarm.script(
        "web_a",
        Script::RollBack("task: non-zero exit (3)".to_owned()),
    );
    let watched = [deploy(&swarm, "web_a", "a:2").await];
    let limits = Limits::within(Duration::from_secs(600));
    let outcomes = wait(&swarm, &watched, limits, &mut |_| {}).await.unwrap();
    let Some(Outcome::Failed(health)) = outcomes.get("web_a") else {
        panic!("{outcomes:?}");
    };
    assert_eq!(
        health.reason.as_ref().unwrap().to_string(),
        "Swarm rolled the update back: task: non-zero exit (3) (on node `node1`)"
    );
}

#[tokio::test]
async fn a_service_that_somebody_removed_is_gone() {
    let swarm = MemorySwarm::new();
    let mut watched = deploy(&swarm, "web_a", "a:1").await;
    watched.id = "other".to_owned();
    assert_eq!(
        outcomes(&swarm, &[watched]).await,
        [("web_a".to_owned(), Outcome::Failed(Health::missing()))]
    );
}

#[tokio::test]
async fn a_stack_is_removed_when_nothing_of_it_is_left() {
    let swarm = MemorySwarm::new();
    let watched = deploy(&swarm, "web_a", "a:1").await;
    let stacks = [StackName::parse("web").unwrap()];
    let error = removed(&swarm, &stacks, Duration::ZERO).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the removal of service `web_a` did not happen within 0 s"
    );
    let Watched { id, name, .. } = watched;
    let remove = Action::RemoveService { id, name };
    swarm.apply(&remove, None).await.unwrap();
    let error = removed(&swarm, &stacks, Duration::ZERO).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the removal of the tasks of stack `web` did not happen within 0 s"
    );
    removed(&swarm, &stacks, Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_task_that_found_no_node_does_not_hold_up_a_removal() {
    let swarm = MemorySwarm::new();
    swarm.script("web_a", Script::Pend("no suitable node".to_owned()));
    let Watched { id, name, .. } = deploy(&swarm, "web_a", "a:1").await;
    let remove = Action::RemoveService { id, name };
    swarm.apply(&remove, None).await.unwrap();
    let stacks = [StackName::parse("web").unwrap()];
    removed(&swarm, &stacks, Duration::ZERO).await.unwrap();
}

#[test]
fn the_window_is_the_usual_one_or_that_of_the_update_where_that_is_longer() {
    let second = 1_000_000_000u64;
    let window = |monitor: u64| {
        let spec = json!({"UpdateConfig": {"Monitor": monitor}});
        Watched::window_of(&spec, Duration::from_secs(5)).as_secs()
    };
    assert_eq!(
        [0, second, 10 * second, 90 * second].map(window),
        [5, 5, 10, 30]
    );
}

#[tokio::test]
async fn the_wait_ends_when_one_has_failed_and_says_what_the_others_did() {
    let swarm = MemorySwarm::new();
    deploy(&swarm, "web_a", "a:1").await;
    swarm.script("web_a", Script::Pause("task: non-zero exit (3)".to_owned()));
    swarm.script("web_b", Script::Pend("no suitable node".to_owned()));
    let watched = [
        deploy(&swarm, "web_b", "b:1").await,
        deploy(&swarm, "web_a", "a:2").await,
    ];
    let limits = Limits::within(Duration::from_secs(600));
    let outcomes = wait(&swarm, &watched, limits, &mut |_| {}).await.unwrap();
    assert!(
        matches!(outcomes["web_a"], Outcome::Failed(_)),
        "{outcomes:?}"
    );
    let Outcome::Left(left) = &outcomes["web_b"] else {
        panic!("{outcomes:?}");
    };
    assert_eq!(left.doing, "waiting for a node");
}

#[tokio::test]
async fn what_was_ill_before_does_not_end_the_wait_for_what_was_changed() {
    let swarm = MemorySwarm::new();
    deploy(&swarm, "web_a", "a:1").await;
    swarm.script("web_a", Script::Pause("task: non-zero exit (3)".to_owned()));
    let mut ill = deploy(&swarm, "web_a", "a:2").await;
    ill.decides = false;
    let mut changed = deploy(&swarm, "web_b", "b:1").await;
    changed.window = Duration::from_millis(5);
    let outcomes = wait(&swarm, &[ill, changed], soon(), &mut |_| {})
        .await
        .unwrap();
    assert!(
        matches!(outcomes["web_a"], Outcome::Failed(_)),
        "{outcomes:?}"
    );
    assert!(
        matches!(outcomes["web_b"], Outcome::Healthy(_)),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_gate_opens_when_its_condition_is_reached_and_not_before() {
    let reaches = async |script: Script, condition| {
        let swarm = MemorySwarm::new();
        swarm.script("web_a", script);
        let mut watched = deploy(&swarm, "web_a", "a:1").await;
        watched.window = Duration::from_secs(600);
        let mut done = gate(&swarm, &[(watched, condition)], soon(), &mut |_| {})
            .await
            .unwrap();
        matches!(done.remove("web_a"), Some(Outcome::Healthy(_)))
    };
    for condition in [Condition::Started, Condition::Healthy] {
        assert!(reaches(Script::Run, condition).await, "{condition:?}");
        let pending = Script::Pend("no suitable node".to_owned());
        assert!(!reaches(pending, condition).await, "{condition:?}");
    }
    assert!(
        !reaches(Script::Run, Condition::Completed).await,
        "it goes on running"
    );
}
