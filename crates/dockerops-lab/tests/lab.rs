//! What a lab promises to those who test with it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use dockerops_lab::{Behaviour, Change, Fault, Lab, LabOptions, Wanted, process, wait_for};

fn git(lab: &Lab, args: &[&str]) -> std::process::Output {
    let mut git = lab.command("git");
    git.args(args)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_SSH_COMMAND", lab.ssh_command())
        .env("GIT_SSL_CAINFO", lab.layout().certificate());
    process::run(&mut git).unwrap()
}

/// Deploys a stack with Docker's own client.
fn docker_deploy(lab: &Lab, host: &str, stack: &str, compose: &str) {
    let mut child = Command::new("docker")
        .args(["-H", host, "stack", "deploy", "-c", "-", stack])
        .env("DOCKER_CONFIG", lab.layout().folder.join("docker"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(compose.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
}

fn compose(image: &str) -> String {
    format!(
        "version: '3.8'\nservices: {{web: {{image: {image}, networks: [h]}}}}\nnetworks: {{h: {{external: true, name: host}}}}\n"
    )
}

#[test]
fn a_service_runs_from_a_stub_image_and_the_recorder_saw_its_creation() {
    let lab = Lab::shared().unwrap();
    let digest = lab.push_image("recorded", "1", "first").unwrap();
    let recorder = lab.recorder().unwrap();
    let image = format!("{}/recorded:1", lab.registry());
    docker_deploy(lab, &recorder.docker_host(), "recorded", &compose(&image));
    lab.wait_until_running("recorded_web", 1).unwrap();

    let writes = recorder.writes();
    let created = writes
        .iter()
        .find(|write| write.path.starts_with("/services/create"))
        .unwrap();
    let sent = created.json();
    let pinned = sent
        .pointer("/TaskTemplate/ContainerSpec/Image")
        .unwrap()
        .as_str()
        .unwrap();
    assert_eq!(pinned, format!("{image}@{digest}"));
    assert!(
        writes.iter().all(|write| write.method == "POST"),
        "{writes:?}"
    );
    assert_eq!(lab.services("recorded").unwrap().len(), 1);
    lab.docker(&["stack", "rm", "recorded"]).unwrap();
}

#[test]
fn another_marker_is_another_digest_and_the_same_is_the_same() {
    let lab = Lab::shared().unwrap();
    let first = lab.push_image("marked", "1", "a").unwrap();
    assert_eq!(lab.push_image("marked", "1", "a").unwrap(), first);
    assert_ne!(lab.push_image("marked", "1", "b").unwrap(), first);
}

#[test]
fn a_list_for_two_architectures_runs_on_this_one() {
    let lab = Lab::shared().unwrap();
    lab.push_image_list("listed", "1", "a").unwrap();
    let image = format!("{}/listed:1", lab.registry());
    lab.docker(&["pull", "-q", &image]).unwrap();
    let marker = lab
        .docker(&[
            "run",
            "--rm",
            "--network=none",
            &image,
            "/bin/cat",
            "/marker",
        ])
        .unwrap();
    assert_eq!(marker, "a");
}

#[test]
fn the_private_registries_want_their_password() {
    let lab = Lab::shared().unwrap();
    lab.push_image("private", "1", "a").unwrap();
    let config = tempfile::tempdir().unwrap();
    let auth = r#"{"auth": "bGFiOmxhYi1wYXNzd29yZA=="}"#;
    let auths = format!(
        r#"{{"auths": {{"{}": {auth}, "{}": {auth}, "{}": {auth}}}}}"#,
        lab.private_registry(),
        lab.tls_registry(),
        lab.token_registry()
    );
    fs::write(config.path().join("config.json"), auths).unwrap();
    for registry in [
        lab.private_registry(),
        lab.tls_registry(),
        lab.token_registry(),
    ] {
        let image = format!("{registry}/private:1");
        assert!(lab.docker(&["pull", "-q", &image]).is_err());
        let mut pull = lab.command("docker");
        pull.args(["pull", "-q", &image])
            .env("DOCKER_CONFIG", config.path());
        process::output(&mut pull).unwrap();
    }
}

#[test]
fn git_clones_over_http_and_ssh_and_every_fetch_is_counted() {
    let lab = Lab::shared().unwrap();
    let repository = lab.repository("cloned").unwrap();
    repository
        .commit(&[("stacks.yaml", "[]\n"), ("a/b.txt", "one\n")], "first")
        .unwrap();
    let changes = [
        Change::Write("a/c.txt", b"two\n"),
        Change::Remove("a/b.txt"),
        Change::Link("l", "a/c.txt"),
    ];
    let revision = repository.commit_changes(&changes, "second").unwrap();

    let folder = tempfile::tempdir().unwrap();
    for (name, url) in [
        ("h", repository.url()),
        ("l", repository.loopback_url()),
        ("s", repository.ssh_url()),
        ("t", repository.tls_url()),
    ] {
        let target = folder.path().join(name);
        let out = git(lab, &["clone", "-q", &url, target.to_str().unwrap()]);
        assert!(
            out.status.success(),
            "{url}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        assert_eq!(fs::read_to_string(target.join("l")).unwrap(), "two\n");
        assert!(!target.join("a/b.txt").exists());
    }
    assert_eq!(repository.fetches().unwrap(), 3);

    let listed = git(lab, &["ls-remote", &repository.url(), "HEAD"]);
    assert!(String::from_utf8_lossy(&listed.stdout).starts_with(&revision));
    assert_eq!(
        repository.fetches().unwrap(),
        3,
        "ls-remote fetches nothing"
    );
    assert_eq!(
        repository.requests().unwrap().last().unwrap().wanted,
        Wanted::References
    );
}

#[test]
fn hosts_of_the_internet_serve_files_redirects_images_and_git() {
    let lab = Lab::shared().unwrap();
    let repository = lab.repository("you-internet").unwrap();
    let revision = repository.commit(&[("a", "1\n")], "first").unwrap();
    lab.push_image("library/internet", "1", "a").unwrap();
    let files = lab.layout().internet_folder().join("github.com/files");
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("new"), "newest").unwrap();
    let target = "https://github.com/files/new";
    std::os::unix::fs::symlink(target, files.join("latest")).unwrap();

    let ask = |host: &str, path: &str| {
        let mut curl = lab.command("curl");
        curl.args(["-sSL", "--resolve", &format!("{host}:443:10.99.0.1")]);
        let certificate = lab.layout().certificate();
        curl.arg("--cacert").arg(certificate);
        let asked = curl.arg(format!("https://{host}/{path}")).output().unwrap();
        String::from_utf8_lossy(&asked.stdout).into_owned()
    };
    assert_eq!(ask("github.com", "files/latest"), "newest");
    let references = "you/internet.git/info/refs?service=git-upload-pack";
    assert!(ask("git.example.org", references).contains(&revision));
    let tags = ask("registry-1.docker.io", "v2/library/internet/tags/list");
    assert!(tags.contains("[\"1\"]"), "{tags}");
    let private = ask("registry.example.org", "v2/library/internet/tags/list");
    assert!(private.contains("UNAUTHORIZED"), "{private}");
    let status = |host: &str, path: &str| {
        let mut curl = lab.command("curl");
        curl.args([
            "-s",
            "--path-as-is",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
        ]);
        curl.args(["-H", &format!("Host: {host}")]);
        process::output(curl.arg(format!("http://10.99.0.1:8081/{path}"))).unwrap()
    };
    assert_eq!(status("github.com", "files/new"), "200");
    assert_eq!(status("/etc", "hostname"), "400");
    assert_eq!(status("github.com", "files/../../../tls.key"), "400");
}

#[test]
fn a_git_server_can_be_told_to_misbehave() {
    let lab = Lab::shared().unwrap();
    let repository = lab.repository("broken").unwrap();
    repository.commit(&[("a", "b")], "first").unwrap();
    let list = |url: &str| git(lab, &["ls-remote", url]).status.success();

    repository
        .behave(&Behaviour {
            fault: Some(Fault::Status(500)),
            ..Behaviour::default()
        })
        .unwrap();
    assert!(!list(&repository.url()));
    repository
        .behave(&Behaviour {
            token: Some("t0ken".into()),
            ..Behaviour::default()
        })
        .unwrap();
    assert!(!list(&repository.url()));
    assert!(list(
        &repository.url().replace("http://", "http://any:t0ken@")
    ));
    repository
        .behave(&Behaviour {
            fault: Some(Fault::Stall),
            ..Behaviour::default()
        })
        .unwrap();
    assert!(list(&repository.url()), "only packs stall");
    let folder = tempfile::tempdir().unwrap();
    let mut clone = lab.command("timeout");
    clone
        .args(["1", "git", "clone", "-q", &repository.url()])
        .arg(folder.path().join("x"));
    assert_eq!(process::run(&mut clone).unwrap().status.code(), Some(124));
}

#[test]
fn a_lab_of_three_nodes_leaves_nothing_behind() {
    let lab = Lab::up(LabOptions { nodes: 3 }).unwrap();
    let (folder, namespaces) = (lab.layout().folder.clone(), lab.layout().namespaces());
    let nodes = lab.engine_get("/nodes").unwrap();
    assert_eq!(nodes.as_array().unwrap().len(), 3);
    lab.push_image("everywhere", "1", "a").unwrap();
    let image = format!("{}/everywhere:1", lab.registry());
    lab.docker(&[
        "service",
        "create",
        "-d",
        "--mode=global",
        "--network=host",
        "--name=everywhere",
        &image,
    ])
    .unwrap();
    lab.wait_until_running("everywhere", 3).unwrap();
    lab.down();
    assert_eq!(traces(&folder, &namespaces), Vec::<String>::new());
}

#[test]
fn who_reads_what_up_says_need_not_wait_for_the_end_of_the_lab() {
    let program = env!("CARGO_BIN_EXE_dockerops-lab");
    let mut up = Command::new("timeout");
    up.args(["60", "sh", "-c", "\"$0\" up 2>&1 | cat", program]);
    let told = process::run(&mut up).unwrap();
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    let folder = text
        .lines()
        .find_map(|line| line.split("DOCKEROPS_LAB=").nth(1));
    process::output(Command::new(program).args(["down", folder.unwrap()])).unwrap();
    assert_eq!(told.status.code(), Some(0), "it ended by itself");
}

#[test]
fn a_lab_whose_owner_is_killed_takes_itself_down() {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_dockerops-lab"))
        .args([
            "run",
            "--",
            "sh",
            "-c",
            "echo $DOCKEROPS_LAB; exec sleep 1000",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(owner.stdout.take().unwrap()),
        &mut line,
    )
    .unwrap();
    let lab = Lab::attach(Path::new(line.trim())).unwrap();
    let (folder, namespaces) = (lab.layout().folder.clone(), lab.layout().namespaces());
    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_for("the lab's end", Duration::from_secs(20), || {
        Ok(traces(&folder, &namespaces).is_empty())
    })
    .unwrap();
}

#[test]
fn what_a_killed_keeper_leaves_is_removed_by_the_next_lab() {
    let lab = Lab::up(LabOptions::default()).unwrap();
    let layout = lab.layout().clone();
    let keeper = fs::read_to_string(layout.folder.join("keeper")).unwrap();
    process::output(Command::new("kill").args(["-9", &keeper])).unwrap();
    drop(lab);
    wait_for("the end of the processes", Duration::from_secs(10), || {
        Ok(processes_that_mention(&format!("{}/", layout.folder.display())).is_empty())
    })
    .unwrap();
    let next = Lab::up(LabOptions::default()).unwrap();
    if next.layout().folder == layout.folder {
        assert_eq!(
            next.layout().nodes,
            1,
            "the name is free again, all else was removed"
        );
    } else {
        assert_eq!(
            traces(&layout.folder, &layout.namespaces()),
            Vec::<String>::new()
        );
    }
}

/// What is left of a lab on this machine.
fn traces(folder: &Path, namespaces: &[String]) -> Vec<String> {
    let path = folder.to_str().unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    let mut found = Vec::new();
    if folder.exists() {
        found.push(format!("folder {path}"));
    }
    found.extend(
        namespaces
            .iter()
            .filter(|name| Path::new("/run/netns").join(name).exists())
            .cloned(),
    );
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    found.extend(
        mounts
            .lines()
            .filter(|line| line.contains(&format!("{path}/")))
            .map(ToOwned::to_owned),
    );
    let links = process::output(Command::new("ip").args(["-o", "link"])).unwrap();
    found.extend(
        links
            .lines()
            .filter(|line| line.contains(name))
            .map(ToOwned::to_owned),
    );
    found.extend(processes_that_mention(&format!("{path}/")));
    let cgroups =
        process::output(Command::new("find").args(["/sys/fs/cgroup", "-name", name])).unwrap();
    found.extend(cgroups.lines().map(ToOwned::to_owned));
    found
}

fn processes_that_mention(text: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_str() != Some(&own));
    let lines = entries.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| line.contains(text))
        .map(|line| line.replace('\0', " "))
        .collect()
}
