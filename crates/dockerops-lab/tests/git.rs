//! Repositories behind a token and behind SSH, on real servers and a real Swarm.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::process::Stdio;

use dockerops_lab::{Behaviour, Fault, Lab, Person, Repository, sleepers};

const TOKEN: &str = "hunter2-of-the-lab";
/// The lab's Git server, as `DOCKEROPS_GITHUB_HOSTS` names it.
const HERE: &str = "127.0.0.1:8080";

/// A repository with one stack of one service, which asks for [`TOKEN`].
fn private(person: &Person<'_>) -> Repository {
    let repository = open(person);
    let behaviour = Behaviour {
        token: Some(TOKEN.to_owned()),
        ..Behaviour::default()
    };
    repository.behave(&behaviour).unwrap();
    repository
}

fn open(person: &Person<'_>) -> Repository {
    let stack = person.named("app");
    let image = person.image("web", "one").unwrap();
    let repository = person.repository().unwrap();
    let files = [
        ("stacks.yaml", format!("- name: {stack}\n")),
        (
            &*format!("{stack}/compose.yaml"),
            sleepers(&[("web", &image, "")]),
        ),
    ];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    repository.commit(&files, "first").unwrap();
    repository
}

fn with_token<'a>(lab: &'a Lab, topic: &str) -> Person<'a> {
    let mut person = Person::new(lab, topic).unwrap();
    person.set("GITHUB_TOKEN", TOKEN);
    person.set("DOCKEROPS_GITHUB_HOSTS", HERE);
    person
}

#[test]
fn a_private_repository_without_a_token_says_how() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "notoken").unwrap();
    let repository = private(&person);
    let ran = person.run(&["watch", &repository.loopback_url()]).unwrap();
    assert_eq!(ran.code, Some(1), "{}", ran.text());
    let said = |text: &str, word: &str| assert!(text.contains(word), "no `{word}`: {text}");
    said(&ran.text(), "remote authentication required");
    said(&ran.text(), "GITHUB_TOKEN");
    assert!(!ran.text().contains("sudo"), "{}", ran.text());

    person.set("SUDO_USER", "ann");
    let ran = person.run(&["watch", &repository.loopback_url()]).unwrap();
    said(&ran.text(), "sudo --preserve-env=GITHUB_TOKEN");
    said(&ran.text(), "/etc/dockerops/dockerops.env");
    let known = person.run(&["debug-cache"]).unwrap();
    said(&known.text(), "no repository is watched");
}

#[test]
fn a_private_repository_deploys_with_a_token() {
    let lab = Lab::shared().unwrap();
    let person = with_token(lab, "token");
    let repository = private(&person);
    let ran = person.run(&["watch", &repository.loopback_url()]).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    assert_eq!(lab.services(&person.named("app")).unwrap().len(), 1);
    assert_eq!(person.run(&["stop"]).unwrap().code, Some(0));
}

#[test]
fn the_token_reaches_allowed_hosts_only_and_never_across_a_redirect() {
    let lab = Lab::shared().unwrap();
    let person = with_token(lab, "where");
    let repository = private(&person);
    // The same server under an address that is not named, and that is no loopback.
    let ran = person.run(&["watch", &repository.url()]).unwrap();
    assert_eq!(ran.code, Some(1), "{}", ran.text());
    assert!(
        ran.text()
            .contains("is not sent to `http://10.99.0.1:8080`"),
        "{}",
        ran.text()
    );

    // One that may have the token, and sends whoever comes elsewhere.
    let redirecting = Behaviour {
        fault: Some(Fault::Redirect("http://10.99.0.1:8080".to_owned())),
        ..Behaviour::default()
    };
    repository.behave(&redirecting).unwrap();
    let ran = person.run(&["watch", &repository.loopback_url()]).unwrap();
    assert_eq!(ran.code, Some(1), "{}", ran.text());

    let requests = repository.requests().unwrap();
    let brought = |host: &str| {
        let to = requests.iter().filter(|request| request.host == host);
        to.map(|request| request.brought_credentials)
            .collect::<Vec<_>>()
    };
    assert!(brought(HERE).contains(&true), "{requests:?}");
    let elsewhere = brought("10.99.0.1:8080");
    assert!(
        !elsewhere.is_empty() && !elsewhere.contains(&true),
        "{requests:?}"
    );
}

#[test]
fn the_token_is_never_printed_stored_or_in_arguments() {
    let lab = Lab::shared().unwrap();
    let mut person = with_token(lab, "hidden");
    let logs = person.home().join("logs");
    person.set("DOCKEROPS_LOG_DIR", logs.to_str().unwrap());
    let repository = private(&person);
    let slow = |fault| Behaviour {
        token: Some(TOKEN.to_owned()),
        latency_ms: 100,
        fault,
    };
    for fault in [Some(Fault::Status(403)), None] {
        repository.behave(&slow(fault)).unwrap();
        let mut command = person
            .command(&["watch", &repository.loopback_url()])
            .unwrap();
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            assert_eq!(processes_naming(TOKEN), Vec::<String>::new());
        }
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(!contains(&said), "{}", String::from_utf8_lossy(&said));
    }
    assert_eq!(person.run(&["stop"]).unwrap().code, Some(0));
    assert!(logs.is_dir());
    assert_no_token_below(&person.home());
}

#[test]
fn a_repository_over_ssh_deploys_once_its_host_is_known() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "ssh").unwrap();
    let repository = open(&person);
    let known = person.home().join("known_hosts");
    let key = lab.layout().ssh_folder().join("client_key");
    let ssh = format!(
        "ssh -F none -i {} -o UserKnownHostsFile={}",
        key.display(),
        known.display()
    );
    person.set("GIT_SSH_COMMAND", ssh);
    let unknown = person.run(&["watch", &repository.ssh_url()]).unwrap();
    assert_eq!(unknown.code, Some(1), "{}", unknown.text());
    let advice = "ssh-keyscan 10.99.0.1 >> ~/.ssh/known_hosts";
    assert!(unknown.text().contains(advice), "{}", unknown.text());

    let scanned = lab
        .command("ssh-keyscan")
        .arg("10.99.0.1")
        .output()
        .unwrap();
    fs::write(&known, scanned.stdout).unwrap();
    let ran = person.run(&["watch", &repository.ssh_url()]).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    assert_eq!(lab.services(&person.named("app")).unwrap().len(), 1);
    assert_eq!(person.run(&["stop"]).unwrap().code, Some(0));
}

fn contains(bytes: &[u8]) -> bool {
    bytes
        .windows(TOKEN.len())
        .any(|part| part == TOKEN.as_bytes())
}

/// The argument lists of all processes that contain `text`.
fn processes_naming(text: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|p| fs::read(p.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(text)).collect()
}

fn assert_no_token_below(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            assert_no_token_below(&entry.path());
            continue;
        }
        let content = fs::read(entry.path()).unwrap();
        assert!(!contains(&content), "{}", entry.path().display());
    }
}
