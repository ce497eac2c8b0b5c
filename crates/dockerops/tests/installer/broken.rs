//! Whatever goes wrong, what was installed stays, and nothing is left behind.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::machine::{Machine, Ran, script};
use super::release::{ASSET, Release, program};
use super::server::Server;

/// A machine with 1.1.0 and, as backup, 1.0.0; and a host whose newest release is `broken`, 1.2.0.
fn before(broken: &Release) -> (Machine, Server) {
    let server = Server::with(&[Release::new("1.0.0"), Release::new("1.1.0")]);
    let machine = Machine::beside(&server)
        .installed("1.0.0")
        .installed("1.1.0");
    server.add(broken);
    (machine, server)
}

#[track_caller]
fn as_it_was(machine: &Machine) {
    assert_eq!(machine.programs(), ["dockerops", "dockerops.backup"]);
    assert_eq!(machine.version_of("dockerops"), "dockerops 1.1.0");
    assert_eq!(machine.version_of("dockerops.backup"), "dockerops 1.0.0");
}

#[test]
fn a_download_that_breaks_off_replaces_nothing() {
    let (machine, server) = before(&Release::new("1.2.0"));
    server.break_off("v1.2.0", ASSET);
    let ran = machine.run(&["install"]);
    ran.failed_saying(&["could not be downloaded", "Run it again", "--from DIR"]);
    as_it_was(&machine);
}

#[test]
fn a_file_that_is_not_there_replaces_nothing() {
    let (machine, server) = before(&Release::new("1.2.0").without(ASSET));
    machine.run(&["install"]).failed_saying(&[ASSET, "404"]);
    let ran = machine.run(&["install", "-v", "v9.9.9"]);
    ran.failed_saying(&[
        "v9.9.9",
        "404",
        "does the release exist?",
        &server.address(),
    ]);
    as_it_was(&machine);
}

#[test]
fn a_host_without_a_release_is_told() {
    let server = Server::with(&[]);
    let ran = Machine::beside(&server).run(&["install"]);
    ran.failed_saying(&["/latest", "404"]);
}

#[test]
fn a_refused_connection_replaces_nothing() {
    let (mut machine, _server) = before(&Release::new("1.2.0"));
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    machine.releases = Some(format!("http://127.0.0.1:{port}/releases"));
    machine
        .run(&["install"])
        .failed_saying(&["Is there a network", "--from DIR"]);
    as_it_was(&machine);
}

#[test]
fn without_a_network_the_message_says_what_to_do() {
    let machine = Machine::new();
    let mut command = machine.command("unshare", &["--net", "bash"]);
    command.arg(script()).arg("install");
    let ran = Ran::of(&mut command);
    ran.failed_saying(&[
        "https://github.com/TomBedinoVT/DockerOps",
        "Is there a network",
        "--from DIR",
    ]);
    assert_eq!(machine.programs(), Vec::<String>::new());
}

#[test]
fn a_wrong_checksum_replaces_nothing() {
    let (machine, _server) =
        before(&Release::new("1.2.0").with(ASSET, b"#!/bin/sh\necho 'dockerops 1.2.0' # evil\n"));
    machine
        .run(&["install"])
        .failed_saying(&["wrong SHA-256", "nothing was replaced"]);
    as_it_was(&machine);
}

#[test]
fn a_missing_checksum_replaces_nothing() {
    let evil = b"not-a-sum  dockerops-linux-x86_64\nnot-a-sum  dockerops-linux-aarch64\n";
    for sums in [&b""[..], evil] {
        let (machine, _server) = before(&Release::new("1.2.0").with("SHA256SUMS", sums));
        machine
            .run(&["install"])
            .failed_saying(&["no checksum for", "nothing was replaced"]);
        as_it_was(&machine);
    }
    let (machine, _server) = before(&Release::new("1.2.0").without("SHA256SUMS"));
    machine
        .run(&["install"])
        .failed_saying(&["SHA256SUMS", "404"]);
    as_it_was(&machine);
}

#[test]
fn a_binary_that_does_not_start_is_replaced_by_the_one_before() {
    let broken = b"#!/bin/sh\necho 'cannot start' >&2; exit 127\n".to_vec();
    let (machine, _server) = before(&Release::holding("1.2.0", broken.clone()));
    let ran = machine.run(&["install"]);
    ran.failed_saying(&["does not start: cannot start", "the release before is back"]);
    as_it_was(&machine);
    let machine = Machine::beside(&Server::with(&[Release::holding("1.2.0", broken)]));
    machine
        .run(&["install"])
        .failed_saying(&["does not start", "as it was"]);
    assert_eq!(machine.programs(), Vec::<String>::new());
}

#[test]
fn a_release_that_holds_another_version_is_refused() {
    let (machine, _server) = before(&Release::holding("1.2.0", program("0.9.0")));
    let ran = machine.run(&["install"]);
    ran.failed_saying(&[
        "release v1.2.0 holds a binary that says `dockerops 0.9.0`",
        "the release before is back",
    ]);
    as_it_was(&machine);
}

#[test]
fn a_full_disk_replaces_nothing() {
    let mut large = program("1.2.0");
    large.resize(300_000, b'#');
    let server = Server::with(&[Release::holding("1.2.0", large)]);
    let machine = Machine::beside(&server);
    let bin = machine.bin();
    // The folder of programs is a disk of 64 KiB, which ends with its mount namespace.
    let steps = "mount -t tmpfs -o size=64k tmpfs \"$1\"
        printf '#!/bin/sh\\necho dockerops 1.1.0\\n' >\"$1/dockerops\"; chmod 755 \"$1/dockerops\"
        code=0; bash \"$2\" install || code=$?
        echo \"left: $(ls -A \"$1\"), which says $(\"$1/dockerops\" version)\"; exit $code";
    let mut command = machine.command("unshare", &["--mount", "bash", "-c", steps, "-"]);
    let ran = Ran::of(command.arg(&bin).arg(script()));
    ran.failed_saying(&[
        "Is the disk full?",
        "df -h",
        "left: dockerops, which says dockerops 1.1.0",
    ]);
}

#[test]
fn whoever_is_not_root_is_told_so() {
    let server = Server::with(&[Release::new("1.0.0")]);
    let machine = Machine::beside(&server);
    for command in ["install", "uninstall"] {
        let nobody = [
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--",
            "bash",
            "-s",
            command,
        ];
        let mut ran = machine.command("setpriv", &nobody);
        // The folder of the sources may be closed to others.
        ran.stdin(fs::File::open(script()).unwrap())
            .current_dir("/");
        Ran::of(&mut ran).failed_saying(&["must be run with root privileges (use sudo)", "sudo"]);
    }
    assert_eq!(server.times_asked("/latest"), 0);
}

#[test]
fn a_wrong_command_line_says_what_is_wrong() {
    let machine = Machine::new();
    for (arguments, word) in [
        (&["instal"][..], "no command `instal`"),
        (&["install", "--fast"], "`install` has no option `--fast`"),
        (
            &["uninstall", "--timer"],
            "`uninstall` has no option `--timer`",
        ),
        (&["status", "-x"], "`status` has no option `-x`"),
        (&["install", "-v"], "`` is not a version"),
        (
            &["install", "-v", "v1/../../evil"],
            "`v1/../../evil` is not a version",
        ),
        (&["install", "--from"], "`` is not a folder"),
        (
            &["install", "--from", "/", "-v", "1.0.0"],
            "exclude each other",
        ),
    ] {
        machine.run(arguments).failed_saying(&[word]);
    }
    assert_eq!(machine.programs(), Vec::<String>::new());
}

#[test]
fn a_machine_without_releases_is_told_so() {
    let mut machine = Machine::new();
    machine.replace_command("uname", "[ \"$1\" = -s ] && echo Linux || echo riscv64");
    machine
        .run(&["install"])
        .failed_saying(&["no releases for Linux on riscv64", "cargo build"]);
}

#[test]
fn a_folder_that_is_no_release_is_refused() {
    let (machine, _server) = before(&Release::new("1.2.0"));
    machine
        .run(&["install", "--from", "."])
        .failed_saying(&["has no `SHA256SUMS`"]);
    as_it_was(&machine);
}

/// Waits until `there` is true, up to ten seconds.
fn wait_until(there: impl Fn() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn started(machine: &Machine) -> Child {
    let mut command = machine.command("bash", &[]);
    command.arg(script()).arg("install").process_group(0);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn signal(whom: &str, name: &str) {
    let mut kill = Command::new("kill");
    assert!(kill.args([name, "--", whom]).status().unwrap().success());
}

/// A release whose binary takes its time to say its version, and notes that it was asked.
fn slow(machine_file: &Path) -> Release {
    let text = format!(
        "#!/bin/sh\ntouch '{}'\nsleep 3\necho 'dockerops 1.2.0'\n",
        machine_file.display()
    );
    Release::holding("1.2.0", text.into_bytes())
}

#[test]
fn a_run_that_is_stopped_leaves_what_was_there() {
    let (machine, server) = before(&Release::new("1.2.0"));
    let asked = machine.aside("asked");
    server.add(&slow(&asked));
    let child = started(&machine);
    wait_until(|| asked.exists());
    signal(&child.id().to_string(), "-TERM");
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(143), "{}", ran.text);
    as_it_was(&machine);
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next_and_two_never_mix() {
    let (machine, server) = before(&Release::new("1.2.0"));
    server.get_stuck("v1.2.0", ASSET);
    let child = started(&machine);
    wait_until(|| server.times_asked(&format!("v1.2.0/{ASSET}")) > 0);
    machine
        .run(&["install", "-v", "1.0.0"])
        .failed_saying(&["another dockerops.sh is at work"]);
    as_it_was_beside_a_run(&machine);
    // The download that it waits for shares its lock, and is killed with it.
    signal(&format!("-{}", child.id()), "-KILL");
    child.wait_with_output().unwrap();
    let ran = machine.run(&["install", "-v", "1.1.0"]);
    ran.succeeded_saying(&["already installed: dockerops 1.1.0"]);
    as_it_was(&machine);
}

fn as_it_was_beside_a_run(machine: &Machine) {
    let shown: Vec<String> = machine
        .programs()
        .into_iter()
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(shown, ["dockerops", "dockerops.backup"]);
}
