//! What every command that reaches Docker does first: root, settings, database, engine, and
//! the lock unless it only looks.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dockerops_core::duration::parse_go_duration;
use dockerops_core::fingerprint::FingerprintKey;
use dockerops_core::report::Problem;
use jiff::Timestamp;

use super::log::{Log, LogError};
use super::output::Output;
use super::progress::Shown;
use crate::engine::{DockerEngine, Engine, EngineSettings};
use crate::git::{Git, GitSettings};
use crate::lock::{Holder, Lock};
use crate::reconcile::{Target, World, problem};
use crate::registry::{Registry, RegistrySettings};
use crate::settings::{self, Settings};
use crate::store::Store;

/// An open session: dropping it lets the next run go on.
pub(super) struct Session {
    pub(super) world: World,
    pub(super) shown: Arc<Shown>,
    /// `None` for who only looks.
    _lock: Option<Lock>,
}

/// The database, for who changes it and reaches nothing else.
pub(super) struct Records {
    pub(super) store: Store,
    _lock: Lock,
}

/// What becomes of the key for fingerprints where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// None is made.
    Looked,
    /// It is made: seals in a file must mean the same tomorrow.
    Kept,
}

/// The settings, for somebody who may use them.
pub(super) fn settings(out: &mut Output) -> Result<Settings, Problem> {
    let settings = Settings::read()?;
    settings.require_root()?;
    settings
        .warnings
        .iter()
        .for_each(|warning| out.warn(warning));
    Ok(settings)
}

/// From here on, the run is written down where `DOCKEROPS_LOG_DIR` says.
fn log(settings: &Settings, command: &str, out: &mut Output) -> Result<(), Problem> {
    if let Some(folder) = &settings.log_dir {
        let log = Log::open(folder).map_err(|error| problem(&error, Some(LogError::hint())))?;
        out.log_to(log);
        out.note(&format!("dockerops {command}"));
    }
    Ok(())
}

/// The database alone, for commands that only read it.
pub(super) fn store(settings: &Settings) -> Result<Store, Problem> {
    let store = Store::open(&settings.database)?;
    Ok(store.keep_runs(settings.history))
}

/// A copy of the database, for commands that only read it and must not make one.
pub(super) fn records_to_look(settings: &Settings) -> Result<Store, Problem> {
    Store::snapshot(&settings.database).map_err(Problem::from)
}

/// Takes the lock and opens the database: no run is at work then.
pub(super) async fn records(
    command: &str,
    wait_lock: Option<Duration>,
    out: &mut Output,
) -> Result<Records, Problem> {
    let settings = settings(out)?;
    log(&settings, command, out)?;
    let lock = lock(&settings, command, wait_lock, out).await?;
    let store = store(&settings)?;
    Ok(Records { store, _lock: lock })
}

impl Session {
    /// Takes the lock and reaches everything that a run needs.
    pub(super) async fn open(
        command: &str,
        wait_lock: Option<Duration>,
        out: &mut Output,
    ) -> Result<Self, Problem> {
        let settings = settings(out)?;
        log(&settings, command, out)?;
        let engine = engine(&settings)?;
        let lock = lock(&settings, command, wait_lock, out).await?;
        let store = store(&settings)?;
        let key = settings.fingerprint_key()?;
        manager(&engine).await?;
        Ok(Self::new(engine, store, &key, settings, Some(lock)))
    }

    /// Reaches everything that a plan needs: without the lock, without making a
    /// database, and with a copy of the database that nothing written stays in.
    pub(super) async fn look(key: Key, out: &mut Output) -> Result<Self, Problem> {
        let settings = settings(out)?;
        let engine = engine(&settings)?;
        let store = records_to_look(&settings)?;
        let key = match key {
            Key::Looked => settings.fingerprint_key_to_look(),
            Key::Kept => settings.fingerprint_key(),
        };
        let key = key?;
        manager(&engine).await?;
        Ok(Self::new(engine, store, &key, settings, None))
    }

    /// Reaches as much as there is, for whoever finds out what is broken; also says why the
    /// database could not be opened, in whose place there is an empty one.
    pub(super) fn examine(out: &mut Output) -> Result<(Self, Option<Problem>), Problem> {
        let settings = settings(out)?;
        let engine = engine(&settings)?;
        let (store, broken) = match Store::snapshot(&settings.database) {
            Ok(store) => (store, None),
            Err(error) => (Store::none()?, Some(error.into())),
        };
        let key = settings.fingerprint_key_to_look()?;
        Ok((Self::new(engine, store, &key, settings, None), broken))
    }

    fn new(
        engine: DockerEngine,
        store: Store,
        key: &settings::FingerprintKey,
        settings: Settings,
        lock: Option<Lock>,
    ) -> Self {
        let shown = Arc::new(Shown::new());
        let world = World {
            engine: Arc::new(engine),
            git: Arc::new(Git::new(git_settings(&settings))),
            registry: registry(&settings),
            store: Mutex::new(store),
            key: FingerprintKey::new(key.key.expose()),
            settings: Arc::new(settings),
            progress: Arc::clone(&shown) as _,
        };
        Self {
            world,
            shown,
            _lock: lock,
        }
    }

    /// The watched repositories; that there is none is an error.
    pub(super) fn watched(&self) -> Result<Vec<Target>, Problem> {
        let targets = self.known()?;
        if targets.is_empty() {
            let database = self.world.settings.database.display();
            return Err(Problem::new(
                format!("no repository is watched in the database {database}"),
                Some("Run `dockerops watch <url>` first, or set `DOCKEROPS_DB_PATH` to the right database.".to_owned()),
            ));
        }
        Ok(targets)
    }

    /// The watched repositories, each once.
    pub(super) fn known(&self) -> Result<Vec<Target>, Problem> {
        let rows = self.world.store().repositories()?;
        // An earlier database may hold one repository in two spellings: two of it
        // would write the same stacks side by side.
        let mut known = BTreeSet::new();
        Ok(rows
            .into_iter()
            .filter(|row| known.insert(row.owner()))
            .map(|row| Target::parse(&row.url))
            .collect())
    }
}

fn engine(settings: &Settings) -> Result<DockerEngine, Problem> {
    DockerEngine::new(&engine_settings(settings)).map_err(Problem::from)
}

async fn manager(engine: &DockerEngine) -> Result<(), Problem> {
    let checked = engine.check_manager().await;
    checked.map(drop).map_err(Problem::from)
}

async fn lock(
    settings: &Settings,
    command: &str,
    patience: Option<Duration>,
    out: &mut Output,
) -> Result<Lock, Problem> {
    let me = Holder {
        pid: std::process::id(),
        command: command.to_owned(),
        since: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    };
    let waiting = |holder: Option<&Holder>| {
        let who = holder.map(|holder| format!(" (pid {}, `{}`)", holder.pid, holder.command));
        out.say(&format!(
            "Waiting for another run to end{}.",
            who.unwrap_or_default()
        ));
    };
    Lock::acquire(
        &Lock::path_for(&settings.database),
        &me,
        patience.unwrap_or_default(),
        waiting,
    )
    .await
    .map_err(Problem::from)
}

fn engine_settings(settings: &Settings) -> EngineSettings {
    EngineSettings {
        host: settings.docker.host.clone(),
        tls_verify: settings.docker.tls_verify,
        cert_path: settings.docker.cert_path.clone(),
        ..EngineSettings::default()
    }
}

fn registry(settings: &Settings) -> Registry {
    let settings = RegistrySettings {
        docker_config: Some(settings.docker.config.clone()),
        insecure: settings.insecure_registries.clone(),
        ..RegistrySettings::default()
    };
    Registry::new(settings)
}

fn git_settings(settings: &Settings) -> GitSettings {
    GitSettings {
        token: settings.token.clone(),
        token_hosts: settings.token_hosts.clone(),
        environment: settings.environment.0.clone(),
        ..GitSettings::new(settings.mirrors())
    }
}

/// A duration as Docker and Go write it: `60s`, `5m`, `1m30s`; for `clap`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let nanoseconds = parse_go_duration(text).map_err(|error| error.to_string())?;
    let nanoseconds =
        u64::try_from(nanoseconds).map_err(|_| "a duration is not negative".to_owned())?;
    Ok(Duration::from_nanos(nanoseconds))
}
