//! Services: made, updated, replaced, run again, changed behind a plan's back.

use serde_json::{Value, json};

use crate::bare_stack::{lines, states};
use crate::stage::{Stage, both, service};

/// Two services without tasks; `web` has a mark.
fn two(mark: &str) -> String {
    format!(
        "services:\n  web: {{image: IMAGE, environment: [MARK={mark}], deploy: {{replicas: 0}}}}\n  \
         api: {{image: IMAGE, deploy: {{replicas: 0}}}}\n"
    )
}

fn job(mark: &str, label: &str) -> String {
    format!(
        "services:\n  job: {{image: IMAGE, command: 'true', environment: [MARK={mark}], networks: [host], \
         deploy: {{mode: replicated-job, restart_policy: {{condition: none}}, labels: {{team: {label}}}}}}}\n\
         networks: {{host: {{external: true}}}}\n"
    )
}

async fn versions(stage: &Stage) -> [u64; 2] {
    [
        stage.service("web").await.version,
        stage.service("api").await.version,
    ]
}

#[test]
fn a_new_stack_is_made_and_one_of_two_services_updates() {
    let told = both("create", &async |stage: &mut Stage| {
        stage.deploy(&two("a")).await;
        let before = versions(stage).await;
        stage.deploy(&two("b")).await;
        let after = versions(stage).await;
        let moved = [after[0] > before[0], after[1] > before[1]];
        stage.tell(format!("moved: {moved:?}"));
    });
    insta::assert_snapshot!(told, @r#"
    plan: create network app_default: not deployed yet
    plan: create service app_api: not deployed yet (starts 0 tasks)
    plan: create service app_web: not deployed yet (starts 0 tasks)
    plan: update service app_web: changed since the last deploy (no restart)
      environment.MARK: Some("a") → Some("b")
    moved: [true, false]
    "#);
}

#[test]
fn only_a_write_overwrites_what_a_rollback_goes_back_to() {
    let told = both("previous", &async |stage: &mut Stage| {
        stage.deploy(&two("a")).await;
        stage.deploy(&two("b")).await;
        let before = versions(stage).await;
        stage.deploy(&two("b")).await;
        let moved = before != versions(stage).await;
        let previous = stage.previous_environment("web");
        stage.tell(format!("moved: {moved}, previous: {previous}"));
        stage.by_hand("web", |_| {}).await;
        let previous = stage.previous_environment("web");
        stage.tell(format!("written as it is, previous: {previous}"));
    });
    insta::assert_snapshot!(told, @r#"
    plan: create network app_default: not deployed yet
    plan: create service app_api: not deployed yet (starts 0 tasks)
    plan: create service app_web: not deployed yet (starts 0 tasks)
    plan: update service app_web: changed since the last deploy (no restart)
      environment.MARK: Some("a") → Some("b")
    plan: nothing
    moved: false, previous: ["MARK=a"]
    written as it is, previous: ["MARK=b"]
    "#);
}

#[test]
fn any_update_runs_a_job_again_and_only_what_decides_its_run_is_planned() {
    async fn tell(stage: &mut Stage, what: &str) {
        let job = stage.service("job").await;
        let ran = stage.tasks(&job.id).await;
        let ran = ran.iter().filter(|task| task.state == "complete").count();
        stage.tell(format!(
            "{what}: iteration {:?}, ran {ran} times",
            job.job_iteration
        ));
    }
    let told = both("job", &async |stage: &mut Stage| {
        stage.deploy(&job("a", "x")).await;
        tell(stage, "made").await;
        stage
            .by_hand("job", |spec| spec["Labels"]["by"] = json!("hand"))
            .await;
        tell(stage, "a label by hand").await;
        stage.deploy(&job("a", "y")).await;
        tell(stage, "another label").await;
        stage.deploy(&job("b", "y")).await;
        tell(stage, "another variable").await;
    });
    insta::assert_snapshot!(told, @r#"
    plan: create service app_job: not deployed yet (starts 1 task)
    made: iteration Some(0), ran 1 times
    a label by hand: iteration Some(1), ran 2 times
    plan: nothing
    another label: iteration Some(1), ran 2 times
    plan: update service app_job: changed since the last deploy (runs the job again)
      deploy.labels.by: Some("hand") → None
      deploy.labels.team: Some("x") → Some("y")
      environment.MARK: Some("a") → Some("b")
    another variable: iteration Some(2), ran 3 times
    "#);
}

#[test]
fn another_mode_replaces_the_service() {
    let told = both("mode", &async |stage: &mut Stage| {
        stage.deploy(&service("deploy: {replicas: 0}", "")).await;
        let before = stage.service("web").await.id;
        let nowhere = "deploy: {mode: global, placement: {constraints: [node.labels.no==such]}}";
        stage.deploy(&service(nowhere, "")).await;
        let after = stage.service("web").await.id;
        stage.tell(format!("another service: {}", before != after));
    });
    insta::assert_snapshot!(told, @r"
    plan: create network app_default: not deployed yet
    plan: create service app_web: not deployed yet (starts 0 tasks)
    plan: replace service app_web: cannot be updated in place: removed and made anew (stops 0 tasks, then starts anew)
    another service: true
    ");
}

#[test]
fn a_plan_over_which_a_service_moved_is_out_of_sequence_and_writes_nothing() {
    let told = both("stale", &async |stage: &mut Stage| {
        stage.deploy(&two("a")).await;
        let (plan, _) = stage.plan(&two("b")).await;
        let team = |spec: &mut Value| spec["Labels"]["team"] = json!("x");
        stage.by_hand("web", team).await;
        let before = stage.service("web").await;
        let error = stage.apply(&plan).await.unwrap_err();
        let same = before == stage.service("web").await;
        stage.tell(format!(
            "{error}; stale: {}; as it was: {same}",
            error.is_stale()
        ));
        stage.deploy(&two("b")).await;
    });
    insta::assert_snapshot!(told, @r#"
    plan: create network app_default: not deployed yet
    plan: create service app_api: not deployed yet (starts 0 tasks)
    plan: create service app_web: not deployed yet (starts 0 tasks)
    `app_web` was changed by somebody else in the meantime; stale: true; as it was: true
    plan: update service app_web: changed since the last deploy (no restart)
      deploy.labels.team: Some("x") → None
      environment.MARK: Some("a") → Some("b")
    "#);
}

#[test]
fn a_changed_constraint_restarts_no_task_that_fits() {
    let placed = |constraint: &str| {
        service(
            &format!(
                "command: sleep 100000, stop_grace_period: 0s, networks: [host], \
                 deploy: {{placement: {{constraints: [{constraint}]}}, update_config: {{monitor: 500ms}}}}"
            ),
            "networks: {host: {external: true}}\n",
        )
    };
    let told = both("place", &async |stage: &mut Stage| {
        stage.deploy(&placed("node.role==manager")).await;
        let web = stage.service("web").await.id;
        let running = async |stage: &Stage| {
            let tasks = stage.tasks(&web).await.into_iter();
            let running = tasks.filter(|task| task.desired_state == "running");
            running.map(|task| task.id).collect::<Vec<_>>()
        };
        let before = running(stage).await;
        stage.deploy(&placed("node.role!=worker")).await;
        let same = before == running(stage).await;
        stage.tell(format!("the same task: {same}"));
    });
    insta::assert_snapshot!(told, @r#"
    plan: create service app_web: not deployed yet (starts 1 task)
    plan: update service app_web: changed since the last deploy (moves only tasks whose node does not fit any more)
      deploy.placement.constraints: Some("node.role==manager") → Some("node.role!=worker")
    the same task: true
    "#);
}

#[test]
fn states_of_any_kind_plan_alike_and_end_alike() {
    let told = both("states", &async |stage: &mut Stage| {
        for seed in [1, 2, 3, 5, 8, 13] {
            for name in states::FILES {
                stage.file(name, &states::content(seed, name));
            }
            let (plan, observed) = stage.plan(&states::compose(seed)).await;
            stage.tell(format!("# {seed}\n{}", lines(&plan, &observed)));
            stage.apply(&plan).await.unwrap();
            let (again, observed) = stage.plan(&states::compose(seed)).await;
            assert_eq!(lines(&again, &observed), "plan: nothing", "{seed}");
        }
    });
    assert!(told.lines().count() > 20, "{told}");
}
