//! Real stacks that Docker itself deployed: `plan -c` of the same files shows no change.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use dockerops_lab::{Lab, LabOptions, Ran, process, program, wait_for};
use serde_json::Value;

/// A lab whose node takes no tasks: services are exactly as asked, and nothing runs.
fn idle_lab() -> Lab {
    let lab = Lab::up(LabOptions::default()).unwrap();
    let node = lab.docker(&["node", "ls", "-q"]).unwrap();
    let drain = ["node", "update", "--availability", "drain", node.trim()];
    lab.docker(&drain).unwrap();
    lab
}

/// The corpus; `None` when there is none, which is said aloud.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let set = std::env::var_os("DOCKEROPS_CORPUS").map(PathBuf::from);
    let folder = set.unwrap_or(beside);
    if folder.join("expected").is_dir() {
        return Some(folder);
    }
    say("corpus: absent");
    None
}

#[expect(clippy::print_stderr, reason = "a test says what it compared")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

#[test]
fn what_docker_deployed_of_the_corpus_is_planned_without_a_change() {
    let Some(corpus) = corpus() else { return };
    let lab = idle_lab();
    let mut folders: Vec<PathBuf> = fs::read_dir(&corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let (begin, mut deployed, mut failed) = (Instant::now(), 0, Vec::new());
    for folder in folders {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let number = name.split('-').next().unwrap();
        let recorded = corpus.join(format!("expected/{number}.deploy.json"));
        let Ok(recorded) = fs::read(recorded) else {
            continue;
        };
        let recorded: Value = serde_json::from_slice(&recorded).unwrap();
        let project = Project {
            lab: &lab,
            folder,
            stack: format!("corpus{number}"),
        };
        if recorded["rc"] != 0 || !project.deploy(&recorded) {
            continue;
        }
        deployed += 1;
        let plan = project.plan();
        if plan.code != Some(0) || !plan.stdout.ends_with("No changes.\n") {
            failed.push(format!("{name}\n{}", plan.text()));
        }
        project.remove();
    }
    let took = begin.elapsed().as_secs();
    let same = deployed - failed.len();
    say(&format!(
        "corpus: {same} of {deployed} stacks as Docker deployed them ({took} s)"
    ));
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    // A client before 28 refuses much.
    assert!(deployed >= 8, "Docker deployed almost nothing");
}

/// One stack of the corpus.
struct Project<'a> {
    lab: &'a Lab,
    folder: PathBuf,
    stack: String,
}

impl Project<'_> {
    /// Makes what the stack expects to be there, and deploys it with Docker's client;
    /// whether that took it.
    fn deploy(&self, recorded: &Value) -> bool {
        let external = |kind: &str| recorded[kind].as_array().cloned().unwrap_or_default();
        for network in external("external_networks") {
            let name = network.as_str().unwrap();
            let _ = self
                .lab
                .docker(&["network", "create", "-d", "overlay", name]);
        }
        for (kind, list) in [
            ("config", "external_configs"),
            ("secret", "external_secrets"),
        ] {
            for object in external(list) {
                let (name, file) = (object.as_str().unwrap(), self.folder.join("SOURCE"));
                let file = file.display().to_string();
                let _ = self.lab.docker(&[kind, "create", name, &file]);
            }
        }
        let mut docker = self.inside(Command::new("docker"));
        docker.args(["stack", "deploy", "--resolve-image", "never"]);
        docker.args(["-c", "docker-compose.yml", &self.stack]);
        process::run(&mut docker).unwrap().status.success()
    }

    fn plan(&self) -> Ran {
        let mut plan = self.inside(Command::new(program("dockerops").unwrap()));
        plan.args([
            "plan",
            "--exit-code",
            "-c",
            "docker-compose.yml",
            &self.stack,
        ]);
        let output = process::run(&mut plan).unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// The next stack may want the same ports.
    fn remove(&self) {
        let gone = || {
            let _ = self.lab.docker(&["stack", "rm", &self.stack]);
            Ok(self.lab.services(&self.stack)?.is_empty())
        };
        wait_for("the stack to go", Duration::from_secs(30), gone).unwrap();
    }

    /// The same environment and folder for Docker's client and for us.
    fn inside(&self, mut command: Command) -> Command {
        let environment = fs::read_to_string(self.folder.join("env")).unwrap_or_default();
        let variables = environment.lines().filter_map(|line| line.split_once('='));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", "/home/user")
            .env(
                "DOCKER_HOST",
                format!("unix://{}", self.lab.socket().display()),
            )
            .env("DOCKER_CONFIG", self.lab.layout().folder.join("docker"))
            .envs(variables.collect::<BTreeMap<_, _>>())
            .current_dir(&self.folder);
        command
    }
}
