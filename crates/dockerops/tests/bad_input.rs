//! What is wrong gets a message of its own with a way out, exit 1, and nothing half done.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "shared with the tests over HTTP")]
mod git_server;
mod shell;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use dockerops::git::{Git, GitError, GitSettings};
use dockerops_core::repository_url::RepositoryUrl;
use git_server::Repository;
use shell::{Docker, MANAGER, Ran, Shell};

/// A repository that nothing needs to be read from.
const ANY: &str = "https://git.invalid/a/b";

#[test]
fn a_missing_socket_says_so() {
    let shell = Shell::new(MANAGER);
    let mut command = shell.command(&["watch", ANY]);
    let ran = Ran::of(command.env("DOCKER_HOST", "unix:///nowhere/d.sock"));
    ran.failed_saying(&["no Docker socket at `/nowhere/d.sock`", "DOCKER_HOST"]);
    let mut command = shell.command(&["watch", ANY]);
    Ran::of(command.env("DOCKER_HOST", "ssh://root@manager")).failed_saying(&["SSH", "ssh -L"]);
}

#[test]
fn an_engine_outside_swarm_mode_says_so() {
    let alone = Docker {
        swarm: r#"{"LocalNodeState": "inactive"}"#,
        ..MANAGER
    };
    let ran = Shell::new(alone).run(&["watch", ANY]);
    ran.failed_saying(&["not part of a Swarm", "docker swarm init"]);
}

#[test]
fn a_worker_says_to_use_a_manager() {
    let worker = Docker {
        swarm: r#"{"LocalNodeState": "active", "ControlAvailable": false}"#,
        ..MANAGER
    };
    let ran = Shell::new(worker).run(&["reconcile"]);
    ran.failed_saying(&["not a manager", "docker node promote"]);
}

#[test]
fn an_engine_that_is_too_old_is_refused() {
    let old = Docker {
        api: "1.40",
        ..MANAGER
    };
    let ran = Shell::new(old).run(&["watch", ANY]);
    ran.failed_saying(&["too old", "1.40", "1.41", "20.10"]);
}

#[test]
fn a_missing_git_says_so() {
    let shell = Shell::new(MANAGER);
    let mut command = shell.command(&["watch", ANY]);
    let ran = Ran::of(command.env("PATH", "/nowhere"));
    ran.failed_saying(&["`git` is not installed", "apt install git"]);

    let folder = tempfile::tempdir().unwrap();
    let git = folder.path().join("git");
    fs::write(&git, "#!/bin/sh\necho git version 2.20.1\n").unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = shell.command(&["watch", ANY]);
    let ran = Ran::of(command.env("PATH", folder.path()));
    ran.failed_saying(&["2.20.1", "too old", "2.25"]);
    nothing_is_watched(&shell);
}

#[tokio::test]
async fn a_repository_that_is_missing_empty_or_silent_says_so() {
    let shell = Shell::new(MANAGER);
    let missing = shell.run(&["watch", "file:///nowhere/app"]);
    missing.failed_saying(&["`file:///nowhere/app` was not found", "spelling"]);

    let empty = shell.run(&["watch", &Repository::new().url()]);
    empty.failed_saying(&["is empty", "Push a commit"]);

    let without = Repository::with(&[("README.md", "hello")]);
    let without_list = shell.run(&["watch", &without.url()]);
    without_list.failed_saying(&["no `stacks.yaml`", "- name: <stack>"]);

    let branchless = Repository::with(&[("stacks.yaml", "- name: web\n")]);
    branchless.git(&["symbolic-ref", "HEAD", "refs/heads/gone"]);
    let no_branch = shell.run(&["watch", &branchless.url()]);
    no_branch.failed_saying(&["no branch", "`main`"]);
    nothing_is_watched(&shell);

    // The binary's own patience is half a minute: here it is one second.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a/b", silent.local_addr().unwrap());
    let mut settings = GitSettings::new(shell.home().join("mirrors"));
    settings.answer = Duration::from_secs(1);
    let asked = Git::new(settings)
        .remote_head(&RepositoryUrl::parse(&url).unwrap())
        .await;
    let error = asked.unwrap_err();
    assert!(matches!(error, GitError::Silent { .. }), "{error:?}");
    assert!(error.to_string().contains("said nothing for 1 s"));
    assert!(error.hint().unwrap().contains("firewall"));
}

#[test]
fn an_unusable_nfs_path_says_so() {
    let shell = Shell::new(MANAGER);
    let binding = "- {id: conf, type: binding, path: conf}\n";
    // Pinned, so that no registry is asked.
    let image = format!("x@sha256:{}", "0".repeat(64));
    let compose = format!("services: {{web: {{image: \"{image}\", volumes: [\"conf:/conf\"]}}}}\n");
    let repository = Repository::with(&[
        ("stacks.yaml", "- name: web\n"),
        ("volumes.yaml", binding),
        ("web/compose.yaml", &compose),
        ("conf/a", "1"),
    ]);
    let watch = |nfs: Option<&str>| {
        if let Some(path) = nfs {
            repository.commit(&[("nfs.yaml", &format!("path: {path}\n"))]);
        }
        // Two of these fail a stack, and the repository is recorded as watched.
        let _ = fs::remove_dir_all(shell.home().join(".dockerops"));
        shell.run(&["watch", &repository.url()])
    };
    let missing = watch(None);
    missing.failed_saying(&["volumes.yaml:1:", "`conf` needs the file `nfs.yaml`"]);
    let relative = watch(Some("mnt/nfs"));
    relative.failed_saying(&["nfs.yaml:1:7", "`mnt/nfs` is not absolute", "`/mnt/nfs`"]);
    let once = !relative.text.contains("needs the file");
    assert!(once, "the file is there:\n{}", relative.text);
    watch(Some("/nowhere/nfs")).failed_saying(&["`/nowhere/nfs` does not exist", "Mount"]);
    watch(Some("/etc/passwd")).failed_saying(&["`/etc/passwd` is not a folder", "nfs.yaml"]);
}

#[test]
fn invalid_utf8_and_giant_manifests_are_refused() {
    let shell = Shell::new(MANAGER);
    let repository = Repository::with(&[]);
    let watch = |file: &str, content: &[u8]| {
        fs::write(repository.path().join(file), content).unwrap();
        repository.commit(&[]);
        shell.run(&["watch", &repository.url()])
    };
    let binary = watch("stacks.yaml", b"- name: \xff\n");
    binary.failed_saying(&["`stacks.yaml`", "not UTF-8", "Save it as UTF-8"]);
    let giant = [b"- name: web\n".as_slice(), &vec![b'#'; 10 << 20]].concat();
    let too_big = watch("stacks.yaml", &giant);
    too_big.failed_saying(&["`stacks.yaml`", "larger than 10 MiB"]);
    watch("stacks.yaml", b"- name: web\n");
    nothing_is_watched_but(&shell, &repository);
}

#[test]
fn a_stack_name_that_docker_refuses_is_refused_at_its_place() {
    let shell = Shell::new(MANAGER);
    for (name, shown) in [
        ("-rf", "`-rf`"),
        ("a/b", "`a/b`"),
        ("..", "`..`"),
        ("\"a\\tb\"", "`a\\tb`"),
        ("\"a\\e[31mb\"", "`a\\u{1b}[31mb`"),
        ("web.app", "`web.app`"),
    ] {
        let repository = Repository::with(&[("stacks.yaml", &format!("- name: {name}\n"))]);
        let ran = shell.run(&["watch", &repository.url()]);
        ran.failed_saying(&[shown, "is not a stack name", "stacks.yaml:1:9"]);
        assert!(!ran.text.contains('\u{1b}'), "{:?}", ran.text);
    }
    nothing_is_watched(&shell);
}

/// Runs `dockerops` where `folder` is a disk of its own, mounted with `options`.
///
/// The mount is in a namespace that ends with the command.
fn on_a_disk(shell: &Shell, folder: &Path, options: &str, arguments: &[&str]) -> Ran {
    fs::create_dir_all(folder).unwrap();
    let inner = shell.command(arguments);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user"]);
    command.args([
        "sh",
        "-c",
        "mount -t tmpfs -o \"$1\" none \"$0\" && shift && exec \"$@\"",
    ]);
    command.arg(folder).arg(options);
    command.arg(inner.get_program()).args(inner.get_args());
    command.env_clear();
    command.envs(
        inner
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    Ran::of(&mut command)
}

#[test]
fn a_full_or_read_only_disk_says_so() {
    let repository = Repository::with(&[("stacks.yaml", "[]\n")]);
    // Nothing that Git could make smaller.
    let mut noise = vec![0; 300_000];
    fs::File::open("/dev/urandom")
        .unwrap()
        .read_exact(&mut noise)
        .unwrap();
    fs::write(repository.path().join("noise"), noise).unwrap();
    repository.commit(&[]);
    let url = repository.url();
    let watch = ["watch", url.as_str()];
    for folder in [".dockerops", ".dockerops/mirrors"] {
        let shell = Shell::new(MANAGER);
        let folder = shell.home().join(folder);
        let shown = folder.display().to_string();
        let full = on_a_disk(&shell, &folder, "size=16k", &watch);
        full.failed_saying(&[&shown, "is full", "Free some space"]);
        let read_only = on_a_disk(&shell, &folder, "ro", &watch);
        read_only.failed_saying(&[&shown, "writable for root"]);
    }
}

fn nothing_is_watched(shell: &Shell) {
    let ran = shell.run(&["debug-cache"]);
    assert!(
        ran.text.contains("no repository is watched"),
        "{}",
        ran.text
    );
}

/// A list whose only stack has no folder is watched: the stack is what failed.
fn nothing_is_watched_but(shell: &Shell, repository: &Repository) {
    let ran = shell.run(&["debug-cache"]);
    assert!(ran.text.contains(&repository.url()), "{}", ran.text);
    let mirrors: PathBuf = shell.home().join(".dockerops/mirrors");
    assert!(mirrors.is_dir(), "the mirror is kept");
}
