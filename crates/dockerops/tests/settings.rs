//! What the environment and the settings files change, as somebody at a shell sees it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "shared with the tests over HTTP")]
mod git_server;
mod shell;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use git_server::Repository;
use shell::{MANAGER, Ran, Shell};

#[test]
fn the_database_path_is_honoured_and_parents_are_created() {
    let shell = Shell::new(MANAGER);
    let default = shell.run(&["debug-cache"]);
    assert_eq!(default.code, Some(0), "{}", default.text);
    assert!(shell.home().join(".dockerops/dockerops.db").is_file());

    let chosen = shell.home().join("deep/below/own.db");
    let mut command = shell.command(&["debug-cache"]);
    let ran = Ran::of(command.env("DOCKEROPS_DB_PATH", "~/deep/below/own.db"));
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    assert!(ran.text.contains(chosen.to_str().unwrap()), "{}", ran.text);
    assert!(chosen.is_file());
}

#[test]
fn a_foreign_database_is_refused_and_left_alone() {
    let shell = Shell::new(MANAGER);
    let path = shell.home().join("theirs");
    let foreign = |content: &[u8], words: &[&str]| {
        fs::write(&path, content).unwrap();
        for arguments in [&["debug-cache"][..], &["watch", "file:///x/y"]] {
            let mut command = shell.command(arguments);
            let ran = Ran::of(command.env("DOCKEROPS_DB_PATH", &path));
            ran.failed_saying(&[words, &["DOCKEROPS_DB_PATH"]].concat());
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    };
    foreign(
        b"a letter to a friend, longer than a header",
        &["is not a database"],
    );
    let other = shell.home().join("other.db");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection
        .execute_batch("CREATE TABLE songs(name TEXT)")
        .unwrap();
    drop(connection);
    foreign(&fs::read(&other).unwrap(), &["of another program"]);
}

#[test]
fn an_unknown_pull_policy_is_refused_naming_both() {
    let shell = Shell::new(MANAGER);
    let mut command = shell.command(&["watch", "file:///x/y"]);
    let ran = Ran::of(command.env("DOCKEROPS_IMAGE_PULL_POLICY", "never"));
    ran.failed_saying(&["`never`", "`always`", "`ifnotpresent`"]);
}

#[test]
fn settings_files_are_read_and_the_environment_wins() {
    let shell = Shell::new(MANAGER);
    let folder = shell.home().join(".dockerops");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("dockerops.env");
    fs::write(&file, "# ours\nDOCKEROPS_DB_PATH=~/from-file.db\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let ran = shell.run(&["debug-cache"]);
    assert!(ran.text.contains("from-file.db"), "{}", ran.text);

    let mut command = shell.command(&["debug-cache"]);
    let ran = Ran::of(command.env("DOCKEROPS_DB_PATH", "~/from-shell.db"));
    assert!(ran.text.contains("from-shell.db"), "{}", ran.text);

    fs::write(&file, "GITHUB_TOKEN=hunter2\nsource /etc/profile\n").unwrap();
    let ran = shell.run(&["debug-cache"]);
    ran.failed_saying(&["line 2", "dockerops.env", "not a shell script"]);
    assert!(!ran.text.contains("hunter2"), "{}", ran.text);
}

#[test]
fn two_spellings_of_a_url_are_one_repository() {
    let shell = Shell::new(MANAGER);
    let repository = Repository::with(&[("stacks.yaml", "[]\n")]);
    let url = repository.url();
    let first = shell.run(&["watch", &url]);
    assert_eq!(first.code, Some(0), "{}", first.text);
    for spelling in [format!("{url}/"), format!("{url}.git")] {
        let again = shell.run(&["watch", &spelling]);
        again.failed_saying(&[&format!(
            "Repository '{url}' is already being watched (last watch: "
        )]);
    }
}

#[test]
fn credentials_in_a_url_are_refused_without_repeating_them() {
    let shell = Shell::new(MANAGER);
    for url in [
        "https://ann:hunter2@git.invalid/a/b",
        "https://hunter2@git.invalid/a/b",
        "http://git.invalid/a/b?access_token=hunter2",
        "ssh://git:hunter2@git.invalid/a/b",
    ] {
        let ran = shell.run(&["watch", url]);
        assert_eq!(ran.code, Some(1), "{}", ran.text);
        assert!(!ran.text.contains("hunter2"), "{}", ran.text);
        assert!(ran.text.contains("hint:"), "{}", ran.text);
    }
    assert!(!shell.home().join(".dockerops").exists());
}

#[test]
fn a_log_file_a_day_holds_what_runs_said() {
    let shell = Shell::new(MANAGER);
    let logs = shell.home().join("var/log");
    let run = |arguments: &[&str]| {
        let mut command = shell.command(arguments);
        Ran::of(command.env("DOCKEROPS_LOG_DIR", &logs))
    };
    run(&["watch", "file:///nowhere/app"]);
    run(&["reconcile"]);
    let files: Vec<_> = fs::read_dir(&logs).unwrap().flatten().collect();
    assert_eq!(files.len(), 1);
    let name = files[0].file_name().into_string().unwrap();
    assert!(
        name.starts_with("dockerops-20") && name.strip_suffix(".log").is_some(),
        "{name}"
    );
    assert_eq!(
        files[0].metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(files[0].path()).unwrap();
    for said in [
        "dockerops watch file:///nowhere/app",
        "was not found",
        "dockerops reconcile",
        "no repository is watched",
    ] {
        assert!(text.contains(said), "no `{said}` in:\n{text}");
    }
    assert!(text.lines().all(|line| line.starts_with("20")), "{text}");

    let mut command = shell.command(&["reconcile"]);
    let ran = Ran::of(command.env("DOCKEROPS_LOG_DIR", "/proc/nowhere"));
    ran.failed_saying(&["the log `/proc/nowhere/dockerops-", "DOCKEROPS_LOG_DIR"]);
}
