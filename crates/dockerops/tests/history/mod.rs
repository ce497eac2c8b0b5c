//! What the history remembers of runs, and that a run without news writes none.

use dockerops::store::{Ended, Run};
use serde_json::json;

use dockerops::reconcile::{Request, Target, Wait, run};

use super::*;
use crate::bench::request;

impl Bench {
    /// Newest first.
    fn runs(&self, stack: &str) -> Vec<Run> {
        self.world.store().runs(Some(stack), 100).unwrap()
    }

    fn outcomes_of(&self, stack: &str) -> Vec<(String, u32)> {
        let runs = self.runs(stack).into_iter();
        runs.map(|run| (run.ended.outcome, run.repeated)).collect()
    }
}

fn told(pairs: &[(&str, u32)]) -> Vec<(String, u32)> {
    let pairs = pairs.iter();
    pairs.map(|(word, n)| ((*word).to_owned(), *n)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_remembered_with_commit_pins_and_report_and_no_change_is_not() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    bench.reconcile(&[&app]).await;

    let runs = bench.runs("app");
    let [Run { ended, .. }] = &runs[..] else {
        panic!("{runs:?}");
    };
    let Ended {
        commit,
        outcome,
        trigger,
        healthy,
        pins,
        ..
    } = ended;
    assert_eq!(
        (outcome.as_str(), trigger.as_str()),
        ("changed", "reconcile")
    );
    assert!(*healthy && !ended.hash.is_empty() && ended.started_at <= ended.ended_at);
    assert_eq!(commit.as_ref().unwrap().revision, app.head());
    assert!(format!("{:?}", pins["web:1"]).contains(DIGEST), "{pins:?}");
    assert_eq!(ended.report["changes"].as_array().unwrap().len(), 2);
    let service = &ended.report["services"][0];
    assert_eq!(
        (&service["name"], &service["health"]),
        (&json!("app_a"), &json!("healthy"))
    );
    assert!(ended.report["took_ms"].is_u64(), "{}", ended.report);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_comes_again_counts_up() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    let crash = Script::Fail("exit 3".to_owned());
    bench.swarm.script("app_a", crash);
    for _ in 0..3 {
        bench.reconcile(&[&app]).await;
    }
    let runs = bench.runs("app");
    assert!(runs.last().unwrap().ended.reason.contains("exit 3"));
    assert!(runs.len() <= 2 && runs[0].repeated >= 1, "{runs:?}");
    let owner = Target::parse(&app.url()).owner().unwrap();
    let healthy = bench.world.store().newest_healthy(&owner, "app");
    assert_eq!(healthy.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_cannot_be_read_is_remembered_under_no_stack() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    app.commit(&[("stacks.yaml", "{")]);
    bench.reconcile(&[&app]).await;
    bench.reconcile(&[&app]).await;
    assert_eq!(bench.outcomes_of(""), told(&[("failed", 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_waited_for_is_no_target_of_a_rollback_until_a_run_saw_it_well() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    let target = Target::parse(&app.url());
    bench.watch(target.url().unwrap());
    let detached = Request {
        wait: Wait::No,
        ..request(vec![target])
    };
    run(&bench.world, &detached).await.unwrap();
    assert!(!bench.runs("app")[0].ended.healthy);
    bench.reconcile(&[&app]).await;
    assert_eq!(
        bench.outcomes_of("app"),
        told(&[("unchanged", 0), ("changed", 0)])
    );
    assert!(bench.runs("app")[0].ended.healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_stack_keeps_its_history() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    app.commit(&[
        ("stacks.yaml", "- name: app\n- name: old\n"),
        ("old/compose.yml", &compose(&["a"], "one")),
    ]);
    bench.reconcile(&[&app]).await;
    app.commit(&[("stacks.yaml", "- name: app\n")]);
    bench.reconcile(&[&app]).await;
    assert_eq!(
        bench.outcomes_of("old"),
        told(&[("removed", 0), ("changed", 0)])
    );
}
