//! Stacks that are held, on a Swarm in memory: what a run that is cut short leaves of a hold,
//! of a way back and of a second try.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
#[expect(dead_code, reason = "shared with the tests over HTTP")]
mod git_server;

use std::time::Duration;

use bench::{
    Bench, broken, changes, compose, fail_when, mark, named, outcomes, owner, repository, request,
    sharing,
};
use dockerops::engine::{Engine, EngineError, LocalImage, Script};
use dockerops::reconcile::{Request, Target, Trigger, earlier, roll_back, run};
use dockerops::store::Begun;
use dockerops_core::names::StackName;
use dockerops_core::plan::{Adopt, Retry};
use dockerops_core::recovery::HoldState;
use dockerops_core::report::{Outcome, Report};
use git_server::Repository;

async fn retry(bench: &Bench, repository: &Repository) -> Report {
    let mut retry = Request {
        trigger: Trigger::Retry,
        ..request(vec![Target::parse(&repository.url())])
    };
    retry.policy.retry = Retry::Yes;
    run(&bench.world, &retry).await.unwrap()
}

/// Deploys services `a` and `b` at `one`, then at `two`, where `b` fails.
async fn failed() -> (Bench, Repository) {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    fail_when(&bench, "app_b", "MARK=two");
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    let report = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&report), [Outcome::RolledBack], "{report:?}");
    (bench, app)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_try_that_was_cut_short_goes_on_and_is_not_held_half_way() {
    let (bench, app) = failed().await;
    bench.swarm.script("app_b", Script::Run);
    bench.swarm.fail_after(1, EngineError::NoLeader);
    let cut = retry(&bench, &app).await;
    assert!(cut.failed());
    assert_eq!(mark(&bench, "app_a").await, "MARK=two");
    assert_eq!(mark(&bench, "app_b").await, "MARK=one");

    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::Changed], "{next:?}");
    assert_eq!(mark(&bench, "app_b").await, "MARK=two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_try_of_which_nothing_is_taken_leaves_the_stack_held() {
    let (bench, app) = failed().await;
    bench.swarm.fail_next(broken());

    let refused = retry(&bench, &app).await;
    assert_eq!(outcomes(&refused), [Outcome::Failed], "{refused:?}");
    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::Held], "{next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_returned_is_not_taken_for_changed_by_hand_when_it_is_tried_again() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    app.commit(&[("stacks.yaml", "- {name: app, self_heal: false}\n")]);
    bench.reconcile(&[&app]).await;
    fail_when(&bench, "app_b", "MARK=two");
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    let report = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&report), [Outcome::RolledBack], "{report:?}");
    bench.swarm.script("app_b", Script::Run);

    let retried = retry(&bench, &app).await;

    assert_eq!(outcomes(&retried), [Outcome::Changed], "{retried:?}");
    assert_eq!(mark(&bench, "app_a").await, "MARK=two");
    assert_eq!(mark(&bench, "app_b").await, "MARK=two");
    let reasons = &retried.repositories[0].stacks[0].changes[0].reasons;
    assert_eq!(reasons, &["changed since the last deploy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_new_goes_also_when_the_engine_was_away_at_the_end_of_the_way_back() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "one"))]);
    fail_when(&bench, "app_b", "");
    // One write forward; then the new service is to go.
    bench.swarm.fail_after(1, EngineError::NoLeader);
    let cut = bench.reconcile(&[&app]).await;
    let hold = bench.world.store().hold(&owner(&app), "app").unwrap();
    assert_eq!(hold.unwrap().state, HoldState::Returning);
    let way_back = cut.repositories[0].stacks[0].rollback.clone().unwrap();
    let details = way_back.problem.unwrap().details;
    assert_eq!(details, ["The next run goes on with it."]);

    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::RolledBack], "{next:?}");
    let problem = next.repositories[0].stacks[0].problem.clone().unwrap();
    assert!(problem.details.is_empty(), "one way out, once: {problem:?}");
    assert_eq!(bench.services().await, ["app_a"]);
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");
}

/// A migration, and a service that waits for its end.
fn migrated(mark: &str) -> String {
    format!(
        "services:\n  migrate: {{image: \"web:1\", environment: [MARK={mark}], deploy: {{mode: replicated-job}}}}\n  \
         web: {{image: \"web:1\", environment: [MARK={mark}], \
         depends_on: {{migrate: {{condition: service_completed_successfully}}}}, \
         deploy: {{update_config: {{monitor: 1ms}}}}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_try_runs_a_job_that_failed_again_and_one_that_ended_well_not() {
    let bench = Bench::new();
    let app = Repository::with(&[
        ("stacks.yaml", "- name: app\n"),
        ("app/compose.yml", &migrated("one")),
    ]);
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &migrated("two"))]);
    fail_when(&bench, "app_migrate", "MARK=two");
    let failed = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&failed), [Outcome::RolledBack], "{failed:?}");
    bench.swarm.script("app_migrate", Script::Run);
    bench.swarm.take_writes();

    let retried = retry(&bench, &app).await;

    assert_eq!(outcomes(&retried), [Outcome::Changed], "{retried:?}");
    let writes = ["update service app_migrate", "update service app_web"];
    assert_eq!(bench.swarm.take_writes(), writes);
    let again = retry(&bench, &app).await;
    assert_eq!(outcomes(&again), [Outcome::Unchanged], "{again:?}");
    assert!(bench.swarm.take_writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_was_killed_while_it_waited_and_is_ill_by_then_returns_to_what_was_well() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    fail_when(&bench, "app_b", "MARK=two");
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    let url = app.url();
    let killed = async {
        let request = request(vec![Target::parse(&url)]);
        run(&bench.world, &request).await
    };
    // Both are written at once; it would go on waiting for 3 s.
    let cut = tokio::time::timeout(Duration::from_millis(1500), killed).await;
    assert!(cut.is_err(), "it was still waiting");
    assert_eq!(mark(&bench, "app_b").await, "MARK=two");

    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::RolledBack], "{next:?}");
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_failed_long_ago_does_not_keep_a_stack_from_returning() {
    let bench = Bench::new();
    let app = Repository::with(&[
        ("stacks.yaml", "- name: app\n"),
        ("app/compose.yml", &migrated("one")),
    ]);
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &migrated("two"))]);
    fail_when(&bench, "app_migrate", "MARK=two");
    bench.reconcile(&[&app]).await;
    // No revision is known any more that was well.
    bench.world.store().clear_all().unwrap();
    app.commit(&[("app/compose.yml", &compose(&["web"], "three"))]);
    fail_when(&bench, "app_web", "MARK=three");

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::RolledBack], "{report:?}");
    assert_eq!(mark(&bench, "app_web").await, "MARK=one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_to_go_after_a_deploy_that_failed_is_not_told_as_gone() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a"], "two"))]);
    fail_when(&bench, "app_a", "MARK=two");

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::RolledBack], "{report:?}");
    assert_eq!(changes(&report), ["update service app_a"]);
    assert_eq!(bench.services().await, ["app_a", "app_b"]);
}

/// A database that is full when a stack is to be held.
fn fill(bench: &Bench) {
    let full = rusqlite::Connection::open(bench.home.path().join("d.db")).unwrap();
    let refuse = "CREATE TRIGGER full BEFORE INSERT ON holds
                  BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END";
    full.execute_batch(refuse).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_told_also_when_the_database_is_full_and_the_next_run_completes_it() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    fail_when(&bench, "app_b", "MARK=two");
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    fill(&bench);

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::Failed], "{report:?}");
    let stack = &report.repositories[0].stacks[0];
    assert!(stack.problem.clone().unwrap().message.contains("app_b"));
    assert_eq!(stack.changes.len(), 2, "what was written is told");
    let way_back = stack.rollback.clone().unwrap();
    assert!(way_back.problem.unwrap().message.contains("full"));
    let emptied = rusqlite::Connection::open(bench.home.path().join("d.db")).unwrap();
    emptied.execute_batch("DROP TRIGGER full").unwrap();
    let next = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&next), [Outcome::RolledBack], "{next:?}");
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stacks_that_return_together_do_not_keep_each_other_from_the_files_of_before() {
    let bench = Bench::new();
    let nfs = bench.home.path().join("nfs");
    std::fs::create_dir(&nfs).unwrap();
    let app = Repository::with(&named(&sharing(&nfs, "one")));
    bench.reconcile(&[&app]).await;
    app.commit(&named(&sharing(&nfs, "two")));
    fail_when(&bench, "app_a", "MARK=two");
    fail_when(&bench, "web_b", "MARK=two");
    // A run that was killed as soon as it had begun both.
    for stack in ["app", "web"] {
        let begun = Begun {
            revision: "c".repeat(40),
            at: String::new(),
            ran: true,
        };
        let mut store = bench.world.store();
        store.begin(&owner(&app), stack, &begun).unwrap();
    }

    let report = bench.reconcile(&[&app]).await;

    let both = [Outcome::RolledBack, Outcome::RolledBack];
    assert_eq!(outcomes(&report), both, "{report:?}");
    let page = std::fs::read_to_string(nfs.join("conf/page")).unwrap();
    assert_eq!(page, "one");
}

/// A stack that something else deployed, which DockerOps takes over.
async fn taken_over(bench: &Bench) -> Repository {
    let app = repository("app", &["a", "b"], "one");
    app.commit(&[("stacks.yaml", "- {name: app, on_failure: remove}\n")]);
    bench.reconcile(&[&app]).await;
    for service in ["app_a", "app_b"] {
        bench.swarm.edit_service(service, |spec| {
            let labels = spec["Labels"].as_object_mut().unwrap();
            labels.retain(|key, _| !key.starts_with("dockerops."));
        });
    }
    bench.world.store().clear_all().unwrap();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_was_taken_over_is_never_removed_because_its_first_deploy_was_cut_short() {
    let bench = Bench::new();
    let app = taken_over(&bench).await;
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    fail_when(&bench, "app_b", "MARK=two");
    let mut adopting = request(vec![Target::parse(&app.url())]);
    adopting.policy.adopt = Adopt::Take;
    bench.watch(Target::parse(&app.url()).url().unwrap());
    bench.swarm.fail_after(2, EngineError::NoLeader);
    let cut = run(&bench.world, &adopting).await.unwrap();
    assert!(cut.failed());

    let next = run(&bench.world, &adopting).await.unwrap();

    assert!(next.failed(), "{next:?}");
    assert_eq!(bench.services().await, ["app_a", "app_b"], "{next:?}");
}

/// Makes `web:TAG` stand for a digest of 64 times `letter` from now on.
fn image(bench: &Bench, tag: &str, letter: &str) {
    bench.swarm.add_image(LocalImage {
        id: format!("sha256:{tag}"),
        tags: vec![format!("web:{tag}")],
        digests: vec![format!("web@sha256:{}", letter.repeat(64))],
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_by_hand_that_was_cut_short_goes_on_to_the_images_of_that_run() {
    let bench = Bench::new();
    let text = |tag: &str| compose(&["a", "b"], tag).replace("web:1", &format!("web:{tag}"));
    image(&bench, "2", "b");
    image(&bench, "3", "c");
    let app = repository("app", &["a", "b"], "one");
    app.commit(&[("app/compose.yml", &text("2"))]);
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &text("3"))]);
    bench.reconcile(&[&app]).await;
    image(&bench, "2", "d");
    bench.swarm.fail_after(1, EngineError::NoLeader);
    let stack = StackName::parse("app").unwrap();
    let earlier = earlier(&bench.world, &stack, None).unwrap();
    let cut = roll_back(&bench.world, &request(Vec::new()), &stack, &earlier).await;
    assert!(cut.unwrap().failed());

    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::Held], "{next:?}");
    for service in bench.swarm.services().await.unwrap() {
        let image = &service.spec["TaskTemplate"]["ContainerSpec"]["Image"];
        let then = format!("@sha256:{}", "b".repeat(64));
        assert!(image.as_str().unwrap().ends_with(&then), "{image}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_by_hand_that_is_refused_holds_nothing() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a"], "two"))]);
    bench.reconcile(&[&app]).await;
    let stack = StackName::parse("app").unwrap();
    let earlier = earlier(&bench.world, &stack, None).unwrap();
    // Somebody else has it by now.
    bench.swarm.edit_service("app_a", |spec| {
        spec["Labels"]["dockerops.repository"] = "https://example.com/other".into();
    });

    let refused = roll_back(&bench.world, &request(Vec::new()), &stack, &earlier).await;

    assert!(refused.unwrap().failed());
    let store = bench.world.store();
    assert_eq!(store.hold(&owner(&app), "app").unwrap(), None);
    assert_eq!(store.begun(&owner(&app), "app").unwrap(), None);
}
