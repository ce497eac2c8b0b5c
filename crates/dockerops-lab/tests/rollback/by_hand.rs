//! `rollback` and `retry`.

use dockerops_lab::Lab;
use dockerops_lab::layout::{GIT_PORT, REGISTRY_PORT};

use crate::site::Site;

fn mark(site: &Site<'_>) -> String {
    let spec = &site.specs()[&format!("{}_api", site.stack)];
    let env = &spec["TaskTemplate"]["ContainerSpec"]["Env"][0];
    env.as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_stack_goes_back_by_hand_to_any_deploy_that_was_well_and_stays_there() {
    let lab = Lab::shared().unwrap();
    let site = Site::new(lab, "byhand");
    for (at, release) in ["one", "two", "three"].into_iter().enumerate() {
        site.commit(&site.compose(&["api"], release, None), "", &[]);
        if at == 0 {
            site.watch();
        } else {
            site.ok(&["reconcile"]);
        }
    }

    let back = site.ok(&["rollback", &site.stack]);
    assert_eq!(mark(&site), "MARK=two", "{}", back.text());
    let held = site.fails(&["reconcile"]);
    assert!(
        held.stdout.contains("rolled back by hand"),
        "{}",
        held.text()
    );
    assert_eq!(mark(&site), "MARK=two");

    let history = site.ok(&["history", &site.stack, "-o", "json"]).json();
    let runs = history["runs"].as_array().unwrap();
    let first = runs.last().unwrap()["id"].to_string();
    site.ok(&["rollback", &site.stack, "--to", &first]);
    assert_eq!(mark(&site), "MARK=one");

    let retried = site.ok(&["retry", &site.stack]);
    assert_eq!(mark(&site), "MARK=three", "{}", retried.text());
    site.ok(&["reconcile"]);
}

#[test]
fn a_rollback_by_hand_needs_neither_git_nor_a_registry() {
    let lab = Lab::shared().unwrap();
    let mut site = Site::new(lab, "offline");
    let (git, registry) = (
        lab.relay(GIT_PORT).unwrap(),
        lab.relay(REGISTRY_PORT).unwrap(),
    );
    let name = site.person.named("relayed");
    lab.push_image(&name, "1", "a").unwrap();
    site.image = format!("{}/{name}:1", registry.address());
    let url = format!("http://{}/{}.git", git.address(), site.repository.name());
    site.commit(&site.compose(&["api"], "one", None), "", &[]);
    site.ok(&["watch", &url]);
    site.commit(&site.compose(&["api"], "two", None), "", &[]);
    site.ok(&["reconcile"]);
    drop((git, registry));

    site.ok(&["rollback", &site.stack]);

    assert_eq!(mark(&site), "MARK=one");
}

#[test]
fn what_cannot_be_rolled_back_to_is_said_with_a_way_out() {
    let lab = Lab::shared().unwrap();
    let site = Site::new(lab, "nothing");
    site.commit(&site.compose(&["api"], "one", None), "", &[]);
    site.watch();

    let none = site.fails(&["rollback", &site.stack]);
    assert!(none.stderr.contains("no earlier deploy"), "{}", none.text());
    let unknown = site.fails(&["rollback", &site.stack, "--to", "999999"]);
    assert!(
        unknown.stderr.contains("has no run 999999"),
        "{}",
        unknown.text()
    );
    let other = site.fails(&["rollback", "no-such-stack"]);
    assert!(
        other.stderr.contains("no watched repository deployed"),
        "{}",
        other.text()
    );
}
