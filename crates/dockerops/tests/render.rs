//! `dockerops render` as a person calls it: offline, without root, never opening a secret.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

fn dockerops() -> Command {
    let mut command = Command::cargo_bin("dockerops").unwrap();
    command.env_clear().env("HOME", "/nonexistent");
    command
}

/// Two stacks, one of them broken, and a secret whose file does not exist.
fn repository(root: &Path) {
    let files = [
        ("stacks.yaml", "- name: web\n- name: broken\n"),
        ("nfs.yaml", "path: /nonexistent/nfs\n"),
        ("web/secrets.yaml", "- id: db\n  env: PASSWORD\n"),
        (
            "web/compose.yml",
            "services: {app: {image: nginx, environment: {URL: 'x:${PASSWORD:?}'}}}\n",
        ),
        ("broken/compose.yml", "services: {app: {imag: nginx}}\n"),
    ];
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn a_repository_is_rendered_without_opening_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    repository(folder.path());
    let output = dockerops()
        .args(["render", "-o", "json"])
        .arg(folder.path())
        .arg("web")
        .assert()
        .success();
    let answer: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let env = &answer["services"][0]["TaskTemplate"]["ContainerSpec"]["Env"];
    assert_eq!(env[0], "URL=[secret db]");
    assert_eq!(answer["networks"][0]["Name"], "web_default");
}

#[test]
fn a_broken_stack_does_not_stop_the_others_and_fails_the_command() {
    let folder = tempfile::tempdir().unwrap();
    repository(folder.path());
    let output = dockerops()
        .arg("render")
        .arg(folder.path())
        .assert()
        .code(1);
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    let shown = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert!(said.contains("broken/compose.yml:1:18") && said.contains("Did you mean `image`?"));
    assert!(shown.contains("service web_app"), "{shown}");
}

#[test]
fn files_given_by_hand_see_the_whole_environment_and_override_each_other() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("a.yml"),
        "services: {app: {image: 'nginx:${TAG}'}}\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("b.yml"),
        "services: {app: {image: 'nginx:${TAG}-b'}}\n",
    )
    .unwrap();
    let output = dockerops()
        .env("TAG", "1")
        .current_dir(folder.path())
        .args(["render", "-c", "a.yml", "-c", "b.yml", "--name", "x"])
        .assert()
        .success();
    let shown = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert!(shown.contains("image: nginx:1-b\n"), "{shown}");
}
