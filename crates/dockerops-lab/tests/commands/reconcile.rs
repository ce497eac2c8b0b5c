//! `dockerops reconcile` on a real Swarm, as a person runs it.

use std::fs;

use dockerops_lab::{Lab, Person, sleepers};
use serde_json::Value;

use crate::stacks::{commit, compose_path, fails, list, ok, services, stamps, task_ids, text};

#[test]
fn a_changed_service_updates_in_place_and_the_others_keep_their_version() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "inplace").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
    let compose = |marker: &str| {
        sleepers(&[
            ("web", &image, ""),
            ("api", &image, &format!(", environment: [MARK={marker}]")),
        ])
    };
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stack, &compose("a"))]);
    ok(&person, &["watch", &repository.url()]);
    let versions =
        || ["web", "api"].map(|service| lab.version(&format!("{stack}_{service}")).unwrap());
    let before = versions();
    commit(&repository, &[(&stack, &compose("b"))]);
    let ran = ok(&person, &["reconcile"]);
    let after = versions();
    assert_eq!(before[0], after[0], "the unchanged service was written");
    assert!(after[1] > before[1], "the changed service was not updated");
    assert!(
        ran.stdout.contains("environment.MARK: a → b"),
        "{}",
        ran.text()
    );
    ok(&person, &["stop"]);
}

#[test]
fn reconcile_without_a_repository_names_the_database() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "nothing").unwrap();
    let ran = fails(&person, &["reconcile"]);
    assert!(ran.stderr.contains("dockerops watch"), "{}", ran.text());
    let database = person.database().display().to_string();
    assert!(ran.stderr.contains(&database), "{}", ran.text());
}

#[test]
fn reconcile_shows_repositories_stacks_and_images() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "shows").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let repository = person.repository().unwrap();
    commit(
        &repository,
        &[(
            &stack,
            &sleepers(&[("web", &image, ""), ("api", &image, "")]),
        )],
    );
    ok(&person, &["watch", &repository.url()]);
    let ran = ok(&person, &["reconcile"]);
    for wanted in [
        format!("  {}  last watch 20", repository.url()),
        format!("  {stack}  deployed  {}", repository.url()),
        format!("  {image}  used by 2 services"),
        "0 stacks changed, 1 unchanged.".to_owned(),
    ] {
        assert!(ran.stdout.contains(&wanted), "{wanted}\n{}", ran.text());
    }
    ok(&person, &["stop"]);
}

#[test]
fn three_reconciles_without_change_write_nothing_anywhere() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "quiet").unwrap();
    let recorder = lab.recorder().unwrap();
    person.set("DOCKER_HOST", recorder.docker_host());
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    person.secret("pw", "a-secret-value").unwrap();
    let compose = sleepers(&[
        (
            "web",
            &image,
            ", environment: [PW], configs: [conf], volumes: ['site:/site:ro']",
        ),
        (
            "api",
            &image,
            ", environment: [B=1, A=2], volumes: [data:/data]",
        ),
    ]) + "configs: {conf: {file: ./conf.txt}}\nvolumes: {data: {}}\n";
    let repository = person.repository().unwrap();
    let nfs = person.nfs_yaml();
    let at = |file: &str| format!("{stack}/{file}");
    repository
        .commit(
            &[
                ("nfs.yaml", &nfs),
                (
                    "volumes.yaml",
                    &format!("- {{id: site, type: binding, path: {}}}\n", at("site")),
                ),
                (&at("secrets.yaml"), "- {id: pw, env: PW}\n"),
                (&at("conf.txt"), "one"),
                (&at("site/index.html"), "hello"),
            ],
            "files",
        )
        .unwrap();
    commit(&repository, &[(&stack, &compose)]);
    ok(&person, &["watch", &repository.url()]);
    recorder.clear();
    let (fetches, rows, files) = (
        repository.fetches().unwrap(),
        rows(&person),
        stamps(&person),
    );
    for _ in 0..3 {
        ok(&person, &["reconcile"]);
    }
    assert_eq!(recorder.writes(), []);
    assert_eq!(repository.fetches().unwrap(), fetches);
    assert_eq!(rows, self::rows(&person));
    assert_eq!(files, stamps(&person));
    ok(&person, &["stop"]);
}

/// All tables of the database but for `last_watch`.
fn rows(person: &Person<'_>) -> Vec<String> {
    let connection = rusqlite::Connection::open(person.database()).unwrap();
    let names = crate::database::strings(
        &connection,
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    );
    let content = |name: &String| {
        let query = format!("SELECT * FROM {name}");
        let mut statement = connection.prepare(&query).unwrap();
        let columns: Vec<String> = statement.column_names().map(ToOwned::to_owned).collect();
        let kept: Vec<_> = (0..columns.len())
            .filter(|i| columns[*i] != "last_watch")
            .collect();
        let row = |row: &rusqlite::Row<'_>| {
            let values = kept
                .iter()
                .map(|i| row.get::<_, rusqlite::types::Value>(*i));
            Ok(format!("{name} {:?}", values.collect::<Vec<_>>()))
        };
        statement
            .query_map([], row)
            .unwrap()
            .collect::<Result<Vec<_>, _>>()
            .unwrap()
    };
    names.iter().flat_map(content).collect()
}

#[test]
fn reconcile_of_one_stack_leaves_the_others_alone() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "onestack").unwrap();
    let image = person.image("web", "a").unwrap();
    let [one, two, gone] = ["one", "two", "gone"].map(|name| person.named(name));
    let compose = |mark: &str| sleepers(&[("web", &image, &format!(", environment: [M={mark}]"))]);
    let repository = person.repository().unwrap();
    commit(
        &repository,
        &[
            (&one, &compose("a")),
            (&two, &compose("a")),
            (&gone, &compose("a")),
        ],
    );
    ok(&person, &["watch", &repository.url()]);
    let version = |stack: &str| lab.version(&format!("{stack}_web")).unwrap();
    let before = (version(&one), version(&two));
    commit(&repository, &[(&one, &compose("b")), (&two, &compose("b"))]);
    ok(&person, &["reconcile", &one]);
    assert!(version(&one) > before.0);
    assert_eq!(version(&two), before.1);
    assert_eq!(
        services(lab, &gone).len(),
        1,
        "a stack that was not named was removed"
    );
    let unknown = fails(&person, &["reconcile", "no-such-stack"]);
    assert!(
        unknown.text().contains("lists no-such-stack"),
        "{}",
        unknown.text()
    );
    ok(&person, &["stop"]);
}

#[test]
fn force_restarts_every_task_but_no_job() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "force").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let job = format!(
        "  job: {{image: '{image}', command: 'true', networks: [host], deploy: {{mode: replicated-job}}}}\n"
    );
    let compose =
        sleepers(&[("web", &image, "")]).replace("networks: {host", &(job + "networks: {host"));
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stack, &compose)]);
    ok(&person, &["watch", &repository.url()]);
    let service = |name: &str| format!("{stack}_{name}");
    let before = (
        task_ids(lab, &service("web")),
        task_ids(lab, &service("job")),
    );
    ok(&person, &["reconcile", "--force"]);
    assert!(task_ids(lab, &service("web")).len() > before.0.len());
    assert_eq!(task_ids(lab, &service("job")), before.1);
    ok(&person, &["reconcile", "--force", "--run-jobs", &stack]);
    assert_ne!(task_ids(lab, &service("job")), before.1);
    ok(&person, &["stop"]);
}

#[test]
fn one_broken_repository_never_stops_the_others() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "onebroken").unwrap();
    let image = person.image("web", "a").unwrap();
    let (one, two) = (person.named("one"), person.named("two"));
    let compose = |mark: &str| sleepers(&[("web", &image, &format!(", environment: [M={mark}]"))]);
    let (broken, good) = (person.repository().unwrap(), person.repository().unwrap());
    commit(&broken, &[(&one, &compose("a"))]);
    commit(&good, &[(&two, &compose("a"))]);
    ok(&person, &["watch", &broken.url()]);
    ok(&person, &["watch", &good.url()]);
    let version = |stack: &str| lab.version(&format!("{stack}_web")).unwrap();
    let before = (version(&one), version(&two));
    broken
        .commit(&[("stacks.yaml", "- {name: [}\n")], "broken")
        .unwrap();
    commit(&good, &[(&two, &compose("b"))]);
    let ran = fails(&person, &["reconcile"]);
    assert!(ran.stdout.contains("stacks.yaml:1"), "{}", ran.text());
    assert_eq!(
        version(&one),
        before.0,
        "what runs of a broken repository was touched"
    );
    assert!(version(&two) > before.1);
    ok(&person, &["stop"]);
}

#[test]
fn a_change_by_hand_is_shown_and_healed() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "byhand").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let repository = person.repository().unwrap();
    commit(
        &repository,
        &[(
            &stack,
            &sleepers(&[("web", &image, ", environment: [A=1]")]),
        )],
    );
    ok(&person, &["watch", &repository.url()]);
    let service = format!("{stack}_web");
    lab.docker(&[
        "service",
        "update",
        "-d",
        "--env-add",
        "A=2",
        "--replicas",
        "2",
        &service,
    ])
    .unwrap();
    let ran = ok(&person, &["reconcile"]);
    assert!(
        ran.stdout.contains("environment.A: 2 → 1"),
        "{}",
        ran.text()
    );
    assert!(
        ran.stdout.contains("deploy.replicas: 2 → 1"),
        "{}",
        ran.text()
    );
    let spec = lab.services(&stack).unwrap()[&service].clone();
    assert_eq!(
        spec.pointer("/Spec/TaskTemplate/ContainerSpec/Env/0"),
        Some(&Value::from("A=1"))
    );
    lab.docker(&["service", "rm", &service]).unwrap();
    ok(&person, &["reconcile"]);
    assert_eq!(services(lab, &stack), [service]);
    ok(&person, &["stop"]);
}

#[test]
fn a_stack_that_left_the_list_is_removed_and_its_volumes_stay() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "left").unwrap();
    let image = person.image("web", "a").unwrap();
    let (stays, leaves) = (person.named("stays"), person.named("leaves"));
    let plain = sleepers(&[("web", &image, "")]);
    let with_volume =
        sleepers(&[("web", &image, ", volumes: [data:/data]")]) + "volumes: {data: {}}\n";
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stays, &plain), (&leaves, &with_volume)]);
    ok(&person, &["watch", &repository.url()]);
    commit(&repository, &[(&stays, &plain)]);
    let ran = ok(&person, &["reconcile"]);
    assert!(
        ran.stdout.contains(&format!("{leaves}  removed")),
        "{}",
        ran.text()
    );
    assert_eq!(services(lab, &leaves), [""; 0]);
    assert_eq!(services(lab, &stays).len(), 1);
    let volume = format!("{leaves}_data");
    lab.docker(&["volume", "inspect", &volume]).unwrap();
    ok(&person, &["stop"]);
    lab.docker(&["volume", "rm", &volume]).unwrap();
}

#[test]
fn a_force_push_or_an_empty_list_removes_nothing_without_prune() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "doubt").unwrap();
    let image = person.image("web", "a").unwrap();
    let (stays, leaves) = (person.named("stays"), person.named("leaves"));
    let compose = sleepers(&[("web", &image, "")]);
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stays, &compose), (&leaves, &compose)]);
    ok(&person, &["watch", &repository.url()]);
    repository
        .rewrite(
            &[
                ("stacks.yaml", &list(&[&stays])),
                (&compose_path(&stays), &compose),
            ],
            "rewritten",
        )
        .unwrap();
    for _ in 0..2 {
        let ran = ok(&person, &["reconcile"]);
        assert!(ran.stdout.contains("`--prune`"), "{}", ran.text());
        assert_eq!(services(lab, &leaves).len(), 1);
    }
    commit(&repository, &[]);
    ok(&person, &["reconcile"]);
    assert_eq!(
        (services(lab, &stays).len(), services(lab, &leaves).len()),
        (1, 1)
    );
    ok(&person, &["reconcile", "--prune"]);
    assert_eq!(
        (services(lab, &stays).len(), services(lab, &leaves).len()),
        (0, 0)
    );
    ok(&person, &["stop"]);
}

#[test]
fn a_stack_that_moves_to_another_repository_is_handed_over() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "moves").unwrap();
    let image = person.image("web", "a").unwrap();
    let (stack, rest) = (person.named("app"), person.named("rest"));
    let compose = sleepers(&[("web", &image, ""), ("old", &image, "")]);
    let (from, to) = (person.repository().unwrap(), person.repository().unwrap());
    commit(&from, &[(&stack, &compose), (&rest, &compose)]);
    commit(&to, &[]);
    ok(&person, &["watch", &from.url()]);
    ok(&person, &["watch", &to.url()]);
    let web = format!("{stack}_web");
    let before = task_ids(lab, &web);
    commit(&to, &[(&stack, &sleepers(&[("web", &image, "")]))]);
    let both = fails(&person, &["reconcile"]);
    assert!(both.stdout.contains("belongs to"), "{}", both.text());
    commit(&from, &[(&rest, &compose)]);
    let ran = ok(&person, &["reconcile"]);
    assert!(ran.stdout.contains("taken over"), "{}", ran.text());
    assert_eq!(
        task_ids(lab, &web),
        before,
        "the handed-over service was restarted"
    );
    assert_eq!(services(lab, &stack), [web]);
    let state = ok(&person, &["reconcile", "-o", "json"]).json();
    let rows: Vec<_> = state["state"]["stacks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| text(row, "/name"))
        .collect();
    assert_eq!(
        rows.iter().filter(|name| **name == stack).count(),
        1,
        "{state}"
    );
    ok(&person, &["stop"]);
    assert_eq!(services(lab, &stack), [""; 0]);
}

#[test]
fn nothing_is_removed_when_another_stack_failed() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "nothinggoes").unwrap();
    let image = person.image("web", "a").unwrap();
    let (stays, leaves) = (person.named("stays"), person.named("leaves"));
    let compose = sleepers(&[("web", &image, "")]);
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stays, &compose), (&leaves, &compose)]);
    ok(&person, &["watch", &repository.url()]);
    commit(&repository, &[(&stays, "services: {web: {image: }}\n")]);
    fails(&person, &["reconcile"]);
    assert_eq!(
        (services(lab, &stays).len(), services(lab, &leaves).len()),
        (1, 1)
    );
    commit(&repository, &[(&stays, &compose)]);
    ok(&person, &["reconcile"]);
    assert_eq!(
        (services(lab, &stays).len(), services(lab, &leaves).len()),
        (1, 0)
    );
    ok(&person, &["stop"]);
}

#[test]
fn a_second_run_says_who_holds_the_lock_and_can_wait() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "lock").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let repository = person.repository().unwrap();
    // It is never well, so that the first run is busy until it is killed.
    let compose = sleepers(&[(
        "web",
        &image,
        ", healthcheck: {test: 'false', interval: 1s, retries: 100}",
    )]);
    commit(&repository, &[(&stack, &compose)]);
    let mut first = person
        .command(&["watch", &repository.url()])
        .unwrap()
        .spawn()
        .unwrap();
    let lock = person.database().with_extension("db.lock");
    let held = || fs::read_to_string(&lock).is_ok_and(|text| text.contains("watch"));
    while !held() {
        std::thread::yield_now();
    }
    let second = fails(&person, &["reconcile"]);
    assert!(
        second.stderr.contains("another DockerOps is running"),
        "{}",
        second.text()
    );
    assert!(second.stderr.contains("since 20"), "{}", second.text());
    let impatient = fails(&person, &["reconcile", "--wait-lock", "200ms"]);
    assert!(
        impatient.stderr.contains("Waiting for another run"),
        "{}",
        impatient.text()
    );
    let waiting = person.command(&["debug-cache"]).unwrap().output().unwrap();
    assert!(waiting.status.success(), "reading needs no lock");
    // A killed run leaves no lock behind.
    first.kill().unwrap();
    first.wait().unwrap();
    ok(&person, &["stop", "--wait-lock", "10s"]);
    assert_eq!(services(lab, &stack), [""; 0]);
}

#[test]
fn of_twenty_services_one_is_updated_and_nineteen_keep_their_version() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "twenty").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let compose = |changed: &str| {
        let mut text = String::from("services:\n");
        for number in 0..20 {
            let mark = if number == 7 { changed } else { "same" };
            text += &format!(
                "  s{number}: {{image: '{image}', environment: [MARK={mark}], networks: [host], deploy: {{replicas: 0}}}}\n"
            );
        }
        text + "networks: {host: {external: true}}\n"
    };
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stack, &compose("one"))]);
    ok(&person, &["watch", &repository.url()]);
    let versions = || {
        let all = (0..20).map(|number| lab.version(&format!("{stack}_s{number}")).unwrap());
        all.collect::<Vec<_>>()
    };
    let before = versions();

    commit(&repository, &[(&stack, &compose("two"))]);
    ok(&person, &["reconcile"]);

    let after = versions();
    let moved: Vec<_> = (0..20)
        .filter(|number| before[*number] != after[*number])
        .collect();
    assert_eq!(moved, [7]);
    ok(&person, &["stop"]);
}
