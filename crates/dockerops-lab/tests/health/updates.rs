//! Updates that cannot get well. Whether the stack then returns to what it was is held elsewhere.

use dockerops_lab::Lab;

use crate::case::{Case, tells_of_failure};

#[test]
fn an_update_that_swarm_pauses_has_failed_with_the_error_of_the_task() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "pause");
    let update = "deploy: {replicas: 2, update_config: {parallelism: 1, failure_action: pause, monitor: 2s}}";
    let good = case.compose(&format!("command: sleep 1000, {update}"));
    let (ran, _) = case.deploy(&good, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let bad = case.compose(&format!(
        "command: [sh, -c, \"echo bad flag; exit 3\"], {update}"
    ));
    case.fails_early(
        &bad,
        40,
        &[
            "Swarm paused the update: task: non-zero exit (3)",
            "bad flag",
        ],
    );
    case.end();
}

#[test]
fn a_new_task_that_waits_for_the_host_port_of_the_old_one_says_so() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "ownport");
    let compose = |mark: u32| {
        case.compose(&format!(
            "command: sleep 1000, environment: [MARK={mark}], ports: [{{target: 80, published: 18302, mode: host}}], \
             deploy: {{update_config: {{order: start-first, monitor: 1s}}}}"
        ))
    };
    let (ran, _) = case.deploy(&compose(1), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let (ran, took) = case.deploy(
        &compose(2),
        &["--timeout", "60s", "--rollback-timeout", "60s"],
    );
    tells_of_failure(
        &ran,
        &[
            "host-mode port already in use",
            "`order: start-first`",
            "Use `order: stop-first`",
        ],
    );
    assert!(took.as_secs() < 45, "{took:?}\n{}", ran.text());
    case.end();
}
