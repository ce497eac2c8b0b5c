//! Whole runs on a Swarm in memory: what a failure midway leaves, and what the next run makes of it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
mod drift;
#[expect(dead_code, reason = "shared with the tests over HTTP")]
mod git_server;
mod history;
mod looking;
mod previews;
mod suspended;
mod volumes;

use bench::{Bench, DIGEST, broken, changes, compose, outcomes, repository, stale};
use dockerops::engine::{Engine, LocalImage, Script};
use dockerops::reconcile::{managed, stop};
use dockerops_core::report::Outcome;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_sent_is_not_held_as_rolled_back() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a"], "two"))]);
    bench
        .swarm
        .script("app_a", Script::RollBack("crash".to_owned()));
    bench.reconcile(&[&app]).await;
    bench.swarm.script("app_a", Script::Run);
    let held = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&held), [Outcome::Held]);

    app.commit(&[("app/compose.yml", &compose(&["a"], "three"))]);
    bench.swarm.fail_next(broken());
    let failed = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&failed), [Outcome::Failed]);
    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::Changed], "{next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_planned_anew_still_waits_for_and_tells_what_was_written_before() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    bench
        .swarm
        .script("app_a", Script::Fail("crash".to_owned()));
    bench.swarm.fail_after(1, stale());

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(
        changes(&report),
        ["update service app_a", "update service app_b"]
    );
    assert_eq!(outcomes(&report), [Outcome::Failed], "app_a crashes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_fails_midway_tells_what_was_written_before() {
    let bench = Bench::new();
    let app = repository("app", &["a", "b"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    bench.swarm.fail_after(1, broken());

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::RolledBack]);
    assert_eq!(changes(&report), ["update service app_a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_stack_that_two_repositories_list_goes_to_the_one_watched_first() {
    let bench = Bench::new();
    let first = repository("app", &["a"], "first");
    let second = repository("app", &["b"], "second");

    let report = bench.reconcile(&[&first, &second]).await;

    assert_eq!(outcomes(&report), [Outcome::Changed, Outcome::Failed]);
    assert_eq!(bench.services().await, ["app_a"]);
    let again = bench.reconcile(&[&first, &second]).await;
    assert_eq!(outcomes(&again), [Outcome::Unchanged, Outcome::Failed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_was_cut_short_is_finished_by_the_next_run() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    app.commit(&[
        ("stacks.yaml", "- name: app\n- name: old\n"),
        ("old/compose.yml", &compose(&["a"], "one")),
    ]);
    bench.reconcile(&[&app]).await;
    app.commit(&[("stacks.yaml", "- name: app\n")]);
    bench.swarm.fail_after(1, broken());
    let cut = bench.reconcile(&[&app]).await;
    assert!(cut.failed(), "{cut:?}");

    bench.reconcile(&[&app]).await;

    let networks = bench.swarm.observe().await.unwrap().networks;
    assert!(!networks.iter().any(|network| network.name == "old_default"));
    let stacks = bench.world.store().stacks().unwrap();
    assert_eq!(stacks.len(), 1, "{stacks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_leaves_a_stack_that_another_took_over_and_still_empties_the_tables() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    bench.swarm.edit_service("app_a", |spec| {
        spec["Labels"]["dockerops.repository"] = "https://example.org/theirs".into();
    });

    let managed = managed(&bench.world).await.unwrap();
    let report = stop(&bench.world, &managed).await;

    assert!(!report.failed(), "{report:?}");
    assert_eq!(bench.services().await, ["app_a"]);
    assert!(bench.world.store().stacks().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_fails_midway_forgets_what_is_gone() {
    let bench = Bench::new();
    let (one, two) = (
        repository("one", &["a"], "x"),
        repository("two", &["a"], "x"),
    );
    bench.reconcile(&[&one, &two]).await;
    bench.swarm.fail_next(broken());

    let managed = managed(&bench.world).await.unwrap();
    let report = stop(&bench.world, &managed).await;

    assert!(report.failed());
    let stacks = bench.world.store().stacks().unwrap();
    assert_eq!(stacks.len(), 1, "{stacks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_whose_lists_cannot_be_read_keeps_every_image() {
    let bench = Bench::new();
    let (app, other) = (
        repository("app", &["a"], "x"),
        repository("other", &["a"], "x"),
    );
    bench.reconcile(&[&app, &other]).await;
    let free =
        "services:\n  a: {image: \"new:1\", deploy: {update_config: {monitor: 1ms}}}\n".to_owned();
    bench.swarm.add_image(LocalImage {
        id: "sha256:2".to_owned(),
        tags: vec!["new:1".to_owned()],
        digests: vec![format!("new@{DIGEST}")],
    });
    app.commit(&[("app/compose.yml", &free)]);
    other.commit(&[("other/compose.yml", &free)]);
    let bad = repository("bad", &["a"], "x");
    bad.commit(&[("stacks.yaml", "{")]);

    let report = bench.reconcile(&[&app, &other, &bad]).await;

    assert!(report.images_removed.is_empty(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_of_an_earlier_database_stays_ours_when_its_first_run_fails() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    bench.swarm.edit_service("app_a", |spec| {
        let labels = spec["Labels"].as_object_mut().unwrap();
        labels.retain(|name, _| !name.starts_with("dockerops."));
    });
    bench.swarm.fail_next(broken());
    let failed = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&failed), [Outcome::Failed]);

    let next = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&next), [Outcome::Changed], "{next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_mirror_is_made_anew() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    let mirrors = bench.home.path().join("mirrors");
    let mirror = std::fs::read_dir(mirrors).unwrap().flatten();
    let mut mirror = mirror.map(|entry| entry.path());
    let mirror = mirror.find(|path| path.join("objects").is_dir()).unwrap();
    std::fs::remove_dir_all(mirror.join("objects")).unwrap();
    std::fs::create_dir(mirror.join("objects")).unwrap();

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::Unchanged], "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_failed_does_not_turn_well_because_nothing_differs() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench
        .swarm
        .script("app_a", Script::Fail("exit 3".to_owned()));
    let failed = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&failed), [Outcome::Failed]);

    bench.swarm.take_writes();
    let again = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&again), [Outcome::Failed], "{again:?}");
    let problem = again.repositories[0].stacks[0].problem.clone().unwrap();
    assert!(problem.message.contains("exit 3"), "{problem:?}");
    assert_eq!(bench.swarm.take_writes(), Vec::<String>::new());
}
