//! `dockerops deploy` on a real Swarm: compose files without a repository.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use dockerops_lab::{Lab, Person, Ran, sleepers};

use crate::stacks::{commit, deploy_with_docker, fails, ok, services, task_ids};

/// Writes `compose` where the person is; gives its path.
fn file(person: &Person<'_>, compose: &str) -> String {
    let file = person.home().join("stack.yml");
    fs::write(&file, compose).unwrap();
    file.display().to_string()
}

fn remove(lab: &Lab, stack: &str) {
    lab.docker(&["stack", "rm", stack]).unwrap();
}

#[test]
fn deploy_writes_what_differs_and_prunes_only_when_told() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "deploy").unwrap();
    let recorder = lab.recorder().unwrap();
    person.set("DOCKER_HOST", recorder.docker_host());
    person.set("MARK", "one");
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let web = (
        "web",
        image.as_str(),
        ", environment: {MARK: \"${MARK}\"}, configs: [c]",
    );
    let api = ("api", image.as_str(), "");
    let config = "configs: {c: {file: ./c.txt}}\n";
    fs::write(person.home().join("c.txt"), "one").unwrap();
    let both = file(&person, &(sleepers(&[web, api]) + config));
    let dry = ok(&person, &["deploy", "-c", &both, &stack, "--dry-run"]);
    assert!(dry.stdout.contains("Plan: 3 to create"), "{}", dry.text());
    assert_eq!(recorder.writes(), []);

    ok(&person, &["deploy", "-c", &both, &stack]);
    recorder.clear();
    ok(&person, &["deploy", "-c", &both, &stack]);
    assert_eq!(recorder.writes(), [], "nothing changed");

    person.set("MARK", "two");
    fs::write(person.home().join("c.txt"), "two").unwrap();
    let one = file(&person, &(sleepers(&[web]) + config));
    let ran = ok(&person, &["deploy", "-c", &one, &stack]);
    assert!(
        ran.stdout.contains("environment.MARK: one → two"),
        "{}",
        ran.text()
    );
    let kept = format!("= {stack}_api  no longer declared, kept");
    assert!(ran.stdout.contains(&kept), "{}", ran.text());
    assert_eq!(services(lab, &stack).len(), 2);
    let configs = lab.docker(&["config", "ls", "-q", "--filter", &format!("name={stack}_c")]);
    assert_eq!(
        configs.unwrap().lines().count(),
        1,
        "the older version is gone"
    );

    ok(&person, &["deploy", "-c", &one, &stack, "--prune"]);
    assert_eq!(services(lab, &stack), [format!("{stack}_web")]);
    remove(lab, &stack);
}

#[test]
fn deploy_reads_standard_input_and_need_not_wait() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "stdin").unwrap();
    let stack = person.named("app");
    let mut command = person
        .command(&[
            "deploy",
            "-c",
            "-",
            "--detach",
            "--resolve-image",
            "never",
            &stack,
        ])
        .unwrap();
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let compose = sleepers(&[("web", "127.0.0.1:9/nowhere:1", "")]);
    child
        .stdin
        .take()
        .unwrap()
        .write_all(compose.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    let live = lab.services(&stack).unwrap();
    let image = &live[&format!("{stack}_web")]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"];
    assert_eq!(image, "127.0.0.1:9/nowhere:1", "used as it is written");
    remove(lab, &stack);
}

#[test]
fn deploy_takes_a_foreign_stack_only_with_adopt_and_a_repositorys_never() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "foreign").unwrap();
    let image = person.image("web", "a").unwrap();
    let compose = sleepers(&[("web", &image, "")]);
    let (theirs, watched) = (person.named("theirs"), person.named("watched"));
    deploy_with_docker(&person, &theirs, &compose);
    let given = file(&person, &compose);
    let deploy = |stack: &str, more: &[&str]| -> Ran {
        let args = [&["deploy", "-c", &given, stack], more].concat();
        person.run(&args).unwrap()
    };
    let refused = deploy(&theirs, &[]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stdout.contains("--adopt"), "{}", refused.text());
    let tasks = task_ids(lab, &format!("{theirs}_web"));
    let adopted = deploy(&theirs, &["--adopt", "--resolve-image", "changed"]);
    assert_eq!(adopted.code, Some(0), "{}", adopted.text());
    assert_eq!(
        task_ids(lab, &format!("{theirs}_web")),
        tasks,
        "a task restarted"
    );

    let repository = person.repository().unwrap();
    commit(&repository, &[(&watched, &compose)]);
    ok(&person, &["watch", &repository.url()]);
    let version = lab.version(&format!("{watched}_web")).unwrap();
    let refused = deploy(&watched, &["--adopt"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stdout.contains("is deployed from"),
        "{}",
        refused.text()
    );
    assert_eq!(lab.version(&format!("{watched}_web")).unwrap(), version);

    ok(&person, &["reconcile"]);
    ok(&person, &["stop"]);
    assert_eq!(
        services(lab, &theirs),
        [format!("{theirs}_web")],
        "stop left it alone"
    );
    remove(lab, &theirs);
}

#[test]
fn deploy_says_what_is_wrong_with_its_files() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "wrongfile").unwrap();
    let stack = person.named("app");
    let ran = fails(&person, &["deploy", "-c", "/nowhere.yml", &stack]);
    assert!(ran.stdout.contains("/nowhere.yml"), "{}", ran.text());
    let wrong = file(&person, "services: {web: {imag: x}}\n");
    let ran = fails(&person, &["deploy", "-c", &wrong, &stack]);
    assert!(
        ran.stdout.contains("Did you mean `image`?"),
        "{}",
        ran.text()
    );
    let ran = fails(&person, &["deploy", "-c", &wrong, "not/a/name"]);
    assert!(
        ran.stderr.contains("Give the stack another name"),
        "{}",
        ran.text()
    );
    assert!(services(lab, &stack).is_empty());
}
