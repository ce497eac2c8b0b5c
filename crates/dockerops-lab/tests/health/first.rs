//! First deploys that cannot get well.

use std::time::Duration;

use dockerops_lab::{Lab, wait_for};

use crate::case::{Case, tells_of_failure};

#[test]
fn an_image_that_does_not_exist_fails_before_anything_is_written() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "noimage");
    let missing = format!("{}-none:1", case.image.trim_end_matches(":1"));
    let compose = case.compose("").replace(&case.image, &missing);
    case.fails_early(&compose, 10, &[&missing]);
    assert!(lab.services(&case.stack).unwrap().is_empty());
}

#[test]
fn an_image_that_no_node_can_get_fails_as_soon_as_three_attempts_did() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "rejected");
    let compose = case
        .compose("")
        .replace(&case.image, "127.0.0.1:9/nowhere:1");
    let (ran, took) = case.deploy(&compose, &["--resolve-image", "never"]);
    tells_of_failure(
        &ran,
        &[
            "No such image: 127.0.0.1:9/nowhere:1, 3 times (on node `n1`)",
            "hint: Check the image's name and tag",
        ],
    );
    assert!(took < Duration::from_secs(30), "{took:?}");
    case.end();
}

#[test]
fn a_registry_that_is_down_fails_before_anything_is_written() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "down");
    let relay = lab.relay(5000).unwrap();
    let away = case.image.replace(&lab.registry(), &relay.address());
    drop(relay);
    let compose = case.compose("").replace(&case.image, &away);
    case.fails_early(&compose, 20, &[&away]);
    assert!(lab.services(&case.stack).unwrap().is_empty());
}

#[test]
fn a_crash_loop_fails_with_the_last_lines_of_its_log() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "crash");
    // It runs for a moment each time.
    let script = "echo no database at db:5432; sleep 1; echo giving up >&2; exit 1";
    let compose = case.compose(&format!("command: [sh, -c, \"{script}\"]"));
    let ran = case.fails_early(
        &compose,
        40,
        &[
            "task: non-zero exit (1), 3 times (on node `n1`)",
            "its log ends:",
            "no database at db:5432",
            "giving up",
        ],
    );
    assert!(!ran.stdout.contains("rolled back"), "{}", ran.text());
    case.end();
}

#[test]
fn a_health_check_that_turns_bad_fails_with_its_output() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "sick");
    // It is well for longer than the usual window; the update's monitor says to watch longer.
    let settings = "command: [sh, -c, \"touch /ok; sleep 10; rm /ok; sleep 1000\"], \
        healthcheck: {test: \"test -e /ok || { echo the queue is full; exit 1; }\", interval: 500ms, retries: 2}, \
        deploy: {update_config: {monitor: 20s}, restart_policy: {condition: none}}";
    let compose = case.compose(settings);
    case.fails_early(
        &compose,
        40,
        &[
            "unhealthy container (on node `n1`)",
            "its health check ends:",
            "the queue is full",
        ],
    );
    case.end();
}

#[test]
fn a_health_check_that_never_succeeds_is_told_when_the_time_is_up() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "slow");
    let settings = "command: sleep 1000, healthcheck: {test: \"echo not yet; exit 1\", interval: 500ms, start_period: 5m}";
    let (ran, took) = case.deploy(&case.compose(settings), &["--timeout", "6s"]);
    tells_of_failure(
        &ran,
        &[
            "is still starting when the time is up",
            "its health check has not succeeded yet",
            "not yet",
        ],
    );
    assert!(took < Duration::from_secs(16), "{took:?}");
    case.end();
}

#[test]
fn a_constraint_that_no_node_satisfies_fails_at_once_and_is_named() {
    let lab = Lab::shared().unwrap();
    for (topic, mode) in [("where", "replicated"), ("everywhere", "global")] {
        let case = Case::new(lab, topic);
        let settings = format!(
            "deploy: {{mode: {mode}, placement: {{constraints: [\"node.role == manager\", \"node.labels.disk == ssd\"]}}}}"
        );
        case.fails_early(
            &case.compose(&settings),
            10,
            &[
                "no suitable node: no node satisfies `node.labels.disk == ssd`",
                "hint: Compare the service's placement with `docker node ls`",
            ],
        );
        case.end();
    }
}

#[test]
fn a_host_port_that_is_taken_fails_after_a_moment() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "port");
    let port = "ports: [{target: 80, published: 18301, mode: host}], command: sleep 1000";
    let compose = case.compose(&format!("{port}, deploy: {{replicas: 2}}"));
    case.fails_early(
        &compose,
        25,
        &[
            "(1 of 2 tasks run): no suitable node (host-mode port already in use on 1 node)",
            "hint: Free the port",
        ],
    );
    case.end();
}

#[test]
fn a_job_that_fails_three_times_or_may_not_try_again_has_failed() {
    let lab = Lab::shared().unwrap();
    let job = "command: [sh, -c, \"echo no such table; exit 4\"], deploy: {mode: replicated-job, restart_policy:";
    let again = Case::new(lab, "job");
    let compose = again.compose(&format!("{job} {{condition: on-failure, delay: 500ms}}}}"));
    again.fails_early(
        &compose,
        30,
        &[
            "task: non-zero exit (4), 3 times (on node `n1`)",
            "no such table",
        ],
    );
    again.end();
    let once = Case::new(lab, "once");
    let compose = once.compose(&format!("{job} {{condition: none}}}}"));
    once.fails_early(
        &compose,
        15,
        &["task: non-zero exit (4) (on node `n1`)", "no such table"],
    );
    once.end();
}

#[test]
fn what_fails_twice_while_its_database_starts_is_a_success() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "late");
    let folder = case.person.nfs();
    let script = "echo . >> /x/tries; test $(wc -l < /x/tries) -gt 2 && exec sleep 1000; exit 1";
    let script = script
        .replace('$', "$$")
        .replace("wc -l < /x/tries", "cat /x/tries | grep -c .");
    let settings = format!(
        "command: [sh, -c, \"{script}\"], volumes: ['{}:/x'], deploy: {{restart_policy: {{delay: 500ms}}}}",
        folder.display()
    );
    let (ran, _) = case.deploy(&case.compose(&settings), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    wait_for("the third attempt", Duration::from_secs(1), || {
        Ok(std::fs::read_to_string(folder.join("tries"))
            .unwrap()
            .lines()
            .count()
            == 3)
    })
    .unwrap();
    case.end();
}

#[test]
fn a_run_ends_within_a_second_of_the_end_of_the_window() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "prompt");
    let (ran, _) = case.deploy(&case.compose("command: sleep 1000"), &[]);
    let now = jiff::Timestamp::now();
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let tasks = lab.tasks(&format!("{}_web", case.stack)).unwrap();
    let running: jiff::Timestamp = tasks[0]["Status"]["Timestamp"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let beyond = now.duration_since(running).as_secs_f64() - 5.0;
    assert!((0.0..1.0).contains(&beyond), "{beyond} s beyond the window");
    case.end();
}

#[test]
fn a_secret_that_an_application_writes_to_its_log_is_masked() {
    let lab = Lab::shared().unwrap();
    let case = Case::new(lab, "leak");
    case.person.secret("db", "correct-horse").unwrap();
    case.person.secret("token", "battery-staple").unwrap();
    let script = "echo using $${URL##*:}; echo $$TOKEN; exit 1";
    let settings = format!(
        "environment: ['URL=pg:${{DB_PASSWORD}}', TOKEN], command: [sh, -c, \"{script}\"], \
         deploy: {{restart_policy: {{condition: none}}}}"
    );
    let compose = case.compose(&settings);
    let repository = case.person.repository().unwrap();
    let secrets = "- {id: db, env: DB_PASSWORD}\n- {id: token, env: TOKEN}\n";
    let secrets_path = format!("{}/secrets.yaml", case.stack);
    let list = format!("- name: {}\n", case.stack);
    let path = format!("{}/compose.yml", case.stack);
    let nfs = case.person.nfs_yaml();
    let files = [
        ("stacks.yaml", list.as_str()),
        (&secrets_path, secrets),
        ("nfs.yaml", &nfs),
        (&path, &compose),
    ];
    repository.commit(&files, "leak").unwrap();
    let ran = case.person.run(&["watch", &repository.url()]).unwrap();
    tells_of_failure(&ran, &["its log ends:", "[secret "]);
    assert!(!ran.text().contains("correct-horse"), "{}", ran.text());
    assert!(!ran.text().contains("battery-staple"), "{}", ran.text());
    case.person.run(&["stop"]).unwrap();
}
