//! Uninstalling, and deleting data: exactly what was asked for, and never without saying what.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::machine::{Machine, Ran, names_in, put, script};
use super::release::Release;
use super::server::Server;

const DATABASE: &[u8] = b"SQLite format 3\0and so on";

/// A machine with everything that DockerOps ever writes, and one file beside it.
fn used(server: &Server) -> Machine {
    let machine = Machine::beside(server)
        .installed("1.0.0")
        .installed("1.1.0");
    let data = machine.home().join(".dockerops");
    for name in [
        "dockerops.db",
        "dockerops.db-wal",
        "dockerops.db.lock",
        "key",
        "dockerops.env",
    ] {
        put(
            &data.join(name),
            if name == "dockerops.db" {
                DATABASE
            } else {
                b""
            },
        );
    }
    put(&data.join("mirrors/app.git/HEAD"), b"");
    put(&data.join("logs/dockerops-2026-01-01.log"), b"");
    put(&machine.root().join("etc/dockerops/dockerops.env"), b"");
    put(&machine.home().join("mine"), b"");
    machine
}

fn releases() -> Server {
    Server::with(&[Release::new("1.0.0"), Release::new("1.1.0")])
}

fn data(machine: &Machine) -> Vec<String> {
    names_in(&machine.home().join(".dockerops"))
}

#[test]
fn uninstall_removes_binary_and_backup_and_keeps_data() {
    let machine = used(&releases());
    let before = data(&machine);
    let ran = machine.run(&["uninstall"]);
    ran.succeeded_saying(&[
        "removed: ",
        "data and settings stay",
        "stacks go on running",
    ]);
    assert_eq!(machine.programs(), Vec::<String>::new());
    assert_eq!(data(&machine), before);
    machine
        .run(&["uninstall"])
        .succeeded_saying(&["is not installed"]);
}

#[test]
fn uninstall_with_clean_all_leaves_nothing_of_dockerops() {
    let machine = used(&releases());
    let ran = machine.run(&["uninstall", "--clean-all"]);
    let folder = machine.home().join(".dockerops").display().to_string();
    ran.succeeded_saying(&[
        "This will be deleted:",
        &folder,
        "etc/dockerops",
        "Stacks go on running",
    ]);
    assert_eq!(machine.programs(), Vec::<String>::new());
    assert_eq!(names_in(&machine.home()), ["mine"]);
    assert_eq!(names_in(&machine.root().join("etc")), Vec::<String>::new());
    machine
        .run(&["uninstall", "--clean-all"])
        .succeeded_saying(&["there is no data to delete"]);
}

#[test]
fn install_deletes_what_it_is_told_to_and_no_more() {
    let server = releases();
    let left = |option: &str| {
        let machine = used(&server);
        machine
            .run(&["install", option])
            .succeeded_saying(&["This will be deleted:", "deleted: "]);
        assert_eq!(machine.version_of("dockerops"), "dockerops 1.1.0");
        assert_eq!(
            names_in(&machine.root().join("etc/dockerops")),
            ["dockerops.env"]
        );
        assert_eq!(names_in(&machine.home()), [".dockerops", "mine"]);
        data(&machine)
    };
    assert_eq!(
        left("--clean-db"),
        ["dockerops.env", "key", "logs", "mirrors"]
    );
    assert_eq!(
        left("--clean-dirs"),
        [
            "dockerops.db",
            "dockerops.db-wal",
            "dockerops.db.lock",
            "dockerops.env",
            "key"
        ]
    );
    assert_eq!(left("--clean-all"), ["dockerops.env"]);
}

#[test]
fn what_fails_to_install_deletes_nothing() {
    let server = releases();
    let machine = used(&server);
    let before = data(&machine);
    server.add(&Release::new("1.2.0").with("SHA256SUMS", b""));
    machine
        .run(&["install", "--clean-all"])
        .failed_saying(&["no checksum for"]);
    assert_eq!(data(&machine), before);
}

#[test]
fn database_and_logs_are_found_where_the_settings_say() {
    for quoted in ["{}", "\"{}\"", "'{}'", "\"{}\"  # here", "{} # here"] {
        let machine = used(&releases());
        let (database, logs) = (machine.aside("var/my.db"), machine.aside("var/log"));
        put(&database, DATABASE);
        put(&logs.join("dockerops-2026-01-01.log"), b"");
        put(&logs.join("other.log"), b"");
        let said = |name: &str, path: &Path| {
            format!(
                "{name}={}\n",
                quoted.replace("{}", &path.display().to_string())
            )
        };
        let settings =
            said("DOCKEROPS_DB_PATH", &database) + &said("export DOCKEROPS_LOG_DIR", &logs);
        put(
            &machine.root().join("etc/dockerops/dockerops.env"),
            settings.as_bytes(),
        );
        machine
            .run(&["uninstall", "--clean-all"])
            .succeeded_saying(&["my.db"]);
        assert_eq!(names_in(&machine.aside("var")), ["log"]);
        assert_eq!(names_in(&logs), ["other.log"]);
    }
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let machine = used(&releases());
    let mine = machine.home().join("mine");
    for (option, command) in [("--clean-db", "install"), ("--clean-all", "uninstall")] {
        let mut script = machine.script(&[command, option]);
        script.env("DOCKEROPS_DB_PATH", &mine);
        Ran::of(&mut script).succeeded_saying(&["left alone: ", "which is no database"]);
        assert!(mine.exists());
    }
}

#[test]
fn a_run_at_work_keeps_its_data() {
    let machine = used(&releases());
    let before = data(&machine);
    let lock = fs::File::open(machine.home().join(".dockerops/dockerops.db.lock")).unwrap();
    lock.try_lock().unwrap();
    for arguments in [["install", "--clean-db"], ["uninstall", "--clean-all"]] {
        machine
            .run(&arguments)
            .failed_saying(&["dockerops is at work"]);
    }
    assert_eq!(data(&machine), before);
    assert_eq!(machine.programs(), ["dockerops", "dockerops.backup"]);
}

/// Somebody at a terminal, who types `answer`.
fn at_a_terminal(machine: &Machine, arguments: &str, answer: &str) -> Ran {
    let line = format!("bash '{}' {arguments}", script().display());
    let mut command = machine.command(
        "script",
        &["--quiet", "--return", "--command", &line, "/dev/null"],
    );
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(answer.as_bytes())
        .unwrap();
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn on_a_terminal_it_asks_before_it_deletes() {
    let machine = used(&releases());
    let before = data(&machine);
    for answer in ["n\n", "\n", ""] {
        let ran = at_a_terminal(&machine, "uninstall --clean-all", answer);
        assert_eq!(ran.code, Some(1), "{}", ran.text);
        ran.said(&["Delete it? [y/N]", "nothing was changed"]);
        assert_eq!(data(&machine), before);
        assert_eq!(machine.programs(), ["dockerops", "dockerops.backup"]);
    }
    let ran = at_a_terminal(&machine, "install --clean-db", "y\n");
    ran.succeeded_saying(&["Delete it? [y/N]", "deleted: "]);
    let ran = at_a_terminal(&machine, "uninstall --clean-all --yes", "");
    ran.succeeded_saying(&["This will be deleted:", "deleted: "]);
    assert!(!ran.text.contains("[y/N]"), "{}", ran.text);
    assert_eq!(names_in(&machine.home()), ["mine"]);
}

#[test]
fn whoever_still_calls_dockerops_is_named() {
    let machine = used(&releases());
    let cron: PathBuf = machine.root().join("etc/cron.d/dockerops");
    put(
        &cron,
        include_bytes!("../../../../packaging/dockerops.cron"),
    );
    let said = format!("note: {} still calls dockerops", cron.display());
    machine.run(&["uninstall"]).succeeded_saying(&[&said]);
}
