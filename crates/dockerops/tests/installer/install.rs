//! Installing and updating, when all is well.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};

use super::machine::{Machine, Ran, script};
use super::release::{ASSET, Release, program};
use super::server::Server;

/// The whole script through standard input, as `curl … | bash -s`.
fn piped(machine: &Machine, text: &[u8], arguments: &[&str]) -> Ran {
    let mut command = machine.command("setsid", &["--wait", "bash", "-eu", "-s"]);
    command.args(arguments);
    fed(&mut command, text)
}

fn fed(command: &mut Command, text: &[u8]) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Bash may end before it has read everything.
    let _ended = stdin.write_all(text);
    drop(stdin);
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn the_newest_release_is_installed_and_runs() {
    let binary = fs::read(env!("CARGO_BIN_EXE_dockerops")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let server = Server::with(&[Release::new("0.0.9"), Release::holding(version, binary)]);
    let machine = Machine::beside(&server);
    let said = format!("installed: dockerops {version}");
    machine.run(&["install"]).succeeded_saying(&[&said]);
    assert_eq!(machine.programs(), ["dockerops"]);
    assert_eq!(
        machine.version_of("dockerops"),
        format!("dockerops {version}")
    );
    let mode = fs::metadata(machine.binary()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
}

#[test]
fn an_update_keeps_the_release_before_as_backup() {
    let server = Server::with(&[Release::new("1.0.0"), Release::new("1.1.0")]);
    let machine = Machine::beside(&server)
        .installed("1.0.0")
        .installed("1.1.0");
    server.add(&Release::new("1.2.0"));
    let ran = machine.run(&["install"]);
    ran.succeeded_saying(&["installed: dockerops 1.2.0", "dockerops.backup"]);
    assert_eq!(machine.programs(), ["dockerops", "dockerops.backup"]);
    assert_eq!(machine.version_of("dockerops"), "dockerops 1.2.0");
    assert_eq!(machine.version_of("dockerops.backup"), "dockerops 1.1.0");
}

#[test]
fn a_version_is_installed_by_its_name_with_or_without_v() {
    let server = Server::with(&[Release::new("1.0.0-rc.1"), Release::new("1.1.0")]);
    for name in ["v1.0.0-rc.1", "1.0.0-rc.1"] {
        let machine = Machine::beside(&server);
        let ran = machine.run(&["install", "--version", name]);
        ran.succeeded_saying(&["installed: dockerops 1.0.0-rc.1"]);
    }
    assert_eq!(server.times_asked("/latest"), 0);
}

#[test]
fn the_same_release_again_changes_nothing_and_keeps_the_backup() {
    let server = Server::with(&[Release::new("1.0.0"), Release::new("1.1.0")]);
    let machine = Machine::beside(&server)
        .installed("1.0.0")
        .installed("1.1.0");
    let before = fs::metadata(machine.binary()).unwrap().ino();
    let asked = server.times_asked(ASSET);
    let ran = machine.run(&["install"]);
    ran.succeeded_saying(&["already installed: dockerops 1.1.0"]);
    assert_eq!(fs::metadata(machine.binary()).unwrap().ino(), before);
    assert_eq!(machine.version_of("dockerops.backup"), "dockerops 1.0.0");
    assert_eq!(server.times_asked(ASSET), asked, "nothing was downloaded");
}

#[test]
fn a_script_from_a_pipe_installs_twice_in_a_row_without_a_terminal() {
    let server = Server::with(&[Release::new("1.0.0")]);
    let machine = Machine::beside(&server);
    let text = fs::read(script()).unwrap();
    piped(&machine, &text, &["install", "--clean-all"]).succeeded_saying(&["installed: "]);
    piped(&machine, &text, &["install", "--clean-all"]).succeeded_saying(&["already installed: "]);
    assert_eq!(machine.programs(), ["dockerops"]);
}

#[test]
fn a_script_that_arrives_in_part_does_nothing() {
    let server = Server::with(&[Release::new("1.0.0")]);
    let machine = Machine::beside(&server);
    let text = fs::read(script()).unwrap();
    let last = text.len() - "main \"$@\"\n".len();
    for part in (1..20).map(|n| last * n / 20).chain([last, last + 4]) {
        piped(&machine, &text[..part], &["install"]);
    }
    assert_eq!(machine.programs(), Vec::<String>::new());
    assert_eq!(server.times_asked("/latest"), 0);
}

#[test]
fn a_folder_with_a_release_is_installed_without_a_network() {
    let mut machine = Machine::new();
    let folder = machine.aside("release");
    Release::new("1.0.0").write_to(&folder);
    machine.remove_command("curl");
    let mut command = machine.command("unshare", &["--net", "bash"]);
    command.arg(script()).args(["install", "--from", "release"]);
    Ran::of(&mut command).succeeded_saying(&["installed: dockerops 1.0.0"]);
    assert_eq!(machine.programs(), ["dockerops"]);
}

#[test]
fn each_architecture_gets_its_own_binary() {
    let names = ["dockerops-linux-x86_64", "dockerops-linux-aarch64"];
    let binary = |name: &str| {
        let mut text = program("1.0.0");
        text.extend(format!("# {name}\n").bytes());
        text
    };
    let release = Release::of("1.0.0", &names.map(|name| (name, binary(name))));
    let server = Server::with(&[release]);
    for (machine_name, wanted) in [
        ("x86_64", names[0]),
        ("amd64", names[0]),
        ("aarch64", names[1]),
        ("arm64", names[1]),
    ] {
        let mut machine = Machine::beside(&server);
        machine.replace_command(
            "uname",
            &format!("[ \"$1\" = -s ] && echo Linux || echo {machine_name}"),
        );
        machine.run(&["install"]).succeeded_saying(&["installed: "]);
        assert_eq!(fs::read(machine.binary()).unwrap(), binary(wanted));
    }
}

#[test]
fn help_names_every_option_and_variable() {
    let ran = Machine::new().run(&["help"]);
    let text = fs::read_to_string(script()).unwrap();
    let plain = |c: char| c.is_ascii_lowercase() || "- |".contains(c);
    let options = text.lines().filter_map(|line| {
        let (patterns, _) = line.trim().split_once(')')?;
        (patterns.starts_with('-') && patterns.chars().all(plain)).then(|| patterns.to_owned())
    });
    let options: Vec<String> = options.collect();
    assert!(options.len() > 8, "{options:?}");
    let guide = include_str!("../../../../docs/guide/install.md");
    for option in options.iter().flat_map(|patterns| patterns.split(" | ")) {
        ran.succeeded_saying(&[option]);
        assert!(guide.contains(option), "the guide does not name {option}");
    }
    let variables = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
    for variable in variables.filter(|word| word.starts_with("DOCKEROPS_")) {
        ran.said(&[variable]);
        assert!(
            guide.contains(variable),
            "the guide does not name {variable}"
        );
    }
    Machine::new()
        .run(&[])
        .succeeded_saying(&["install", "uninstall", "status"]);
}
