//! What stays while it is used, what goes later, and what makes way for something new.

use dockerops_core::plan::Action;

use crate::stage::{Stage, both, service};

#[test]
fn changed_content_moves_to_a_new_object_and_back() {
    let compose = service(
        "configs: [page], secrets: [key], deploy: {replicas: 0}",
        "configs: {page: {file: page}}\nsecrets: {key: {file: key}}\n",
    );
    let told = both("content", &async |stage: &mut Stage| {
        for content in ["one", "two", "three"] {
            stage.file("page", content);
            stage.file("key", content);
            stage.deploy(&compose).await;
            let observed = stage.engine().observe().await.unwrap();
            let own = stage.name("");
            let files = observed.configs.iter().chain(&observed.secrets);
            let mut names: Vec<_> = files.map(|file| &file.name).collect();
            names.retain(|name| name.starts_with(&own));
            names.sort();
            stage.tell(format!("{names:?}"));
        }
    });
    insta::assert_snapshot!(told, @r#"
    plan: create network app_default: not deployed yet
    plan: create config app_page: not deployed yet
    plan: create secret app_key: not deployed yet
    plan: create service app_web: not deployed yet (starts 0 tasks)
    ["app_key", "app_page"]
    plan: create config app_page_3fc4ccfe7458: content of app_page changed
    plan: create secret app_key_af605c254374: content of app_key changed
    plan: update service app_web: content of app_page changed; content of app_key changed (no restart)
      configs: Some("app_page:page") → Some("app_page_3fc4ccfe7458:page")
      secrets: Some("app_key:key") → Some("app_key_af605c254374:key")
    plan: remove config app_page: an older version
    plan: remove secret app_key: an older version
    ["app_key_af605c254374", "app_page_3fc4ccfe7458"]
    plan: create config app_page: content of app_page changed
    plan: create secret app_key: content of app_key changed
    plan: update service app_web: content of app_page changed; content of app_key changed (no restart)
      configs: Some("app_page_3fc4ccfe7458:page") → Some("app_page:page")
      secrets: Some("app_key_af605c254374:key") → Some("app_key:key")
    plan: remove config app_page_3fc4ccfe7458: an older version
    plan: remove secret app_key_af605c254374: an older version
    ["app_key", "app_page"]
    "#);
}

#[test]
fn what_is_in_use_stays_until_nothing_uses_it() {
    let inside = service(
        "networks: [front], configs: [page], deploy: {replicas: 0}",
        "networks: {front: {}}\nconfigs: {page: {file: page}}\n",
    );
    let outside = service(
        "networks: [back], deploy: {replicas: 0}",
        "networks: {back: {}}\n",
    );
    let told = both("inuse", &async |stage: &mut Stage| {
        stage.file("page", "one");
        stage.deploy(&inside).await;
        let (leaving, _) = stage.plan(&outside).await;
        let is_removal = |action: &&Action| {
            matches!(
                action,
                Action::RemoveNetwork { .. } | Action::RemoveFile { .. }
            )
        };
        let removals = leaving.changes.iter().map(|change| &change.action);
        for action in removals.filter(is_removal) {
            let applied = stage.engine().apply(action, None).await.unwrap();
            let word = format!("{applied:?}");
            stage.tell(format!("while in use: {}", word.split(' ').next().unwrap()));
        }
        stage.deploy(&outside).await;
    });
    insta::assert_snapshot!(told, @r#"
    plan: create network app_front: not deployed yet
    plan: create config app_page: not deployed yet
    plan: create service app_web: not deployed yet (starts 0 tasks)
    while in use: StillInUse
    while in use: StillInUse
    plan: create network app_back: not deployed yet
    plan: update service app_web: changed since the last deploy (no restart)
      configs: Some("app_page:page") → None
      networks: Some("app_front") → Some("app_back")
    plan: remove config app_page: no longer declared
    plan: remove network app_front: no longer declared
    "#);
}

#[test]
fn a_removal_ends_later_and_a_deploy_right_after_does_not_race() {
    let compose = service(
        "command: sleep 100000, stop_grace_period: 1s, networks: [front]",
        "networks: {front: {}}\n",
    );
    let told = both("removal", &async |stage: &mut Stage| {
        stage.deploy(&compose).await;
        let web = stage.service("web").await;
        let gone = Action::RemoveService {
            id: web.id.clone(),
            name: web.name.clone(),
        };
        stage.engine().apply(&gone, None).await.unwrap();
        let running = async |stage: &Stage| {
            let tasks = stage.tasks(&web.id).await;
            tasks.iter().filter(|task| task.state == "running").count()
        };
        let lingering = running(stage).await;
        stage.tell(format!("of a service that is gone, running: {lingering}"));
        stage.remove().await;
        let left = running(stage).await;
        stage.tell(format!("after the wait: {left}"));
        stage.deploy(&compose).await;
    });
    insta::assert_snapshot!(told, @r"
    plan: create network app_front: not deployed yet
    plan: create service app_web: not deployed yet (starts 1 task)
    of a service that is gone, running: 1
    after the wait: 0
    plan: create network app_front: not deployed yet
    plan: create service app_web: not deployed yet (starts 1 task)
    ");
}

#[test]
fn a_job_that_found_no_node_does_not_hold_up_the_removal_of_its_stack() {
    let told = both("nonode", &async |stage: &mut Stage| {
        let nowhere = "mode: replicated-job, placement: {constraints: [node.labels.no==such]}";
        let (more, rest) = (
            format!("networks: [front], deploy: {{{nowhere}}}"),
            "networks: {front: {}}\n",
        );
        stage.waits_for_a_node("web");
        stage.deploy(&service(&more, rest)).await;
        let web = stage.service("web").await.id;
        stage.remove().await;
        let states = stage.tasks(&web).await.into_iter().map(|task| task.state);
        stage.tell(format!("left of it: {:?}", states.collect::<Vec<_>>()));
    });
    insta::assert_snapshot!(told, @r#"
    plan: create network app_front: not deployed yet
    plan: create service app_web: not deployed yet (starts 1 task)
    left of it: ["pending"]
    "#);
}
