//! Whole runs on a Swarm in memory: everything that a run reaches, and repositories of a few words.
#![allow(dead_code, reason = "each test program uses a part")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dockerops::engine::{Engine, EngineError, LocalImage, MemorySwarm, Script};
use dockerops::git::{Git, GitSettings};
use dockerops::reconcile::progress::Silent;
use dockerops::reconcile::{Limits, Mode, Request, Target, Texts, Trigger, Wait, World, run};
use dockerops::registry::{Registry, RegistrySettings};
use dockerops::settings::{Environment, Settings, Sources};
use dockerops::store::Store;
use dockerops_core::departed::Insist;
use dockerops_core::fingerprint::FingerprintKey;
use dockerops_core::names::Owner;
use dockerops_core::plan::{Policy, Prune};
use dockerops_core::report::{Outcome, Report};
use dockerops_core::repository_url::RepositoryUrl;

use super::git_server::Repository;

pub(crate) const DIGEST: &str =
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A Swarm, a database and a home of its own.
pub(crate) struct Bench {
    pub(crate) swarm: Arc<MemorySwarm>,
    pub(crate) world: World,
    pub(crate) home: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let swarm = Arc::new(MemorySwarm::new());
        swarm.add_image(LocalImage {
            id: "sha256:1".to_owned(),
            tags: vec!["web:1".to_owned()],
            digests: vec![format!("web@{DIGEST}")],
        });
        let mut git = GitSettings::new(home.path().join("mirrors"));
        let path = std::env::var_os("PATH").unwrap();
        git.environment.insert("PATH".to_owned(), path);
        let variables = [
            ("HOME", home.path().as_os_str().to_owned()),
            ("DOCKEROPS_STABILITY_WINDOW", OsString::from("1ms")),
        ]
        .map(|(name, value): (&str, OsString)| (name.to_owned(), value));
        let sources = Sources {
            process: Environment(BTreeMap::from(variables)),
            ..Sources::default()
        };
        let world = World {
            engine: Arc::clone(&swarm) as Arc<dyn Engine>,
            git: Arc::new(Git::new(git)),
            registry: Registry::new(RegistrySettings::default()),
            store: Mutex::new(Store::open(&home.path().join("d.db")).unwrap()),
            key: FingerprintKey::new(*b"a key"),
            settings: Arc::new(Settings::decide(&sources).unwrap()),
            progress: Arc::new(Silent),
        };
        Self { swarm, world, home }
    }

    /// Reconciles `repositories`, in this order, which are watched from then on.
    pub(crate) async fn reconcile(&self, repositories: &[&Repository]) -> Report {
        let urls = repositories.iter().map(|repository| repository.url());
        let targets: Vec<_> = urls.map(|url| Target::parse(&url)).collect();
        for url in targets.iter().filter_map(Target::url) {
            self.watch(url);
        }
        run(&self.world, &request(targets)).await.unwrap()
    }

    pub(crate) fn watch(&self, url: &RepositoryUrl) {
        let mut store = self.world.store();
        store.add_repository(url, "2026-01-01T00:00:00Z").unwrap();
    }

    pub(crate) async fn services(&self) -> Vec<String> {
        let services = self.swarm.services().await.unwrap();
        services.into_iter().map(|service| service.name).collect()
    }
}

pub(crate) fn request(repositories: Vec<Target>) -> Request {
    Request {
        repositories,
        only: BTreeSet::new(),
        policy: Policy {
            prune: Prune::Remove,
            ..Policy::default()
        },
        insist: Insist::No,
        rotate: BTreeSet::new(),
        trigger: Trigger::Reconcile,
        limits: Limits {
            forward: Some(Duration::from_secs(3)),
            rollback: None,
        },
        mode: Mode::Apply,
        texts: Texts::Named,
        agreed: None,
        wait: Wait::UntilHealthy,
    }
}

/// A compose file with these services, each with the mark in its environment.
pub(crate) fn compose(services: &[&str], mark: &str) -> String {
    let service = |name: &&str| {
        format!(
            "  {name}: {{image: \"web:1\", environment: [MARK={mark}], deploy: {{update_config: {{monitor: 1ms}}}}}}\n"
        )
    };
    let services: String = services.iter().map(service).collect();
    format!("services:\n{services}")
}

pub(crate) fn repository(stack: &str, services: &[&str], mark: &str) -> Repository {
    Repository::with(&[
        ("stacks.yaml", &format!("- name: {stack}\n")),
        (&format!("{stack}/compose.yml"), &compose(services, mark)),
    ])
}

pub(crate) fn broken() -> EngineError {
    EngineError::Refused {
        doing: "POST".to_owned(),
        status: 500,
        message: "no".to_owned(),
    }
}

pub(crate) fn stale() -> EngineError {
    EngineError::OutOfSequence {
        name: "app_a".to_owned(),
    }
}

pub(crate) fn outcomes(report: &Report) -> Vec<Outcome> {
    let stacks = report.repositories.iter().flat_map(|r| &r.stacks);
    stacks.map(|stack| stack.outcome).collect()
}

pub(crate) fn changes(report: &Report) -> Vec<String> {
    let stacks = report.repositories.iter().flat_map(|r| &r.stacks);
    stacks
        .flat_map(|stack| &stack.changes)
        .map(ToString::to_string)
        .collect()
}

/// The environment of a service, by its name on the Swarm.
pub(crate) async fn mark(bench: &Bench, service: &str) -> String {
    let services = bench.swarm.services().await.unwrap();
    let service = services.iter().find(|s| s.name == service).unwrap();
    let env = &service.spec["TaskTemplate"]["ContainerSpec"]["Env"][0];
    env.as_str().unwrap().to_owned()
}

/// From now on the tasks of `service` fail as long as its spec holds `mark`.
pub(crate) fn fail_when(bench: &Bench, service: &str, mark: &str) {
    bench
        .swarm
        .script_of(service, mark, Script::Fail("exit 3".to_owned()));
}

/// Who owns what `repository` deploys.
pub(crate) fn owner(repository: &Repository) -> Owner {
    Target::parse(&repository.url()).owner().unwrap()
}

/// The files of a repository of two stacks, `app` and `web`, that mount one binding.
pub(crate) fn sharing(nfs: &Path, mark: &str) -> Vec<(String, String)> {
    let stack = |name: &str| {
        format!(
            "services:\n  {name}: {{image: \"web:1\", environment: [MARK={mark}], volumes: [\"conf:/c\"], \
             deploy: {{update_config: {{monitor: 1ms}}}}}}\nvolumes: {{conf: {{}}}}\n"
        )
    };
    [
        ("stacks.yaml", "- name: app\n- name: web\n".to_owned()),
        ("nfs.yaml", format!("path: {}\n", nfs.display())),
        (
            "volumes.yaml",
            "- {id: conf, type: binding, path: conf}\n".to_owned(),
        ),
        ("conf/page", mark.to_owned()),
        ("app/compose.yml", stack("a")),
        ("web/compose.yml", stack("b")),
    ]
    .map(|(path, text)| (path.to_owned(), text))
    .to_vec()
}

/// As repositories take them.
pub(crate) fn named(files: &[(String, String)]) -> Vec<(&str, &str)> {
    let pairs = files.iter();
    pairs.map(|(p, t)| (p.as_str(), t.as_str())).collect()
}
