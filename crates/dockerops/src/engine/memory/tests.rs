//! What the Swarm in memory promises to the tests that use it.

use dockerops_core::body::Body;
use dockerops_core::plan::{FileKind, Restarts};
use dockerops_core::secret::Secret;
use serde_json::json;

use super::super::{Engine, TaskFilter};
use super::*;

fn create(name: &str, body: Value) -> Action {
    Action::CreateService {
        name: name.to_owned(),
        body: Body::from(body),
    }
}

fn update(service: &Service, body: Value) -> Action {
    Action::UpdateService {
        id: service.id.clone(),
        version: service.version,
        name: service.name.clone(),
        body: Body::from(body),
        restarts: Restarts::All,
    }
}

fn body(image: &str) -> Value {
    json!({"Name": "web_a", "Labels": {}, "Mode": {"Replicated": {}},
        "TaskTemplate": {"ContainerSpec": {"Image": image}}})
}

async fn only(swarm: &MemorySwarm) -> Service {
    swarm.services().await.unwrap().remove(0)
}

#[tokio::test]
async fn a_stored_service_has_the_engines_defaults() {
    let swarm = MemorySwarm::new();
    let mut sent = body("a:1");
    sent["EndpointSpec"] = json!({"Ports": [{"TargetPort": 80}]});
    swarm.apply(&create("web_a", sent), None).await.unwrap();
    assert_eq!(
        only(&swarm).await.spec,
        json!({"Name": "web_a", "Labels": {}, "Mode": {"Replicated": {"Replicas": 1}},
            "EndpointSpec": {"Mode": "vip", "Ports": [
                {"TargetPort": 80, "Protocol": "tcp", "PublishMode": "ingress"}]},
            "TaskTemplate": {"ForceUpdate": 0, "Runtime": "container",
                "ContainerSpec": {"Image": "a:1", "Isolation": "default"}}})
    );
}

#[tokio::test]
async fn a_stale_update_is_refused_and_writes_nothing() {
    let swarm = MemorySwarm::new();
    swarm
        .apply(&create("web_a", body("a:1")), None)
        .await
        .unwrap();
    let stale = only(&swarm).await;
    swarm.edit_service("web_a", |spec| spec["Labels"]["by"] = json!("hand"));
    swarm.take_writes();
    let error = swarm
        .apply(&update(&stale, body("a:2")), None)
        .await
        .unwrap_err();
    assert!(error.is_stale());
    assert!(swarm.writes().is_empty());
}

#[tokio::test]
async fn every_update_overwrites_the_previous_spec_and_runs_jobs_again() {
    let swarm = MemorySwarm::new();
    let mut job = body("a:1");
    job["Mode"] = json!({"ReplicatedJob": {}});
    swarm
        .apply(&create("web_a", job.clone()), None)
        .await
        .unwrap();
    let before = only(&swarm).await;
    swarm.apply(&update(&before, job), None).await.unwrap();
    let after = only(&swarm).await;
    assert_eq!(swarm.previous_spec("web_a"), Some(after.spec));
    assert_eq!(
        (before.job_iteration, after.job_iteration),
        (Some(0), Some(1))
    );
    let tasks = swarm.tasks(&TaskFilter::default()).await.unwrap();
    assert_eq!(tasks.len(), 2);
}

#[tokio::test]
async fn what_a_service_uses_stays() {
    let swarm = MemorySwarm::new();
    let file = |name: &str| Action::CreateFile {
        kind: FileKind::Config,
        name: name.to_owned(),
        body: Body::from(json!({"Name": name})),
        data: Secret::new("x"),
    };
    swarm.apply(&file("web_c"), None).await.unwrap();
    let mut service = body("a:1");
    service["TaskTemplate"]["ContainerSpec"]["Configs"] = json!([{"ConfigName": "web_c"}]);
    swarm.apply(&create("web_a", service), None).await.unwrap();
    let config = swarm.observe().await.unwrap().configs.remove(0);
    let remove = Action::RemoveFile {
        kind: FileKind::Config,
        id: config.id,
        name: config.name,
    };
    let kept = swarm.apply(&remove, None).await.unwrap();
    assert!(matches!(kept, Applied::StillInUse { .. }));
    let service = only(&swarm).await;
    let gone = Action::RemoveService {
        id: service.id,
        name: service.name,
    };
    swarm.apply(&gone, None).await.unwrap();
    assert_eq!(swarm.apply(&remove, None).await.unwrap(), Applied::Removed);
}

#[tokio::test]
async fn a_service_cannot_name_what_does_not_exist() {
    let swarm = MemorySwarm::new();
    let mut service = body("a:1");
    service["TaskTemplate"]["Networks"] = json!([{"Target": "web_default"}]);
    let error = swarm
        .apply(&create("web_a", service), None)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "network `web_default` does not exist on the Swarm"
    );
}
