//! What a repository may look like, and what is said about one that does not.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "shared with the tests over HTTP")]
mod git_server;
mod shell;

use std::fs;
use std::os::unix::fs::symlink;

use git_server::Repository;
use shell::{MANAGER, Ran, Shell};

const LIST: (&str, &str) = ("stacks.yaml", "- name: web\n");

fn watch(files: &[(&str, &str)]) -> Ran {
    let repository = Repository::with(files);
    Shell::new(MANAGER).run(&["watch", &repository.url()])
}

#[test]
fn four_compose_file_names_in_order_of_preference() {
    let shell = Shell::new(MANAGER);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("web")).unwrap();
    fs::write(folder.path().join("stacks.yaml"), LIST.1).unwrap();
    let names = [
        "docker-compose.yml",
        "docker-compose.yaml",
        "compose.yml",
        "compose.yaml",
    ];
    for (place, name) in names.iter().enumerate().rev() {
        let text = format!("services: {{web: {{image: \"number{place}\"}}}}\n");
        fs::write(folder.path().join("web").join(name), text).unwrap();
        let ran = shell.run(&["render", folder.path().to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{}", ran.text);
        let used = format!("number{place}");
        assert!(ran.text.contains(&used), "{name}:\n{}", ran.text);
        let several = place + 1 < names.len();
        let warned = ran.text.contains("warning[DO006]") && ran.text.contains(&format!("`{name}`"));
        assert_eq!(warned, several, "{name}:\n{}", ran.text);
    }
}

#[test]
fn a_mistake_in_a_manifest_names_file_line_column_and_way_out() {
    let ran = watch(&[
        (
            "stacks.yaml",
            "- name: web\n  colour: red\n- name: web\n- name: 3\n- web\n",
        ),
        (
            "volumes.yaml",
            "- {id: a, type: folder, path: a}\n- {id: b, type: volume}\n- {id: c, type: volume, path: cc}\n- {id: c, type: volume, path: dd}\n",
        ),
    ]);
    ran.failed_saying(&[
        "stacks.yaml:2:3",
        "no key `colour`",
        "The keys are `name`",
        "stacks.yaml:3:9",
        "`web` is here twice",
        "line 1",
        "stacks.yaml:4:9",
        "must be a string, not an integer",
        "Put quotes",
        "stacks.yaml:5:3",
        "volumes.yaml:1:17",
        "`volume`",
        "`binding`",
        "volumes.yaml:2:3",
        "`path`",
        "volumes.yaml:4:8",
    ]);
    let secrets = watch(&[
        LIST,
        ("nfs.yaml", "path: /mnt/nfs\n"),
        ("web/compose.yaml", "services: {web: {image: x}}\n"),
        ("web/secrets.yaml", "- id: db\n"),
    ]);
    secrets.failed_saying(&["web/secrets.yaml:1:3", "`env`"]);
    let broken = watch(&[("stacks.yaml", "- name: web\n- {name: x\n")]);
    broken.failed_saying(&["stacks.yaml:"]);
    let no_file = watch(&[LIST, ("web/README.md", "")]);
    no_file.failed_saying(&["stacks.yaml:1:9", "docker-compose.yml"]);
}

#[test]
fn a_path_never_leaves_the_repository() {
    let outside = "/etc/hostname";
    for path in [
        "/etc/hostname",
        "~/x",
        "../../outside",
        "link",
        "up/outside",
    ] {
        for compose in [
            format!("services: {{web: {{image: x, env_file: '{path}'}}}}\n"),
            format!("services: {{web: {{image: x}}}}\nconfigs: {{c: {{file: '{path}'}}}}\n"),
            format!("services: {{web: {{image: x}}}}\nsecrets: {{c: {{file: '{path}'}}}}\n"),
        ] {
            let repository = Repository::with(&[LIST, ("web/compose.yaml", &compose)]);
            symlink(outside, repository.path().join("web/link")).unwrap();
            symlink("../..", repository.path().join("web/up")).unwrap();
            repository.commit(&[]);
            let ran = Shell::new(MANAGER).run(&["watch", &repository.url()]);
            ran.failed_saying(&["web/compose.yaml:", "repository", "hint:"]);
        }
    }
    // Elsewhere in the repository is fine: what fails is the registry, which is not there.
    let shared = "services: {web: {image: 127.0.0.1:1/x, env_file: ../shared/x}}\n";
    let ran = watch(&[LIST, ("web/compose.yaml", shared), ("shared/x", "A=1\n")]);
    ran.failed_saying(&["registry"]);
}

#[test]
fn a_relative_bind_mount_is_refused_and_names_bindings() {
    for mount in [
        "'./data:/data'",
        "'~/data:/data'",
        "{type: bind, source: ../data, target: /data}",
    ] {
        let compose = format!("services:\n  web:\n    image: x\n    volumes:\n      - {mount}\n");
        let ran = watch(&[LIST, ("web/compose.yaml", &compose)]);
        ran.failed_saying(&[
            "web/compose.yaml:5:",
            "`binding`",
            "volumes.yaml",
            "absolute path",
        ]);
    }
}
