//! Commands that need neither Docker nor root, and the door to those that do.

#![expect(clippy::expect_used, reason = "a test may panic")]

use std::path::Path;
use std::process::{Command, Output};

/// `dockerops` with an empty environment but `HOME` and `PATH`.
fn dockerops(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockerops"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/usr/bin:/bin");
    command.output().expect("dockerops starts")
}

/// The same as the user `nobody`, who may not even reach the program's folder: a copy is run.
fn as_nobody(home: &Path, arguments: &[&str], more: &[(&str, &str)]) -> Output {
    let program = home.join("dockerops");
    std::fs::copy(env!("CARGO_BIN_EXE_dockerops"), &program).expect("a copy");
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(program)
        .args(arguments);
    command
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/usr/bin:/bin")
        .envs(more.iter().copied());
    command.output().expect("setpriv starts")
}

/// A home folder that everybody may enter and write.
fn home() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o777)).expect("mode");
    home
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn version_needs_nothing_and_says_four_things() {
    let home = home();
    let output = as_nobody(home.path(), &["version"], &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(
        said.starts_with(concat!("dockerops ", env!("CARGO_PKG_VERSION"), "\n")),
        "{said}"
    );
    for word in ["repository: https://", "commit: ", "target: "] {
        assert!(said.contains(word), "{said}");
    }
    assert_eq!(
        std::fs::read_dir(home.path()).expect("home").count(),
        1,
        "only the copy of the program"
    );
    let flag = dockerops(home.path(), &["--version"]);
    assert_eq!(
        text(&flag.stdout),
        concat!("dockerops ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn local_commands_need_no_root() {
    let home = home();
    let file = home.path().join("compose.yml");
    std::fs::write(&file, "services: {web: {image: nginx}}\n").expect("a file");
    let file = file.display().to_string();
    let example = home.path().join("example").display().to_string();
    let pages = home.path().join("man1").display().to_string();
    for arguments in [
        vec!["version"],
        vec!["help"],
        vec!["schema"],
        vec!["schema", "stacks"],
        vec!["completion", "bash"],
        vec!["man", &pages],
        vec!["init", &example],
        vec!["render", "-c", &file, "--name", "web"],
        vec!["validate", "-c", &file],
    ] {
        let output = as_nobody(home.path(), &arguments, &[]);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn commands_that_reach_docker_need_root() {
    let home = home();
    let commands = [
        vec!["watch", "https://example.org/r"],
        vec!["reconcile"],
        vec!["stop", "--yes"],
        vec!["debug-cache"],
        vec!["status"],
        vec!["history"],
        vec!["logs", "web"],
        vec!["wait", "web"],
        vec!["suspend", "web"],
        vec!["unwatch", "https://example.org/r", "--yes"],
        vec!["doctor"],
    ];
    for arguments in &commands {
        let output = as_nobody(home.path(), arguments, &[]);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(
            said.contains("DockerOps must be run with root privileges (use sudo)"),
            "{said}"
        );
    }
    let allowed = as_nobody(
        home.path(),
        &["debug-cache"],
        &[("DOCKEROPS_ALLOW_NON_ROOT", "1")],
    );
    assert!(allowed.status.success(), "{}", text(&allowed.stderr));
}

#[test]
fn settings_that_only_root_may_read_do_not_hide_that_root_is_needed() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    let folder = home.path().join(".dockerops");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).expect("mode");
    let file = folder.join("dockerops.env");
    std::fs::write(&file, "DOCKEROPS_DB_PATH=/nowhere/db\n").expect("a file");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("mode");
    let refused = as_nobody(home.path(), &["reconcile"], &[]);
    let said = text(&refused.stderr);
    assert!(said.contains("must be run with root privileges"), "{said}");
    let allowed = [("DOCKEROPS_ALLOW_NON_ROOT", "1")];
    let shown = as_nobody(home.path(), &["debug-cache"], &allowed);
    let said = text(&shown.stderr);
    assert!(
        shown.status.success() && said.contains("is not yours to read"),
        "{said}"
    );
}

#[test]
fn an_engine_over_plain_tcp_needs_no_certificates_of_authorities() {
    let home = home();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockerops"));
    command.arg("status").env_clear();
    command
        .env("HOME", home.path())
        .env("PATH", "/usr/bin:/bin");
    command.env("DOCKER_HOST", "tcp://127.0.0.1:9");
    command.envs([("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")]);
    let said = text(&command.output().expect("dockerops starts").stderr);
    assert!(said.contains("Connection refused"), "{said}");
}

#[test]
fn a_failure_is_one_json_object_when_json_is_asked_for() {
    let home = home();
    let output = dockerops(
        home.path(),
        &["-o", "json", "watch", "https://user:pw@example.org/r"],
    );
    assert_eq!(output.status.code(), Some(1));
    let answer: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(answer["schema"], 1);
    assert!(answer["error"]["hint"].is_string(), "{answer}");
    assert!(
        !text(&output.stdout).contains("pw@"),
        "credentials are not repeated"
    );
}

#[test]
fn history_needs_neither_docker_nor_git_and_makes_no_database() {
    let home = home();
    let nobody = [("DOCKEROPS_ALLOW_NON_ROOT", "1")];
    let run = |arguments: &[&str]| as_nobody(home.path(), arguments, &nobody);
    let none = run(&["history", "-o", "json"]);
    assert!(none.status.success(), "{}", text(&none.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&none.stdout).expect("JSON");
    assert_eq!(answer["runs"], serde_json::json!([]));
    for (arguments, said) in [
        (["history", "web"], "there is no stack `web`"),
        (["history", "--id=7"], "no run 7 is remembered"),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains(said),
            "{}",
            text(&output.stderr)
        );
    }
    assert!(!home.path().join(".dockerops/dockerops.db").exists());
}

#[test]
fn what_is_not_watched_is_not_suspended_and_the_error_says_so() {
    let home = home();
    let nobody = [("DOCKEROPS_ALLOW_NON_ROOT", "1")];
    for (subject, said) in [
        ("web", "there is no stack `web`"),
        (
            "https://example.org/r",
            "the repository `https://example.org/r` is not watched",
        ),
        ("we b", "has no protocol"),
    ] {
        let output = as_nobody(home.path(), &["suspend", subject], &nobody);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains(said),
            "{}",
            text(&output.stderr)
        );
    }
}
