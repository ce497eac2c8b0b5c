//! A saved plan: it holds no secret, and is applied to the letter or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::site::Site;
use crate::stacks::{fails, ok, text};

#[test]
fn a_saved_plan_is_private_and_holds_no_secret_and_no_spec() {
    let site = deployed("private");
    site.person.secret("pw", "canary-two").unwrap();
    site.compose(&compose(&site, "b"), "b");
    let file = saved(&site);
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let plan = fs::read_to_string(&file).unwrap();
    for never in ["canary", "TaskTemplate", "ContainerSpec", "sleep 100000"] {
        assert!(!plan.contains(never), "{never}: {plan}");
    }
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(
        text(&plan, "/repositories/0/revision"),
        site.repository.revision().unwrap()
    );
    ok(&site.person, &["stop"]);
}

#[test]
fn a_plan_is_applied_once_and_one_without_changes_writes_nothing() {
    let site = deployed("twice");
    site.compose(&compose(&site, "b"), "b");
    let file = saved(&site);
    let applied = ok(&site.person, &["reconcile", "--plan", &file]);
    assert!(
        applied.stdout.contains("environment.MARK: a → b"),
        "{}",
        applied.text()
    );
    insta::assert_snapshot!(refused(&site, &file), @r"
    error: the saved plan does not hold any more; nothing was written
      service `app_web` needs no update any more
      hint: Run `dockerops plan --out FILE` again and look at what changed.
    ");

    let nothing = saved(&site);
    site.recorder.clear();
    ok(&site.person, &["reconcile", "--plan", &nothing]);
    assert_eq!(site.recorder.writes(), []);
    ok(&site.person, &["stop"]);
}

#[test]
fn a_plan_over_which_something_moved_is_refused_by_name_and_writes_nothing() {
    let site = deployed("moved");
    site.compose(&compose(&site, "b"), "b");
    let file = saved(&site);
    let service = format!("{}_web", site.stack);
    site.lab
        .docker(&["service", "update", "-d", "--label-add", "team=x", &service])
        .unwrap();
    insta::assert_snapshot!(refused(&site, &file), @r"
    error: the saved plan does not hold any more; nothing was written
      service `app_web` was changed on the Swarm (version …)
      hint: Run `dockerops plan --out FILE` again and look at what changed.
    ");

    let file = saved(&site);
    site.person.secret("pw", "canary-two").unwrap();
    insta::assert_snapshot!(refused(&site, &file), @r"
    error: the saved plan does not hold any more; nothing was written
      stack `app` would be changed otherwise: the Swarm, a secret's value or an allowed variable is not what it was
      hint: Run `dockerops plan --out FILE` again and look at what changed.
    ");

    site.files(&[("site/index.html", "two")], "a binding");
    let file = saved(&site);
    let page = format!("{}/site/index.html", site.stack);
    fs::remove_file(site.person.nfs().join(page)).unwrap();
    insta::assert_snapshot!(refused(&site, &file), @r"
    error: the saved plan does not hold any more; nothing was written
      files of bindings on the shared storage changed
      hint: Run `dockerops plan --out FILE` again and look at what changed.
    ");
    ok(&site.person, &["stop"]);
}

#[test]
fn the_planned_revision_is_applied_though_head_moved_but_not_over_a_newer_deploy() {
    let site = deployed("revision");
    let planned = site.compose(&compose(&site, "b"), "b");
    let file = saved(&site);
    site.compose(&compose(&site, "c"), "c");
    let applied = ok(&site.person, &["reconcile", "--plan", &file, "-o", "json"]);
    let repository = "/report/repositories/0";
    assert_eq!(
        text(&applied.json(), &format!("{repository}/revision")),
        planned
    );
    let field = format!("{repository}/stacks/0/changes/0/fields/0");
    let field = applied.json().pointer(&field).cloned().unwrap();
    assert_eq!(text(&field, "/field"), "environment.MARK");
    assert_eq!(text(&field, "/new"), "b");

    let file = saved(&site);
    site.compose(&compose(&site, "d"), "d");
    ok(&site.person, &["reconcile"]);
    insta::assert_snapshot!(refused(&site, &file), @r"
    error: the saved plan does not hold any more; nothing was written
      service `app_web` was changed on the Swarm (version …)
      hint: Run `dockerops plan --out FILE` again and look at what changed.
    ");
    ok(&site.person, &["stop"]);
}

#[test]
fn a_file_that_is_no_plan_for_here_is_refused_with_a_way_out() {
    let mut site = deployed("noplan");
    site.compose(&compose(&site, "b"), "b");
    let plan = fs::read_to_string(saved(&site)).unwrap();
    let format = "\"format\": 1";
    assert!(plan.contains(format), "{plan}");
    let other = site.person.repository().unwrap();
    other.commit(&[("stacks.yaml", "[]\n")], "list").unwrap();
    let mut seen = String::new();
    for (name, content) in [
        ("empty", String::new()),
        ("text", "hello".to_owned()),
        ("other", "{\"format\": 1}".to_owned()),
        ("newer", plan.replace(format, "\"format\": 2")),
        (
            "edited",
            plan.replace("environment.MARK", "environment.MORE"),
        ),
    ] {
        let file = site.path(name);
        fs::write(&file, content).unwrap();
        seen += &format!("# {name}\n{}", refused(&site, &file));
    }
    let absent = site.path("absent");
    seen += &format!("# absent\n{}", refused(&site, &absent));
    let plan = saved(&site);
    site.person.set("DOCKEROPS_DB_PATH", site.path("other.db"));
    ok(&site.person, &["watch", &other.url()]);
    seen += &format!("# unwatched\n{}", refused(&site, &plan));
    site.person.unset("DOCKEROPS_DB_PATH");
    insta::assert_snapshot!(seen, @r"
    # empty
    error: the file holds no saved plan
      hint: Name a file that `dockerops plan --out FILE` wrote.
    # text
    error: the file holds no saved plan
      hint: Name a file that `dockerops plan --out FILE` wrote.
    # other
    error: the file holds no saved plan
      hint: Name a file that `dockerops plan --out FILE` wrote.
    # newer
    error: the plan in `HOME/newer` has format 2, which this version does not know
      hint: Make the plan with the version that applies it.
    # edited
    error: `HOME/edited` is not as `dockerops plan --out` wrote it on this host
      hint: Make the plan again, and apply it on the host that made it.
    # absent
    error: `HOME/absent` cannot be read: no such file
      hint: Name a file that `dockerops plan --out FILE` wrote.
    # unwatched
    error: the saved plan does not hold any more; nothing was written
      the watched repositories are not those that it was made for
      hint: Run `dockerops plan --out FILE` again and look at what changed.
    ");
    ok(&site.person, &["stop"]);
}

/// What is said when the plan in `file` is refused, before anything is written.
fn refused(site: &Site<'_>, file: &str) -> String {
    site.recorder.clear();
    let ran = fails(&site.person, &["reconcile", "--plan", file]);
    assert_eq!(site.recorder.writes(), [], "{}", ran.text());
    assert_eq!(ran.stdout, "");
    without_versions(&site.tidy(&ran.stderr))
}

/// `(version 12, now 13)` is `(version …)`.
fn without_versions(text: &str) -> String {
    let mut parts = text.split("(version ");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (_, rest) = part.split_once(')').unwrap();
        out += &format!("(version …){rest}");
    }
    out
}

/// The file with the plan as it is now.
fn saved(site: &Site<'_>) -> String {
    let file = site.path("plan.json");
    ok(&site.person, &["plan", "--out", &file]);
    file
}

/// `web` has a secret, a binding, and a mark; `calm` never changes. Nothing runs, to be fast.
fn compose(site: &Site<'_>, mark: &str) -> String {
    let image = format!("{}/{}:1", site.lab.registry(), site.person.named("web"));
    format!(
        "services:\n  web: {{image: '{image}', command: sleep 100000, networks: [host], environment: [MARK={mark}, PW], \
         volumes: ['site:/site'], deploy: {{replicas: 0}}}}\n  \
         calm: {{image: '{image}', networks: [host], deploy: {{replicas: 0}}}}\n\
         networks: {{host: {{external: true}}}}\n"
    )
}

fn deployed(topic: &str) -> Site<'static> {
    let site = Site::new(topic);
    site.person.image("web", "a").unwrap();
    site.person.secret("pw", "canary-one").unwrap();
    site.storage("site");
    let files = [
        ("secrets.yaml", "- {id: pw, env: PW}\n"),
        ("site/index.html", "one"),
    ];
    site.files(&files, "files");
    site.compose(&compose(&site, "a"), "a");
    site.watch();
    site
}
