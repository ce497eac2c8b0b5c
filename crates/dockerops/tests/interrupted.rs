//! A run that is asked to stop: it says so at once, exits with 130 and keeps no lock.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};

use dockerops::lock::{Holder, Lock};
use rustix::process::{Pid, Signal, kill_process};

/// `dockerops reconcile` at an engine that takes the connection and never answers.
fn hanging(home: &std::path::Path) -> Child {
    let listener = UnixListener::bind(home.join("d.sock")).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_dockerops"))
        .args(["reconcile", "-o", "json"])
        .env_clear()
        .env("HOME", home)
        .env("DOCKEROPS_ALLOW_NON_ROOT", "1")
        .env(
            "DOCKER_HOST",
            format!("unix://{}", home.join("d.sock").display()),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (connection, _) = listener.accept().unwrap();
    // Held open until this process ends.
    std::mem::forget(connection);
    child
}

#[test]
fn a_run_that_is_asked_to_stop_exits_130_and_frees_the_lock() {
    for signal in [Signal::INT, Signal::TERM] {
        let home = tempfile::tempdir().unwrap();
        let child = hanging(home.path());
        let lock = Lock::path_for(&home.path().join(".dockerops/dockerops.db"));
        let me = Holder {
            pid: 1,
            command: "test".to_owned(),
            since: String::new(),
        };
        assert!(
            Lock::try_acquire(&lock, &me).is_err(),
            "the run has the lock"
        );

        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();

        assert_eq!(output.status.code(), Some(130), "{output:?}");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["schema"], 1);
        assert!(String::from_utf8_lossy(&output.stderr).contains("interrupted"));
        Lock::try_acquire(&lock, &me).unwrap();
    }
}
