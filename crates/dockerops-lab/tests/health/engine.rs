//! An engine that goes away in the middle of a deploy.

use std::process::Stdio;
use std::time::{Duration, Instant};

use dockerops_lab::{Lab, LabOptions, sleepers, wait_for};

use crate::case::Case;

#[test]
fn an_engine_that_is_stopped_and_started_in_the_middle_is_waited_for() {
    let lab = Lab::up(LabOptions::default()).unwrap();
    let case = Case::new(&lab, "restart");
    let file = case.person.home().join("stack.yml");
    std::fs::write(&file, sleepers(&[("web", &case.image, "")])).unwrap();
    let file = file.display().to_string();
    let arguments = ["deploy", "-c", &file, &case.stack, "--timeout", "2m"];
    let begin = Instant::now();
    let mut run = case.person.command(&arguments).unwrap();
    let run = run
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The service is written and in its window.
    wait_for("the service", Duration::from_secs(30), || {
        Ok(!lab.services(&case.stack)?.is_empty())
    })
    .unwrap();
    lab.wait_until_running(&format!("{}_web", case.stack), 1)
        .unwrap();
    lab.stop_engine(1).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    lab.start_engine(1).unwrap();
    let ended = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&ended.stdout).into_owned()
        + &String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{text}");
    assert!(
        begin.elapsed() < Duration::from_secs(90),
        "{:?}",
        begin.elapsed()
    );
    lab.wait_until_running(&format!("{}_web", case.stack), 1)
        .unwrap();
}

#[test]
fn an_engine_that_stays_away_ends_the_run_when_the_time_is_up() {
    let lab = Lab::up(LabOptions::default()).unwrap();
    let case = Case::new(&lab, "away");
    let file = case.person.home().join("stack.yml");
    std::fs::write(&file, sleepers(&[("web", &case.image, "")])).unwrap();
    let file = file.display().to_string();
    let arguments = [
        "deploy",
        "-c",
        &file,
        &case.stack,
        "--timeout",
        "8s",
        "--rollback-timeout",
        "8s",
    ];
    let begin = Instant::now();
    let mut run = case.person.command(&arguments).unwrap();
    let run = run
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("the service", Duration::from_secs(30), || {
        Ok(!lab.services(&case.stack)?.is_empty())
    })
    .unwrap();
    lab.wait_until_running(&format!("{}_web", case.stack), 1)
        .unwrap();
    lab.stop_engine(1).unwrap();
    let ended = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&ended.stdout).into_owned()
        + &String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{text}");
    assert!(
        text.contains("FAILED") && text.contains("docker.sock") || text.contains("Docker"),
        "{text}"
    );
    assert!(
        begin.elapsed() < Duration::from_secs(26),
        "{:?}",
        begin.elapsed()
    );
}
