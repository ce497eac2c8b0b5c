//! Updates that Swarm paused, and jobs: what runs again, and what does not.

use std::fs;
use std::time::Duration;

use dockerops_lab::{Lab, Person, sleepers, wait_for};
use serde_json::Value;

use crate::stacks::{commit, compose_path, fails, ok, services, task_ids};

/// `update_config.delay` in seconds: so long that Swarm sees the first task fail before it
/// takes the second, and so long that it would take the same spec for the update that it paused.
const DELAY: u64 = 3;

#[test]
fn a_paused_update_goes_on_with_the_next_reconcile() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "paused").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let folder = person.nfs().display().to_string();
    let delay = DELAY;
    let compose = |same: &str, fixed: &str| {
        let service = |name: &str, command: &str| {
            format!(
                "  {name}: {{image: '{image}', command: [sh, -c, '{command}'], volumes: ['{folder}:/x'], \
                 networks: [host], stop_grace_period: 0s, deploy: {{replicas: 2, \
                 update_config: {{parallelism: 1, delay: {delay}s, failure_action: pause, monitor: 2s}}, restart_policy: {{delay: 500ms}}}}}}\n"
            )
        };
        let (same, fixed) = (service("same", same), service("fixed", fixed));
        format!("services:\n{same}{fixed}networks: {{host: {{external: true}}}}\n")
    };
    let waits = "test -e /x/ready && exec sleep 90002";
    let repository = person.repository().unwrap();
    // Else the stack returns to what ran before, and nothing stays paused.
    let listed = format!("- {{name: {stack}, on_failure: continue}}\n");
    let commit = |compose: &str| {
        let files = [("stacks.yaml", &*listed), (&compose_path(&stack), compose)];
        repository.commit(&files, "change").unwrap();
    };
    commit(&compose("exec sleep 90001", "exec sleep 90001"));
    ok(&person, &["watch", &repository.url()]);
    let state = |name: &str| {
        let service = lab.engine_get(&format!("/services/{stack}_{name}"));
        service.unwrap()["UpdateStatus"]["State"].clone()
    };

    commit(&compose(waits, "exit 3"));
    let ran = fails(&person, &["reconcile"]);
    assert!(ran.stdout.contains("exit ("), "{}", ran.text());
    // The run ends with the first service that is lost.
    wait_for("both pauses", Duration::from_secs(30), || {
        Ok([state("same"), state("fixed")] == ["paused", "paused"])
    })
    .unwrap();
    for name in ["same", "fixed"] {
        let left = commands(lab, &format!("{stack}_{name}"));
        assert!(left.contains(&"exec sleep 90001".to_owned()), "{left:?}");
    }

    // What was wrong is mended: outside of the repository for one, inside for the other.
    fs::write(person.nfs().join("ready"), "").unwrap();
    commit(&compose(waits, "exec sleep 90003"));
    ok(&person, &["reconcile"]);
    assert_eq!([state("same"), state("fixed")], ["completed", "completed"]);
    for (name, command) in [("same", waits), ("fixed", "exec sleep 90003")] {
        assert_eq!(
            commands(lab, &format!("{stack}_{name}")),
            [command, command]
        );
    }
    ok(&person, &["stop"]);
}

/// What the running tasks of a service run in their shell.
fn commands(lab: &Lab, service: &str) -> Vec<String> {
    let tasks = lab.tasks(service).unwrap().into_iter();
    tasks
        .filter(|task| task["DesiredState"] == "running" && task["Status"]["State"] == "running")
        .map(|task| crate::stacks::text(&task, "/Spec/ContainerSpec/Args/2"))
        .collect()
}

#[test]
fn a_job_runs_again_for_another_image_or_command_only() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "job").unwrap();
    let stack = person.named("app");
    let [one, two] = ["one", "two"].map(|mark| person.image(mark, mark).unwrap());
    let service = format!("{stack}_job");
    create_job(&person, &stack, &service, &one);
    let compose = |image: &str, command: &str, label: &str| {
        format!(
            "services: {{job: {{image: '{image}', command: {command}, networks: [host], \
             deploy: {{mode: replicated-job, labels: {{kind: {label}}}}}}}}}\n\
             networks: {{host: {{external: true}}}}\n"
        )
    };
    let repository = person.repository().unwrap();
    let commit = |image: &str, command: &str, label: &str| {
        commit(&repository, &[(&stack, &compose(image, command, label))]);
    };
    let runs = || (iteration(lab, &service), task_ids(lab, &service));
    let first = runs();

    commit(&one, "'true'", "old");
    let ran = ok(&person, &["watch", "--adopt", &repository.url()]);
    assert_eq!(runs(), first, "adoption ran the job: {}", ran.text());
    commit(&one, "'true'", "new");
    let ran = ok(&person, &["reconcile"]);
    assert_eq!(runs(), first, "a label ran the job: {}", ran.text());

    let mut known = first;
    for (image, command) in [(&two, "'true'"), (&two, "echo done")] {
        commit(image, command, "new");
        let ran = ok(&person, &["reconcile"]);
        let now = runs();
        assert_ne!(now.0, known.0, "it did not run: {}", ran.text());
        assert_eq!(of_iteration(lab, &service, &now.0), 1);
        ok(&person, &["reconcile"]);
        assert_eq!(runs(), now, "it ran twice");
        known = now;
    }
    ok(&person, &["stop"]);
    assert_eq!(services(lab, &stack), [""; 0]);
}

#[test]
fn a_job_that_was_taken_over_is_stopped_with_its_stack() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "oldjob").unwrap();
    let stack = person.named("app");
    let image = person.image("web", "a").unwrap();
    let service = format!("{stack}_job");
    create_job(&person, &stack, &service, &image);
    let repository = person.repository().unwrap();
    let web = sleepers(&[("web", &image, "")]);
    let compose = web.replace(
        "networks: {host: {external: true}}\n",
        &format!(
            "  job: {{image: '{image}', command: 'true', networks: [host], \
             deploy: {{mode: replicated-job}}}}\nnetworks: {{host: {{external: true}}}}\n"
        ),
    );
    commit(&repository, &[(&stack, &compose)]);
    let first = (iteration(lab, &service), task_ids(lab, &service));
    ok(&person, &["watch", "--adopt", &repository.url()]);
    assert_eq!((iteration(lab, &service), task_ids(lab, &service)), first);
    assert_eq!(services(lab, &stack).len(), 2);

    ok(&person, &["stop"]);

    assert_eq!(services(lab, &stack), [""; 0]);
}

/// A job that something else deployed as part of `stack`, run to its end.
fn create_job(person: &Person<'_>, stack: &str, service: &str, image: &str) {
    let label = format!("com.docker.stack.namespace={stack}");
    let written = format!("com.docker.stack.image={image}");
    let options = [
        "--mode",
        "replicated-job",
        "--network",
        "host",
        "--label",
        &written,
    ];
    let mut create = vec!["service", "create", "--name", service];
    create.extend(options);
    create.extend([
        "--label",
        &label,
        "--container-label",
        &label,
        image,
        "true",
    ]);
    person.lab.docker(&create).unwrap();
}

/// Which run of the job is the last.
fn iteration(lab: &Lab, service: &str) -> Value {
    let found = lab.engine_get(&format!("/services/{service}")).unwrap();
    found["JobStatus"]["JobIteration"]["Index"].clone()
}

fn of_iteration(lab: &Lab, service: &str, iteration: &Value) -> usize {
    let tasks = lab.tasks(service).unwrap().into_iter();
    tasks
        .filter(|task| task["JobIteration"]["Index"] == *iteration)
        .count()
}
