//! `--timer`: units for systemd, which is played by a script that notes what it is told.

use std::fs;
use std::path::Path;

use super::machine::{Machine, names_in, put};
use super::release::{ASSET, Release};
use super::server::Server;

const UNITS: [&str; 2] = ["dockerops.service", "dockerops.timer"];

/// A machine on which systemd runs.
fn machine(server: &Server) -> Machine {
    let mut machine = Machine::beside(server);
    fs::create_dir_all(machine.root().join("run/systemd/system")).unwrap();
    let notes = machine.aside("systemctl").display().to_string();
    machine.replace_command("systemctl", &format!("echo \"$*\" >>'{notes}'"));
    machine
}

fn told(machine: &Machine) -> Vec<String> {
    let notes = fs::read_to_string(machine.aside("systemctl")).unwrap_or_default();
    notes.lines().map(str::to_owned).collect()
}

#[test]
fn the_timer_is_installed_enabled_and_removed_again() {
    let server = Server::with(&[Release::new("1.0.0")]);
    let machine = machine(&server);
    for _ in 0..2 {
        machine
            .run(&["install", "--timer"])
            .succeeded_saying(&["every five minutes"]);
        assert_eq!(names_in(&machine.units()), UNITS);
    }
    let once = ["daemon-reload", "enable --quiet --now dockerops.timer"];
    assert_eq!(told(&machine), [once, once].concat());
    fs::remove_file(machine.aside("systemctl")).unwrap();
    machine
        .run(&["uninstall"])
        .succeeded_saying(&["removed: ", "dockerops.timer"]);
    assert_eq!(names_in(&machine.units()), Vec::<String>::new());
    let told = told(&machine);
    assert_eq!(told.first().unwrap(), "stop dockerops.timer");
    assert!(
        told.contains(&"stop dockerops.service".to_owned()),
        "{told:?}"
    );
    assert_eq!(told.last().unwrap(), "daemon-reload");
}

#[test]
fn a_unit_that_somebody_wrote_by_hand_is_left_alone() {
    let server = Server::with(&[Release::new("1.0.0")]);
    let machine = machine(&server);
    let mine = machine.units().join("dockerops.service");
    put(&mine, b"[Service]\nExecStart=/bin/true\n");
    let ran = machine.run(&["install", "--timer"]);
    ran.failed_saying(&["was not written by this script"]);
    assert_eq!(machine.programs(), Vec::<String>::new());
    machine
        .run(&["uninstall"])
        .succeeded_saying(&["left alone: "]);
    assert_eq!(names_in(&machine.units()), ["dockerops.service"]);
    assert_eq!(told(&machine), Vec::<String>::new());
}

#[test]
fn without_systemd_the_timer_is_refused_and_cron_is_named() {
    let server = Server::with(&[Release::new("1.0.0")]);
    let machine = Machine::beside(&server);
    let ran = machine.run(&["install", "--timer"]);
    ran.failed_saying(&[
        "systemd does not run here",
        "root /usr/local/bin/dockerops reconcile",
    ]);
    assert_eq!(server.times_asked(ASSET), 0);
    assert_eq!(machine.programs(), Vec::<String>::new());
}

#[test]
fn a_unit_with_a_wrong_checksum_is_not_installed() {
    let server = Server::with(&[Release::new("1.0.0").with("dockerops.timer", b"[Timer]\n")]);
    let machine = machine(&server);
    machine
        .run(&["install", "--timer"])
        .failed_saying(&["`dockerops.timer` has the wrong SHA-256"]);
    assert_eq!(machine.programs(), Vec::<String>::new());
    assert_eq!(names_in(&machine.units()), Vec::<String>::new());
}

#[test]
fn a_timer_that_systemd_refuses_is_told() {
    let server = Server::with(&[Release::new("1.0.0")]);
    let mut machine = machine(&server);
    machine.replace_command("systemctl", "exit 1");
    machine
        .run(&["install", "--timer"])
        .failed_saying(&["systemd did not start it"]);
}

#[test]
fn the_packaged_files_call_what_the_installer_installs() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
    let text = |name: &str| fs::read_to_string(packaging.join(name)).unwrap();
    let call = "/usr/local/bin/dockerops reconcile";
    let service = text("dockerops.service");
    assert!(
        service.contains(&format!("\nExecStart={call}\n")),
        "{service}"
    );
    let cron = text("dockerops.cron");
    assert!(
        cron.contains(&format!("\n0 * * * * root {call}\n")),
        "{cron}"
    );
    let script = fs::read_to_string(packaging.join("../dockerops.sh")).unwrap();
    let mark = script
        .lines()
        .find_map(|line| line.strip_prefix("UNIT_MARK="))
        .unwrap();
    for unit in UNITS {
        assert!(text(unit).starts_with(mark.trim_matches('\'')), "{unit}");
    }
}
