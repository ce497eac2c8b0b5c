//! Registry credentials on a real Swarm: from helpers to the nodes, and anew before they end.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use dockerops_lab::layout::{REGISTRY_PASSWORD, REGISTRY_USER};
use dockerops_lab::{Lab, Person, Ran, Repository, sleepers};
use serde_json::{Value, json};

/// What a helper that never makes the same password twice prints, `$n` being its count.
const ANOTHER_EACH_TIME: &str = r#"n=$(cat "$HOME/count" 2>/dev/null || echo 0); echo $((n + 1)) >"$HOME/count"
life=$(cat "$HOME/life" 2>/dev/null || echo 43200); end=$(($(date +%s) + life))
claims=$(printf '{"exp":%s,"sub":"lab-password","jti":"%s"}' $end $n | base64 -w0 | tr -d =)
printf '{"ServerURL":"","Username":"lab","Secret":"eyJhbGciOiJub25lIn0.%s.c2ln"}' "$claims""#;

fn ok(ran: Ran) -> Ran {
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    ran
}

fn configure(person: &Person, config: &Value) {
    let folder = person.home().join(".docker");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
}

/// Puts a credential helper `docker-credential-<name>` into the person's `PATH`.
fn helper(person: &mut Person, name: &str, script: &str) {
    let folder = person.home().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("docker-credential-{name}"));
    fs::write(&path, format!("#!/bin/sh\ncat >/dev/null\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let old = std::env::var("PATH").unwrap();
    person.set("PATH", format!("{}:{old}", folder.display()));
}

/// The helper that hands out what the lab's registries take.
fn right() -> String {
    let answer = json!({"ServerURL": "", "Username": REGISTRY_USER, "Secret": REGISTRY_PASSWORD});
    format!("echo '{answer}'")
}

fn repository(person: &Person, stack: &str, compose: &str) -> Repository {
    let repository = person.repository().unwrap();
    let list = format!("- name: {stack}\n");
    let file = format!("{stack}/compose.yml");
    repository
        .commit(&[("stacks.yaml", list.as_str()), (&file, compose)], "first")
        .unwrap();
    repository
}

/// The tasks of a service, `ForceUpdate`, and which run of a job was the last.
fn state(lab: &Lab, service: &str) -> (Vec<String>, Value, Value) {
    let mut tasks: Vec<_> = lab
        .tasks(service)
        .unwrap()
        .iter()
        .map(|t| t["ID"].to_string())
        .collect();
    tasks.sort();
    let found = lab.engine_get(&format!("/services/{service}")).unwrap();
    (tasks, found["Spec"].clone(), found["JobStatus"].clone())
}

/// Makes what was sent look so old that it is about to end.
fn age(person: &Person) {
    let database = rusqlite::Connection::open(person.database()).unwrap();
    let soon =
        "UPDATE credentials SET expires_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+10 minutes')";
    database.execute(soon, []).unwrap();
}

#[test]
fn nodes_get_new_credentials_from_a_helper_without_a_restart() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "renew").unwrap();
    let (stack, name) = (person.named("app"), person.named("web"));
    lab.push_image(&name, "1", &name).unwrap();
    let image = format!("{}/{name}:1", lab.token_registry());
    helper(&mut person, "right", &right());
    configure(
        &person,
        &json!({"credHelpers": {lab.token_registry(): "right"}}),
    );
    let compose = sleepers(&[("web", &image, "")]).replace(
        "networks: {host",
        &format!("  job: {{image: '{image}', command: 'true', networks: [host], deploy: {{mode: replicated-job}}}}\nnetworks: {{host"),
    );
    let repository = repository(&person, &stack, &compose);
    ok(person.run(&["watch", &repository.url()]).unwrap());
    let [web, job] = ["web", "job"].map(|service| format!("{stack}_{service}"));
    lab.wait_until_running(&web, 1).unwrap();
    let before = [state(lab, &web), state(lab, &job)];
    let recorder = lab.recorder().unwrap();
    person.set("DOCKER_HOST", recorder.docker_host());
    helper(&mut person, "right", ANOTHER_EACH_TIME);

    // A password without an end that a helper gave is followed, half an hour after the last.
    ok(person.run(&["reconcile"]).unwrap());
    assert_eq!(recorder.writes(), []);
    let database = rusqlite::Connection::open(person.database()).unwrap();
    let earlier = "UPDATE credentials SET sent_at = '2020-01-01T00:00:00Z'";
    database.execute(earlier, []).unwrap();
    let ran = ok(person.run(&["reconcile"]).unwrap());
    let line = format!(
        "credentials of 1 service refreshed for registry {}",
        lab.token_registry()
    );
    assert!(ran.stdout.contains(&line), "{}", ran.text());
    for _ in 0..3 {
        ok(person.run(&["reconcile"]).unwrap());
    }
    assert_eq!(
        recorder.writes().len(),
        1,
        "another token each time is no write each time"
    );

    age(&person);
    let ran = ok(person.run(&["reconcile", "-o", "json"]).unwrap());
    let refreshed = ran.json().pointer("/report/credentials_refreshed").cloned();
    assert_eq!(
        refreshed,
        Some(json!([{"registry": lab.token_registry(), "services": [web]}])),
        "{}",
        ran.text()
    );
    assert_eq!(recorder.writes().len(), 2);
    // Swarm takes a moment to restart what it means to.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!([state(lab, &web), state(lab, &job)], before);
    assert!(!ran.text().contains("eyJ"), "a token is shown");
    person.unset("DOCKER_HOST");
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn a_node_pulls_with_what_was_sent_last() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "pulls").unwrap();
    let (stack, name) = (person.named("app"), person.named("web"));
    lab.push_image(&name, "1", &name).unwrap();
    let image = format!("{}/{name}:1", lab.token_registry());
    helper(&mut person, "store", ANOTHER_EACH_TIME);
    let life = |seconds: u64| fs::write(person.home().join("life"), seconds.to_string()).unwrap();
    configure(&person, &json!({"credsStore": "store"}));
    let repository = repository(&person, &stack, &sleepers(&[("web", &image, "")]));
    life(8);
    ok(person.run(&["watch", &repository.url()]).unwrap());
    std::thread::sleep(Duration::from_secs(8));
    let service = format!("{stack}_web");
    let scale = |count: &str| {
        let scaled = format!("{service}={count}");
        lab.docker(&["service", "scale", "-d", &scaled]).unwrap();
    };

    scale("0");
    take_image_away(lab, &service, &image);
    scale("1");
    dockerops_lab::wait_for("the node to fail to pull", Duration::from_secs(20), || {
        let tasks = lab.tasks(&service)?;
        Ok(tasks
            .iter()
            .any(|task| task["Status"]["State"] == "rejected"))
    })
    .unwrap();
    life(43200);
    let ran = person.run(&["reconcile", "--timeout", "10s"]).unwrap();

    let refreshed = "credentials of 1 service refreshed";
    assert!(ran.stdout.contains(refreshed), "{}", ran.text());
    lab.wait_until_running(&service, 1).unwrap();
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn credentials_that_the_registry_refuses_do_not_take_the_place_of_those_that_work() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "mistaken").unwrap();
    let (stack, name) = (person.named("app"), person.named("web"));
    lab.push_image(&name, "1", &name).unwrap();
    let image = format!("{}/{name}:1", lab.private_registry());
    let log_in = |person: &Person, password: &str| {
        let auth = json!({"username": REGISTRY_USER, "password": password});
        configure(person, &json!({"auths": {lab.private_registry(): auth}}));
    };
    log_in(&person, REGISTRY_PASSWORD);
    let repository = repository(&person, &stack, &sleepers(&[("web", &image, "")]));
    ok(person.run(&["watch", &repository.url()]).unwrap());
    let recorder = lab.recorder().unwrap();
    person.set("DOCKER_HOST", recorder.docker_host());
    log_in(&person, "mistaken-password");

    let ran = ok(person.run(&["reconcile"]).unwrap());

    let said = "nodes go on with the credentials that they have";
    assert!(ran.stdout.contains(said), "{}", ran.text());
    assert!(
        ran.stdout.contains("docker login 127.0.0.1:5001"),
        "{}",
        ran.text()
    );
    assert!(!ran.text().contains("mistaken-password"));
    assert_eq!(recorder.writes(), []);
    ok(person.run(&["stop"]).unwrap());
}

/// Removes `image` from node 1, and what is left of the service's containers, which hold it.
fn take_image_away(lab: &Lab, service: &str, image: &str) {
    let filter = format!("label=com.docker.swarm.service.name={service}");
    let id = lab
        .docker(&["image", "inspect", "-f", "{{.Id}}", image])
        .unwrap();
    dockerops_lab::wait_for("the image to go", Duration::from_secs(20), || {
        let containers = lab.docker(&["ps", "-aq", "--filter", &filter])?;
        for container in containers.lines() {
            let _ = lab.docker(&["rm", "-f", container]);
        }
        let _ = lab.docker(&["rmi", "-f", id.trim()]);
        Ok(lab.docker(&["image", "inspect", id.trim()]).is_err())
    })
    .unwrap();
}

#[test]
fn a_helper_that_fails_or_prints_garbage_is_named_without_what_it_printed() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "broken").unwrap();
    let (stack, name) = (person.named("app"), person.named("web"));
    lab.push_image(&name, "1", &name).unwrap();
    let image = format!("{}/{name}:1", lab.private_registry());
    let repository = repository(&person, &stack, &sleepers(&[("web", &image, "")]));
    let recorder = lab.recorder().unwrap();
    person.set("DOCKER_HOST", recorder.docker_host());
    configure(
        &person,
        &json!({"credHelpers": {lab.private_registry(): "odd"}}),
    );
    for (script, said) in [
        (
            "echo canary-secret; exit 1",
            "`docker-credential-odd` failed",
        ),
        ("echo canary-secret", "answered nonsense"),
        (
            "echo '{\"Username\":\"canary-secret\"}'",
            "answered nonsense",
        ),
        (
            "echo credentials not found in native keychain; exit 1",
            "docker login 127.0.0.1:5001",
        ),
    ] {
        helper(&mut person, "odd", script);
        let url = repository.url();
        let first = !person.database().exists();
        let words = if first {
            vec!["watch", &url]
        } else {
            vec!["reconcile"]
        };
        let ran = person.run(&words).unwrap();
        assert_eq!(ran.code, Some(1), "{script}: {}", ran.text());
        assert!(ran.stdout.contains(said), "{script}: {}", ran.text());
        assert!(!ran.text().contains("canary-secret"), "{}", ran.text());
        assert_eq!(recorder.writes(), [], "{script}");
    }
}
