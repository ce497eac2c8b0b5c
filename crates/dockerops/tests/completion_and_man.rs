//! What the program gives of itself to a shell and to `man`: `completion` and `man`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

use clap::CommandFactory;
use dockerops::cli::Cli;

const DOCKEROPS: &str = env!("CARGO_BIN_EXE_dockerops");

/// Every command, but for `help`.
fn commands() -> Vec<String> {
    let program = Cli::command();
    let names = program.get_subcommands().map(|c| c.get_name().to_owned());
    names.filter(|name| name != "help").collect()
}

fn script(shell: &str) -> String {
    let ran = Command::new(DOCKEROPS).args(["completion", shell]).output();
    let ran = ran.unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap()
}

/// What bash offers after the words of `line`, the last of which is being typed.
fn offered(line: &[&str]) -> Vec<String> {
    let asked = r#"
        eval "$1"; shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _dockerops dockerops "${@: -1}" "${@: -2:1}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = Command::new("bash");
    let bash = bash.args(["--norc", "-c", asked, "bash", &script("bash")]);
    let ran = bash.args(line).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    said.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_flags() {
    assert_eq!(offered(&["dockerops", "reco"]), ["reconcile"]);
    assert_eq!(offered(&["dockerops", "watch", "--ado"]), ["--adopt"]);
    assert_eq!(offered(&["dockerops", "-o", "js"]), ["json"]);
    assert_eq!(offered(&["dockerops", "completion", "f"]), ["fish"]);
}

#[test]
fn every_shell_knows_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = script(shell);
        let missing: Vec<_> = commands()
            .into_iter()
            .filter(|name| !script.contains(name.as_str()))
            .collect();
        assert_eq!(missing, Vec::<String>::new(), "{shell}");
    }
}

#[test]
fn man_writes_a_page_for_each_command() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("new/man1");
    let man = || {
        Command::new(DOCKEROPS)
            .arg("man")
            .arg(&folder)
            .output()
            .unwrap()
    };
    assert!(man().status.success());
    let mut wanted: Vec<_> = commands()
        .iter()
        .map(|name| format!("dockerops-{name}.1"))
        .collect();
    wanted.push("dockerops.1".to_owned());
    wanted.sort();
    assert_eq!(names(&folder), wanted);
    let page = std::fs::read_to_string(folder.join("dockerops-plan.1")).unwrap();
    assert!(
        page.contains(concat!("dockerops ", env!("CARGO_PKG_VERSION")))
            && page.contains("dockerops plan")
            && page.contains("exit\\-code"),
        "{page}"
    );
    assert!(man().status.success(), "pages that are there are renewed");
}

#[test]
fn man_says_where_it_cannot_write() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let ran = Command::new(DOCKEROPS)
        .arg("man")
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1));
    assert!(
        said.contains("cannot write the manual pages") && said.contains("Name a folder"),
        "{said}"
    );
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
