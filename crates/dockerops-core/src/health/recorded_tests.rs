//! What engine 20.10 answered while services came up or failed, replayed as a run would see it.
//!
//! `recorded.json` is from one node, `n1`, asked every half second: services and their
//! up-to-date tasks, as far as health depends on them. Times are seconds since the service
//! was made or, of those named `update-…` and `start-first-port`, updated.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::observed::UpdateStatus;

fn moment(seconds: f64) -> Moment {
    Moment(Duration::from_secs_f64(1000.0 + seconds))
}

/// `id slot node desired state created since exit-code iteration error…`; `-` is nothing.
fn task(row: &Value) -> Task {
    let mut words = row.as_str().unwrap().splitn(10, ' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    Task {
        id: word(),
        service_id: "svc".to_owned(),
        slot: word().parse().unwrap(),
        node_id: word().replace('-', ""),
        desired_state: word(),
        state: word(),
        created_at: moment(word().parse().unwrap()),
        since: moment(word().parse().unwrap()),
        exit_code: word().parse().ok(),
        job_iteration: word().parse().ok(),
        error: word(),
        ..Task::default()
    }
}

fn service(spec: &Value, now: &Value) -> Service {
    let update = now["UpdateStatus"].as_object().map(|status| UpdateStatus {
        state: status["State"].as_str().unwrap().to_owned(),
        message: status["Message"].as_str().unwrap().to_owned(),
    });
    Service {
        id: "svc".to_owned(),
        version: 1,
        name: "web_a".to_owned(),
        spec: now.get("Spec").unwrap_or(spec).clone(),
        update,
        job_iteration: now["JobIteration"].as_u64(),
    }
}

fn nodes() -> Vec<Node> {
    vec![Node {
        id: "n1".to_owned(),
        hostname: "n1".to_owned(),
        state: "ready".to_owned(),
        availability: "active".to_owned(),
        role: "manager".to_owned(),
        os: "linux".to_owned(),
        architecture: "x86_64".to_owned(),
        ..Node::default()
    }]
}

/// How the case ends for a run that looks every half second, and when.
fn end(case: &Value) -> String {
    let before = case["before"].as_array().unwrap().iter();
    let before: BTreeSet<_> = before.map(|id| id.as_str().unwrap().to_owned()).collect();
    let mut watch = Watch::new(Duration::from_secs(5), before);
    let moments = case["moments"].as_array().unwrap();
    let (nodes, mut last) = (nodes(), String::new());
    for look in 0..90 {
        let at = f64::from(look) / 2.0;
        let Some(now) = moments
            .iter()
            .rfind(|moment| moment["at"].as_f64().unwrap() <= at)
        else {
            continue;
        };
        let tasks: Vec<_> = now["tasks"].as_array().unwrap().iter().map(task).collect();
        let service = service(&case["Spec"], now);
        let view = View {
            service: Some(&service),
            tasks: &tasks,
            nodes: &nodes,
            now: moment(at),
        };
        let (health, outcome) = watch.see(view);
        last = say(at, &health, outcome.as_ref());
        if outcome.is_some() {
            return last;
        }
    }
    last
}

fn say(at: f64, health: &Health, outcome: Option<&Outcome>) -> String {
    let word = match outcome {
        Some(Outcome::Healthy(_)) => "is well",
        Some(_) => "failed",
        None => "goes on",
    };
    let Tally { running, wanted } = health.tally;
    let reason = health.reason.as_ref();
    let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
    format!(
        "{word} after {at:.0} s, {} {running}/{wanted}{reason}",
        health.status
    )
}

#[test]
fn what_real_engines_said_is_judged_as_it_was() {
    let recorded: Value = serde_json::from_str(include_str!("recorded.json")).unwrap();
    let mut ends = String::new();
    for (name, case) in recorded.as_object().unwrap() {
        let _ = writeln!(ends, "{name} {}", end(case));
    }
    insta::assert_snapshot!(ends, @r#"
    constraint failed after 2 s, degraded 0/1: no suitable node: no node satisfies `node.labels.disk==ssd`
    crash failed after 12 s, degraded 0/1: task: non-zero exit (3), 3 times (on node `n1`)
    crash-after-a-second failed after 16 s, degraded 0/1: task: non-zero exit (1), 3 times (on node `n1`)
    ends-by-itself failed after 12 s, degraded 0/1: the container ended by itself (exit code 0), 3 times (on node `n1`)
    global is well after 7 s, healthy 1/1
    global-job is well after 2 s, healthy 1/1
    global-nowhere failed after 2 s, degraded 0/0: no suitable node: no node satisfies `node.labels.disk==ssd`
    healthy is well after 7 s, healthy 1/1
    job is well after 2 s, healthy 1/1
    job-fails failed after 6 s, degraded 0/1: task: non-zero exit (4), 3 times (on node `n1`)
    late is well after 10 s, healthy 1/1
    max-attempts failed after 6 s, degraded 0/1: task: non-zero exit (3), 2 times (on node `n1`)
    memory failed after 12 s, degraded 0/1: no suitable node (insufficient resources on 1 node)
    mount failed after 6 s, degraded 0/1: invalid mount config for type "bind": bind source path does not exist: /no/such, 3 times (on node `n1`)
    no-replicas is well after 1 s, healthy 0/0
    no-such-command failed after 12 s, degraded 0/1: starting container failed: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/bin/nonexist": stat /bin/nonexist: no such file or directory: unknown, 3 times (on node `n1`)
    no-such-image failed after 6 s, degraded 0/1: No such image: 127.0.0.1:9/nowhere:1, 3 times (on node `n1`)
    one-shot is well after 4 s, healthy 1/1
    out-of-memory failed after 14 s, degraded 0/1: task: non-zero exit (137), 3 times (on node `n1`)
    port failed after 12 s, degraded 1/2: no suitable node (host-mode port already in use on 1 node)
    start-first-port failed after 12 s, degraded 0/1: no suitable node (host-mode port already in use on 1 node)
    two-replicas is well after 7 s, healthy 2/2
    unhealthy failed after 24 s, degraded 0/1: task: non-zero exit (137): dockerexec: unhealthy container, 3 times (on node `n1`)
    update-paused failed after 4 s, suspended 0/1: Swarm paused the update: update paused due to failure or early termination of task qtefp3phmzqrhtlrx0eadm3zs
    update-rolled-back failed after 4 s, degraded 0/1: Swarm rolled the update back: rollback completed
    update-well is well after 10 s, healthy 1/1
    used-up failed after 5 s, degraded 0/1: task: non-zero exit (3) (on node `n1`)
    "#);
}
