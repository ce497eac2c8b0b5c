//! `status`, `wait`, `logs` and `history` on a real Swarm, as a person runs them.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use dockerops_lab::layout::GIT_PORT;
use dockerops_lab::{Lab, Person, sleepers};
use serde_json::Value;

use crate::stacks::{commit, deploy_with_docker, fails, ok, text};

/// The one stack of the one repository of a `status -o json`.
fn stack(status: &Value) -> &Value {
    &status["repositories"][0]["stacks"][0]
}

#[test]
fn status_says_what_runs_where_how_well_and_whether_it_is_as_the_repository_says() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "status").unwrap();
    let git = lab.relay(GIT_PORT).unwrap();
    let (name, image) = (person.named("app"), person.image("web", "a").unwrap());
    let compose = |mark: &str| sleepers(&[("web", &image, &format!(", environment: [M={mark}]"))]);
    let repository = person.repository().unwrap();
    commit(&repository, &[(&name, &compose("a"))]);
    let url = format!("http://{}/{}.git", git.address(), repository.name());
    assert!(ok(&person, &["status"]).stdout.contains("dockerops watch"));
    ok(&person, &["watch", &url]);
    let before = fs::read(person.database()).unwrap();

    let status = ok(&person, &["status", "-o", "json", "--exit-code"]).json();
    assert_eq!(status["ok"], true, "{status:#}");
    assert_eq!(text(stack(&status), "/sync"), "in-sync");
    assert_eq!(text(stack(&status), "/health"), "healthy");
    assert_eq!(text(stack(&status), "/services/0/tasks/0/node"), "n1");
    assert_eq!(text(stack(&status), "/last_run/outcome"), "changed");

    commit(&repository, &[(&name, &compose("b"))]);
    let ran = person.run(&["status", &name, "--exit-code"]).unwrap();
    assert_eq!(ran.code, Some(2), "{}", ran.text());
    assert!(
        ran.stdout.contains("OUT OF SYNC  healthy"),
        "{}",
        ran.text()
    );
    lab.docker(&["service", "scale", "-d", &format!("{name}_web=0")])
        .unwrap();
    assert_eq!(fs::read(person.database()).unwrap(), before, "status wrote");

    drop(git);
    let status = ok(&person, &["status", "-o", "json"]).json();
    assert!(
        !status["repositories"][0]["problem"].is_null(),
        "{status:#}"
    );
    assert_eq!(text(stack(&status), "/sync"), "unknown");
    assert_eq!(stack(&status)["services"][0]["wanted"], 0);
    let wrong = fails(&person, &["status", &person.named("ap")]);
    assert!(wrong.stderr.contains(&name), "{}", wrong.text());
    ok(&person, &["stop"]);
}

/// Runs a command that goes on until Ctrl-C for a while; gives what it said.
fn interrupted(person: &Person<'_>, arguments: &[&str], until: &str) -> String {
    let output = person.home().join("output");
    let file = fs::File::create(&output).unwrap();
    let mut command = person.command(arguments).unwrap();
    let mut child = command.stdout(Stdio::from(file)).spawn().unwrap();
    let since = Instant::now();
    let said = || fs::read_to_string(&output).unwrap();
    while !said().contains(until) && since.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", said());
    said()
}

#[test]
fn a_status_that_is_watched_shows_what_changes_and_ends_with_ctrl_c() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "watching").unwrap();
    let (name, image) = (person.named("app"), person.image("web", "a").unwrap());
    let repository = person.repository().unwrap();
    commit(&repository, &[(&name, &sleepers(&[("web", &image, "")]))]);
    ok(&person, &["watch", &repository.url()]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(1500));
            lab.docker(&["service", "scale", "-d", &format!("{name}_web=2")])
                .unwrap();
        });
        let said = interrupted(&person, &["status", "--watch"], "2/2  healthy");
        assert!(
            said.contains("1/1  healthy") && said.contains("2/2  healthy"),
            "{said}"
        );
    });
    ok(&person, &["stop"]);
}

#[test]
fn wait_ends_when_a_stack_is_well_and_names_what_is_not() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "wait").unwrap();
    let (name, image) = (person.named("app"), person.image("web", "a").unwrap());
    // Of any stack, whoever deployed it.
    deploy_with_docker(&person, &name, &sleepers(&[("web", &image, "")]));
    let well = ok(&person, &["wait", &name]);
    assert!(well.stdout.contains("is healthy"), "{}", well.text());

    let service = format!("{name}_web");
    let update = [
        "service",
        "update",
        "-d",
        "--args",
        "sh -c 'exit 3'",
        &service,
    ];
    lab.docker(&update).unwrap();
    let since = Instant::now();
    let ill = fails(&person, &["wait", &name, "--timeout", "60s"]);
    assert!(ill.stderr.contains("non-zero exit (3)"), "{}", ill.text());
    assert!(
        since.elapsed() < Duration::from_secs(50),
        "it was certain earlier"
    );
    let wrong = fails(&person, &["wait", &person.named("ap")]);
    assert!(wrong.stderr.contains(&name), "{}", wrong.text());
    lab.docker(&["stack", "rm", &name]).unwrap();
}

#[test]
fn logs_say_who_wrote_what_in_the_order_of_time() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "logs").unwrap();
    let (name, image) = (person.named("app"), person.image("web", "a").unwrap());
    let writes = |words: &str| {
        format!(
            "{{image: '{image}', stop_grace_period: 0s, networks: [host], command: [sh, -c, \"{words}; sleep 100000\"]}}"
        )
    };
    let compose = format!(
        "services:\n  early: {}\n  late: {}\nnetworks: {{host: {{external: true}}}}\n",
        writes("echo first; sleep 3; echo third"),
        writes("sleep 1; echo second >&2; sleep 3; echo fourth"),
    );
    deploy_with_docker(&person, &name, &compose);
    let followed = interrupted(&person, &["logs", &name, "-f"], "fourth");
    assert!(followed.contains("early.1@n1 | first"), "{followed}");

    let lines = ok(&person, &["logs", &name, "-o", "json"]).stdout;
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let times: Vec<_> = lines.iter().map(|line| text(line, "/at")).collect();
    assert!(lines.len() == 4 && times.is_sorted(), "{lines:#?}");
    let second = lines
        .iter()
        .find(|line| text(line, "/text") == "second")
        .unwrap();
    assert_eq!(text(second, "/stream"), "stderr");
    assert_eq!(text(second, "/service"), format!("{name}_late"));

    let one = ok(&person, &["logs", &name, "early", "--tail", "1"]).stdout;
    assert_eq!(one, "early.1@n1 | third\n");
    let wrong = fails(&person, &["logs", &name, "earyl"]);
    assert!(
        wrong.stderr.contains("Did you mean `early`?"),
        "{}",
        wrong.text()
    );
    lab.docker(&["stack", "rm", &name]).unwrap();
}

#[test]
fn history_tells_what_changed_what_failed_and_how_often() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "history").unwrap();
    let (name, image) = (person.named("app"), person.image("web", "a").unwrap());
    let repository = person.repository().unwrap();
    commit(&repository, &[(&name, &sleepers(&[("web", &image, "")]))]);
    ok(&person, &["watch", &repository.url()]);
    ok(&person, &["reconcile"]);
    commit(
        &repository,
        &[(&name, &sleepers(&[("web", &format!("{image}-no"), "")]))],
    );
    for _ in 0..3 {
        fails(&person, &["reconcile"]);
    }

    let runs = ok(&person, &["history", &name, "-o", "json"]).json()["runs"].clone();
    let told: Vec<_> = runs.as_array().unwrap().iter().collect();
    let [failed, changed] = told[..] else {
        panic!("{runs:#}");
    };
    assert_eq!(text(failed, "/outcome"), "failed");
    assert_eq!(failed["repeated"], 2);
    assert!(
        text(failed, "/reason").contains("has no image"),
        "{failed:#}"
    );
    assert_eq!(text(changed, "/trigger"), "watch");
    assert_eq!(text(changed, "/commit/subject"), "change");
    assert_eq!(changed["healthy"], true);

    let id = changed["id"].to_string();
    let whole = ok(&person, &["history", "--id", &id]).stdout;
    assert!(
        whole.contains(&format!("create service {name}_web")),
        "{whole}"
    );
    assert!(
        whole.contains(&format!("image {image}  sha256:")),
        "{whole}"
    );
    let wrong = fails(&person, &["history", &person.named("ap")]);
    assert!(wrong.stderr.contains(&name), "{}", wrong.text());
    ok(&person, &["stop"]);
    let after = ok(&person, &["history", &name]).stdout;
    assert!(after.contains("removed  (stop"), "{after}");
}
