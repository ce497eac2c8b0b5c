//! The engine on a real Swarm: what is held, waited for, moved over, and survives a kill.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use dockerops_lab::{Lab, Person, Ran, Repository, sleepers};

/// A repository with one stack, which is `compose`, and more files of it.
fn repository(person: &Person, stack: &str, files: &[(&str, &str)]) -> Repository {
    let repository = person.repository().unwrap();
    let list = format!("- name: {stack}\n");
    repository
        .commit(&[("stacks.yaml", &list)], "list")
        .unwrap();
    commit(&repository, stack, files);
    repository
}

fn commit(repository: &Repository, stack: &str, files: &[(&str, &str)]) {
    let path = |name: &str| format!("{stack}/{name}");
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (path(name), *text))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    repository.commit(&files, "change").unwrap();
}

fn ok(ran: Ran) -> Ran {
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    ran
}

fn names(lab: &Lab, kind: &str, stack: &str) -> Vec<String> {
    let filter = format!("label=com.docker.stack.namespace={stack}");
    let text = lab
        .docker(&[kind, "ls", "--filter", &filter, "--format", "{{.Name}}"])
        .unwrap();
    let mut names: Vec<_> = text.lines().map(ToOwned::to_owned).collect();
    names.sort();
    names
}

#[test]
fn changed_config_content_moves_the_service_to_a_new_object() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "config").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
    let compose = sleepers(&[("web", &image, ", configs: [page]"), ("other", &image, "")])
        + "configs: {page: {file: page.txt}}\n";
    let repository = repository(
        &person,
        &stack,
        &[("compose.yml", &compose), ("page.txt", "one")],
    );
    ok(person.run(&["watch", &repository.url()]).unwrap());
    let plain = format!("{stack}_page");
    assert_eq!(names(lab, "config", &stack), std::slice::from_ref(&plain));
    let other = lab.version(&format!("{stack}_other")).unwrap();

    let mut before = vec![plain.clone()];
    for content in ["two", "three"] {
        commit(&repository, &stack, &[("page.txt", content)]);
        ok(person.run(&["reconcile"]).unwrap());
        let now = names(lab, "config", &stack);
        assert_eq!(now.len(), 1, "the old object goes: {now:?}");
        // The plain name serves again as soon as it is free.
        assert!(now[0].starts_with(&plain) && now != before, "{now:?}");
        before = now;
    }
    assert_eq!(lab.version(&format!("{stack}_other")).unwrap(), other);
    let ran = ok(person.run(&["reconcile"]).unwrap());
    assert!(ran.stdout.contains("unchanged"), "{}", ran.text());
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn a_deploy_right_after_stack_rm_does_not_race() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "race").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
    let compose = format!(
        "services: {{web: {{image: \"{image}\", configs: [page], stop_grace_period: 0s, deploy: {{replicas: 0}}}}}}\n\
         configs: {{page: {{file: page.txt}}}}\n"
    );
    let repository = repository(
        &person,
        &stack,
        &[("compose.yml", &compose), ("page.txt", "one")],
    );
    ok(person.run(&["watch", &repository.url()]).unwrap());
    for _ in 0..3 {
        lab.docker(&["stack", "rm", &stack]).unwrap();
        ok(person.run(&["reconcile"]).unwrap());
        assert_eq!(names(lab, "service", &stack), [format!("{stack}_web")]);
        assert_eq!(names(lab, "network", &stack), [format!("{stack}_default")]);
    }
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn what_swarm_rolled_back_is_held_until_it_changes() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "held").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
    let service = format!("{stack}_web");
    let compose = |command: &str| {
        format!(
            "services: {{web: {{image: \"{image}\", command: [sh, -c, \"{command}\"], networks: [host], stop_grace_period: 0s, \
             deploy: {{update_config: {{failure_action: rollback, monitor: 3s}}, restart_policy: {{delay: 500ms}}}}}}}}\n\
             networks: {{host: {{external: true}}}}\n"
        )
    };
    let repository = repository(&person, &stack, &[("compose.yml", &compose("sleep 90001"))]);
    ok(person.run(&["watch", &repository.url()]).unwrap());

    commit(&repository, &stack, &[("compose.yml", &compose("exit 3"))]);
    let failed = person.run(&["reconcile"]).unwrap();
    assert_eq!(failed.code, Some(1), "{}", failed.text());
    assert!(failed.stdout.contains("rolled"), "{}", failed.text());
    assert!(
        failed.stdout.contains("non-zero exit (3)"),
        "{}",
        failed.text()
    );
    lab.wait_until_running(&service, 1).unwrap();
    let version = lab.version(&service).unwrap();

    let held = person.run(&["reconcile"]).unwrap();
    assert!(held.stdout.contains("held"), "{}", held.text());
    assert!(held.stdout.contains("--force"), "{}", held.text());
    assert_eq!(lab.version(&service).unwrap(), version, "{}", held.text());

    person.run(&["reconcile", &stack, "--force"]).unwrap();
    assert!(
        lab.version(&service).unwrap() > version,
        "`--force` tries again"
    );

    commit(
        &repository,
        &stack,
        &[("compose.yml", &compose("sleep 90002"))],
    );
    let mended = person.run(&["reconcile"]).unwrap();
    ok(mended);
    ok(person.run(&["stop"]).unwrap());
}

/// A repository with a stack for each of `services`, which are the settings of one service:
/// in one stack the first that is lost ends the wait for the others.
fn one_each(person: &Person, image: &str, services: &[&str]) -> Repository {
    let mut list = String::new();
    let mut files = Vec::new();
    for (index, settings) in services.iter().enumerate() {
        let stack = person.named(&format!("s{index}"));
        list += &format!("- name: {stack}\n");
        let compose = format!(
            "services: {{web: {{image: \"{image}\", stop_grace_period: 0s, {settings}}}}}\n\
             networks: {{host: {{external: true}}}}\n"
        );
        files.push((format!("{stack}/compose.yml"), compose));
    }
    files.push(("stacks.yaml".to_owned(), list));
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let repository = person.repository().unwrap();
    repository.commit(&files, "stacks").unwrap();
    repository
}

#[test]
fn a_wait_is_bounded_and_says_the_task_error() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "bounded").unwrap();
    let image = person.image("web", "one").unwrap();
    let services = [
        "networks: [host], deploy: {placement: {constraints: [\"node.labels.none==such\"]}}",
        "networks: [host], command: [sh, -c, \"exit 3\"], deploy: {restart_policy: {delay: 500ms}}",
        "networks: [host], command: /bin/nonexist, deploy: {restart_policy: {delay: 500ms}}",
        "networks: [host], volumes: [\"/no/such/path:/x\"]",
        "networks: [host], deploy: {resources: {reservations: {memory: 900G}}}",
    ];
    let repository = one_each(&person, &image, &services);

    let begin = Instant::now();
    let ran = person
        .run(&["watch", &repository.url(), "--timeout", "8s"])
        .unwrap();
    let took = begin.elapsed();

    assert_eq!(ran.code, Some(1), "{}", ran.text());
    assert!(took < Duration::from_secs(20), "{took:?}");
    for said in [
        "no node satisfies `node.labels.none==such`",
        "non-zero exit (3)",
        "/bin/nonexist",
        "bind source path does not exist: /no/such/path",
        "insufficient resources",
    ] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.text());
    }
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn each_reason_that_keeps_a_task_from_starting_is_told() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "reasons").unwrap();
    let image = person.image("web", "one").unwrap();
    let port = "networks: [host], ports: [{target: 80, published: 18098, mode: host}]";
    // A service's settings, and what is said of it.
    let cases = [
        (
            "networks: [host], command: [/bin/busybox, tail, /dev/zero], \
             deploy: {restart_policy: {delay: 500ms}, resources: {limits: {memory: 8M}}}",
            "(on node `n1`)\n    hint: It was killed: see its logs, and whether its memory limit",
        ),
        (
            port,
            "no suitable node (host-mode port already in use on 1 node)",
        ),
        (port, "hint: Free the port on the nodes, choose another one"),
        // The node's way to the registry has this port, which Swarm does not know.
        (
            "ports: [{target: 80, published: 5000, mode: host}]",
            "address already in use",
        ),
        (
            "networks: [host], deploy: {replicas: 2, placement: {max_replicas_per_node: 1}}",
            "(1 of 2 tasks run): no suitable node (max replicas per node limit exceed)",
        ),
    ];
    let services: Vec<_> = cases.iter().map(|(settings, _)| *settings).collect();
    let repository = one_each(&person, &image, &services);

    let ran = person
        .run(&["watch", &repository.url(), "--timeout", "20s"])
        .unwrap();

    assert_eq!(ran.code, Some(1), "{}", ran.text());
    for (_, said) in cases {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.text());
    }
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn a_killed_run_reconciled_again_ends_the_same() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "killed").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
    let compose = |mark: u32| {
        let more = format!(", environment: [MARK={mark}], configs: [page]");
        sleepers(&[("a", &image, &more), ("b", &image, &more)])
            + "configs: {page: {file: page.txt}}\n"
    };
    let files = |mark: u32| (compose(mark), mark.to_string());
    let (text, page) = files(0);
    let repository = repository(
        &person,
        &stack,
        &[("compose.yml", &text), ("page.txt", &page)],
    );
    ok(person.run(&["watch", &repository.url()]).unwrap());
    let mut seed = 7_u64;
    for mark in 1..=10 {
        let (text, page) = files(mark);
        commit(
            &repository,
            &stack,
            &[("compose.yml", &text), ("page.txt", &page)],
        );
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut run = person.command(&["reconcile"]).unwrap();
        let mut run = run
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(20 + (seed >> 33) % 500));
        run.kill().unwrap();
        run.wait().unwrap();
    }

    ok(person.run(&["reconcile"]).unwrap());

    let configs = names(lab, "config", &stack);
    assert_eq!(configs.len(), 1, "nothing is orphaned: {configs:?}");
    for service in ["a", "b"] {
        let found = lab
            .engine_get(&format!("/services/{stack}_{service}"))
            .unwrap();
        let container = &found["Spec"]["TaskTemplate"]["ContainerSpec"];
        assert_eq!(container["Env"][0], "MARK=10");
        assert_eq!(container["Configs"][0]["ConfigName"], configs[0].as_str());
    }
    let again = ok(person.run(&["reconcile"]).unwrap());
    assert!(
        again.stdout.contains("0 stacks changed"),
        "{}",
        again.text()
    );
    ok(person.run(&["stop"]).unwrap());
}
