//! `dockerops watch` on a real Swarm, as a person runs it.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::stacks::{
    commit, compose_path, deploy_with_docker, fails, list, ok, services, task_ids,
};
use dockerops_lab::{Lab, Person, sleepers, wait_for};

#[test]
fn watch_deploys_every_stack_and_leaves_no_checkout() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "deploys").unwrap();
    let (one, two) = (person.named("one"), person.named("two"));
    let compose = sleepers(&[("web", &person.image("web", "a").unwrap(), "")]);
    let repository = person.repository().unwrap();
    commit(&repository, &[(&one, &compose), (&two, &compose)]);
    let ran = ok(&person, &["watch", &repository.url()]);
    assert!(ran.stdout.contains("2 stacks changed"), "{}", ran.text());
    assert_eq!(services(lab, &one), [format!("{one}_web")]);
    assert_eq!(services(lab, &two), [format!("{two}_web")]);
    let cache = ok(&person, &["debug-cache"]);
    assert!(cache.stdout.contains(&repository.url()), "{}", cache.text());
    assert_eq!(
        found(&person.home(), "stacks.yaml"),
        0,
        "a checkout was left behind"
    );
    ok(&person, &["stop"]);
}

/// How many files of this name lie below `folder`.
fn found(folder: &Path, name: &str) -> usize {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            if path.is_dir() {
                found(&path, name)
            } else {
                usize::from(path.file_name().is_some_and(|file| file == name))
            }
        })
        .sum()
}

#[test]
fn watching_twice_is_refused_with_the_last_watch() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "twice").unwrap();
    let repository = person.repository().unwrap();
    commit(&repository, &[]);
    ok(&person, &["watch", &repository.url()]);
    let cache = ok(&person, &["debug-cache", "-o", "json"]).json();
    let last = crate::stacks::text(&cache, "/repositories/0/last_watch");
    let again = fails(&person, &["watch", &repository.url().replace(".git", "/")]);
    let wanted = format!(
        "Repository '{}' is already being watched (last watch: {last})",
        repository.url()
    );
    assert!(again.stderr.contains(&wanted), "{}", again.text());
}

#[test]
fn a_broken_stack_never_stops_the_others() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "broken").unwrap();
    let (good, bad) = (person.named("good"), person.named("bad"));
    let compose = sleepers(&[("web", &person.image("web", "a").unwrap(), "")]);
    let repository = person.repository().unwrap();
    commit(
        &repository,
        &[(&bad, "services: {web: {imag: x}}\n"), (&good, &compose)],
    );
    let ran = fails(&person, &["watch", &repository.url()]);
    assert!(
        ran.stdout.contains(&format!("{bad}  FAILED")),
        "{}",
        ran.text()
    );
    assert!(ran.stdout.contains("`imag`"), "{}", ran.text());
    assert_eq!(services(lab, &good), [format!("{good}_web")]);
    commit(&repository, &[(&bad, &compose), (&good, &compose)]);
    ok(&person, &["reconcile"]);
    assert_eq!(services(lab, &bad), [format!("{bad}_web")]);
    ok(&person, &["stop"]);
}

#[test]
fn a_repository_that_cannot_be_read_is_not_recorded() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "unread").unwrap();
    let repository = person.repository().unwrap();
    fails(&person, &["watch", &repository.url()]);
    repository
        .commit(&[("README", "no list")], "no list")
        .unwrap();
    let ran = fails(&person, &["watch", &repository.url()]);
    assert!(ran.text().contains("stacks.yaml"), "{}", ran.text());
    repository
        .commit(&[("stacks.yaml", "name: x\n")], "no list")
        .unwrap();
    fails(&person, &["watch", &repository.url()]);
    fails(
        &person,
        &[
            "watch",
            &repository.url().replace(repository.name(), "nowhere"),
        ],
    );
    let cache = ok(&person, &["debug-cache"]);
    assert!(
        cache.stdout.contains("no repository is watched"),
        "{}",
        cache.text()
    );
}

#[test]
fn an_empty_list_is_watched_with_a_warning() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "empty").unwrap();
    let repository = person.repository().unwrap();
    commit(&repository, &[]);
    let ran = ok(&person, &["watch", &repository.url()]);
    assert!(ran.text().contains("warning"), "{}", ran.text());
    let cache = ok(&person, &["debug-cache"]);
    assert!(cache.stdout.contains(&repository.url()), "{}", cache.text());
}

#[test]
fn adopting_a_stack_deployed_by_docker_restarts_no_task() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "adopt").unwrap();
    let stack = person.named("app");
    let image = person.image("web", "a").unwrap();
    let compose = sleepers(&[
        ("web", &image, ", environment: [B=1, A=2], labels: {x: z}"),
        ("api", &image, ", volumes: [data:/data]"),
    ]) + "volumes: {data: {}}\n";
    deploy_with_docker(&person, &stack, &compose);
    let before = [
        task_ids(lab, &format!("{stack}_web")),
        task_ids(lab, &format!("{stack}_api")),
    ];
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stack, &compose)]);
    let ran = ok(&person, &["watch", "--adopt", &repository.url()]);
    assert!(ran.stdout.contains("taken over"), "{}", ran.text());
    ok(&person, &["reconcile"]);
    let after = [
        task_ids(lab, &format!("{stack}_web")),
        task_ids(lab, &format!("{stack}_api")),
    ];
    assert_eq!(before, after);
    ok(&person, &["stop"]);
    assert_eq!(services(lab, &stack), [""; 0]);
}

#[test]
fn adopting_what_would_restart_needs_yes_without_a_terminal() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "adoptyes").unwrap();
    let stack = person.named("app");
    let image = person.image("web", "a").unwrap();
    deploy_with_docker(&person, &stack, &sleepers(&[("web", &image, "")]));
    let service = format!("{stack}_web");
    let before = lab.version(&service).unwrap();
    let repository = person.repository().unwrap();
    let changed = sleepers(&[("web", &image, ", environment: [NEW=1]")]);
    commit(&repository, &[(&stack, &changed)]);
    let ran = fails(&person, &["watch", "--adopt", &repository.url()]);
    assert!(ran.stderr.contains("`--yes`"), "{}", ran.text());
    assert!(ran.stderr.contains("environment.NEW"), "{}", ran.text());
    assert_eq!(lab.version(&service).unwrap(), before);
    ok(&person, &["watch", "--adopt", "--yes", &repository.url()]);
    assert!(lab.version(&service).unwrap() > before);
    ok(&person, &["stop"]);
}

#[test]
fn a_stack_deployed_by_someone_else_is_refused_and_left_alone() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "foreign").unwrap();
    let stack = person.named("app");
    let compose = sleepers(&[("web", &person.image("web", "a").unwrap(), "")]);
    deploy_with_docker(&person, &stack, &compose);
    let service = format!("{stack}_web");
    let before = lab.version(&service).unwrap();
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stack, &compose)]);
    let ran = fails(&person, &["watch", &repository.url()]);
    assert!(
        ran.text().contains("something else deployed it"),
        "{}",
        ran.text()
    );
    assert!(ran.text().contains("--adopt"), "{}", ran.text());
    fails(&person, &["reconcile"]);
    ok(&person, &["stop"]);
    assert_eq!(lab.version(&service).unwrap(), before);
    lab.docker(&["stack", "rm", &stack]).unwrap();
}

#[test]
fn a_stack_of_another_repository_is_refused_naming_it() {
    let lab = Lab::shared().unwrap();
    let (person, other) = (
        Person::new(lab, "mine").unwrap(),
        Person::new(lab, "theirs").unwrap(),
    );
    let stack = person.named("app");
    let compose = sleepers(&[("web", &person.image("web", "a").unwrap(), "")]);
    let (first, second) = (person.repository().unwrap(), other.repository().unwrap());
    commit(&first, &[(&stack, &compose)]);
    ok(&person, &["watch", &first.url()]);
    let before = lab.version(&format!("{stack}_web")).unwrap();
    let path = compose_path(&stack);
    let listed = list(&[&stack]);
    second
        .commit(&[("stacks.yaml", &listed), (&path, &compose)], "same")
        .unwrap();
    let ran = fails(&other, &["watch", "--adopt", &second.url()]);
    assert!(ran.text().contains(first.name()), "{}", ran.text());
    ok(&other, &["stop"]);
    assert_eq!(lab.version(&format!("{stack}_web")).unwrap(), before);
    ok(&person, &["stop"]);
}

#[test]
fn a_watch_that_is_killed_is_watched() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "killed").unwrap();
    let stack = person.named("app");
    let image = person.image("web", "a").unwrap();
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stack, &sleepers(&[("web", &image, "")]))]);
    let mut command = person.command(&["watch", &repository.url()]).unwrap();
    let mut watch = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = || Ok(!services(lab, &stack).is_empty());
    wait_for("the first service", Duration::from_secs(30), begun).unwrap();

    watch.kill().unwrap();
    watch.wait().unwrap();

    let cache = ok(&person, &["debug-cache"]);
    assert!(cache.stdout.contains(&repository.url()), "{}", cache.text());
    ok(&person, &["reconcile"]);
    ok(&person, &["stop"]);
    assert_eq!(services(lab, &stack), Vec::<String>::new());
}
