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

/// What `dockerops` says of a folder with `files`; links are from a path to what it points to.
fn told(arguments: &[&str], files: &[(&str, &str)], links: &[(&str, &str)]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for (link, target) in links {
        symlink(target, folder.path().join(link)).unwrap();
    }
    let mut arguments = arguments.to_vec();
    arguments.push(folder.path().to_str().unwrap());
    let shell = Shell::new(MANAGER);
    let mut command = shell.command(&arguments);
    command.env("DOCKEROPS_COMPOSE_ENV", "TAG,HOST");
    Ran::of(
        command
            .env("TAG", "of-the-host")
            .env("HOST", "of-the-host")
            .env("HIDDEN", "no"),
    )
}

#[test]
fn a_stack_lies_where_path_says_and_is_merged_from_its_files() {
    let base = "services: {web: {image: 'web:1', environment: {A: base, B: base}, configs: [site]}}\n\
                configs: {site: {file: site.conf}}\n";
    let files = [
        (
            "stacks.yaml",
            "- {name: live, path: ./sites//web, files: [compose.yml, ../live.yml]}\n\
             - {name: test, path: sites/web}\n\
             - {name: root, path: ., files: [root.yml]}\n",
        ),
        ("sites/web/compose.yml", base),
        ("sites/web/site.conf", "x"),
        (
            "sites/live.yml",
            "services: {web: {environment: {B: live}, deploy: {replicas: 3}}}\n",
        ),
        ("root.yml", "services: {one: {image: 'one:1'}}\n"),
    ];
    let ran = told(&["render", "-o", "json"], &files, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    let bodies: serde_json::Value = serde_json::from_str(&ran.text).unwrap();
    let env = |at: usize| bodies["services"][at]["TaskTemplate"]["ContainerSpec"]["Env"].clone();
    assert_eq!(env(0), serde_json::json!(["A=base", "B=live"]));
    assert_eq!(bodies["services"][0]["Mode"]["Replicated"]["Replicas"], 3);
    assert_eq!(env(1), serde_json::json!(["A=base", "B=base"]));
    assert_eq!(bodies["services"][2]["Name"], "root_one");
    assert_eq!(bodies["configs"][0]["Name"], "live_site");
}

#[test]
fn a_folder_or_file_of_a_stack_never_leaves_the_repository_and_must_be_there() {
    let list = "- {name: up, path: out}\n\
                - {name: away, path: web, files: [../../x.yml]}\n\
                - {name: gone, path: sites/gone}\n\
                - {name: less, path: web, files: [compose.yml, more.yml, most.yml]}\n\
                - {name: env, path: web, env_files: [../../x.env, none.env, compose.yml]}\n";
    let files = [
        ("stacks.yaml", list),
        ("web/compose.yml", "services: {web: {image: 'x:1'}}\n"),
    ];
    let ran = told(&["validate"], &files, &[("out", "..")]);
    assert_eq!(ran.code, Some(1), "{}", ran.text);
    for said in [
        "stacks.yaml:1:20",
        "the folder `out/` of stack `up` cannot be read: the path leaves the repository",
        "stacks.yaml:2:35",
        "cannot read `../../x.yml`: the path leaves the repository",
        "stacks.yaml:3:22",
        "stack `gone` has no folder `sites/gone/`",
        "correct `path`",
        "stack `less` has no compose file `web/more.yml`",
        "stack `less` has no compose file `web/most.yml`",
        "cannot read `../../x.env`",
        "`web/none.env` cannot be read: no such file",
        "web/compose.yml:1:1",
        "this line of the env file has a space in the variable name",
    ] {
        assert!(ran.text.contains(said), "{said}:\n{}", ran.text);
    }
}

#[test]
fn variables_of_a_stack_win_over_its_files_and_those_over_the_environment() {
    let compose = "services: {web: {image: 'x:${TAG}', hostname: '${HOST}', user: '${WHO}', \
                   labels: {h: '${HIDDEN}', n: '${NUMBER}'}}}\n";
    let list =
        "- name: web\n  env: {TAG: 1.10, HIDDEN: \"$${own}\"}\n  env_files: [a.env, ../b.env]\n";
    let files = [
        ("stacks.yaml", list),
        ("web/compose.yml", compose),
        ("web/a.env", "TAG=a\nWHO=a\nNUMBER=a\n"),
        ("b.env", "# later wins\nWHO=b\nHOST\n"),
    ];
    let ran = told(&["render"], &files, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    for said in ["x:1.10", "of-the-host", "b", "$${own}"] {
        assert!(ran.text.contains(said), "{said}:\n{}", ran.text);
    }
    assert!(!ran.text.contains("DO"), "nothing is told:\n{}", ran.text);
}

#[test]
fn a_variable_is_no_secret_and_set_in_clear_too() {
    let files = [
        (
            "stacks.yaml",
            "- name: web\n  env: {TAG: x, PASSWORD: hunter2}\n",
        ),
        ("nfs.yaml", "path: /mnt/nfs\n"),
        ("web/secrets.yaml", "- {id: db, env: PASSWORD}\n"),
        (
            "web/compose.yml",
            "services: {web: {image: 'x:1', environment: [PASSWORD]}}\n",
        ),
    ];
    let ran = told(&["validate"], &files, &[]);
    for said in [
        "stacks.yaml:2:17",
        "`PASSWORD` is set in `env` and by the secret `db`",
    ] {
        assert!(ran.text.contains(said), "{said}:\n{}", ran.text);
    }
    assert!(!ran.text.contains("hunter2"), "{}", ran.text);
    let names = [
        ("stacks.yaml", "- {name: web, env_files: [x.env]}\n"),
        ("web/x.env", "A.B=1\n"),
        ("web/compose.yml", "services: {web: {image: 'x:1'}}\n"),
    ];
    let ran = told(&["validate"], &names, &[]);
    assert!(ran.text.contains("web/x.env:1:1"), "{}", ran.text);
    assert!(
        ran.text.contains("`A.B` is not the name of a variable"),
        "{}",
        ran.text
    );
}
