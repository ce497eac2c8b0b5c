//! Services followed over time.

use serde_json::json;

use super::*;
use crate::health::{ProblemKind, Tally};

const WINDOW: Duration = Duration::from_secs(5);

fn healthy() -> Health {
    let tally = Tally {
        running: 2,
        wanted: 2,
    };
    Health::new(Status::Healthy, tally, "running")
}

fn progressing(running: u64) -> Health {
    let tally = Tally { running, wanted: 2 };
    Health::new(Status::Progressing, tally, "starting")
}

fn degraded(kind: ProblemKind) -> Health {
    let tally = Tally {
        running: 1,
        wanted: 2,
    };
    let reason = Problem::new(kind, "task: non-zero exit (3)");
    Health::new(Status::Degraded, tally, "restarting").because(Some(reason))
}

fn watch() -> Watch {
    Watch::new(WINDOW, BTreeSet::new())
}

fn at(seconds: u64) -> Moment {
    Moment(Duration::from_secs(1000 + seconds))
}

fn is_well(outcome: Option<&Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Healthy(_)))
}

fn has_failed(outcome: Option<&Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Failed(_)))
}

#[test]
fn a_container_that_dies_within_the_window_is_not_healthy() {
    let mut watch = watch();
    assert_eq!(watch.weigh(at(1), &healthy()), None);
    assert_eq!(watch.weigh(at(4), &progressing(1)), None);
    assert_eq!(watch.weigh(at(7), &healthy()), None);
    assert_eq!(watch.weigh(at(11), &healthy()), None);
    assert_eq!(watch.due(at(11)), Some(Duration::from_secs(1)));
    assert!(is_well(watch.weigh(at(12), &healthy()).as_ref()));
}

#[test]
fn a_service_that_runs_too_short_when_the_time_is_up_is_no_success() {
    let outcome = watch().give_up(healthy());
    assert!(matches!(outcome, Outcome::TimedOut(health) if health.reason.is_none()));
}

#[test]
fn a_crash_loop_that_runs_when_the_time_is_up_tells_what_ended_it_last() {
    let told = |kind| {
        let mut watch = watch();
        watch.weigh(at(1), &degraded(kind));
        watch.weigh(at(2), &progressing(1));
        match watch.give_up(healthy()) {
            Outcome::TimedOut(health) => health.reason.map(|problem| problem.kind),
            other => panic!("{other:?}"),
        }
    };
    let exited = ProblemKind::Exited(137);
    assert_eq!(told(exited), Some(exited));
    let overcome = ProblemKind::NoSuitableNode;
    assert_eq!(told(overcome), None, "what is overcome is not told");
}

#[test]
fn the_window_runs_while_swarm_still_monitors_the_update() {
    let mut watch = watch();
    assert_eq!(watch.weigh(at(1), &progressing(2)), None);
    assert!(is_well(watch.weigh(at(6), &healthy()).as_ref()));
}

#[test]
fn what_has_nothing_left_that_could_fail_is_healthy_at_once() {
    let health = Health {
        finished: true,
        ..healthy()
    };
    assert!(is_well(watch().weigh(at(0), &health).as_ref()));
}

#[test]
fn what_swarm_decided_fails_at_once_and_a_lost_service_after_a_grace() {
    let rolled_back = degraded(ProblemKind::RolledBack);
    assert!(has_failed(watch().weigh(at(0), &rolled_back).as_ref()));
    let paused = Health {
        status: Status::Suspended,
        ..degraded(ProblemKind::UpdatePaused)
    };
    assert!(
        has_failed(watch().weigh(at(0), &paused).as_ref()),
        "nobody goes on with it"
    );
    assert!(has_failed(
        watch().weigh(at(0), &Health::missing()).as_ref()
    ));

    let mut watch = watch();
    let exited = degraded(ProblemKind::Exited(3));
    assert_eq!(watch.weigh(at(1), &exited), None);
    assert_eq!(watch.weigh(at(2), &progressing(1)), None);
    assert_eq!(
        watch.weigh(at(4), &exited),
        None,
        "a successor starts the grace anew"
    );
    assert!(has_failed(watch.weigh(at(6), &exited).as_ref()));
}

#[test]
fn a_node_that_is_away_for_a_moment_is_waited_for() {
    let unknown = Health::unknown("node `n1` does not answer");
    let mut watch = watch();
    assert_eq!(watch.weigh(at(1), &unknown), None);
    assert_eq!(watch.weigh(at(60), &unknown), None);
    assert_eq!(watch.weigh(at(61), &healthy()), None);
    assert!(is_well(watch.weigh(at(66), &healthy()).as_ref()));
}

/// A service of one replica that runs `image`.
fn service(image: &str) -> Service {
    Service {
        id: "svc".to_owned(),
        version: 1,
        name: "web_a".to_owned(),
        spec: json!({"Mode": {"Replicated": {"Replicas": 1}},
            "TaskTemplate": {"ContainerSpec": {"Image": image}}}),
        update: None,
        job_iteration: None,
    }
}

/// Its attempt number `number`, of which the Swarm knows no earlier one any more.
fn attempt(number: u64, state: &str) -> Task {
    Task {
        id: format!("t{number}"),
        service_id: "svc".to_owned(),
        slot: 1,
        desired_state: if state == "failed" {
            "shutdown"
        } else {
            "running"
        }
        .to_owned(),
        state: state.to_owned(),
        error: if state == "failed" {
            "task: non-zero exit (1)"
        } else {
            ""
        }
        .to_owned(),
        created_at: at(number),
        since: at(number),
        ..Task::default()
    }
}

fn see(watch: &mut Watch, service: &Service, number: u64, state: &str) -> Health {
    // A failed task has a successor.
    let next = attempt(number + 1, "preparing");
    let mut tasks = vec![attempt(number, state)];
    tasks.extend((state == "failed").then_some(next));
    let view = View {
        service: Some(service),
        tasks: &tasks,
        nodes: &[],
        now: at(number),
    };
    watch.see(view).0
}

#[test]
fn failures_are_counted_although_the_swarm_forgets_them() {
    let (mut watch, service) = (watch(), service("a:1"));
    for number in [1, 2] {
        let health = see(&mut watch, &service, number, "failed");
        assert_eq!(health.status, Status::Progressing);
    }
    let health = see(&mut watch, &service, 3, "failed");
    assert_eq!(health.status, Status::Degraded);
    assert_eq!(health.reason.unwrap().times, 3);
}

#[test]
fn failures_of_an_earlier_spec_are_old_news() {
    let mut watch = watch();
    for (number, image) in [(1, "a:1"), (2, "a:1"), (3, "a:2")] {
        let health = see(&mut watch, &service(image), number, "failed");
        assert_eq!(health.status, Status::Progressing);
    }
}
