//! A secret's value is in no plan, wherever it flows to, and in no error about one.

use std::fs;

use dockerops_lab::Ran;

use crate::site::Site;
use crate::stacks::{commit, ok};

/// Every value has this in it.
const CANARY: &str = "canary";
const SECRETS: &str = "- {id: pw, env: PW}\n- {id: dsn, env: DSN}\n- {id: old, env: OLD}\n";

#[test]
fn a_secret_is_in_no_plan_and_in_no_saved_plan_wherever_it_flows() {
    let site = deployed();
    rotate(&site, "two");
    // `OLD` leaves the compose file, and with it everything that says that it is secret.
    let without = compose(&site, "b").replace(", OLD, 'OLDER=x${OLD}'", "");
    site.compose(&without, "without");
    let file = site.path("plan.json");
    let shown = looked(&site, &[&["plan", "--out", &file]]);
    for told in [
        "environment.PW: [secret pw] → [secret pw]",
        "environment.URL: [secret dsn, pw] → [secret dsn, pw]",
        "command: [secret pw] → [secret pw]",
        "deploy.labels.auth: [secret pw] → [secret pw]",
        "environment.OLD: ",
        "environment.OLDER: ",
    ] {
        assert!(shown.contains(told), "{told}\n{shown}");
    }
    let saved = fs::read_to_string(&file).unwrap();
    assert!(!saved.contains(CANARY), "{saved}");
    ok(&site.person, &["stop"]);
}

#[test]
fn a_secret_is_in_no_error_about_a_plan() {
    let site = deployed();
    let image = image(&site);
    for (wrong, said) in [
        ("image: '${PW}'", "image"),
        ("image: 'IMAGE', deploy: {replicas: '${PW}'}", "replicas"),
        ("image: 'IMAGE', ports: ['${PW}']", "ports"),
        (
            "image: 'IMAGE', configs: [page]}}\nconfigs: {page: {name: '${PW}', file: page.txt}",
            "name",
        ),
        (
            "image: 'IMAGE', networks: [own]}}\nnetworks: {own: {name: '${PW}'}",
            "name",
        ),
    ] {
        let compose = format!(
            "services: {{web: {{{}}}}}\n",
            wrong.replace("IMAGE", &image)
        );
        site.compose(&compose, "wrong");
        let shown = looked(&site, &[]);
        assert!(
            shown.contains("error") && shown.contains(said),
            "{said}\n{shown}"
        );
    }
    ok(&site.person, &["stop"]);
}

/// All that looking says, in every form; nothing of it holds a secret.
fn looked(site: &Site<'_>, more: &[&[&str]]) -> String {
    let each: [&[&str]; 5] = [
        &["plan"],
        &["plan", "--full"],
        &["plan", "-o", "json"],
        &["diff", &site.stack],
        &["diff", &site.stack, "--full", "-o", "json"],
    ];
    let runs = each.iter().chain(more).map(|arguments| site.run(arguments));
    let texts: Vec<_> = runs.map(|ran: Ran| ran.text()).collect();
    let text = texts.join("\n");
    assert!(!text.contains(CANARY), "{text}");
    text
}

fn image(site: &Site<'_>) -> String {
    format!("{}/{}:1", site.lab.registry(), site.person.named("web"))
}

/// A service into which secrets flow by every way that is allowed.
fn compose(site: &Site<'_>, mark: &str) -> String {
    let image = image(site);
    format!(
        "services:\n  web: {{image: '{image}', networks: [host], command: [sleep, '${{PW}}'], configs: [page], \
         environment: [MARK={mark}, PW, 'URL=postgres://u:${{PW}}@${{DSN}}/db', OLD, 'OLDER=x${{OLD}}'], \
         deploy: {{replicas: 0, labels: {{auth: 'Basic ${{PW}}'}}}}}}\n\
         networks: {{host: {{external: true}}}}\nconfigs: {{page: {{file: page.txt}}}}\n"
    )
}

fn rotate(site: &Site<'_>, mark: &str) {
    for id in ["pw", "dsn", "old"] {
        let value = format!("{CANARY}-{id}-{mark}");
        site.person.secret(id, &value).unwrap();
    }
}

fn deployed() -> Site<'static> {
    let site = Site::new("canaries");
    site.person.image("web", "a").unwrap();
    rotate(&site, "one");
    let nfs = [("nfs.yaml", site.person.nfs_yaml())];
    let nfs = nfs.each_ref().map(|(path, text)| (*path, text.as_str()));
    site.repository.commit(&nfs, "storage").unwrap();
    site.files(&[("secrets.yaml", SECRETS), ("page.txt", "one")], "files");
    commit(&site.repository, &[(&site.stack, &compose(&site, "a"))]);
    site.watch();
    site
}
