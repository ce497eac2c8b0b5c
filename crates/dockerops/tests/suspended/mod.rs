//! Nothing is done to what is suspended, whatever asks for it.

use dockerops_core::names::{Owner, StackName};

use dockerops::reconcile::{Target, earlier, run};
use dockerops_core::report::Report;

use super::*;
use crate::bench::request;
use crate::git_server::Repository;

impl Bench {
    fn suspend(&self, repository: &Repository, stack: Option<&str>) {
        let mut store = self.world.store();
        let now = "2026-01-01T00:00:00Z";
        store.suspend(&owner(repository), stack, now).unwrap();
    }
}

fn owner(repository: &Repository) -> Owner {
    Target::parse(&repository.url()).owner().unwrap()
}

fn warnings(report: &Report) -> String {
    let stacks = report.stacks().flat_map(|stack| &stack.warnings);
    let repositories = report.repositories.iter().flat_map(|r| &r.warnings);
    let all: Vec<_> = stacks.chain(repositories).cloned().collect();
    all.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_stack_is_neither_changed_nor_healed_until_it_is_resumed() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    bench.suspend(&app, Some("app"));
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    bench.swarm.edit_service("app_a", |spec| {
        spec["Labels"]["by"] = "hand".into();
    });
    bench.swarm.take_writes();

    let mut forced = request(vec![Target::parse(&app.url())]);
    forced.policy.force = dockerops_core::plan::Force::Services;
    let report = run(&bench.world, &forced).await.unwrap();

    assert_eq!(outcomes(&report), [Outcome::Suspended]);
    assert!(!report.failed());
    assert!(warnings(&report).contains("dockerops resume app"));
    assert_eq!(bench.swarm.take_writes(), Vec::<String>::new());

    bench
        .world
        .store()
        .resume(&owner(&app), Some("app"))
        .unwrap();
    let report = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&report), [Outcome::Changed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_repository_is_read_and_nothing_of_it_is_changed_or_removed() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    app.commit(&[
        ("stacks.yaml", "- name: app\n- name: old\n"),
        ("old/compose.yml", &compose(&["a"], "one")),
    ]);
    bench.reconcile(&[&app]).await;
    bench.suspend(&app, None);
    app.commit(&[
        ("stacks.yaml", "- name: app\n"),
        ("app/compose.yml", &compose(&["a"], "two")),
    ]);
    bench.swarm.take_writes();

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::Suspended]);
    assert_eq!(report.repositories[0].revision, Some(app.head()));
    assert!(warnings(&report).contains("stack `old` left `stacks.yaml` and is kept"));
    assert_eq!(bench.swarm.take_writes(), Vec::<String>::new());
    assert_eq!(bench.services().await, ["app_a", "old_a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_stack_is_not_handed_over_to_another_repository() {
    let bench = Bench::new();
    let (first, second) = (
        repository("app", &["a"], "one"),
        repository("other", &["a"], "one"),
    );
    bench.reconcile(&[&first, &second]).await;
    bench.suspend(&first, Some("app"));
    first.commit(&[("stacks.yaml", "[]\n")]);
    second.commit(&[
        ("stacks.yaml", "- name: other\n- name: app\n"),
        ("app/compose.yml", &compose(&["a"], "two")),
    ]);
    bench.swarm.take_writes();

    let report = bench.reconcile(&[&first, &second]).await;

    assert_eq!(outcomes(&report), [Outcome::Unchanged, Outcome::Suspended]);
    assert_eq!(bench.swarm.take_writes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_stack_that_cannot_be_read_fails_nothing() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    bench.suspend(&app, Some("app"));
    app.commit(&[("app/compose.yml", "services: {a: {imag: x}}\n")]);
    let report = bench.reconcile(&[&app]).await;
    assert!(!report.failed(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_stack_is_not_rolled_back_by_hand_either() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    for stack in [Some("app"), None] {
        bench.suspend(&app, stack);
        let name = StackName::parse("app").unwrap();
        let refused = earlier(&bench.world, &name, None).unwrap_err();
        assert!(refused.hint.unwrap().contains("dockerops resume"));
        bench.world.store().resume(&owner(&app), stack).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_its_file_suspends_is_left_alone() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[
        ("stacks.yaml", "- {name: app, suspend: true}\n"),
        ("app/compose.yml", &compose(&["a"], "two")),
    ]);
    bench.swarm.take_writes();

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::Suspended]);
    assert!(warnings(&report).contains("`suspend: true`"));
    assert_eq!(bench.swarm.take_writes(), Vec::<String>::new());
    app.commit(&[("stacks.yaml", "- name: app\n")]);
    let report = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&report), [Outcome::Changed]);
}
