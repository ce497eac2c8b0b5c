//! What a hand changed, or something else may change, over whole runs.

use super::*;
use dockerops::reconcile::{Target, run};
use dockerops_core::plan::{Force, KeptWhy};
use dockerops_core::report::Report;

const SET_BY_HAND: &str = "MARK=hand";

fn app(options: &str) -> crate::git_server::Repository {
    let app = repository("app", &["a", "b"], "one");
    app.commit(&[("stacks.yaml", &format!("- name: app\n{options}"))]);
    app
}

fn by_hand(bench: &Bench, service: &str) {
    bench.swarm.edit_service(service, |spec| {
        spec["TaskTemplate"]["ContainerSpec"]["Env"] = serde_json::json!([SET_BY_HAND]);
    });
}

fn kept(report: &Report) -> Vec<(String, KeptWhy, usize)> {
    let kept = report.stacks().flat_map(|stack| &stack.kept);
    let kept = kept.filter(|kept| kept.why != KeptWhy::UpToDate);
    kept.map(|kept| (kept.name.clone(), kept.why, kept.fields.len()))
        .collect()
}

async fn env(bench: &Bench, service: &str) -> String {
    let observed = bench.swarm.observe().await.unwrap();
    let mut services = observed.services.iter();
    let service = services.find(|s| s.name == service).unwrap();
    service.spec["TaskTemplate"]["ContainerSpec"]["Env"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_self_heal_drift_is_reported_and_written_only_by_a_commit_or_force() {
    let bench = Bench::new();
    let app = app("  self_heal: false\n");
    bench.reconcile(&[&app]).await;
    by_hand(&bench, "app_a");
    bench.swarm.take_writes();

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(bench.swarm.take_writes(), Vec::<String>::new());
    assert_eq!(outcomes(&report), [Outcome::Unchanged]);
    assert!(!report.failed(), "exit 0");
    assert_eq!(kept(&report), [("app_a".to_owned(), KeptWhy::Drifted, 1)]);

    let mut forced = bench::request(vec![Target::parse(&app.url())]);
    forced.policy.force = Force::Services;
    run(&bench.world, &forced).await.unwrap();
    assert!(!env(&bench, "app_a").await.contains(SET_BY_HAND));

    by_hand(&bench, "app_a");
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "two"))]);
    bench.reconcile(&[&app]).await;
    assert!(env(&bench, "app_a").await.contains("MARK=two"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_self_heal_only_what_a_hand_removed_stays_removed() {
    let bench = Bench::new();
    let app = app("  self_heal: false\n");
    bench.reconcile(&[&app]).await;
    bench.swarm.remove_service("app_b");

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(kept(&report), [("app_b".to_owned(), KeptWhy::Missing, 0)]);
    assert_eq!(bench.services().await, ["app_a"]);

    // What was taken off the file, and put there again, was removed by nobody's hand.
    app.commit(&[("app/compose.yml", &compose(&["b"], "one"))]);
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a", "b"], "one"))]);
    bench.reconcile(&[&app]).await;
    assert_eq!(bench.services().await, ["app_a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_field_is_left_to_others_while_the_rest_is_healed() {
    let bench = Bench::new();
    let app = app("  ignore_drift: [deploy.replicas]\n");
    bench.reconcile(&[&app]).await;
    let scale = |spec: &mut serde_json::Value| spec["Mode"]["Replicated"]["Replicas"] = 3.into();
    bench.swarm.edit_service("app_a", scale);
    bench.swarm.take_writes();

    bench.reconcile(&[&app]).await;
    assert_eq!(bench.swarm.take_writes(), Vec::<String>::new());

    by_hand(&bench, "app_a");
    bench.reconcile(&[&app]).await;
    let observed = bench.swarm.observe().await.unwrap();
    let service = observed.services.iter().find(|s| s.name == "app_a");
    let spec = &service.unwrap().spec;
    assert_eq!(spec["Mode"]["Replicated"]["Replicas"], 3);
    assert!(!env(&bench, "app_a").await.contains(SET_BY_HAND));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_something_else_keeps_changing_fails_after_a_few_plans() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    app.commit(&[("app/compose.yml", &compose(&["a"], "two"))]);
    for _ in 0..4 {
        bench.swarm.fail_next(stale());
    }

    let report = bench.reconcile(&[&app]).await;

    assert_eq!(outcomes(&report), [Outcome::Failed]);
    let stack = report.stacks().next().unwrap();
    let problem = stack.problem.as_ref().unwrap();
    assert!(
        problem.message.contains("kept changing stack `app`"),
        "{problem:?}"
    );
    assert!(problem.hint.is_some());
    let next = bench.reconcile(&[&app]).await;
    assert_eq!(outcomes(&next), [Outcome::Changed], "three would have done");
}
