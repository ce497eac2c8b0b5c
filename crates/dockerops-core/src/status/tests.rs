//! Stacks on a small Swarm, as `status` shows them.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::plan::Kept;

fn at(seconds: u64) -> Moment {
    Moment(Duration::from_secs(1000 + seconds))
}

fn service(name: &str, replicas: u64) -> Service {
    Service {
        id: format!("id-{name}"),
        version: 1,
        name: name.to_owned(),
        spec: json!({
            "Labels": {label::NAMESPACE: "web"},
            "TaskTemplate": {"ContainerSpec": {"Image": "app:1"}},
            "Mode": {"Replicated": {"Replicas": replicas}},
        }),
        update: None,
        job_iteration: None,
    }
}

fn task(id: &str, service: &str, slot: u64, state: &str) -> Task {
    let failed = state == "failed";
    Task {
        id: id.to_owned(),
        service_id: format!("id-{service}"),
        slot,
        node_id: "n1".to_owned(),
        desired_state: if failed { "shutdown" } else { "running" }.to_owned(),
        state: state.to_owned(),
        error: if failed {
            "task: non-zero exit (3)"
        } else {
            ""
        }
        .to_owned(),
        created_at: at(slot),
        since: at(10),
        image: "app:1".to_owned(),
        ..Task::default()
    }
}

fn name() -> StackName {
    StackName::parse("web").unwrap()
}

fn status(services: &[Service], tasks: &[Task], report: Option<&StackReport>) -> StackStatus {
    let node = Node {
        id: "n1".to_owned(),
        hostname: "one".to_owned(),
        state: "ready".to_owned(),
        availability: "active".to_owned(),
        ..Node::default()
    };
    let reading = Reading {
        services,
        tasks,
        current: tasks,
        nodes: &[node],
        now: at(40),
    };
    StackStatus::of(&name(), report, reading)
}

fn report(outcome: Outcome) -> StackReport {
    StackReport::new(name(), outcome)
}

#[test]
fn a_stack_that_runs_as_asked_is_in_sync_and_healthy() {
    let tasks = [
        task("a", "web_a", 1, "running"),
        task("b", "web_a", 2, "running"),
    ];
    let status = status(
        &[service("web_a", 2)],
        &tasks,
        Some(&report(Outcome::Unchanged)),
    );
    assert!(status.is_well(), "{status:?}");
    let told = &status.services[0];
    assert_eq!(
        (told.running, told.wanted, told.image.as_deref()),
        (2, 2, Some("app:1"))
    );
    let task = &told.tasks[0];
    assert_eq!((task.node.as_deref(), task.age), (Some("one"), 30));
}

#[test]
fn of_each_slot_the_newest_task_is_shown_and_none_that_was_scaled_away() {
    let mut old = task("old", "web_a", 1, "failed");
    old.created_at = at(0);
    let mut away = task("away", "web_a", 2, "shutdown");
    away.desired_state = "shutdown".to_owned();
    let tasks = [old, task("new", "web_a", 1, "running"), away];
    let status = status(&[service("web_a", 1)], &tasks, None);
    let ids: Vec<_> = status.services[0]
        .tasks
        .iter()
        .map(|t| t.id.as_str())
        .collect();
    assert_eq!(ids, ["new"]);
}

#[test]
fn a_service_that_would_be_made_is_missing_and_of_two_the_worse_is_the_stacks() {
    let mut planned = report(Outcome::Changed);
    planned.changes.push(crate::report::ChangeReport {
        verb: Verb::Create,
        kind: "service",
        name: "web_b".to_owned(),
        reasons: Vec::new(),
        fields: Vec::new(),
        restarts: false,
        effect: None,
        diff: None,
        asked_anew: true,
    });
    let tasks = [task("a", "web_a", 1, "running")];
    let status = status(&[service("web_a", 1)], &tasks, Some(&planned));
    assert_eq!(
        (status.sync, status.health),
        (Sync::OutOfSync, Status::Missing)
    );
    assert_eq!(status.difference.as_deref(), Some("create service web_b"));
    assert_eq!(status.services[1].name, "web_b");
    assert!(!status.is_well());
}

#[test]
fn what_a_hand_did_and_nobody_puts_back_is_out_of_sync() {
    let mut planned = report(Outcome::Unchanged);
    planned.kept.push(Kept::new("web_a", KeptWhy::Drifted));
    let tasks = [task("a", "web_a", 1, "running")];
    let drifted = status(&[service("web_a", 1)], &tasks, Some(&planned));
    assert_eq!(
        (drifted.sync, drifted.health),
        (Sync::OutOfSync, Status::Healthy)
    );
    assert_eq!(
        drifted.difference.as_deref(),
        Some("web_a was changed by hand")
    );
    planned.kept.push(Kept::new("web_b", KeptWhy::Missing));
    let missing = status(&[service("web_a", 1)], &tasks, Some(&planned));
    assert_eq!(missing.health, Status::Missing);
    // A run without it would leave it away.
    let hint = missing.services[1].hint.as_deref().unwrap();
    assert!(hint.contains("--force"), "{hint}");
    assert!(!missing.is_well());
}

#[test]
fn a_stack_that_could_not_be_read_and_of_which_nothing_runs_is_not_healthy() {
    let failed = report(Outcome::Failed);
    for planned in [Some(&failed), None] {
        let status = status(&[], &[], planned);
        assert_eq!(
            (status.sync, status.health),
            (Sync::Unknown, Status::Missing)
        );
    }
    let suspended = status(&[], &[], Some(&report(Outcome::Suspended)));
    assert_eq!(suspended.health, Status::Healthy);
}

#[test]
fn of_a_global_service_no_task_is_shown_that_ended_as_its_node_was_drained() {
    let mut global = service("web_a", 1);
    global.spec["Mode"] = json!({"Global": {}});
    let ended = task("a", "web_a", 0, "failed");
    let mut node = Node {
        id: "n1".to_owned(),
        state: "ready".to_owned(),
        availability: "active".to_owned(),
        ..Node::default()
    };
    let shown = |node: &Node| {
        let reading = Reading {
            services: std::slice::from_ref(&global),
            tasks: std::slice::from_ref(&ended),
            current: &[],
            nodes: std::slice::from_ref(node),
            now: at(40),
        };
        StackStatus::of(&name(), None, reading).services[0]
            .tasks
            .len()
    };
    assert_eq!(shown(&node), 1);
    node.availability = "drain".to_owned();
    assert_eq!(shown(&node), 0);
}

#[test]
fn what_is_suspended_is_as_somebody_wants_it_and_what_is_held_is_not() {
    let tasks = [task("a", "web_a", 1, "running")];
    let of = |outcome| {
        let mut report = report(outcome);
        report.warnings.push("suspended by hand".to_owned());
        report.problem = Some(Problem::new("held: it failed", None));
        status(&[service("web_a", 1)], &tasks, Some(&report))
    };
    let suspended = of(Outcome::Suspended);
    assert_eq!(suspended.suspended.as_deref(), Some("suspended by hand"));
    assert!(suspended.is_well() && suspended.held.is_none());
    let held = of(Outcome::Held);
    assert!(!held.is_well() && held.held.is_some());
}

#[test]
fn what_the_engine_says_can_be_reworded_everywhere() {
    let tasks = [task("a", "web_a", 1, "failed")];
    let mut status = status(&[service("web_a", 1)], &tasks, None);
    let service = &mut status.services[0];
    service.reword(|text| text.replace("non-zero", "***"));
    let told = serde_json::to_string(service).unwrap();
    assert!(told.contains("***") && !told.contains("non-zero"), "{told}");
}
