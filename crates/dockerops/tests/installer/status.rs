//! `status`: what is here, whoever asks.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use super::machine::{Machine, Ran, put, script};
use super::release::{Release, program};
use super::server::Server;

/// Docker, as far as `/info` goes, as an engine of 20.10 writes it.
fn docker(machine: &Machine, swarm: &'static str) -> String {
    let socket = machine.aside("docker.sock");
    let _before = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            lines.map_while(Result::ok).find(String::is_empty);
            let body = format!(
                r#"{{"ID":"X","ServerVersion":"20.10.24+dfsg1","Swarm":{swarm},"Warnings":null}}"#
            );
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    format!("unix://{}", socket.display())
}

const MANAGER: &str =
    r#"{"NodeID":"n1","LocalNodeState":"active","ControlAvailable":true,"Error":""}"#;
const WORKER: &str =
    r#"{"NodeID":"n1","LocalNodeState":"active","ControlAvailable":false,"Error":""}"#;
const NONE: &str =
    r#"{"NodeID":"","LocalNodeState":"inactive","ControlAvailable":false,"Error":""}"#;

#[test]
fn status_says_versions_paths_database_docker_and_swarm() {
    let server = Server::with(&[Release::new("1.0.0"), Release::new("1.1.0")]);
    let machine = Machine::beside(&server)
        .installed("1.0.0")
        .installed("1.1.0");
    server.add(&Release::new("1.2.0"));
    let database = machine.home().join(".dockerops/dockerops.db");
    put(&database, &[b' '; 4096]);
    let mut asked = machine.script(&["status"]);
    let ran = Ran::of(asked.env("DOCKER_HOST", docker(&machine, MANAGER)));
    let lines = [
        format!("dockerops  1.1.0 ({})", machine.binary().display()),
        format!("backup     1.0.0 ({}.backup)", machine.binary().display()),
        format!("newest     v1.2.0 ({})", server.address()),
        format!("database   {} (4 KiB, last written 2", database.display()),
        "settings   none".to_owned(),
        "timer      not installed".to_owned(),
        "docker     20.10.24+dfsg1".to_owned(),
        "swarm      active, a manager".to_owned(),
    ];
    ran.succeeded_saying(&lines.each_ref().map(String::as_str));
}

#[test]
fn status_of_an_empty_machine_says_what_is_missing() {
    let mut machine = Machine::new();
    machine.releases = Some("http://127.0.0.1:1/releases".to_owned());
    let ran = machine.run(&["status"]);
    let words = [
        "dockerops  not installed",
        "newest     unknown: ",
        "dockerops.db (not there)",
        "docker     no answer",
        "swarm      unknown",
    ];
    ran.succeeded_saying(&words);
}

#[test]
fn status_tells_a_worker_from_no_swarm_and_a_binary_that_does_not_start() {
    let machine = Machine::new();
    put(
        &machine.binary(),
        b"#!/bin/sh\necho 'no such library'; exit 1\n",
    );
    let ask = |swarm| {
        Ran::of(
            machine
                .script(&["status"])
                .env("DOCKER_HOST", docker(&machine, swarm)),
        )
    };
    ask(WORKER).succeeded_saying(&[
        "a worker: run dockerops on a manager",
        "may not be executed: run `sudo chmod 755",
    ]);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(machine.binary(), mode).unwrap();
    ask(NONE).succeeded_saying(&[
        "inactive: run `docker swarm init`",
        "does not start: no such library",
    ]);
}

#[test]
fn status_needs_no_root_and_speaks_of_roots_data() {
    let machine = Machine::new();
    let nobody = [
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--",
        "bash",
        "-s",
        "status",
    ];
    let mut command = machine.command("setpriv", &nobody);
    command
        .stdin(fs::File::open(script()).unwrap())
        .current_dir("/");
    let ran = Ran::of(command.env("HOME", "/nonexistent"));
    ran.succeeded_saying(&["database   /root/.dockerops/dockerops.db"]);
}

#[test]
fn the_debian_package_is_told_apart() {
    let server = Server::with(&[Release::new("1.0.0")]);
    let machine = Machine::beside(&server);
    let packaged = machine.root().join("usr/bin/dockerops");
    put(&packaged, &program("0.9.0"));
    fs::set_permissions(&packaged, fs::Permissions::from_mode(0o755)).unwrap();
    machine.run(&["status"]).succeeded_saying(&[
        "dockerops  not installed",
        &format!("package    0.9.0 ({})", packaged.display()),
    ]);
    let said = "the Debian package dockerops is installed too";
    machine.run(&["install"]).succeeded_saying(&[said]);
    assert!(packaged.exists());
}
