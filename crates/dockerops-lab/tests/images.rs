//! Images on a real Swarm: pins, registries that fail or ask for a password, counts, cleaning.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use dockerops_lab::layout::{
    HUB, REGISTRY_PASSWORD, REGISTRY_PORT, REGISTRY_USER, TLS_REGISTRY_PORT,
};
use dockerops_lab::{Lab, Person, Ran, Repository, sleepers};
use serde_json::Value;

/// The image that a service was sent with.
fn sent(lab: &Lab, service: &str) -> String {
    let found = lab.engine_get(&format!("/services/{service}")).unwrap();
    let image = found.pointer("/Spec/TaskTemplate/ContainerSpec/Image");
    image.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn ids(lab: &Lab, service: &str) -> Vec<String> {
    let tasks = lab.tasks(service).unwrap();
    let mut ids: Vec<_> = tasks.iter().map(|task| task["ID"].to_string()).collect();
    ids.sort();
    ids
}

/// A repository with one stack, which is `compose`.
fn repository(person: &Person, stack: &str, compose: &str) -> Repository {
    let repository = person.repository().unwrap();
    let list = format!("- name: {stack}\n");
    let file = format!("{stack}/compose.yml");
    let files = [("stacks.yaml", list.as_str()), (&file, compose)];
    repository.commit(&files, "first").unwrap();
    repository
}

fn ok(ran: Ran) -> Ran {
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    ran
}

/// The reference counts that the database holds, as `reconcile` shows them.
fn counts(person: &Person) -> BTreeMap<String, u64> {
    let ran = person.run(&["reconcile", "-o", "json"]).unwrap();
    let answer = ran.json();
    let images = answer.pointer("/state/images").or(answer.get("images"));
    let images = images
        .and_then(Value::as_array)
        .unwrap_or_else(|| panic!("{}", ran.text()));
    let row = |image: &Value| {
        let name = image["name"].as_str().unwrap().to_owned();
        (name, image["reference_count"].as_u64().unwrap())
    };
    images.iter().map(row).collect()
}

fn log_in(person: &Person, registry: &str, password: &str) {
    let folder = person.home().join(".docker");
    fs::create_dir_all(&folder).unwrap();
    let config =
        serde_json::json!({"auths": {registry: {"username": REGISTRY_USER, "password": password}}});
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
}

#[test]
fn services_run_with_a_pinned_digest() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "pinned").unwrap();
    let stack = person.named("app");
    let name = person.named("web");
    let one = lab.push_image(&name, "1", "one").unwrap();
    let list = lab.push_image_list(&name, "2", "two").unwrap();
    let registry = lab.registry();
    let images = [
        format!("{registry}/{name}:1"),
        format!("{registry}/{name}:2"),
    ];
    let compose = sleepers(&[("one", &images[0], ""), ("two", &images[1], "")]);
    let repository = repository(&person, &stack, &compose);

    ok(person.run(&["watch", &repository.url()]).unwrap());

    let of = |service: &str| sent(lab, &format!("{stack}_{service}"));
    assert_eq!(of("one"), format!("{}@{one}", images[0]));
    assert_eq!(
        of("two"),
        format!("{}@{list}", images[1]),
        "the digest of the list, not of a platform"
    );
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn a_digest_known_here_gets_its_platforms_where_the_registry_answers_soon() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "platforms").unwrap();
    let registry = lab.relay(REGISTRY_PORT).unwrap();
    let stack = person.named("app");
    let [early, late] = ["early", "late"].map(|part| {
        let name = person.named(part);
        lab.push_image_list(&name, "1", part).unwrap();
        let image = format!("{}/{name}:1", registry.address());
        lab.docker(&["pull", "-q", &image]).unwrap();
        image
    });
    let first = sleepers(&[("early", &early, "")]);
    let repository = repository(&person, &stack, &first);
    let architectures = |service: &str| {
        let found = lab.engine_get(&format!("/services/{stack}_{service}"));
        let placement = found.unwrap()["Spec"]["TaskTemplate"]["Placement"].clone();
        let platforms = placement["Platforms"].as_array().cloned();
        let platforms = platforms.unwrap_or_default().into_iter();
        platforms
            .map(|platform| platform["Architecture"].clone())
            .collect::<Vec<_>>()
    };

    ok(person.run(&["watch", &repository.url()]).unwrap());
    assert_eq!(architectures("early"), ["amd64", "arm64"]);

    registry.fall_silent().unwrap();
    let both = sleepers(&[("early", &early, ""), ("late", &late, "")]);
    let file = format!("{stack}/compose.yml");
    repository.commit(&[(&file, &both)], "second").unwrap();
    let begin = Instant::now();
    let ran = ok(person.run(&["reconcile"]).unwrap());
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}: {}", ran.text());
    assert_eq!(architectures("late"), [""; 0], "{}", ran.text());
    assert_eq!(architectures("early"), ["amd64", "arm64"]);
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn a_moved_tag_is_followed_only_with_always() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "moved").unwrap();
    let stack = person.named("app");
    let (moving, still) = (
        person.image("web", "one").unwrap(),
        person.image("db", "one").unwrap(),
    );
    let compose = sleepers(&[
        ("web", &moving, ""),
        ("twin", &moving, ""),
        ("db", &still, ""),
    ]);
    let repository = repository(&person, &stack, &compose);
    ok(person.run(&["watch", &repository.url()]).unwrap());
    let versions = || ["web", "twin", "db"].map(|s| lab.version(&format!("{stack}_{s}")).unwrap());
    let before = versions();
    let digest = lab.push_image(&person.named("web"), "1", "two").unwrap();

    ok(person.run(&["reconcile"]).unwrap());
    assert_eq!(versions(), before, "`ifnotpresent` keeps the pin");

    person.set("DOCKEROPS_IMAGE_PULL_POLICY", "always");
    let ran = ok(person.run(&["reconcile"]).unwrap());
    let after = versions();
    assert!(
        after[0] > before[0] && after[1] > before[1],
        "{}",
        ran.text()
    );
    assert_eq!(after[2], before[2], "the image of `db` did not move");
    assert_eq!(
        sent(lab, &format!("{stack}_web")),
        format!("{moving}@{digest}")
    );
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn a_registry_that_is_down_changes_nothing() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "down").unwrap();
    person.set("DOCKEROPS_IMAGE_PULL_POLICY", "always");
    let (stack, other) = (person.named("app"), person.named("other"));
    let name = person.named("web");
    lab.push_image(&name, "1", "one").unwrap();
    let private = format!("{}/{name}:1", lab.private_registry());
    log_in(&person, &lab.private_registry(), REGISTRY_PASSWORD);
    let repository = repository(&person, &stack, &sleepers(&[("web", &private, "")]));
    ok(person.run(&["watch", &repository.url()]).unwrap());
    let service = format!("{stack}_web");
    let before = (sent(lab, &service), ids(lab, &service));

    // Wrong credentials are a registry that does not answer, for this person alone.
    log_in(&person, &lab.private_registry(), "mistaken-password");
    let open = person.image("free", "one").unwrap();
    let list = format!("- name: {stack}\n- name: {other}\n");
    let files = [
        ("stacks.yaml".to_owned(), list),
        (
            format!("{other}/compose.yml"),
            sleepers(&[("ok", &open, ""), ("new", "127.0.0.1:1/nobody:1", "")]),
        ),
    ];
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    repository.commit(&files, "more").unwrap();
    let recorder = lab.recorder().unwrap();
    person.set("DOCKER_HOST", recorder.docker_host());
    let ran = person.run(&["reconcile"]).unwrap();

    assert_eq!(ran.code, Some(1), "{}", ran.text());
    assert!(
        ran.stdout
            .contains("cannot reach the registry `127.0.0.1:1`"),
        "{}",
        ran.text()
    );
    assert!(ran.stdout.contains("keeps its digest"), "{}", ran.text());
    assert!(
        !ran.text().contains("mistaken-password"),
        "a password is shown"
    );
    assert_eq!(
        (sent(lab, &service), ids(lab, &service)),
        before,
        "{}",
        ran.text()
    );
    let wrote: Vec<_> = recorder
        .writes()
        .into_iter()
        .filter(|write| !write.path.starts_with("/images/create"))
        .collect();
    assert!(wrote.is_empty(), "{wrote:?}");
    person.unset("DOCKER_HOST");
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn a_machine_without_certificates_of_authorities_deploys_over_http_and_says_what_https_needs() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "bare").unwrap();
    let stack = person.named("app");
    person.image("web", "a").unwrap();
    let deploy = |registry: &str| {
        let image = format!("{registry}/{}:1", person.named("web"));
        let file = person.home().join("compose.yml");
        fs::write(&file, sleepers(&[("web", &image, "")])).unwrap();
        let file = file.display().to_string();
        let command = person.command(&["deploy", "-c", &file, &stack]);
        let none = [("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")];
        command.unwrap().envs(none).output().unwrap()
    };
    let deployed = deploy(&lab.registry());
    assert!(deployed.status.success(), "{deployed:?}");
    let refused = deploy(&format!("{HUB}:{TLS_REGISTRY_PORT}"));
    let said = String::from_utf8(refused.stdout).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("Install `ca-certificates`"), "{said}");
}

#[test]
fn a_local_image_is_used_unpinned_with_a_warning() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "local").unwrap();
    let stack = person.named("app");
    let pushed = person.image("base", "one").unwrap();
    lab.docker(&["pull", "-q", &pushed]).unwrap();
    let only_here = format!("{}/{}:1", lab.registry(), person.named("built"));
    lab.docker(&["tag", &pushed, &only_here]).unwrap();
    let repository = repository(&person, &stack, &sleepers(&[("web", &only_here, "")]));

    let ran = ok(person.run(&["watch", &repository.url()]).unwrap());

    assert!(ran.stdout.contains("unpinned"), "{}", ran.text());
    assert_eq!(sent(lab, &format!("{stack}_web")), only_here);
    ok(person.run(&["stop"]).unwrap());
    let _ = lab.docker(&["rmi", &pushed]);
}

#[test]
fn a_private_registry_needs_and_gets_credentials() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "private").unwrap();
    let stack = person.named("app");
    let name = person.named("web");
    let digest = lab.push_image(&name, "1", &name).unwrap();
    let image = format!("{}/{name}:1", lab.private_registry());
    let repository = repository(&person, &stack, &sleepers(&[("web", &image, "")]));
    let recorder = lab.recorder().unwrap();
    person.set("DOCKER_HOST", recorder.docker_host());

    let refused = person.run(&["watch", &repository.url()]).unwrap();
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    assert!(
        refused.stdout.contains("docker login 127.0.0.1:5001"),
        "{}",
        refused.text()
    );
    assert!(recorder.writes().is_empty(), "{:?}", recorder.writes());

    log_in(&person, &lab.private_registry(), REGISTRY_PASSWORD);
    // Nothing here may stand in for the nodes' own pull.
    let ran = ok(person.run(&["reconcile"]).unwrap());
    assert_eq!(
        sent(lab, &format!("{stack}_web")),
        format!("{image}@{digest}")
    );
    assert!(!ran.text().contains(REGISTRY_PASSWORD), "{}", ran.text());

    node_pulls_by_itself(&person, &format!("{stack}_web"), &image);
    ok(person.run(&["stop"]).unwrap());
}

/// Takes the image away from under `service`; the node gets it with what the service was sent with.
fn node_pulls_by_itself(person: &Person, service: &str, image: &str) {
    let lab = person.lab;
    lab.docker(&["service", "scale", "-d", &format!("{service}=0")])
        .unwrap();
    dockerops_lab::wait_for("the image to be free", Duration::from_secs(20), || {
        Ok(lab.docker(&["rmi", "-f", image]).is_ok())
    })
    .unwrap();
    ok(person.run(&["reconcile"]).unwrap());
    lab.wait_until_running(service, 1).unwrap();
}

#[test]
fn a_registry_that_wants_a_token_gets_one_for_right_credentials_only() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "token").unwrap();
    let stack = person.named("app");
    let name = person.named("web");
    let digest = lab.push_image(&name, "1", &name).unwrap();
    let image = format!("{}/{name}:1", lab.token_registry());
    let repository = repository(&person, &stack, &sleepers(&[("web", &image, "")]));
    let recorder = lab.recorder().unwrap();
    person.set("DOCKER_HOST", recorder.docker_host());
    let refused = |ran: Ran, said: &str| {
        assert_eq!(ran.code, Some(1), "{}", ran.text());
        for said in [said, "docker login 127.0.0.1:5003"] {
            assert!(ran.stdout.contains(said), "{said}: {}", ran.text());
        }
        assert_eq!(recorder.writes(), []);
    };

    let watched = person.run(&["watch", &repository.url()]).unwrap();
    refused(watched, "if it is private, log in");
    log_in(&person, &lab.token_registry(), "mistaken-password");
    let mistaken = person.run(&["reconcile"]).unwrap();
    assert!(!mistaken.text().contains("mistaken-password"));
    refused(mistaken, "incorrect username or password");

    log_in(&person, &lab.token_registry(), REGISTRY_PASSWORD);
    ok(person.run(&["reconcile"]).unwrap());
    assert_eq!(
        sent(lab, &format!("{stack}_web")),
        format!("{image}@{digest}")
    );
    node_pulls_by_itself(&person, &format!("{stack}_web"), &image);
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn each_image_is_asked_for_once_a_run() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "once").unwrap();
    let (one, two) = (person.named("one"), person.named("two"));
    let image = person.image("web", "one").unwrap();
    let repository = person.repository().unwrap();
    let compose = sleepers(&[("a", &image, ""), ("b", &image, "")]);
    let list = format!("- name: {one}\n- name: {two}\n");
    let (first, second) = (format!("{one}/compose.yml"), format!("{two}/compose.yml"));
    let files = [
        ("stacks.yaml", list.as_str()),
        (&first, &compose),
        (&second, &compose),
    ];
    repository.commit(&files, "first").unwrap();
    ok(person.run(&["watch", &repository.url()]).unwrap());
    let name = person.named("web");
    let asked = || {
        let log = fs::read_to_string(lab.layout().folder.join("docker-registry.log")).unwrap();
        let ask = format!("HEAD /v2/{name}/manifests/1 ");
        let get = format!("GET /v2/{name}/manifests/1 ");
        log.lines()
            .filter(|line| line.contains(&ask) || line.contains(&get))
            .count()
    };
    let before = asked();
    person.set("DOCKEROPS_IMAGE_PULL_POLICY", "always");

    ok(person.run(&["reconcile"]).unwrap());

    assert_eq!(
        asked() - before,
        1,
        "four services in two stacks name one image"
    );
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn image_counts_run_over_all_repositories() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "counts").unwrap();
    let image = person.image("web", "one").unwrap();
    let (one, two) = (person.named("one"), person.named("two"));
    let first = repository(
        &person,
        &one,
        &sleepers(&[("a", &image, ""), ("b", &image, "")]),
    );
    let second = repository(&person, &two, &sleepers(&[("c", &image, "")]));
    for repository in [&first, &second] {
        ok(person.run(&["watch", &repository.url()]).unwrap());
    }
    assert_eq!(counts(&person), BTreeMap::from([(image.clone(), 3)]));

    // A stack that cannot be read keeps its last counts.
    first
        .commit(&[(&format!("{one}/compose.yml"), "services: [")], "broken")
        .unwrap();
    person.run(&["reconcile"]).unwrap();
    assert_eq!(counts(&person), BTreeMap::from([(image, 3)]));
    ok(person.run(&["stop"]).unwrap());
}

#[test]
fn an_image_that_nothing_counts_is_removed_and_others_stay() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "unused").unwrap();
    let stack = person.named("app");
    // Contents of their own: an image in use under any name is in use.
    let image = |part: &str| person.image(part, &person.named(part)).unwrap();
    let (old, held, kept, new) = (image("old"), image("held"), image("kept"), image("new"));
    let foreign = image("foreign");
    lab.docker(&["pull", "-q", &foreign]).unwrap();
    let first = sleepers(&[("a", &old, ""), ("b", &held, ""), ("c", &kept, "")]);
    // Without their services, so that no ended container of theirs holds the images.
    let second = sleepers(&[("c", &kept, ""), ("d", &new, ""), ("e", &new, "")]);
    let repository = repository(&person, &stack, &first);
    ok(person.run(&["watch", &repository.url()]).unwrap());
    let container = person.named("foreign");
    lab.docker(&["create", "--net", "host", "--name", &container, &held])
        .unwrap();

    let file = format!("{stack}/compose.yml");
    repository.commit(&[(&file, &second)], "second").unwrap();
    let here = |image: &str| lab.docker(&["image", "inspect", image]).is_ok();
    // The containers end a moment after their service: the image may take another run.
    dockerops_lab::wait_for("the unused image to go", Duration::from_secs(40), || {
        ok(person.run(&["reconcile"]).unwrap());
        Ok(!here(&old))
    })
    .unwrap();

    assert!(
        [&held, &kept, &new, &foreign]
            .iter()
            .all(|image| here(image))
    );
    let counts = counts(&person);
    assert_eq!(counts.get(&old), None);
    assert_eq!(
        counts.get(&held),
        Some(&0),
        "in use by a container: tried again"
    );
    assert_eq!(counts.get(&new), Some(&2));
    lab.docker(&["rm", &container]).unwrap();
    ok(person.run(&["reconcile"]).unwrap());
    ok(person.run(&["stop"]).unwrap());
    assert!(!here(&new), "`stop` removes the images recorded");
    assert!(here(&foreign), "what was never recorded stays");
    let _ = lab.docker(&["rmi", &foreign]);
}
