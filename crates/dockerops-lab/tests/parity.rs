//! Our bodies against those that Docker's own client sends just now, to a real engine.
//!
//! The recorded bodies of client 28.2.2 are the oracle (`crates/dockerops/tests/parity.rs`);
//! this shows that the client on this machine still sends the same, as far as it and this
//! Swarm take a file at all.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may panic, and says what it compared"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use dockerops_lab::{Lab, Person, process, wait_for};
use serde_json::Value;

/// What is created, and where the Engine API takes it.
const KINDS: [&str; 4] = ["networks", "configs", "secrets", "services"];
/// What only the engine or an old API knows: ids (`Config` is that of a credential spec), and a flag
/// that no longer means anything.
const NOT_OURS: [&str; 4] = ["CheckDuplicate", "SecretID", "ConfigID", "Config"];

#[test]
fn what_dockers_client_sends_now_equals_what_we_render() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "parity").unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dockerops/tests/parity");
    let mut projects: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    projects.sort();
    let version = lab
        .docker(&["version", "--format", "{{.Client.Version}}"])
        .unwrap();
    // Older clients know less of compose; what they send is counted, not judged.
    let judged = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok())
        .is_some_and(|major: u32| major >= 28);
    let (mut taken, mut equal) = (0, 0);
    for project in &projects {
        let stack =
            format!("{}-{}", person.name, project.file_name().unwrap().display()).replace('.', "-");
        let Some(theirs) = sent(lab, project, &stack) else {
            continue;
        };
        let ours = rendered(&person, project, &stack);
        taken += 1;
        equal += usize::from(
            KINDS
                .iter()
                .all(|kind| by_name(&ours[*kind]) == theirs[*kind]),
        );
        if judged {
            for kind in KINDS {
                assert_eq!(
                    by_name(&ours[kind]),
                    theirs[kind],
                    "{kind} of {}",
                    project.display()
                );
            }
        }
    }
    let (version, all) = (version.trim(), projects.len());
    eprintln!("live parity: client {version} took {taken} of {all} stacks, {equal} equal");
    assert!(!judged || equal >= 20, "the client took almost nothing");
}

/// The bodies that Docker's client sends; `None` when it or this Swarm does not take the file.
fn sent(
    lab: &Lab,
    project: &Path,
    stack: &str,
) -> Option<BTreeMap<&'static str, BTreeMap<String, Value>>> {
    let recorder = lab.recorder().unwrap();
    let mut docker = in_project(Command::new("docker"), project);
    docker.env("DOCKER_CONFIG", lab.layout().folder.join("docker"));
    docker.args([
        "-H",
        &recorder.docker_host(),
        "stack",
        "deploy",
        "--resolve-image",
        "never",
    ]);
    let deployed = process::run(docker.args(files(project)).arg(stack))
        .unwrap()
        .status
        .success();
    let mut all: BTreeMap<_, _> = KINDS.map(|kind| (kind, BTreeMap::new())).into();
    for write in recorder.writes() {
        let kind = KINDS
            .into_iter()
            .find(|kind| write.path.starts_with(&format!("/{kind}/create")));
        let Some(kind) = kind else { continue };
        let body = without(write.json());
        all.entry(kind).or_default().insert(name_of(&body), body);
    }
    // Docker refuses to remove a network that a task still holds.
    let gone = || Ok(lab.docker(&["stack", "rm", stack]).is_ok());
    wait_for("the stack to go", Duration::from_secs(60), gone).unwrap();
    deployed.then_some(all)
}

fn rendered(person: &Person<'_>, project: &Path, stack: &str) -> Value {
    let mut command = in_project(
        person
            .command(&["-o", "json", "render", "--show-secrets", "--name", stack])
            .unwrap(),
        project,
    );
    let output = process::run(command.args(files(project))).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The environment and folder that both run with.
fn in_project(mut command: Command, project: &Path) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", "/home/user")
        .current_dir(project);
    let environment = fs::read_to_string(project.join("env")).unwrap_or_default();
    command.envs(environment.lines().filter_map(|line| line.split_once('=')));
    command
}

fn files(project: &Path) -> Vec<String> {
    let all = ["compose.yml", "compose.override.yml"].into_iter();
    let there = all.filter(|name| project.join(name).exists());
    there
        .flat_map(|name| ["-c".to_owned(), name.to_owned()])
        .collect()
}

fn by_name(list: &Value) -> BTreeMap<String, Value> {
    let bodies = list.as_array().into_iter().flatten().cloned().map(without);
    bodies.map(|body| (name_of(&body), body)).collect()
}

fn name_of(body: &Value) -> String {
    body["Name"].as_str().unwrap_or_default().to_owned()
}

/// Leaves out what is not ours to send, at any depth.
fn without(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map
                .into_iter()
                .filter(|(key, _)| !NOT_OURS.contains(&key.as_str()));
            kept.map(|(key, value)| (key, without(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without).collect(),
        scalar => scalar,
    }
}
