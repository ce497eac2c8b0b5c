//! What goes before what, on a Swarm in memory: services by `depends_on` in the compose file,
//! stacks by `depends_on` in `stacks.yaml`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
#[expect(dead_code, reason = "shared with the tests over HTTP")]
mod git_server;

use bench::{Bench, compose, outcomes, request};
use dockerops::engine::Script;
use dockerops::reconcile::{Mode, Request, Target, managed, run, stop};
use dockerops_core::report::Outcome;
use git_server::Repository;

/// A migration, what needs it, and what needs that.
fn waves(mark: &str) -> String {
    let service = |name: &str, rest: &str, deploy: &str| {
        format!(
            "  {name}: {{image: \"web:1\", environment: [MARK={mark}], {rest}, deploy: {{{deploy}}}}}\n"
        )
    };
    let monitor = "update_config: {monitor: 1ms}";
    format!(
        "services:\n{}{}{}",
        service("a-front", "depends_on: [b-api]", monitor),
        service(
            "b-api",
            "depends_on: {migrate: {condition: service_completed_successfully}}",
            monitor
        ),
        service("migrate", "labels: {}", "mode: replicated-job"),
    )
}

fn one(text: &str) -> Repository {
    Repository::with(&[("stacks.yaml", "- name: app\n"), ("app/compose.yml", text)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_written_when_what_it_depends_on_has_come_so_far() {
    let bench = Bench::new();
    let app = one(&waves("one"));

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::Changed], "{report:?}");
    let writes = bench.swarm.take_writes();
    let services: Vec<_> = writes.iter().filter(|w| w.contains("service")).collect();
    assert_eq!(
        services,
        [
            "create service app_migrate",
            "create service app_b-api",
            "create service app_a-front"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_keeps_what_depends_on_it_from_being_written() {
    let bench = Bench::new();
    let app = one(&waves("one"));
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &waves("two"))]);
    let broken = Script::Fail("exit 3".to_owned());
    bench.swarm.script_of("app_migrate", "MARK=two", broken);
    bench.swarm.take_writes();

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::RolledBack], "{report:?}");
    assert_eq!(bench.swarm.take_writes(), ["update service app_migrate"]);
    let stack = &report.repositories[0].stacks[0];
    let undone = stack.warnings.iter().any(|w| w.contains("is not undone"));
    assert!(undone, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_runs_once_for_a_change_and_never_for_a_run_without_one() {
    let bench = Bench::new();
    let app = one(&waves("one"));
    bench.reconcile(&[&app]).await;
    bench.swarm.take_writes();
    bench.reconcile(&[&app]).await;
    assert!(bench.swarm.take_writes().is_empty());
    app.commit(&[(
        "app/compose.yml",
        &waves("one").replace("labels: {}", "labels: {a: b}"),
    )]);

    bench.reconcile(&[&app]).await;

    assert!(bench.swarm.take_writes().is_empty(), "a label runs no job");
}

/// `web` needs `db`.
fn two() -> Repository {
    Repository::with(&[
        (
            "stacks.yaml",
            "- {name: web, depends_on: [db]}\n- name: db\n",
        ),
        ("web/compose.yml", &compose(&["a"], "one")),
        ("db/compose.yml", &compose(&["a"], "one")),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_waits_until_the_stacks_that_it_depends_on_are_well() {
    let bench = Bench::new();
    let report = bench.reconcile(&[&two()]).await;

    assert!(!report.failed(), "{report:?}");
    let writes = bench.swarm.take_writes();
    let at = |write: &str| writes.iter().position(|w| w == write).unwrap();
    assert!(at("create service db_a") < at("create service web_a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_of_a_stack_that_depends_on_one_that_failed() {
    let bench = Bench::new();
    bench
        .swarm
        .script("db_a", Script::Fail("exit 3".to_owned()));

    let report = bench.reconcile(&[&two()]).await;

    assert_eq!(outcomes(&report), [Outcome::Failed, Outcome::Failed]);
    assert_eq!(bench.services().await, ["db_a"]);
    let problem = report.repositories[0].stacks[0].problem.clone().unwrap();
    assert_eq!(problem.message, "it depends on stack `db`, which failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_a_stack_makes_may_be_used_by_one_that_depends_on_it() {
    let bench = Bench::new();
    let text = |more: &str| format!("{}{more}", compose(&["a"], "one"));
    let shared = Repository::with(&[
        (
            "stacks.yaml",
            "- {name: web, depends_on: [db]}\n- name: db\n",
        ),
        (
            "web/compose.yml",
            &text("networks: {default: {name: shop, external: true}}\n"),
        ),
        (
            "db/compose.yml",
            &text("networks: {default: {name: shop}}\n"),
        ),
    ]);
    let look = Request {
        mode: Mode::Preview,
        ..request(vec![Target::parse(&shared.url())])
    };
    let plan = run(&bench.world, &look).await.unwrap();
    assert_eq!(
        outcomes(&plan),
        [Outcome::Changed, Outcome::Changed],
        "{plan:?}"
    );

    let report = bench.reconcile(&[&shared]).await;
    assert!(!report.failed(), "{report:?}");
    let managed = managed(&bench.world).await.unwrap();
    bench.swarm.take_writes();
    let stopped = stop(&bench.world, &managed).await;

    assert!(!stopped.failed(), "{stopped:?}");
    let writes = bench.swarm.take_writes();
    let at = |write: &str| writes.iter().position(|w| w == write).unwrap();
    assert!(at("remove service web_a") < at("remove network shop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn stacks_are_removed_before_those_that_they_depend_on() {
    let bench = Bench::new();
    let shared = two();
    bench.reconcile(&[&shared]).await;
    let managed = managed(&bench.world).await.unwrap();
    bench.swarm.take_writes();

    let stopped = stop(&bench.world, &managed).await;

    assert!(!stopped.failed(), "{stopped:?}");
    let writes = bench.swarm.take_writes();
    let at = |write: &str| writes.iter().position(|w| w == write).unwrap();
    assert!(at("remove service web_a") < at("remove service db_a"));
}
