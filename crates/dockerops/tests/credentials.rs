//! Registry credentials in whole runs on a Swarm in memory: when the nodes get new ones, and
//! that nothing else comes of it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "shared with the tests over HTTP")]
mod git_server;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use dockerops::engine::{Engine, LocalImage, MemorySwarm, Script};
use dockerops::git::{Git, GitSettings};
use dockerops::reconcile::progress::Silent;
use dockerops::reconcile::{Limits, Mode, Request, Target, Texts, Trigger, Wait, World, run};
use dockerops::registry::{Registry, RegistrySettings};
use dockerops::settings::{Environment, Settings, Sources};
use dockerops::store::Store;
use dockerops_core::departed::Insist;
use dockerops_core::fingerprint::FingerprintKey;
use dockerops_core::plan::Policy;
use dockerops_core::report::{Outcome, Report};
use git_server::Repository;
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// Nobody listens there: images are known to this node.
const REGISTRY: &str = "127.0.0.1:1";
const HOUR: i64 = 3600;

/// A Swarm, a database and a Docker configuration.
struct Bench {
    swarm: Arc<MemorySwarm>,
    home: tempfile::TempDir,
    app: Repository,
}

impl Bench {
    fn new() -> Self {
        let swarm = Arc::new(MemorySwarm::new());
        let image = |name: &str| LocalImage {
            id: format!("sha256:{name}"),
            tags: vec![format!("{REGISTRY}/{name}:1")],
            digests: vec![format!("{REGISTRY}/{name}@{DIGEST}")],
        };
        swarm.add_image(image("web"));
        swarm.add_image(image("new"));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let app = Repository::with(&[
            ("stacks.yaml", "- name: app\n"),
            ("app/compose.yml", &compose("web", "one")),
        ]);
        let home = tempfile::tempdir().unwrap();
        Self { swarm, home, app }
    }

    /// As another process would: nothing but files is remembered.
    fn world(&self) -> World {
        let home = self.home.path();
        let mut git = GitSettings::new(home.join("mirrors"));
        git.environment
            .insert("PATH".to_owned(), std::env::var_os("PATH").unwrap());
        let sources = Sources {
            process: Environment(BTreeMap::from([(
                "HOME".to_owned(),
                home.as_os_str().to_owned(),
            )])),
            ..Sources::default()
        };
        World {
            engine: Arc::clone(&self.swarm) as Arc<dyn Engine>,
            git: Arc::new(Git::new(git)),
            registry: Registry::new(RegistrySettings {
                docker_config: Some(home.to_owned()),
                ..RegistrySettings::default()
            }),
            store: Mutex::new(Store::open(&self.database()).unwrap()),
            key: FingerprintKey::new(*b"a key"),
            settings: Arc::new(Settings::decide(&sources).unwrap()),
            progress: Arc::new(Silent),
        }
    }

    fn database(&self) -> PathBuf {
        self.home.path().join("d.db")
    }

    async fn reconcile(&self) -> Report {
        self.run_in(Mode::Apply).await
    }

    async fn run_in(&self, mode: Mode) -> Report {
        let request = Request {
            repositories: vec![Target::parse(&self.app.url())],
            only: BTreeSet::new(),
            policy: Policy::default(),
            insist: Insist::No,
            rotate: BTreeSet::new(),
            trigger: Trigger::Reconcile,
            limits: Limits {
                forward: Some(Duration::from_secs(3)),
                rollback: None,
            },
            mode,
            texts: Texts::Named,
            agreed: None,
            wait: Wait::UntilHealthy,
        };
        run(&self.world(), &request).await.unwrap()
    }

    /// Somebody logged in.
    fn log_in(&self, password: &str) {
        let auths = json!({REGISTRY: {"username": "me", "password": password}});
        self.configure(&json!({"auths": auths}));
    }

    fn configure(&self, config: &Value) {
        fs::write(self.home.path().join("config.json"), config.to_string()).unwrap();
    }

    /// The password that the nodes have.
    fn password(&self, service: &str) -> Option<String> {
        let header = self.swarm.credentials(service)?;
        let json = BASE64_URL_SAFE.decode(header.expose()).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        json["password"].as_str().map(str::to_owned)
    }

    /// What was sent was sent so long ago.
    fn age(&self, seconds: i64) {
        let connection = Connection::open(self.database()).unwrap();
        let ago = |column: &str| {
            format!("{column} = strftime('%Y-%m-%dT%H:%M:%SZ', {column}, '-{seconds} seconds')")
        };
        let set = format!(
            "UPDATE credentials SET {}, {}",
            ago("sent_at"),
            ago("expires_at")
        );
        connection.execute(&set, []).unwrap();
    }
}

fn compose(image: &str, mark: &str) -> String {
    format!(
        "services:\n  a: {{image: \"{REGISTRY}/{image}:1\", environment: [MARK={mark}], \
         deploy: {{update_config: {{monitor: 1ms}}}}}}\n\
         \x20 job: {{image: \"{REGISTRY}/{image}:1\", command: \"true\", deploy: {{mode: replicated-job}}}}\n"
    )
}

/// A JSON web token that ends in so many seconds.
fn token(mark: &str, left: i64) -> String {
    let part = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let ends = Timestamp::now().as_second() + left;
    format!(
        "{}.{}.c2ln",
        part(json!({"alg": "none"})),
        part(json!({"exp": ends, "sub": mark}))
    )
}

fn outcomes(report: &Report) -> Vec<Outcome> {
    report.stacks().map(|stack| stack.outcome).collect()
}

fn refreshed(report: &Report) -> Vec<String> {
    let all = report.credentials_refreshed.iter();
    all.map(|one| format!("{} {}", one.registry, one.services.join(" ")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_stay_the_same_are_no_write() {
    let bench = Bench::new();
    bench.log_in("hunter2");
    bench.reconcile().await;
    assert_eq!(bench.password("app_a").as_deref(), Some("hunter2"));
    bench.swarm.take_writes();
    let database = fs::read(bench.database()).unwrap();

    for _ in 0..3 {
        let report = bench.reconcile().await;
        assert!(!report.failed(), "{report:?}");
    }

    assert_eq!(bench.swarm.take_writes(), Vec::<String>::new());
    let known = |bytes: &[u8]| bytes.windows(7).any(|part| part == b"hunter2");
    assert!(!known(&database), "the database holds a password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_before_it_ends_without_a_restart_and_never_for_a_job() {
    let bench = Bench::new();
    let old = token("old", 12 * HOUR);
    bench.log_in(&old);
    bench.reconcile().await;
    let before = (
        bench.swarm.task_ids("app_a"),
        bench.swarm.task_ids("app_job"),
    );
    let specs = bench.swarm.services().await.unwrap();
    bench.swarm.take_writes();
    let new = token("new", 12 * HOUR);
    bench.log_in(&new);

    let early = bench.reconcile().await;
    assert_eq!(refreshed(&early), [""; 0]);
    assert_eq!(bench.swarm.take_writes(), [""; 0]);
    bench.age(10 * HOUR);
    let late = bench.reconcile().await;

    assert_eq!(refreshed(&late), ["127.0.0.1:1 app_a"]);
    assert_eq!(outcomes(&late), [Outcome::Unchanged]);
    assert_eq!(bench.swarm.take_writes(), ["update service app_a"]);
    assert_eq!(bench.password("app_a"), Some(new));
    assert_eq!(bench.password("app_job"), Some(old));
    let after = (
        bench.swarm.task_ids("app_a"),
        bench.swarm.task_ids("app_job"),
    );
    assert_eq!(before, after);
    let now = bench.swarm.services().await.unwrap();
    assert!(
        specs
            .iter()
            .zip(&now)
            .all(|(old, new)| old.spec == new.spec)
    );
    bench.reconcile().await;
    assert_eq!(bench.swarm.take_writes(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_replaced_reaches_the_nodes_once() {
    let bench = Bench::new();
    bench.log_in("old");
    bench.reconcile().await;
    bench.swarm.take_writes();
    bench.log_in("new");

    let first = bench.reconcile().await;
    let second = bench.reconcile().await;

    assert_eq!(refreshed(&first), ["127.0.0.1:1 app_a"]);
    assert_eq!(refreshed(&second), [""; 0]);
    assert_eq!(bench.swarm.take_writes(), ["update service app_a"]);
    assert_eq!(bench.password("app_a").as_deref(), Some("new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_refreshes_nothing() {
    let bench = Bench::new();
    bench.log_in("old");
    bench.reconcile().await;
    bench.swarm.take_writes();
    bench.log_in("new");

    bench.run_in(Mode::Preview).await;

    assert_eq!(bench.swarm.take_writes(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_sends_again_only_what_may_end_soon() {
    for (password, wanted) in [("hunter2".to_owned(), 0), (token("x", 12 * HOUR), 1)] {
        let bench = Bench::new();
        bench.log_in(&password);
        bench.reconcile().await;
        fs::remove_file(bench.database()).unwrap();
        bench.swarm.take_writes();

        for _ in 0..2 {
            bench.reconcile().await;
        }

        assert_eq!(bench.swarm.take_writes().len(), wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_swarm_is_not_done_with_is_left_alone() {
    for state in ["updating", "paused", "rollback_completed"] {
        let bench = Bench::new();
        bench.log_in("old");
        bench.reconcile().await;
        bench.swarm.edit_status("app_a", |service| {
            service.update = Some(dockerops_core::observed::UpdateStatus {
                state: state.to_owned(),
                message: String::new(),
            });
        });
        bench.log_in("new");

        let report = bench.reconcile().await;

        assert_eq!(refreshed(&report), [""; 0], "{state}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_failed_midway_is_not_touched_further() {
    let bench = Bench::new();
    bench.log_in("old");
    bench.reconcile().await;
    bench
        .swarm
        .script("app_job", Script::Fail("exit 3".to_owned()));
    bench
        .app
        .commit(&[("app/compose.yml", &compose("new", "one"))]);
    bench.reconcile().await;
    let writes = bench.swarm.take_writes();
    let times = writes
        .iter()
        .filter(|write| *write == "update service app_a");
    assert!(times.count() <= 1, "{writes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_that_fails_is_a_warning_until_an_image_must_be_pulled() {
    let bench = Bench::new();
    bench.log_in("old");
    bench.reconcile().await;
    bench.configure(&json!({"credHelpers": {REGISTRY: "is-not-installed"}}));
    bench.swarm.take_writes();

    let idle = bench.reconcile().await;
    bench
        .app
        .commit(&[("app/compose.yml", &compose("web", "two"))]);
    let update = bench.reconcile().await;

    for (report, outcome) in [(&idle, Outcome::Unchanged), (&update, Outcome::Changed)] {
        assert_eq!(outcomes(report), [outcome], "{report:?}");
        assert!(!report.failed(), "{report:?}");
        let warnings = report.repositories[0].warnings.join("\n");
        let way_out = "Run `echo 127.0.0.1:1 | docker-credential-is-not-installed get`";
        assert!(warnings.contains(way_out), "{warnings}");
    }
    assert_eq!(
        bench.password("app_a").as_deref(),
        Some("old"),
        "the nodes keep theirs"
    );

    bench.swarm.take_writes();
    bench
        .app
        .commit(&[("app/compose.yml", &compose("new", "two"))]);
    let pull = bench.reconcile().await;
    assert_eq!(outcomes(&pull), [Outcome::Failed]);
    assert_eq!(
        bench.swarm.take_writes(),
        [""; 0],
        "it fails before any write"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_have_ended_are_said() {
    let bench = Bench::new();
    bench.log_in(&token("old", 12 * HOUR));
    bench.reconcile().await;
    bench.age(13 * HOUR);
    bench.log_in(&token("new", -HOUR));
    bench.swarm.take_writes();

    let report = bench.reconcile().await;

    let warnings = report.repositories[0].warnings.join("\n");
    assert!(
        warnings.contains("the credentials for `127.0.0.1:1` have ended"),
        "{warnings}"
    );
    assert_eq!(bench.swarm.take_writes(), [""; 0]);
}
