//! One edit of each kind: the plan shows exactly it, and applying the plan changes exactly it.

use std::collections::{BTreeMap, BTreeSet};

use crate::site::Site;
use crate::stacks::{ok, task_ids};

/// `web` has tasks; `calm` has none, so that ports and networks cost no time.
const COMPOSE: &str = "
services:
  web:
    image: IMAGE:1
    command: sleep 100000
    stop_grace_period: 0s
    environment: [TAG=a, PW]
    healthcheck: {disable: true}
    networks: [host]
    configs: [page]
    volumes: ['site:/site:ro']
    deploy:
      replicas: 2
      labels: {team: a}
      placement: {constraints: []}
      update_config: {monitor: 500ms}
      restart_policy: {delay: 500ms}
  calm:
    image: IMAGE:1
    networks: [front]
    ports: []
    deploy: {replicas: 0}
  spare:
    image: IMAGE:1
    networks: [front]
    deploy: {replicas: 0}
networks: {host: {external: true}, front: {}}
configs: {page: {file: page.txt}}
";

/// An edit of the one service that it changes.
struct Edit {
    title: &'static str,
    service: &'static str,
    what: What,
}

enum What {
    /// In the compose file `from` becomes `to`, the first time that it stands there.
    Compose(&'static [(&'static str, &'static str)]),
    /// A file of the stack's folder gets another text.
    File(&'static str),
    /// The secret gets another value.
    Secret,
}

const EDITS: [Edit; 13] = [
    web("replicas", &[("replicas: 2", "replicas: 1")]),
    web("image", &[("IMAGE:1", "IMAGE:2")]),
    web("environment", &[("TAG=a", "TAG=b")]),
    web("label", &[("team: a", "team: b")]),
    web(
        "healthcheck",
        &[("{disable: true}", "{test: 'true', interval: 1s}")],
    ),
    web(
        "constraint",
        &[("constraints: []", "constraints: [node.role==manager]")],
    ),
    Edit {
        title: "host port",
        service: "calm",
        what: What::Compose(&[(
            "ports: []",
            "ports: [{target: 80, published: 18080, mode: host}]",
        )]),
    },
    Edit {
        title: "network",
        service: "calm",
        what: What::Compose(&[
            ("networks: [front]", "networks: [front, back]"),
            ("front: {}}", "front: {}, back: {}}"),
        ]),
    },
    Edit {
        title: "config content",
        service: "web",
        what: What::File("page.txt"),
    },
    Edit {
        title: "binding",
        service: "web",
        what: What::File("site/index.html"),
    },
    Edit {
        title: "secret",
        service: "web",
        what: What::Secret,
    },
    web("mode", &[("replicas: 1", "mode: global")]),
    Edit {
        title: "gone",
        service: "spare",
        what: What::Compose(&[(
            "  spare:\n    image: IMAGE:1\n    networks: [front]\n    deploy: {replicas: 0}\n",
            "",
        )]),
    },
];

const fn web(title: &'static str, changes: &'static [(&'static str, &'static str)]) -> Edit {
    Edit {
        title,
        service: "web",
        what: What::Compose(changes),
    }
}

#[test]
fn each_edit_is_planned_as_exactly_itself_and_applied_as_planned() {
    let site = deployed();
    let mut compose = COMPOSE.to_owned();
    let mut seen = String::new();
    for edit in EDITS {
        make(&site, &edit, &mut compose);
        seen += &planned_and_applied(&site, &edit);
    }
    insta::assert_snapshot!("edits", seen);
    ok(&site.person, &["stop"]);
}

fn make(site: &Site<'_>, edit: &Edit, compose: &mut String) {
    match edit.what {
        What::Compose(changes) => {
            for (from, to) in changes {
                assert!(compose.contains(from), "{}: {from}", edit.title);
                *compose = compose.replacen(from, to, 1);
            }
            site.compose(&compose.replace("IMAGE", &image(site)), edit.title);
        }
        What::File(name) => drop(site.files(&[(name, "two\n")], edit.title)),
        What::Secret => site.person.secret("pw", "second").unwrap(),
    }
}

/// The image of every service, without its tag.
fn image(site: &Site<'_>) -> String {
    format!("{}/{}", site.lab.registry(), site.person.named("web"))
}

fn deployed() -> Site<'static> {
    let site = Site::new("edits");
    let name = site.person.named("web");
    for tag in ["1", "2"] {
        site.lab.push_image(&name, tag, tag).unwrap();
    }
    site.person.secret("pw", "first").unwrap();
    site.storage("site");
    let files = [
        ("secrets.yaml", "- {id: pw, env: PW}\n"),
        ("page.txt", "one\n"),
        ("site/index.html", "one\n"),
    ];
    site.files(&files, "files");
    site.compose(&COMPOSE.replace("IMAGE", &image(&site)), "first");
    site.watch();
    site
}

/// The plan that was shown, saved, and applied, which changed the service of `edit` alone.
fn planned_and_applied(site: &Site<'_>, edit: &Edit) -> String {
    let file = site.path("plan.json");
    let (before, tasks) = (site.versions(), web_tasks(site));
    let plan = site.run(&["plan", "--exit-code", "--out", &file]);
    assert_eq!(plan.code, Some(2), "{}", plan.text());
    ok(&site.person, &["reconcile", "--plan", &file]);
    assert_eq!(
        moved(&before, &site.versions()),
        [format!("{}_{}", site.stack, edit.service)],
        "{}",
        plan.text()
    );
    let restarts = ["restarts 1 task", "starts anew"];
    assert_eq!(
        !web_tasks(site).is_subset(&tasks),
        restarts.iter().any(|said| plan.stdout.contains(said)),
        "{}",
        plan.text()
    );
    let after = ok(&site.person, &["plan", "--exit-code"]);
    assert!(after.stdout.ends_with("No changes.\n"), "{}", after.text());
    format!("# {}\n{}", edit.title, site.tidy(&plan.stdout))
}

/// The tasks that `web` ever had, as far as Swarm remembers.
fn web_tasks(site: &Site<'_>) -> BTreeSet<String> {
    let tasks = task_ids(site.lab, &format!("{}_web", site.stack));
    tasks.into_iter().collect()
}

/// The services that are new, gone, or of another version.
fn moved(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<String> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let names = names.into_iter();
    let moved = names.filter(|name| before.get(*name) != after.get(*name));
    moved.cloned().collect()
}
