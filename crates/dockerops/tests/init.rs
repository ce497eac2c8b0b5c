//! `dockerops init` as a person calls it: what is written loads as it is, and nothing is overwritten.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use assert_cmd::Command;
use dockerops_core::manifest::ManifestFile;
use serde_json::Value;

const FILES: [&str; 8] = [
    "README.md",
    "database/docker-compose.yml",
    "database/secrets.yaml",
    "nfs.yaml",
    "stacks.yaml",
    "volumes.yaml",
    "website/docker-compose.yml",
    "website/pages/index.html",
];

fn dockerops(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("dockerops").unwrap();
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .current_dir(folder);
    command
}

/// All files below `folder` with their content.
fn content(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    found
}

#[test]
fn init_writes_a_repository_that_loads_without_a_word() {
    let home = tempfile::tempdir().unwrap();
    let output = dockerops(home.path())
        .args(["init", "new/example", "-o", "json"])
        .assert()
        .success();
    let answer: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let folder = home.path().join("new/example");
    let written = content(&folder);
    assert_eq!(written.keys().collect::<Vec<_>>(), FILES);
    let mut told: Vec<_> = answer["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f.as_str().unwrap())
        .collect();
    told.sort_unstable();
    assert_eq!(
        (answer["folder"].as_str(), told),
        (Some("new/example"), FILES.to_vec())
    );

    let output = dockerops(&folder)
        .args(["render", ".", "-o", "json"])
        .assert()
        .success();
    assert_eq!(String::from_utf8_lossy(&output.get_output().stderr), "");
    let rendered: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(rendered["diagnostics"], Value::Array(Vec::new()));
    let services = rendered["services"].as_array().unwrap();
    assert_eq!(services.len(), 2);
    let text = |pointer: &str| rendered.pointer(pointer).unwrap().as_str().unwrap();
    let container = "TaskTemplate/ContainerSpec";
    assert_eq!(text("/services/0/UpdateConfig/Order"), "stop-first");
    assert_eq!(text("/services/1/UpdateConfig/Order"), "start-first");
    assert_eq!(
        text(&format!("/services/0/{container}/Mounts/0/Source")),
        "database_data"
    );
    assert_eq!(
        text(&format!("/services/1/{container}/Mounts/0/Source")),
        "/mnt/nfs/website/pages"
    );
    assert_eq!(
        text(&format!("/services/0/{container}/Env/0")),
        "POSTGRES_PASSWORD=[secret postgres_password]"
    );
    for service in services {
        let container = &service["TaskTemplate"]["ContainerSpec"];
        assert!(container["Healthcheck"]["Test"].is_array(), "{service:#}");
        assert!(
            container["Image"].as_str().unwrap().contains(":1"),
            "a tag with a version: {service:#}"
        );
    }
}

#[test]
fn init_names_the_schema_of_each_file_for_editors() {
    let home = tempfile::tempdir().unwrap();
    dockerops(home.path()).arg("init").assert().success();
    let written = content(home.path());
    for file in ManifestFile::ALL {
        let path = written
            .keys()
            .find(|path| path.ends_with(file.file_name()))
            .unwrap();
        let first = format!("# yaml-language-server: $schema={}\n", file.schema_url());
        assert!(written[path].starts_with(&first), "{path}");
    }
}

#[test]
fn init_leaves_what_else_is_in_a_checkout() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".git")).unwrap();
    fs::create_dir_all(home.path().join("website")).unwrap();
    for file in [".git/HEAD", "website/mine.txt", "LICENSE"] {
        fs::write(home.path().join(file), "mine").unwrap();
    }
    let output = dockerops(home.path()).arg("init").assert().success();
    let written = content(home.path());
    assert_eq!(written.len(), FILES.len() + 3);
    for file in [".git/HEAD", "website/mine.txt", "LICENSE"] {
        assert_eq!(written[file], "mine");
    }
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(said.contains("dockerops watch <url>"), "{said}");
}

#[test]
fn init_never_overwrites_and_then_writes_nothing() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("website")).unwrap();
    fs::write(home.path().join("nfs.yaml"), "mine").unwrap();
    symlink("nowhere", home.path().join("website/docker-compose.yml")).unwrap();
    let before = content(home.path());
    let output = dockerops(home.path()).arg("init").assert().code(1);
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    for word in [
        "`nfs.yaml`",
        "`website/docker-compose.yml`",
        "nothing was written",
        "dockerops init example",
    ] {
        assert!(said.contains(word), "no {word} in:\n{said}");
    }
    assert!(!said.contains("stacks.yaml"), "{said}");
    assert_eq!(content(home.path()), before);
    assert!(!home.path().join("website/nowhere").exists());
}

#[test]
fn init_where_no_folder_can_be_says_so_and_writes_no_file() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("website"), "mine").unwrap();
    for folder in [".", "website"] {
        let output = dockerops(home.path())
            .args(["init", folder])
            .assert()
            .code(1);
        let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert!(said.contains("website`: not a directory"), "{said}");
        assert_eq!(
            content(home.path()),
            BTreeMap::from([("website".to_owned(), "mine".to_owned())])
        );
    }
}
