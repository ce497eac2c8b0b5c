//! What `status` shows of a Swarm in memory, and what it must not show.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use dockerops::desire::given;
use dockerops::engine::{DockerEngine, EngineSettings};
use dockerops::reconcile::{BareFiles, Look, Mode, Request, Target, doctor, run, wait};
use dockerops_core::checkup::State;
use dockerops_core::health::Status;
use dockerops_core::names::StackName;
use dockerops_core::status::{RepositoryStatus, Sync};

use super::*;
use crate::bench::request;
use crate::git_server::Repository;

impl Bench {
    async fn status(&self, repositories: &[&Repository]) -> Vec<RepositoryStatus> {
        let targets = repositories.iter().map(|r| Target::parse(&r.url()));
        let looking = Request {
            mode: Mode::Preview,
            ..request(targets.collect())
        };
        let look = Look::take(&self.world, &looking).await.unwrap();
        look.now(&self.world, None).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stacks_of_compose_files_are_shown_beside_those_of_repositories() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    let file = bench.home.path().join("compose.yml");
    fs::write(&file, compose(&["a"], "one")).unwrap();
    let by_hand = Target::files(BareFiles {
        stack: StackName::parse("other").unwrap(),
        files: given(&[file]),
        environment: BTreeMap::new(),
    });
    run(&bench.world, &request(vec![by_hand])).await.unwrap();

    let status = bench.status(&[&app]).await;

    let stacks = status
        .iter()
        .flat_map(|r| r.stacks.iter().map(|s| (r.url.as_str(), s)));
    let told: Vec<_> = stacks
        .map(|(url, s)| (url, s.name.as_str(), s.sync, s.health))
        .collect();
    assert_eq!(
        told,
        [
            (app.url().as_str(), "app", Sync::InSync, Status::Healthy),
            ("file", "other", Sync::Unknown, Status::Healthy),
        ]
    );
    assert_eq!(bench.world.store().runs(Some("other"), 9).unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_quotes_a_secret_is_shown_without_it_by_status_and_wait() {
    let bench = Bench::new();
    let nfs = tempfile::tempdir().unwrap();
    fs::create_dir(nfs.path().join("secret")).unwrap();
    fs::write(nfs.path().join("secret/db"), "hunter2!").unwrap();
    let compose = "services:\n  a: {image: \"web:1\", environment: [\"PW=${PW}\"], \
                   deploy: {restart_policy: {condition: none}, update_config: {monitor: 1ms}}}\n";
    let app = Repository::with(&[
        ("stacks.yaml", "- name: app\n"),
        ("nfs.yaml", &format!("path: {}\n", nfs.path().display())),
        ("app/secrets.yaml", "- {id: db, env: PW}\n"),
        ("app/compose.yml", compose),
    ]);
    let quoting = Script::Fail("invalid value hunter2!".to_owned());
    bench.swarm.script("app_a", quoting);
    bench.reconcile(&[&app]).await;

    let status = bench.status(&[&app]).await;
    let told = serde_json::to_string(&status).unwrap();
    assert!(
        told.contains("invalid value") && !told.contains("hunter2"),
        "{told}"
    );

    let services = bench.swarm.services().await.unwrap();
    let unwell = wait(&bench.world, &services, std::time::Duration::from_secs(3)).await;
    let unwell = format!("{:?}", unwell.unwrap_err());
    assert!(
        unwell.contains("invalid value") && !unwell.contains("hunter2"),
        "{unwell}"
    );
    let kept = format!("{:?}", bench.world.store().runs(None, 9).unwrap());
    assert!(
        kept.contains("invalid value") && !kept.contains("hunter2"),
        "{kept}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_waits_ten_seconds_for_an_engine_that_hangs_and_looks_at_the_rest() {
    let mut bench = Bench::new();
    let socket = bench.home.path().join("d.sock");
    let _takes_calls_and_answers_none = UnixListener::bind(&socket).unwrap();
    let settings = EngineSettings {
        host: Some(format!("unix://{}", socket.display())),
        ..EngineSettings::default()
    };
    bench.world.engine = Arc::new(DockerEngine::new(&settings).unwrap());
    let checks = doctor(&Arc::new(bench.world), None).await;
    let of = |name: &str| checks.iter().find(|check| check.name == name).unwrap();
    assert_eq!(of("engine").state, State::Fail);
    assert!(of("engine").message.contains("10 s"), "{checks:?}");
    assert_eq!(of("database").state, State::Ok);
}
