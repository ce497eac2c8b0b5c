//! `dockerops stop` on a real Swarm, as a person runs it.

use dockerops_lab::layout::{GIT_PORT, REGISTRY_PORT};
use dockerops_lab::{Lab, Person, sleepers};

use crate::database::strings;
use crate::stacks::{commit, deploy_with_docker, fails, ok, services};

#[test]
fn stop_removes_ours_and_nothing_else() {
    let lab = Lab::shared().unwrap();
    let (person, other) = (
        Person::new(lab, "stops").unwrap(),
        Person::new(lab, "stays").unwrap(),
    );
    // Markers of their own: an image that another test's container uses by its id would stay.
    let (image, theirs) = (
        person.image("web", &person.name).unwrap(),
        other.image("web", &other.name).unwrap(),
    );
    let (ours, by_docker, of_others) = (
        person.named("ours"),
        person.named("docker"),
        other.named("app"),
    );
    deploy_with_docker(&person, &by_docker, &sleepers(&[("web", &theirs, "")]));
    for (who, stack, image) in [(&person, &ours, &image), (&other, &of_others, &theirs)] {
        let repository = who.repository().unwrap();
        commit(&repository, &[(stack, &sleepers(&[("web", image, "")]))]);
        ok(who, &["watch", &repository.url()]);
    }
    let kept = [&by_docker, &of_others].map(|stack| lab.version(&format!("{stack}_web")).unwrap());
    let ran = ok(&person, &["stop"]);
    assert!(
        ran.stdout.contains(&format!("removed image {image}")),
        "{}",
        ran.text()
    );
    assert_eq!(services(lab, &ours), [""; 0]);
    let after = [&by_docker, &of_others].map(|stack| lab.version(&format!("{stack}_web")).unwrap());
    assert_eq!(kept, after);
    assert!(
        lab.docker(&["image", "inspect", &image]).is_err(),
        "our image is still there"
    );
    lab.docker(&["image", "inspect", &theirs]).unwrap();
    let connection = rusqlite::Connection::open(person.database()).unwrap();
    for (table, column) in [
        ("images", "name"),
        ("stacks", "name"),
        ("repository_cache", "url"),
    ] {
        assert_eq!(
            strings(&connection, &format!("SELECT {column} FROM {table}")),
            [""; 0]
        );
    }
    ok(&other, &["stop"]);
    lab.docker(&["stack", "rm", &by_docker]).unwrap();
}

#[test]
fn stop_returns_when_all_is_gone_and_keeps_data() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "gone").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let repository = person.repository().unwrap();
    let compose = format!(
        "services: {{web: {{image: '{image}', command: sleep 100000, stop_grace_period: 1s, volumes: ['data:/data', 'site:/site'], configs: [conf]}}}}\n\
         volumes: {{data: {{}}}}\nconfigs: {{conf: {{file: ./conf.txt}}}}\n"
    );
    let site = format!("{stack}/site");
    repository
        .commit(
            &[
                ("nfs.yaml", &person.nfs_yaml()),
                (
                    "volumes.yaml",
                    &format!("- {{id: site, type: binding, path: {site}}}\n"),
                ),
                (&format!("{stack}/conf.txt"), "one"),
                (&format!("{site}/index.html"), "hello"),
            ],
            "files",
        )
        .unwrap();
    commit(&repository, &[(&stack, &compose)]);
    ok(&person, &["watch", &repository.url()]);
    let label = format!("label=com.docker.stack.namespace={stack}");
    let left = |kind: &str| lab.docker(&[kind, "ls", "-q", "--filter", &label]).unwrap();
    assert!(
        !left("network").trim().is_empty(),
        "the stack has no network to remove"
    );
    ok(&person, &["stop"]);
    for kind in ["service", "network", "config", "secret"] {
        assert_eq!(left(kind).trim(), "", "{kind} left");
    }
    let containers = lab.docker(&["ps", "-q", "--filter", &label]).unwrap();
    assert_eq!(containers.trim(), "");
    let volume = format!("{stack}_data");
    lab.docker(&["volume", "inspect", &volume]).unwrap();
    assert!(person.nfs().join(site).join("index.html").exists());
}

#[test]
fn stop_needs_neither_git_nor_registry() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "alone").unwrap();
    let (git, registry) = (
        lab.relay(GIT_PORT).unwrap(),
        lab.relay(REGISTRY_PORT).unwrap(),
    );
    let (stack, name) = (person.named("app"), person.named("web"));
    lab.push_image(&name, "1", "a").unwrap();
    let image = format!("{}/{name}:1", registry.address());
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stack, &sleepers(&[("web", &image, "")]))]);
    let url = format!("http://{}/{}.git", git.address(), repository.name());
    ok(&person, &["watch", &url]);
    drop((git, registry));
    fails(&person, &["reconcile"]);
    assert!(lab.docker(&["pull", &image]).is_err());
    person.set("GIT_EXEC_PATH", "/nowhere");
    ok(&person, &["stop"]);
    assert_eq!(services(lab, &stack), [""; 0]);
}
