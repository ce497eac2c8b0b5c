//! Registry credentials in whole runs on a Swarm in memory: when the nodes get new ones, and
//! that nothing else comes of it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
#[expect(dead_code, reason = "shared with the tests over HTTP")]
mod git_server;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use bench::{DIGEST, outcomes};
use dockerops::engine::{Engine, LocalImage, Script};
use dockerops::reconcile::{Mode, Request, Target, run};
use dockerops::registry::{Registry, RegistrySettings};
use dockerops::store::Store;
use dockerops_core::observed::UpdateStatus;
use dockerops_core::report::{Outcome, Report};
use git_server::Repository;
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};

const HOUR: i64 = 3600;

/// A Swarm, a database and a Docker configuration.
struct Case {
    bench: bench::Bench,
    app: Repository,
    /// A registry that has every image, for everybody who is not mistaken.
    registry: String,
}

/// Answers HEAD of every manifest, to all but those who bring the password `mistaken`.
async fn registry() -> String {
    use axum::http::{HeaderMap, StatusCode, header};
    let answer = async |headers: HeaderMap| {
        let given = headers.get(header::AUTHORIZATION);
        let mistaken = BASE64_STANDARD.encode("me:mistaken");
        let right = |value: &str| !value.ends_with(&mistaken);
        let given = given.and_then(|value| value.to_str().ok());
        let status = if given.is_some_and(right) {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        };
        let headers = [
            ("www-authenticate", "Basic"),
            ("docker-content-digest", DIGEST),
        ];
        (status, headers)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

impl Case {
    async fn new() -> Self {
        let registry = registry().await;
        let bench = bench::Bench::new();
        for name in ["web", "new"] {
            bench.swarm.add_image(LocalImage {
                id: format!("sha256:{name}"),
                tags: vec![format!("{registry}/{name}:1")],
                digests: vec![format!("{registry}/{name}@{DIGEST}")],
            });
        }
        let app = Repository::with(&[
            ("stacks.yaml", "- name: app\n"),
            ("app/compose.yml", &compose(&registry, "web", "one")),
        ]);
        Self {
            bench,
            app,
            registry,
        }
    }

    fn database(&self) -> PathBuf {
        self.bench.home.path().join("d.db")
    }

    async fn reconcile(&mut self) -> Report {
        self.run_in(Mode::Apply).await
    }

    /// As another process would: nothing but files is remembered.
    async fn run_in(&mut self, mode: Mode) -> Report {
        let world = &mut self.bench.world;
        world.registry = Registry::new(RegistrySettings {
            docker_config: Some(self.bench.home.path().to_owned()),
            ..RegistrySettings::default()
        });
        let path = self.bench.home.path().join("d.db");
        world.store = Mutex::new(Store::open(&path).unwrap());
        let target = Target::parse(&self.app.url());
        self.bench.watch(target.url().unwrap());
        let request = Request {
            mode,
            ..bench::request(vec![target])
        };
        run(&self.bench.world, &request).await.unwrap()
    }

    fn commit(&self, image: &str, mark: &str) {
        self.app
            .commit(&[("app/compose.yml", &compose(&self.registry, image, mark))]);
    }

    /// Somebody logged in.
    fn log_in(&self, password: &str) {
        let auths = json!({&self.registry: {"username": "me", "password": password}});
        self.configure(&json!({"auths": auths}));
    }

    fn configure(&self, config: &Value) {
        fs::write(
            self.bench.home.path().join("config.json"),
            config.to_string(),
        )
        .unwrap();
    }

    /// The password that the nodes have.
    fn password(&self, service: &str) -> Option<String> {
        let header = self.bench.swarm.credentials(service)?;
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

/// Of `a` the mark, of `b` nothing ever changes; `a` and the job share the image.
fn compose(registry: &str, image: &str, mark: &str) -> String {
    let deploy = "deploy: {update_config: {monitor: 1ms}}";
    format!(
        "services:\n  a: {{image: \"{registry}/{image}:1\", environment: [MARK={mark}], {deploy}}}\n\
         \x20 b: {{image: \"{registry}/web:1\", {deploy}}}\n\
         \x20 job: {{image: \"{registry}/{image}:1\", command: \"true\", deploy: {{mode: replicated-job}}}}\n"
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

fn refreshed(report: &Report) -> Vec<String> {
    let all = report.credentials_refreshed.iter();
    all.map(|one| one.services.join(" ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_stay_the_same_are_no_write() {
    let mut case = Case::new().await;
    case.log_in("hunter2");
    case.reconcile().await;
    assert_eq!(case.password("app_a").as_deref(), Some("hunter2"));
    case.bench.swarm.take_writes();
    let database = fs::read(case.database()).unwrap();

    for _ in 0..3 {
        let report = case.reconcile().await;
        assert!(!report.failed(), "{report:?}");
    }

    assert_eq!(case.bench.swarm.take_writes(), Vec::<String>::new());
    let known = |bytes: &[u8]| bytes.windows(7).any(|part| part == b"hunter2");
    assert!(!known(&database), "the database holds a password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_before_it_ends_without_a_restart_and_never_for_a_job() {
    let mut case = Case::new().await;
    let old = token("old", 12 * HOUR);
    case.log_in(&old);
    case.reconcile().await;
    let before = (
        case.bench.swarm.task_ids("app_a"),
        case.bench.swarm.task_ids("app_job"),
    );
    let specs = case.bench.swarm.services().await.unwrap();
    case.bench.swarm.take_writes();
    let new = token("new", 12 * HOUR);
    case.log_in(&new);

    let early = case.reconcile().await;
    assert_eq!(refreshed(&early), [""; 0]);
    assert_eq!(case.bench.swarm.take_writes(), [""; 0]);
    case.age(10 * HOUR);
    let late = case.reconcile().await;

    assert_eq!(refreshed(&late), ["app_a app_b"]);
    assert_eq!(outcomes(&late), [Outcome::Unchanged]);
    assert_eq!(
        case.bench.swarm.take_writes(),
        ["update service app_a", "update service app_b"]
    );
    assert_eq!(case.password("app_a"), Some(new));
    assert_eq!(case.password("app_job"), Some(old));
    let after = (
        case.bench.swarm.task_ids("app_a"),
        case.bench.swarm.task_ids("app_job"),
    );
    assert_eq!(before, after);
    let now = case.bench.swarm.services().await.unwrap();
    assert!(
        specs
            .iter()
            .zip(&now)
            .all(|(old, new)| old.spec == new.spec)
    );
    case.reconcile().await;
    assert_eq!(case.bench.swarm.take_writes(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_replaced_reaches_the_nodes_once() {
    let mut case = Case::new().await;
    case.log_in("old");
    case.reconcile().await;
    case.bench.swarm.take_writes();
    case.log_in("new");

    let first = case.reconcile().await;
    let second = case.reconcile().await;

    assert_eq!(refreshed(&first), ["app_a app_b"]);
    assert_eq!(refreshed(&second), [""; 0]);
    assert_eq!(
        case.bench.swarm.take_writes(),
        ["update service app_a", "update service app_b"]
    );
    assert_eq!(case.password("app_a").as_deref(), Some("new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_refreshes_nothing() {
    let mut case = Case::new().await;
    case.log_in("old");
    case.reconcile().await;
    case.bench.swarm.take_writes();
    case.log_in("new");

    case.run_in(Mode::Preview).await;

    assert_eq!(case.bench.swarm.take_writes(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_sends_again_only_what_may_end_soon() {
    for (password, wanted) in [("hunter2".to_owned(), 0), (token("x", 12 * HOUR), 2)] {
        let mut case = Case::new().await;
        case.log_in(&password);
        case.reconcile().await;
        fs::remove_file(case.database()).unwrap();
        case.bench.swarm.take_writes();

        for _ in 0..2 {
            case.reconcile().await;
        }

        assert_eq!(case.bench.swarm.take_writes().len(), wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_swarm_is_not_done_with_is_left_alone() {
    for state in ["updating", "paused", "rollback_completed"] {
        let mut case = Case::new().await;
        case.log_in("old");
        case.reconcile().await;
        case.bench.swarm.edit_status("app_a", |service| {
            service.update = Some(UpdateStatus {
                state: state.to_owned(),
                message: String::new(),
            });
        });
        case.log_in("new");

        let report = case.reconcile().await;

        assert_eq!(refreshed(&report), ["app_b"], "{state}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_did_not_get_well_is_not_touched_further_in_that_run() {
    let mut case = Case::new().await;
    case.log_in("old");
    case.reconcile().await;
    let fails = Script::Fail("exit 3".to_owned());
    case.bench.swarm.script_of("app_a", "MARK=two", fails);
    case.log_in("new");
    case.commit("web", "two");

    let failed = case.reconcile().await;
    assert_eq!(outcomes(&failed), [Outcome::RolledBack]);
    assert_eq!(refreshed(&failed), [""; 0]);
    assert_eq!(case.password("app_b").as_deref(), Some("old"));

    let held = case.reconcile().await;
    assert_eq!(outcomes(&held), [Outcome::Held]);
    assert_eq!(refreshed(&held), ["app_b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_that_fails_is_a_warning_until_an_image_must_be_pulled() {
    let mut case = Case::new().await;
    case.log_in("old");
    case.reconcile().await;
    case.configure(&json!({"credHelpers": {&case.registry: "is-not-installed"}}));
    case.bench.swarm.take_writes();

    let idle = case.reconcile().await;
    case.commit("web", "two");
    let update = case.reconcile().await;

    for (report, outcome) in [(&idle, Outcome::Unchanged), (&update, Outcome::Changed)] {
        assert_eq!(outcomes(report), [outcome], "{report:?}");
        assert!(!report.failed(), "{report:?}");
        let warnings = report.repositories[0].warnings.join("\n");
        let way_out = format!(
            "Run `echo {} | docker-credential-is-not-installed get`",
            case.registry
        );
        assert!(warnings.contains(&way_out), "{warnings}");
    }
    assert_eq!(
        case.password("app_a").as_deref(),
        Some("old"),
        "the nodes keep theirs"
    );

    case.bench.swarm.take_writes();
    case.commit("new", "two");
    let pull = case.reconcile().await;
    assert_eq!(outcomes(&pull), [Outcome::Failed]);
    assert_eq!(
        case.bench.swarm.take_writes(),
        [""; 0],
        "it fails before any write"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_have_ended_are_said() {
    let mut case = Case::new().await;
    case.log_in(&token("old", 12 * HOUR));
    case.reconcile().await;
    case.age(13 * HOUR);
    case.log_in(&token("new", -HOUR));
    case.bench.swarm.take_writes();

    let report = case.reconcile().await;

    let warnings = report.repositories[0].warnings.join("\n");
    assert!(
        warnings.contains("have ended: a task that moves"),
        "{warnings}"
    );
    assert_eq!(case.bench.swarm.take_writes(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_the_registry_refuses_is_not_sent() {
    let mut case = Case::new().await;
    case.log_in("right");
    case.reconcile().await;
    case.log_in("mistaken");
    case.bench.swarm.take_writes();

    let report = case.reconcile().await;

    let warnings = report.repositories[0].warnings.join("\n");
    assert!(
        warnings.contains("nodes go on with the credentials"),
        "{warnings}"
    );
    assert!(!report.failed(), "{report:?}");
    assert_eq!(case.bench.swarm.take_writes(), [""; 0]);
}
