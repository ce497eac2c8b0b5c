//! Stacks that do not get well, on a Swarm in memory: what they return to, what is held, and
//! what a run that was killed leaves to the next.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
#[expect(dead_code, reason = "shared with the tests over HTTP")]
mod git_server;

use bench::{
    Bench, broken, changes, compose, fail_when, mark, named, outcomes, owner, repository, request,
    sharing, stale,
};
use dockerops::engine::{EngineError, Script};
use dockerops::reconcile::{Mode, Request, Target, Trigger, Wait, earlier, roll_back, run};
use dockerops::store::{Begun, Deployed, Run};
use dockerops_core::names::{Owner, StackName};
use dockerops_core::plan::{Force, Retry};
use dockerops_core::recovery::HoldState;
use dockerops_core::report::{Outcome, Problem, Report, StackReport};
use dockerops_core::revision::Revision;
use git_server::Repository;

fn stack(report: &Report) -> &StackReport {
    &report.repositories[0].stacks[0]
}

fn told(report: &Report) -> String {
    stack(report).problem.as_ref().unwrap().message.clone()
}

/// A stack of two services at `one`, then at `two`, of which `b` fails.
async fn failed() -> (Bench, Repository, Report) {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    fail_when(&bench, "app_b", "MARK=two");
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    let report = bench.reconcile(&[&app]).await;
    (bench, app, report)
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_service_fails_the_whole_stack_returns_to_what_was_well() {
    let (bench, _app, report) = failed().await;

    assert_eq!(outcomes(&report), [Outcome::RolledBack], "{report:?}");
    assert!(report.failed());
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");
    assert_eq!(mark(&bench, "app_b").await, "MARK=one");
    assert!(told(&report).contains("exit 3"), "{report:?}");
    let rollback = stack(&report).rollback.clone().unwrap();
    assert_eq!(rollback.changes.len(), 2, "{rollback:?}");
    assert!(rollback.revision.is_some() && rollback.problem.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_failed_is_held_until_what_is_asked_for_changes() {
    let (bench, app, _) = failed().await;
    bench.swarm.take_writes();

    let again = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&again), [Outcome::Held], "{again:?}");
    assert!(told(&again).starts_with("held: "), "{again:?}");
    app.commit(&[("README", "about something else")]);
    let unrelated = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&unrelated), [Outcome::Held], "{unrelated:?}");
    assert!(bench.swarm.take_writes().is_empty());

    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "three"))]);
    let mended = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&mended), [Outcome::Changed], "{mended:?}");
    let hold = bench.world.store().hold(&owner(&app), "app").unwrap();
    assert_eq!(hold, None);
    let next = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&next), [Outcome::Unchanged], "{next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_and_force_try_what_is_held_again() {
    for (retry, force) in [(Retry::Yes, Force::No), (Retry::No, Force::Services)] {
        let (bench, app, _) = failed().await;
        bench.swarm.script("app_b", Script::Run);
        let mut insisting = request(vec![Target::parse(&app.url())]);
        insisting.policy.retry = retry;
        insisting.policy.force = force;
        let report = run(&bench.world, &insisting).await.unwrap();
        assert_eq!(outcomes(&report), [Outcome::Changed], "{report:?}");
        assert_eq!(mark(&bench, "app_b").await, "MARK=two");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_swarm_rolled_back_by_itself_takes_the_rest_of_the_stack_with_it() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    let crash = Script::RollBack("crash".to_owned());
    bench.swarm.script_of("app_b", "MARK=two", crash);
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::RolledBack], "{report:?}");
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "one"))]);
    let reverted = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&reverted), [Outcome::Unchanged], "{reverted:?}");
}

/// A stack at `one`, of which `two` was written and Swarm rolled `b` back when nobody waited.
async fn rolled_back_unseen() -> (Bench, Repository) {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    let crash = Script::RollBack("crash".to_owned());
    bench.swarm.script_of("app_b", "MARK=two", crash);
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    let alone = Request {
        wait: Wait::No,
        ..request(vec![Target::parse(&app.url())])
    };
    run(&bench.world, &alone).await.unwrap();
    assert_eq!(mark(&bench, "app_a").await, "MARK=two");
    assert_eq!(mark(&bench, "app_b").await, "MARK=one");
    (bench, app)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_swarm_rolled_back_is_held_and_retried() {
    let (bench, app) = rolled_back_unseen().await;
    let held = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&held), [Outcome::Held], "{held:?}");
    let hint = stack(&held).problem.clone().unwrap().hint.unwrap();
    assert!(hint.contains("dockerops retry app"), "{hint}");

    bench.swarm.script_of("app_b", "MARK=two", Script::Run);
    let mut retry = request(vec![Target::parse(&app.url())]);
    retry.policy.retry = Retry::Yes;
    let retried = run(&bench.world, &retry).await.unwrap();

    assert_eq!(outcomes(&retried), [Outcome::Changed], "{retried:?}");
    assert_eq!(mark(&bench, "app_b").await, "MARK=two");
}

/// What a run that is killed while it waits leaves in the database, of the newest revision.
fn left_by_a_killed_run(bench: &Bench, owner: &Owner, now: &str) {
    let mut store = bench.world.store();
    let runs = store.runs(Some("app"), 9).unwrap();
    let revision = |run: &Run| run.ended.commit.as_ref().unwrap().revision.clone();
    let (two, one) = (revision(&runs[0]), revision(&runs[1]));
    let row = store.stacks().unwrap().remove(0);
    let deployed = Deployed {
        revision: Revision::parse(&one).unwrap(),
        at: now.to_owned(),
    };
    let hash = &runs[1].ended.hash;
    store
        .record_deployed(
            &row.repository_url,
            "app",
            &row.compose_path,
            hash,
            &deployed,
        )
        .unwrap();
    let begun = Begun {
        revision: two,
        at: now.to_owned(),
        ran: true,
    };
    store.begin(owner, "app", &begun).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_swarm_rolled_back_after_a_run_was_killed_takes_the_rest_of_the_stack_with_it() {
    let (bench, app) = rolled_back_unseen().await;
    let (owner, now) = (owner(&app), "2026-01-01T00:00:00Z");
    left_by_a_killed_run(&bench, &owner, now);

    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::RolledBack], "{next:?}");
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");
    let then = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&then), [Outcome::Held], "{then:?}");
    assert!(told(&then).contains("Swarm rolled app_b back"), "{then:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_refused_midway_takes_back_what_was_written() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    bench.swarm.fail_after(1, broken());

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::RolledBack], "{report:?}");
    assert_eq!(changes(&report), ["update service app_a"]);
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_was_only_away_holds_nothing() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    bench.swarm.fail_after(1, EngineError::NoLeader);

    let away = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&away), [Outcome::Failed], "{away:?}");
    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::Changed], "{next:?}");
    assert_eq!(mark(&bench, "app_b").await, "MARK=two");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_was_only_away_while_a_stack_was_planned_anew_holds_nothing() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    bench.swarm.fail_after(1, stale());
    bench.swarm.then_away(EngineError::NoLeader);

    let away = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&away), [Outcome::Failed], "{away:?}");
    assert_eq!(changes(&away), ["update service app_a"]);
    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::Changed], "{next:?}");
    assert_eq!(mark(&bench, "app_b").await, "MARK=two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deploy_that_fails_is_left_for_inspection_and_judged_again() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    fail_when(&bench, "app_b", "MARK=one");

    let first = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&first), [Outcome::Failed], "{first:?}");
    assert_eq!(bench.services().await, ["app_a", "app_b"]);
    let again = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&again), [Outcome::Failed], "not held: {again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_was_killed_and_then_fails_returns_to_the_last_revision_that_was_well() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    fail_when(&bench, "app_b", "MARK=two");
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    // Away after both writes: as far as the next run can tell, the first was killed.
    bench.swarm.fail_after(1, EngineError::NoLeader);
    bench.reconcile(&[&app]).await;
    assert_eq!(mark(&bench, "app_a").await, "MARK=two");

    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::RolledBack], "{next:?}");
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");
    assert_eq!(mark(&bench, "app_b").await, "MARK=one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_was_cut_short_is_completed_by_the_next_run() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    fail_when(&bench, "app_b", "MARK=two");
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    // Two writes forward, one back.
    bench.swarm.fail_after(3, EngineError::NoLeader);

    let cut = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&cut), [Outcome::Failed], "{cut:?}");
    let hold = bench.world.store().hold(&owner(&app), "app").unwrap();
    assert_eq!(hold.unwrap().state, HoldState::Returning);
    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::RolledBack], "{next:?}");
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");
    assert_eq!(mark(&bench, "app_b").await, "MARK=one");
    let then = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&then), [Outcome::Held], "{then:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_ill_before_takes_nothing_back_that_others_got() {
    let bench = Bench::new();
    let two = |a: &str| {
        let b = "  b: {image: \"web:1\", deploy: {update_config: {monitor: 1ms}}}\n";
        format!("{}{b}", compose(&["a"], a))
    };
    let app = repository("app", &["a"], "one");
    app.commit(&[("app/compose.yml", &two("one"))]);
    bench
        .swarm
        .script("app_b", Script::Fail("exit 3".to_owned()));
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &two("two"))]);

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::Failed], "{report:?}");
    assert_eq!(mark(&bench, "app_a").await, "MARK=two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_new_goes_again() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "one"))]);
    fail_when(&bench, "app_b", "");

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::RolledBack], "{report:?}");
    assert_eq!(bench.services().await, ["app_a"]);
}

/// Deploys `one`, then `two`, both well.
async fn twice() -> (Bench, Repository) {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    bench.reconcile(&[&app]).await;
    (bench, app)
}

async fn by_hand(bench: &Bench, id: Option<i64>) -> Result<Report, Problem> {
    let stack = StackName::parse("app").unwrap();
    let earlier = earlier(&bench.world, &stack, id)?;
    let request = Request {
        trigger: Trigger::Rollback,
        ..request(Vec::new())
    };
    roll_back(&bench.world, &request, &stack, &earlier).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_is_rolled_back_by_hand_stays_there_until_it_is_retried() {
    let (bench, app) = twice().await;
    let report = by_hand(&bench, None).await.unwrap();
    assert_eq!(outcomes(&report), [Outcome::Changed], "{report:?}");
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");

    app.commit(&[("README", "about something else")]);
    let held = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&held), [Outcome::Held], "{held:?}");
    assert!(told(&held).contains("rolled back by hand"), "{held:?}");
    let mut retry = request(vec![Target::parse(&app.url())]);
    retry.policy.retry = Retry::Yes;
    let retried = run(&bench.world, &retry).await.unwrap();

    assert_eq!(outcomes(&retried), [Outcome::Changed], "{retried:?}");
    assert_eq!(mark(&bench, "app_b").await, "MARK=two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_by_hand_goes_to_the_run_that_is_named() {
    let (bench, app) = twice().await;
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "three"))]);
    bench.reconcile(&[&app]).await;
    let runs = bench.world.store().runs(Some("app"), 9).unwrap();
    let first = runs.last().unwrap().id;

    by_hand(&bench, Some(first)).await.unwrap();
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");
    let unknown = by_hand(&bench, Some(999)).await.unwrap_err();

    assert_eq!(unknown.message, "stack `app` has no run 999");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_to_roll_back_to_before_the_second_deploy() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;

    let none = by_hand(&bench, None).await.unwrap_err();

    assert!(none.message.starts_with("no earlier deploy"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_by_hand_that_was_cut_short_is_completed_by_the_next_run() {
    let (bench, app) = twice().await;
    bench.swarm.fail_after(1, EngineError::NoLeader);
    let cut = by_hand(&bench, None).await.unwrap();
    assert_eq!(outcomes(&cut), [Outcome::Failed], "{cut:?}");
    app.commit(&[("README", "about something else")]);

    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::Held], "{next:?}");
    assert_eq!(mark(&bench, "app_a").await, "MARK=one");
    assert_eq!(mark(&bench, "app_b").await, "MARK=one");
    let then = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&then), [Outcome::Held], "{then:?}");
    assert!(told(&then).contains("by hand"), "{then:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_what_is_held_and_changes_nothing() {
    let (bench, app, _) = failed().await;
    bench.swarm.take_writes();
    let look = Request {
        mode: Mode::Preview,
        ..request(vec![Target::parse(&app.url())])
    };

    let plan = run(&bench.world, &look).await.unwrap();

    assert_eq!(outcomes(&plan), [Outcome::Held], "{plan:?}");
    assert_eq!(changes(&plan).len(), 2, "what waits is shown");
    assert!(bench.swarm.take_writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_stack_that_is_held_stay_although_another_mounts_them_too() {
    let bench = Bench::new();
    let nfs = bench.home.path().join("nfs");
    std::fs::create_dir(&nfs).unwrap();
    let files = |mark| sharing(&nfs, mark);
    let first = files("one");
    let app = Repository::with(&named(&first));
    bench.reconcile(&[&app]).await;
    fail_when(&bench, "web_b", "MARK=two");
    let second = files("two");
    app.commit(&named(&second));

    let report = bench.reconcile(&[&app]).await;
    assert_eq!(
        outcomes(&report),
        [Outcome::Changed, Outcome::RolledBack],
        "{report:?}"
    );
    let page = || std::fs::read_to_string(nfs.join("conf/page")).unwrap();
    assert_eq!(page(), "one");
    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::Unchanged, Outcome::Held]);
    assert_eq!(page(), "one", "{next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_says_which_secrets_changed_since() {
    let bench = Bench::new();
    let nfs = bench.home.path().join("nfs");
    std::fs::create_dir_all(nfs.join("secret")).unwrap();
    std::fs::write(nfs.join("secret/db"), "first").unwrap();
    let text = |mark: &str| compose(&["a"], mark).replace("MARK=", "\"PW=${PW}\", MARK=");
    let app = Repository::with(&[
        ("stacks.yaml", "- name: app\n"),
        ("nfs.yaml", &format!("path: {}\n", nfs.display())),
        ("app/secrets.yaml", "- {id: db, env: PW}\n"),
        ("app/compose.yml", &text("one")),
    ]);
    bench.reconcile(&[&app]).await;
    std::fs::write(nfs.join("secret/db"), "second").unwrap();
    app.commit(&[("app/compose.yml", &text("two"))]);
    bench.reconcile(&[&app]).await;

    let report = by_hand(&bench, None).await.unwrap();

    let said = format!("{:?}", stack(&report).warnings);
    assert!(said.contains("secret db changed since then"), "{said}");
    assert!(!format!("{report:?}").contains("second"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deploy_whose_removal_was_cut_short_is_removed_by_the_next_run() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    app.commit(&[("stacks.yaml", "- {name: app, on_failure: remove}\n")]);
    fail_when(&bench, "app_b", "MARK=one");
    // A network and two services, then one of the two goes.
    bench.swarm.fail_after(4, EngineError::NoLeader);
    let cut = bench.reconcile(&[&app]).await;
    assert!(cut.failed());
    assert_eq!(bench.services().await.len(), 1, "{cut:?}");

    let next = bench.reconcile(&[&app]).await;

    assert!(next.failed());
    assert_eq!(bench.services().await, [""; 0]);
    let then = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&then), [Outcome::Held], "{then:?}");
}
