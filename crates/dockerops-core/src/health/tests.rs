//! Health by task tables, with the sentences that engine 20.10 really wrote.

use super::*;
use crate::observed::UpdateStatus;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn service(mode: &Value) -> Service {
    Service {
        id: "svc".to_owned(),
        version: 1,
        name: "web_a".to_owned(),
        spec: json!({"Name": "web_a", "Mode": mode}),
        update: None,
        job_iteration: None,
    }
}

pub(super) fn replicas(count: u64) -> Service {
    service(&json!({"Replicated": {"Replicas": count}}))
}

fn with_policy(mut service: Service, condition: &str) -> Service {
    service.spec["TaskTemplate"] = json!({"RestartPolicy": {"Condition": condition}});
    service
}

pub(super) fn with_update(mut service: Service, state: &str, message: &str) -> Service {
    service.update = Some(UpdateStatus {
        state: state.to_owned(),
        message: message.to_owned(),
    });
    service
}

/// One task a line: `slot node desired state error…`; `-` is no node. Later lines are newer.
pub(super) fn tasks(table: &str) -> Vec<Task> {
    let lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .enumerate()
        .map(|(row, line)| task(row, line))
        .collect()
}

fn task(row: usize, line: &str) -> Task {
    let mut words = line.splitn(5, ' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    Task {
        id: format!("t{row}"),
        service_id: "svc".to_owned(),
        slot: word().parse().unwrap(),
        node_id: word().replace('-', ""),
        desired_state: word(),
        state: word(),
        error: word(),
        created_at: at(row),
        since: at(row),
        ..Task::default()
    }
}

pub(super) fn nodes() -> Vec<Node> {
    [("n1", "ready"), ("n2", "ready"), ("n3", "down")]
        .map(|(id, state)| Node {
            id: id.to_owned(),
            hostname: format!("host-{id}"),
            state: state.to_owned(),
            availability: "active".to_owned(),
            ..Node::default()
        })
        .to_vec()
}

/// Row `row` of a table is from that second.
pub(super) fn at(row: usize) -> Moment {
    Moment(Duration::from_secs(1000 + row as u64))
}

/// The health in one line, in the second of the last row.
pub(super) fn health(service: &Service, table: &str) -> String {
    health_later(service, table, 0)
}

/// The same, so many seconds later.
pub(super) fn health_later(service: &Service, table: &str, seconds: usize) -> String {
    let tasks = tasks(table);
    let now = at(tasks.len() + seconds);
    say(&judge(service, &tasks, &nodes(), &BTreeSet::new(), now))
}

pub(super) fn say(health: &Health) -> String {
    let Health {
        status,
        tally,
        doing,
        reason,
        ..
    } = health;
    let reason = reason.as_ref();
    let reason = reason.map_or(String::new(), |p| format!(": {:?}: {p}", p.kind));
    format!(
        "{status} {}/{} {doing}{reason}",
        tally.running, tally.wanted
    )
}

#[test]
fn replicas_are_healthy_when_each_slot_runs() {
    assert_eq!(
        health(&replicas(2), "1 n1 running running\n2 n2 running running"),
        "healthy 2/2 running"
    );
    assert_eq!(
        health(&replicas(2), "1 n1 running running\n2 n2 running preparing"),
        "progressing 1/2 preparing"
    );
    assert_eq!(
        health(&replicas(1), ""),
        "progressing 0/1 waiting for a node"
    );
}

#[test]
fn a_service_that_wants_no_task_is_healthy() {
    assert_eq!(health(&replicas(0), ""), "healthy 0/0 wants no task");
    assert_eq!(
        health(&replicas(0), "1 n1 remove running"),
        "healthy 0/0 wants no task"
    );
}

#[test]
fn a_task_on_a_node_that_is_down_does_not_run() {
    assert_eq!(
        health(&replicas(1), "1 n3 running running"),
        "unknown 0/1 running: NodeAway: node `host-n3` does not answer"
    );
    let replaced = "1 n3 shutdown running\n1 n1 running running";
    assert_eq!(health(&replicas(1), replaced), "healthy 1/1 running");
}

#[test]
fn too_many_tasks_are_not_healthy_yet() {
    let table = "1 n1 running running\n2 n2 running running";
    assert!(health(&replicas(1), table).starts_with("progressing 2/1 stopping tasks"));
}

#[test]
fn what_is_in_the_way_is_named_with_its_node() {
    let retried = |end: &str| {
        health(
            &replicas(1),
            &format!("1 n1 shutdown {end}\n1 n1 ready ready"),
        )
    };
    insta::assert_snapshot!(
        [
            retried("rejected No such image: registry:5000/web:2"),
            retried(r#"rejected invalid mount config for type "bind": bind source path does not exist: /p"#),
            retried("rejected failed to mount local volume: mount :/export:/var/lib/docker/volumes/data/_data, data: addr=10.0.0.9: connection refused"),
            retried(r#"failed starting container failed: failed to create task: exec: "/bin/nonexist": stat /bin/nonexist: no such file or directory: unknown"#),
            retried("failed task: non-zero exit (3)"),
            retried("failed task: non-zero exit (137): dockerexec: unhealthy container"),
            retried("complete"),
        ]
        .join("\n"),
        @r#"
    progressing 0/1 restarting: ImageNotFound: No such image: registry:5000/web:2 (on node `host-n1`)
    progressing 0/1 restarting: MountMissing: invalid mount config for type "bind": bind source path does not exist: /p (on node `host-n1`)
    progressing 0/1 restarting: VolumeNotReady: failed to mount local volume: mount :/export:/var/lib/docker/volumes/data/_data, data: addr=10.0.0.9: connection refused (on node `host-n1`)
    progressing 0/1 restarting: CannotStart: starting container failed: failed to create task: exec: "/bin/nonexist": stat /bin/nonexist: no such file or directory: unknown (on node `host-n1`)
    progressing 0/1 restarting: Exited(3): task: non-zero exit (3) (on node `host-n1`)
    progressing 0/1 restarting: Unhealthy: task: non-zero exit (137): dockerexec: unhealthy container (on node `host-n1`)
    progressing 0/1 restarting: Exited(0): the container ended by itself (exit code 0) (on node `host-n1`)
    "#
    );
}

#[test]
fn a_task_that_waits_for_a_node_says_for_which() {
    let pending = |error: &str| health(&replicas(1), &format!("1 - running pending {error}"));
    insta::assert_snapshot!(
        [
            pending("no suitable node (scheduling constraints not satisfied on 1 node)"),
            pending("no suitable node (insufficient resources on 1 node)"),
            pending("no suitable node (host-mode port already in use on 1 node)"),
        ]
        .join("\n"),
        @r"
    progressing 0/1 waiting for a node: NoSuitableNode: no suitable node (scheduling constraints not satisfied on 1 node)
    progressing 0/1 waiting for a node: NoResources: no suitable node (insufficient resources on 1 node)
    progressing 0/1 waiting for a node: PortInUse: no suitable node (host-mode port already in use on 1 node)
    "
    );
}

#[test]
fn a_used_up_restart_policy_is_final() {
    let service = with_policy(replicas(1), "none");
    assert_eq!(
        health(&service, "1 n1 shutdown failed task: non-zero exit (3)"),
        "degraded 0/1 restarting: Exited(3): task: non-zero exit (3) (on node `host-n1`)"
    );
}

#[test]
fn a_failure_from_before_the_change_is_old_news() {
    let table = "1 n1 shutdown failed task: non-zero exit (3)\n1 n1 running starting";
    let before = BTreeSet::from(["t0".to_owned()]);
    let health = judge(&replicas(1), &tasks(table), &nodes(), &before, at(9));
    assert_eq!(say(&health), "progressing 0/1 starting");
}

#[test]
fn a_one_shot_that_completed_is_healthy_unless_it_is_to_go_on() {
    for condition in ["none", "on-failure"] {
        let service = with_policy(replicas(1), condition);
        assert_eq!(
            health(&service, "1 n1 shutdown complete"),
            "healthy 1/1 completed"
        );
    }
    let service = with_policy(replicas(1), "any");
    let health = health(&service, "1 n1 shutdown complete\n1 n1 ready ready");
    assert!(health.starts_with("progressing 0/1"), "{health}");
}

#[test]
fn a_service_that_ended_once_and_runs_again_has_not_completed() {
    let service = with_policy(replicas(1), "any");
    let table = "1 n1 shutdown complete\n1 n1 running running";
    assert_eq!(health(&service, table), "healthy 1/1 running");
}

#[test]
fn an_update_that_still_goes_on_is_not_healthy() {
    let table = "1 n1 running running";
    let updating = with_update(replicas(1), "updating", "update in progress");
    assert_eq!(health(&updating, table), "progressing 1/1 updating");
    let completed = with_update(replicas(1), "completed", "update completed");
    assert_eq!(health(&completed, table), "healthy 1/1 running");
}

#[test]
fn what_swarm_paused_is_suspended_and_what_it_rolled_back_degraded_although_all_runs() {
    let table = "1 n1 running running";
    let paused = "update paused due to failure or early termination of task t9";
    let paused = with_update(replicas(1), "paused", paused);
    assert_eq!(
        health(&paused, table),
        "suspended 1/1 running: UpdatePaused: Swarm paused the update: update paused due to failure or early termination of task t9"
    );
    for state in ["rollback_started", "rollback_completed", "rollback_paused"] {
        let health = health(&with_update(replicas(1), state, ""), table);
        assert!(health.starts_with("degraded 1/1 running: Roll"), "{health}");
    }
}

#[test]
fn a_rollback_is_explained_by_the_task_that_swarm_names() {
    let message = "update rolled back due to failure or early termination of task t0";
    let service = with_update(replicas(1), "rollback_completed", message);
    let all = tasks(
        "1 n2 shutdown failed task: non-zero exit (3)\n1 n1 shutdown failed task: non-zero exit (1)",
    );
    let health = judge(&service, &[], &nodes(), &BTreeSet::new(), at(9));
    let problem = health.reason.unwrap();
    assert_eq!(
        explain(problem, &service, &all, &nodes()).to_string(),
        "Swarm rolled the update back: task: non-zero exit (3) (on node `host-n2`)"
    );
}

#[test]
fn a_global_service_wants_one_task_on_each_node_that_got_one() {
    let global = service(&json!({"Global": {}}));
    let table = "0 n1 running running\n0 n2 running running\n0 n3 running running";
    assert_eq!(health(&global, table), "healthy 2/2 running");
    let drained = "0 n1 running running\n0 n2 shutdown shutdown";
    assert_eq!(health(&global, drained), "healthy 1/1 running");
    assert_eq!(
        health(&global, "0 n1 running running\n0 n2 running starting"),
        "progressing 1/2 starting"
    );
    assert_eq!(
        health(&global, ""),
        "progressing 0/0 waiting for Swarm to make its tasks"
    );
    let mut away = nodes();
    for node in &mut away {
        node.availability = "drain".to_owned();
    }
    let nowhere = say(&judge(&global, &[], &away, &BTreeSet::new(), at(9)));
    assert!(
        nowhere.starts_with("progressing 0/0 waiting for an eligible node: NoSuitableNode"),
        "{nowhere}"
    );
}

#[test]
fn a_global_service_misses_no_task_where_swarm_wants_none() {
    let mut global = service(&json!({"Global": {}}));
    global.spec["TaskTemplate"] =
        json!({"Placement": {"Constraints": ["node.labels.edge == yes"]}});
    let mut nodes = nodes();
    for node in &mut nodes {
        node.state = "ready".to_owned();
        node.labels.insert("edge".to_owned(), "yes".to_owned());
    }
    let runs = "0 n1 running running\n0 n2 running running\n";
    let ended = [
        "0 n3 shutdown failed error while removing network: unknown network web_default",
        "0 n3 shutdown rejected assigned node no longer meets constraints",
    ];
    let of = |nodes: &[Node], end: &str| {
        let tasks = tasks(&format!("{runs}{end}"));
        say(&judge(&global, &tasks, nodes, &BTreeSet::new(), at(9)))
    };
    assert!(of(&nodes, ended[0]).starts_with("degraded 2/3"));
    let mut drained = nodes.clone();
    drained[2].availability = "drain".to_owned();
    assert_eq!(of(&drained, ended[0]), "healthy 2/2 running");
    nodes[2].labels.clear();
    assert_eq!(of(&nodes, ended[1]), "healthy 2/2 running");
}

#[test]
fn jobs_are_healthy_when_they_completed_this_time() {
    let mut job = service(&json!({"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 2}}));
    job.job_iteration = Some(1);
    let iteration = |index: u64, table: &str| {
        let mut tasks = tasks(table);
        for task in &mut tasks {
            task.job_iteration = Some(index);
        }
        say(&judge(&job, &tasks, &nodes(), &BTreeSet::new(), at(9)))
    };
    let table = "0 n1 complete complete\n1 n2 complete complete";
    assert_eq!(iteration(1, table), "healthy 2/2 completed");
    assert_eq!(iteration(0, table), "progressing 0/2 waiting for a node");
    assert_eq!(
        iteration(1, "0 n1 complete complete\n1 n2 complete running"),
        "progressing 1/2 running"
    );
    assert!(
        iteration(1, "0 n1 shutdown failed task: non-zero exit (1)")
            .starts_with("degraded 0/2 restarting: Exited(1)")
    );
}

#[test]
fn a_global_job_has_not_run_before_it_has_tasks() {
    let job = service(&json!({"GlobalJob": {}}));
    assert!(health(&job, "").starts_with("progressing 0/0"));
    assert_eq!(
        health(&job, "0 n1 complete complete"),
        "healthy 1/1 completed"
    );
}

#[test]
fn unknown_words_of_a_newer_engine_are_never_healthy() {
    assert_eq!(
        health(&replicas(1), "1 n1 running hibernating"),
        "progressing 0/1 hibernating"
    );
    let service = with_update(replicas(1), "pondering", "");
    assert!(health(&service, "1 n1 running running").starts_with("progressing"));
}
