//! `suspend`, `resume`, `unwatch` and `doctor` on a real Swarm, as a person runs them.

use std::fs;

use dockerops_lab::layout::GIT_PORT;
use dockerops_lab::{Lab, Person, sleepers};

use crate::database::strings;
use crate::stacks::{commit, compose_path, deploy_with_docker, fails, ok, services, task_ids};

#[test]
fn a_suspended_stack_is_left_alone_by_everything_until_it_is_resumed() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "suspend").unwrap();
    let (name, image) = (person.named("app"), person.image("web", "a").unwrap());
    let compose = |mark: &str| sleepers(&[("web", &image, &format!(", environment: [M={mark}]"))]);
    let repository = person.repository().unwrap();
    let url = repository.url();
    commit(&repository, &[(&name, &compose("a"))]);
    ok(&person, &["watch", &url]);
    let service = format!("{name}_web");
    let version = lab.version(&service).unwrap();
    commit(&repository, &[(&name, &compose("b"))]);

    for subject in [&name, &url] {
        ok(&person, &["suspend", subject]);
        let status = strings(
            &rusqlite::Connection::open(person.database()).unwrap(),
            "SELECT status FROM stacks",
        );
        assert_eq!(status, ["stopped"]);
        let forced = ok(&person, &["reconcile", "--force"]);
        assert!(
            forced
                .stdout
                .contains(&format!("dockerops resume {subject}")),
            "{}",
            forced.text()
        );
        assert!(ok(&person, &["plan"]).stdout.contains("suspended"));
        let status = ok(&person, &["status", "--exit-code"]).stdout;
        assert!(
            status.contains(&format!("{name}  suspended  healthy")),
            "{status}"
        );
        assert_eq!(lab.version(&service).unwrap(), version);
        ok(&person, &["resume", subject]);
    }
    let changed = ok(&person, &["reconcile"]);
    assert!(
        changed.stdout.contains(&format!("{name}  changed")),
        "{}",
        changed.text()
    );
    assert_ne!(lab.version(&service).unwrap(), version);
    let wrong = fails(&person, &["suspend", &person.named("ap")]);
    assert!(wrong.stderr.contains(&name), "{}", wrong.text());
    ok(&person, &["stop"]);
}

#[test]
fn a_suspended_stack_that_left_the_list_is_kept_and_stop_still_removes_it() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "suspleft").unwrap();
    let (stays, leaves) = (person.named("stays"), person.named("leaves"));
    let image = person.image("web", "a").unwrap();
    let compose = sleepers(&[("web", &image, "")]);
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stays, &compose), (&leaves, &compose)]);
    ok(&person, &["watch", &repository.url()]);
    ok(&person, &["suspend", &leaves]);
    commit(&repository, &[(&stays, &compose)]);
    let ran = ok(&person, &["reconcile"]);
    assert!(
        ran.stdout.contains("is kept: suspended by hand"),
        "{}",
        ran.text()
    );
    assert_eq!(services(lab, &leaves).len(), 1);
    ok(&person, &["stop"]);
    assert_eq!(services(lab, &leaves), [""; 0]);
}

#[test]
fn unwatch_removes_what_the_repository_deployed_and_nothing_else() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "unwatch").unwrap();
    let (one, two, theirs) = (
        person.named("one"),
        person.named("two"),
        person.named("docker"),
    );
    let image = person.image("web", "a").unwrap();
    let compose = sleepers(&[("web", &image, "")]);
    deploy_with_docker(&person, &theirs, &compose);
    let git = lab.relay(GIT_PORT).unwrap();
    let first = person.repository().unwrap();
    let second = lab.repository(&person.named("second")).unwrap();
    commit(&first, &[(&one, &compose)]);
    commit(&second, &[(&two, &compose)]);
    let url = format!("http://{}/{}.git", git.address(), first.name());
    ok(&person, &["watch", &url]);
    ok(&person, &["watch", &second.url()]);
    drop(git);
    person.set("GIT_EXEC_PATH", "/nowhere");

    ok(&person, &["unwatch", &url]);

    person.unset("GIT_EXEC_PATH");
    assert_eq!(services(lab, &one), [""; 0]);
    assert_eq!(
        (services(lab, &two).len(), services(lab, &theirs).len()),
        (1, 1)
    );
    let connection = rusqlite::Connection::open(person.database()).unwrap();
    let watched = strings(&connection, "SELECT url FROM repository_cache");
    assert_eq!(watched, [second.url()]);
    assert_eq!(
        strings(&connection, "SELECT name FROM stacks"),
        [two.as_str()]
    );
    let wrong = fails(&person, &["unwatch", &url]);
    assert!(wrong.stderr.contains("is not watched"), "{}", wrong.text());
    ok(&person, &["reconcile"]);
    ok(&person, &["stop"]);
    lab.docker(&["stack", "rm", &theirs]).unwrap();
}

#[test]
fn stacks_that_unwatch_keeps_are_taken_back_without_restarting_a_task() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "keeps").unwrap();
    let (name, image) = (person.named("app"), person.image("web", "a").unwrap());
    let repository = person.repository().unwrap();
    commit(&repository, &[(&name, &sleepers(&[("web", &image, "")]))]);
    ok(&person, &["watch", &repository.url()]);
    let service = format!("{name}_web");
    let tasks = task_ids(lab, &service);

    let kept = ok(&person, &["unwatch", &repository.url(), "--keep-stacks"]);
    assert!(kept.stdout.contains("goes on running"), "{}", kept.text());
    assert!(
        ok(&person, &["status"])
            .stdout
            .contains("No repository is watched")
    );
    fails(&person, &["reconcile"]);
    lab.docker(&["image", "inspect", &image]).unwrap();

    ok(&person, &["watch", &repository.url()]);
    assert_eq!(task_ids(lab, &service), tasks);
    ok(&person, &["stop"]);
}

#[test]
fn doctor_finds_what_is_broken_and_says_how_to_mend_it() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "doctor").unwrap();
    let (name, image) = (person.named("app"), person.image("web", "a").unwrap());
    let repository = person.repository().unwrap();
    repository
        .commit(&[("nfs.yaml", &person.nfs_yaml())], "storage")
        .unwrap();
    commit(&repository, &[(&name, &sleepers(&[("web", &image, "")]))]);
    ok(&person, &["watch", &repository.url()]);

    let well = ok(&person, &["doctor"]).stdout;
    for line in [
        "ok    engine",
        "ok    git",
        "ok    repository",
        "ok    registry",
        "ok    clock",
        "ok    database",
    ] {
        assert!(well.contains(line), "{line}: {well}");
    }
    // Where temporary files are on a disk of their own, that is told instead.
    let storage = [
        "is a plain folder, and writable",
        "is mounted (tmpfs) and writable",
    ];
    assert!(storage.iter().any(|words| well.contains(words)), "{well}");
    let left: Vec<_> = fs::read_dir(person.nfs()).unwrap().collect();
    assert_eq!(left.len(), 1, "only the folder of secrets");

    fs::rename(person.nfs(), person.home().join("away")).unwrap();
    let broken = fails(&person, &["doctor"]).stdout;
    assert!(
        broken.contains("FAIL  storage") && broken.contains("fix: Mount"),
        "{broken}"
    );
    fs::rename(person.home().join("away"), person.nfs()).unwrap();

    person.set("DOCKER_HOST", "unix:///nowhere.sock");
    let away = fails(&person, &["doctor"]).stdout;
    assert!(
        away.contains("FAIL  engine") && away.contains("ok    repository"),
        "{away}"
    );
    person.unset("DOCKER_HOST");
    fs::write(
        person.database(),
        "no database, and long enough to be read as one ".repeat(40),
    )
    .unwrap();
    let damaged = fails(&person, &["doctor"]).stdout;
    assert!(damaged.contains("FAIL  database"), "{damaged}");
    lab.docker(&["stack", "rm", &name]).unwrap();
    assert!(!person.home().join(compose_path(&name)).exists());
}
