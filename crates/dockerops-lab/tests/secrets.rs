//! Secrets on a real Swarm: how values reach containers, and that they reach nothing else.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use dockerops_lab::{Lab, Person, Ran, Repository, sleepers};
use serde_json::Value;

/// A person with one repository and one stack that has the secret `db` as `DB_PASSWORD`.
struct Case {
    person: Person<'static>,
    repository: Repository,
    stack: String,
    image: String,
}

impl Case {
    fn new(topic: &str) -> Self {
        let person = Person::new(Lab::shared().unwrap(), topic).unwrap();
        let repository = person.repository().unwrap();
        let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
        let case = Self {
            person,
            repository,
            stack,
            image,
        };
        let list = format!("- name: {}\n", case.stack);
        let nfs = case.person.nfs_yaml();
        case.commit(&[("stacks.yaml", &list), ("nfs.yaml", &nfs)]);
        case.in_stack("secrets.yaml", "- {id: db, env: DB_PASSWORD}\n");
        case
    }

    fn commit(&self, files: &[(&str, &str)]) {
        self.repository.commit(files, "files").unwrap();
    }

    fn in_stack(&self, file: &str, text: &str) {
        self.commit(&[(&format!("{}/{file}", self.stack), text)]);
    }

    fn compose(&self, text: &str) {
        self.in_stack("docker-compose.yml", text);
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.person.run(arguments).unwrap()
    }

    fn watch(&self) -> Ran {
        self.run(&["watch", &self.repository.url()])
    }

    /// Lists one more stack for each of [`BROKEN`].
    fn commit_broken(&self) {
        let mut files = Vec::new();
        let mut list = format!("- name: {}\n", self.stack);
        for (index, broken) in BROKEN.iter().enumerate() {
            let stack = format!("{}-{index}", self.stack);
            let _ = writeln!(list, "- name: {stack}");
            let service = broken.replace("IMAGE", &format!("'{}'", self.image));
            let compose = format!("services:\n  web: {{{service}\n");
            files.push((format!("{stack}/compose.yml"), compose));
            let secrets = "- {id: db, env: DB_PASSWORD}\n".to_owned();
            files.push((format!("{stack}/secrets.yaml"), secrets));
        }
        files.push(("stacks.yaml".to_owned(), list));
        let files = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        self.commit(&files.collect::<Vec<_>>());
    }

    fn versions<const N: usize>(&self, names: [&str; N]) -> [u64; N] {
        names.map(|name| {
            let service = format!("{}_{name}", self.stack);
            self.person.lab.version(&service).unwrap()
        })
    }

    fn container(&self, name: &str) -> Value {
        let services = self.person.lab.services(&self.stack).unwrap();
        let service = &services[&format!("{}_{name}", self.stack)];
        service["Spec"]["TaskTemplate"]["ContainerSpec"].clone()
    }

    fn stop(&self) {
        assert!(ok(&self.run(&["stop"])));
    }
}

#[track_caller]
fn ok(ran: &Ran) -> bool {
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    true
}

#[test]
fn a_secret_reaches_the_container_by_both_ways() {
    let case = Case::new("secret");
    case.person.secret("db", "pass word$1\n").unwrap();
    case.compose(&sleepers(&[(
        "web",
        &case.image,
        ", environment: ['URL=pg://u:${DB_PASSWORD}@db', DB_PASSWORD]",
    )]));
    assert!(ok(&case.watch()));
    let label = format!("label=com.docker.swarm.service.name={}_web", case.stack);
    let id = case.person.lab.docker(&["ps", "-q", "-f", &label]).unwrap();
    let show = [
        "exec",
        id.trim(),
        "sh",
        "-c",
        "echo \"$URL\"; echo \"$DB_PASSWORD\"",
    ];
    let seen = case.person.lab.docker(&show).unwrap();
    assert_eq!(seen.trim(), "pg://u:pass word$1@db\npass word$1");
    case.stop();
}

#[test]
fn a_missing_secret_fails_its_stack_and_changes_nothing() {
    let case = Case::new("nosecret");
    case.person.secret("db", "value-one").unwrap();
    let compose = |mark: &str| {
        let more = format!(", environment: [DB_PASSWORD, MARK={mark}]");
        case.compose(&sleepers(&[("web", &case.image, &more)]));
    };
    compose("a");
    assert!(ok(&case.watch()));
    let before = case.versions(["web"]);
    let file = case.person.nfs().join("secret/db");
    fs::remove_file(&file).unwrap();
    compose("b");
    let failed = case.run(&["reconcile"]);
    assert_eq!(failed.code, Some(1), "{}", failed.text());
    for word in ["`db`", file.to_str().unwrap()] {
        assert!(failed.text().contains(word), "{}", failed.text());
    }
    assert_eq!(case.versions(["web"]), before);
    fs::write(file, "value-one").unwrap();
    assert!(ok(&case.run(&["reconcile"])));
    assert!(case.versions(["web"]) > before);
    case.stop();
}

#[test]
fn a_rotated_secret_updates_exactly_its_services() {
    let case = Case::new("rotate");
    case.person.secret("db", "value-one").unwrap();
    case.commit(&[("token.txt", "token-one")]);
    let compose = sleepers(&[
        ("env", &case.image, ", environment: [DB_PASSWORD]"),
        (
            "inline",
            &case.image,
            ", labels: {url: 'pg://${DB_PASSWORD}'}",
        ),
        ("file", &case.image, ", secrets: [token]"),
        ("none", &case.image, ""),
    ]) + "secrets: {token: {file: ../token.txt}}\n";
    case.compose(&compose);
    assert!(ok(&case.watch()));
    let first = case.versions(["env", "inline", "file", "none"]);

    case.person.secret("db", "value-two").unwrap();
    let ran = case.run(&["reconcile"]);
    assert!(ok(&ran));
    assert!(ran.text().contains("[secret db]"), "{}", ran.text());
    assert!(!ran.text().contains("value-"), "{}", ran.text());
    let second = case.versions(["env", "inline", "file", "none"]);
    assert!(
        second[0] > first[0] && second[1] > first[1],
        "{first:?} {second:?}"
    );
    assert_eq!(second[2..], first[2..]);

    case.commit(&[("token.txt", "token-two")]);
    assert!(ok(&case.run(&["reconcile"])));
    let third = case.versions(["env", "inline", "file", "none"]);
    assert!(third[2] > second[2], "{second:?} {third:?}");
    assert_eq!((&third[..2], third[3]), (&second[..2], second[3]));
    let secret = &case.container("file")["Secrets"][0]["SecretName"];
    let listed = ["secret", "ls", "--format", "{{.Name}}"];
    let listed = case.person.lab.docker(&listed).unwrap();
    let ours: Vec<_> = listed
        .lines()
        .filter(|name| name.starts_with(&case.stack))
        .collect();
    assert_eq!(ours, [secret.as_str().unwrap()], "the old object is gone");
    case.stop();
}

/// Services into which a secret must not flow, or where its value is a mistake.
const BROKEN: [&str; 14] = [
    "image: 'x:${DB_PASSWORD}'}",
    "image: IMAGE, deploy: {replicas: '${DB_PASSWORD}'}}",
    "image: IMAGE, ports: ['${DB_PASSWORD}:80']}",
    "image: IMAGE, volumes: ['${DB_PASSWORD}:relative:what']}",
    "image: IMAGE, healthcheck: {interval: '${DB_PASSWORD}'}}",
    "image: IMAGE, deploy: {resources: {limits: {memory: '${DB_PASSWORD}'}}}}",
    "image: IMAGE, networks: ['${DB_PASSWORD}']}",
    "image: IMAGE, configs: ['${DB_PASSWORD}']}",
    "image: IMAGE, env_file: '${DB_PASSWORD}'}",
    "image: IMAGE, depends_on: ['${DB_PASSWORD}'], deploy: {mode: '${DB_PASSWORD}'}}",
    "image: IMAGE, ulimits: {nofile: '${DB_PASSWORD}'}, restart: '${DB_PASSWORD}'}",
    "image: IMAGE, environment: ['A=${DB_PASSWORD:?}', 'B=${${DB_PASSWORD}}']}",
    "image: IMAGE}\nconfigs: {c: {name: 'a${DB_PASSWORD}', file: ./secrets.yaml}}",
    "image: IMAGE, networks: [n]}\nnetworks: {n: {name: '${DB_PASSWORD}'}}",
];

/// A value that nothing else contains.
const CANARY: &str = "kanarie-7731-geheim";

#[test]
fn a_secret_never_shows_anywhere() {
    let case = Case::new("canary");
    case.person.secret("db", CANARY).unwrap();
    let logs = case.person.home().join("logs");
    let run = |arguments: &[&str]| {
        let ran = watched(&case.person, arguments, &logs);
        assert!(
            !ran.text().contains(CANARY),
            "{arguments:?}: {}",
            ran.text()
        );
        ran
    };
    // Where it may flow, with a change of the value shown in between.
    let more = ", environment: [DB_PASSWORD, 'URL=pg://u:${DB_PASSWORD}@db'], labels: {x: '${DB_PASSWORD}'}, \
                hostname: '${DB_PASSWORD}', entrypoint: [sh, -c, 'sleep 1000 # ${DB_PASSWORD}']";
    case.compose(&sleepers(&[("web", &case.image, more)]));
    let url = case.repository.url();
    assert!(ok(&run(&["watch", &url])));
    case.person.secret("db", &format!("{CANARY}-two")).unwrap();
    assert!(ok(&run(&["-o", "json", "reconcile"])));

    // Where it must not, and where it breaks the file: refused, quoting the source.
    case.commit_broken();
    let text = run(&["reconcile"]);
    let json = run(&["-o", "json", "reconcile"]).json();
    let stacks = json
        .pointer("/report/repositories/0/stacks")
        .unwrap_or_else(|| panic!("{json}"));
    let failed = |stack: &&Value| stack["outcome"] == "failed";
    let failed = stacks.as_array().unwrap().iter().filter(failed).count();
    assert_eq!(failed, BROKEN.len(), "{}", text.text());
    let list = format!("- name: {}\n", case.stack);
    case.commit(&[("stacks.yaml", &list)]);

    // A task that cannot start quotes its command.
    let bad = ", entrypoint: ['/${DB_PASSWORD}']";
    let compose = sleepers(&[("web", &case.image, bad)]).replace("delay: 500ms", "condition: none");
    case.compose(&compose);
    let crashed = run(&["reconcile", "--timeout", "20s"]);
    assert_eq!(crashed.code, Some(1), "{}", crashed.text());
    assert!(crashed.text().contains("[secret db]"), "{}", crashed.text());
    run(&["debug-cache"]);

    let found = files_with_canary(&case.person.home());
    assert_eq!(found, Vec::<PathBuf>::new());
    let found = files_with_canary(&case.person.nfs());
    assert_eq!(found, [case.person.nfs().join("secret/db")]);
    assert!(ok(&run(&["stop"])));
}

/// Runs `dockerops` and looks at every command line of the machine meanwhile.
fn watched(person: &Person<'_>, arguments: &[&str], logs: &Path) -> Ran {
    let mut command = person.command(arguments).unwrap();
    command.env("DOCKEROPS_LOG_DIR", logs);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                assert_eq!(command_lines_with_canary(), Vec::<String>::new());
                thread::sleep(Duration::from_millis(5));
            }
        });
        let output = command.output().unwrap();
        done.store(true, Ordering::Relaxed);
        looking.join().unwrap();
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    })
}

/// Of `dockerops` and `git`; a container's own command line is its own.
fn command_lines_with_canary() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = processes.filter_map(|process| {
        let line = fs::read(process.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).into_owned())
    });
    let ours = |line: &String| line.contains("dockerops") || line.starts_with("git");
    lines
        .filter(ours)
        .filter(|line| line.contains(CANARY))
        .collect()
}

/// Files at or below `folder` that hold the canary.
fn files_with_canary(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with_canary(&path));
        } else if fs::read(&path).is_ok_and(|bytes| holds(&bytes)) {
            found.push(path);
        }
    }
    found
}

fn holds(bytes: &[u8]) -> bool {
    bytes
        .windows(CANARY.len())
        .any(|window| window == CANARY.as_bytes())
}
