//! What is certain to have failed, and what only takes long.

use serde_json::json;

use super::tests::{at, health, health_later, nodes, replicas, say, service, tasks, with_update};
use super::*;

/// A slot that failed so often, and what it does now.
fn after_failures(count: usize, end: &str, now: &str) -> String {
    format!(
        "{}1 n1 {now}",
        format!("1 n1 shutdown {end}\n").repeat(count)
    )
}

#[test]
fn what_fails_three_times_in_one_slot_goes_on_failing_also_while_it_runs() {
    let exit = "failed task: non-zero exit (1)";
    let twice = after_failures(2, exit, "running running");
    assert_eq!(health(&replicas(1), &twice), "healthy 1/1 running");
    let loops = after_failures(3, exit, "running running");
    assert_eq!(
        health(&replicas(1), &loops),
        "degraded 1/1 running: Exited(1): task: non-zero exit (1), 3 times (on node `host-n1`)"
    );
    let waits = after_failures(3, "rejected No such image: a:1", "ready ready");
    assert_eq!(
        health(&replicas(1), &waits),
        "degraded 0/1 restarting: ImageNotFound: No such image: a:1, 3 times (on node `host-n1`)"
    );
    let ends = after_failures(3, "complete", "ready ready");
    assert!(health(&replicas(1), &ends).contains("by itself (exit code 0), 3 times"));
}

#[test]
fn one_failure_in_each_of_three_slots_is_no_loop() {
    let slot = |slot| {
        format!("{slot} n1 shutdown failed task: non-zero exit (1)\n{slot} n1 running running")
    };
    let table = [1, 2, 3].map(slot).join("\n");
    assert_eq!(health(&replicas(3), &table), "healthy 3/3 running");
}

#[test]
fn what_failed_for_a_while_and_then_runs_is_healthy() {
    let table = after_failures(4, "failed task: non-zero exit (1)", "running running");
    assert!(health_later(&replicas(1), &table, 50).starts_with("degraded"));
    assert_eq!(
        health_later(&replicas(1), &table, 60),
        "healthy 1/1 running"
    );
    let table = after_failures(4, "failed task: non-zero exit (1)", "running starting");
    assert!(health_later(&replicas(1), &table, 50).starts_with("degraded"));
    assert!(health_later(&replicas(1), &table, 700).starts_with("progressing"));
}

#[test]
fn what_is_slow_is_progressing_however_long_it_takes() {
    for state in ["assigned", "accepted", "preparing", "starting"] {
        let health = health_later(&replicas(1), &format!("1 n1 running {state}"), 3600);
        assert_eq!(health, format!("progressing 0/1 {state}"));
    }
    let waits = health_later(&replicas(1), "1 - running pending", 3600);
    assert_eq!(waits, "progressing 0/1 waiting for a node");
}

#[test]
fn a_task_that_finds_no_node_is_given_a_moment() {
    let table = "1 - running pending no suitable node (insufficient resources on 1 node)";
    assert!(health_later(&replicas(1), table, 8).starts_with("progressing"));
    assert!(
        health_later(&replicas(1), table, 9).starts_with("degraded 0/1 waiting for a node: NoRes")
    );
    let updating = with_update(replicas(1), "updating", "");
    assert!(
        health_later(&updating, table, 18).starts_with("progressing"),
        "old tasks stop"
    );
    assert!(health_later(&updating, table, 19).starts_with("degraded"));
}

#[test]
fn a_constraint_that_no_node_can_ever_satisfy_is_certain_at_once_and_named() {
    let constrained = |constraint: &str| {
        let mut service = replicas(1);
        service.spec["TaskTemplate"] = json!({"Placement": {"Constraints": [constraint]}});
        service
    };
    let none = constrained("node.labels.disk == ssd");
    let expected = "degraded 0/1 waiting for a node: NoSuitableNode: no suitable node: no node satisfies `node.labels.disk == ssd`";
    assert_eq!(health(&none, ""), expected);
    let pending =
        "1 - running pending no suitable node (scheduling constraints not satisfied on 2 nodes)";
    assert_eq!(health(&none, pending), expected);
    assert_eq!(
        health(&none, "1 n1 running running"),
        "healthy 1/1 running",
        "what runs, runs"
    );

    let down = constrained("node.hostname == host-n3");
    assert_eq!(
        health(&down, pending),
        "progressing 0/1 waiting for a node: NoSuitableNode: no suitable node: \
         no node satisfies `node.hostname == host-n3` but `host-n3`, which takes no tasks (down)"
    );
    assert!(health_later(&down, pending, 10).starts_with("degraded"));

    let mut global = service(&json!({"Global": {}}));
    global.spec["TaskTemplate"] = none.spec["TaskTemplate"].clone();
    assert!(health(&global, "").starts_with("degraded 0/0"));
}

#[test]
fn a_global_service_waits_for_no_node_that_cannot_run_it() {
    let mut global = service(&json!({"Global": {}}));
    global.spec["TaskTemplate"] =
        json!({"Placement": {"Platforms": [{"OS": "linux", "Architecture": "amd64"}]}});
    let mut nodes = nodes();
    for (node, architecture) in nodes.iter_mut().zip(["x86_64", "aarch64", "x86_64"]) {
        (node.os, node.architecture) = ("linux".to_owned(), architecture.to_owned());
    }
    let table = "0 n1 running running\n0 n2 running pending no suitable node (unsupported platform on 1 node)";
    let health = judge(&global, &tasks(table), &nodes, &BTreeSet::new(), at(60));
    assert_eq!(say(&health), "healthy 1/1 running");
}

#[test]
fn a_task_that_waits_for_the_port_of_its_predecessor_says_so() {
    let mut service = with_update(replicas(1), "updating", "");
    service.spec["EndpointSpec"] = json!({"Ports": [{"PublishMode": "host"}]});
    service.spec["UpdateConfig"] = json!({"Order": "start-first"});
    let table = "1 - ready pending no suitable node (host-mode port already in use on 1 node)";
    let health = judge(&service, &tasks(table), &nodes(), &BTreeSet::new(), at(60));
    let reason = health.reason.unwrap();
    assert_eq!(
        (health.status, reason.kind),
        (Status::Degraded, ProblemKind::OwnPortInUse)
    );
    assert!(reason.hint().unwrap().contains("stop-first"));
}

#[test]
fn a_node_that_does_not_answer_leaves_its_tasks_unknown() {
    let mut nodes = nodes();
    nodes[0].state = "unknown".to_owned();
    let table = "1 n1 running running\n2 n2 running running";
    let health = judge(&replicas(2), &tasks(table), &nodes, &BTreeSet::new(), at(9));
    assert_eq!(
        say(&health),
        "unknown 1/2 running: NodeAway: node `host-n1` does not answer"
    );
}

#[test]
fn what_is_not_there_is_missing() {
    assert_eq!(
        say(&Health::missing()),
        "missing 0/0 missing: Missing: the service is not on the Swarm"
    );
}
