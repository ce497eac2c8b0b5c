//! Somebody with a repository in three revisions, and its stacks on the Swarm.
//!
//! Most services want no task, so that a deploy takes a second or two.

use std::fmt::Write as _;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dockerops_lab::{Change, Lab, LabError, Person, Recorder, Repository};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::moment::Moment;

/// What the repository says, or the Swarm has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Revision {
    /// Nothing is deployed.
    Nothing,
    Old,
    New,
    /// As new, but its web server does not start.
    Failing,
}

/// The person, what they deploy, and what of it is on the Swarm.
pub(super) struct Site<'a> {
    pub(super) person: Person<'a>,
    pub(super) recorder: Recorder,
    pub(super) repository: Repository,
    image: String,
    /// Where the last run ended.
    at: Revision,
    /// What it said.
    pub(super) said: String,
}

/// How long `dockerops` may take, killed or not.
const PATIENCE: Duration = Duration::from_secs(60);

impl<'a> Site<'a> {
    pub(super) fn new(lab: &'a Lab) -> Result<Self, LabError> {
        let mut person = Person::new(lab, "chaos")?;
        let recorder = lab.recorder()?;
        person.set("DOCKER_HOST", recorder.docker_host());
        person.set("DOCKEROPS_STABILITY_WINDOW", "100ms");
        Ok(Self {
            image: person.image("web", "chaos")?,
            repository: person.repository()?,
            person,
            recorder,
            at: Revision::Nothing,
            said: String::new(),
        })
    }

    /// The names of its stacks.
    pub(super) fn stacks(&self) -> [String; 2] {
        [self.person.named("app"), self.person.named("extra")]
    }

    /// Brings the Swarm to `revision`, undisturbed.
    pub(super) fn be_at(&mut self, revision: Revision) -> Result<(), LabError> {
        if self.at == Revision::Nothing && revision != Revision::Nothing {
            self.commit(Revision::Old)?;
            self.finish(Revision::Old)?;
        }
        if self.at != revision {
            self.commit(revision)?;
            self.finish(revision)?;
        }
        Ok(())
    }

    /// Makes `revision` what the repository says.
    pub(super) fn commit(&self, revision: Revision) -> Result<(), LabError> {
        let Some(mark) = revision.mark() else {
            return Ok(());
        };
        let [app, extra] = self.stacks();
        let old = revision == Revision::Old;
        let mut list = format!("- name: {app}\n");
        if old {
            let _ = writeln!(list, "- name: {extra}");
        }
        let idle = format!(
            "services:\n  idle: {{image: '{}', deploy: {{replicas: 0}}}}\n",
            self.image
        );
        let own = if old {
            "files/old.txt"
        } else {
            "files/new.txt"
        };
        let other = if old {
            "files/new.txt"
        } else {
            "files/old.txt"
        };
        let (nfs, app_file) = (self.person.nfs_yaml(), format!("{app}/compose.yml"));
        let (conf, key) = (format!("{app}/conf.txt"), format!("{app}/key.txt"));
        let (extra_file, compose) = (format!("{extra}/compose.yml"), self.compose(revision, mark));
        let mut changes: Vec<Change<'_>> = [
            ("stacks.yaml", list.as_str()),
            ("nfs.yaml", &nfs),
            (
                "volumes.yaml",
                "- {id: files, type: binding, path: files}\n",
            ),
            ("files/shared.txt", mark),
            (own, mark),
            (&app_file, &compose),
            (&conf, mark),
            (&key, mark),
            (&extra_file, &idle),
        ]
        .map(|(path, text)| Change::Write(path, text.as_bytes()))
        .into();
        changes.push(Change::Remove(other));
        self.repository.commit_changes(&changes, mark).map(drop)
    }

    fn compose(&self, revision: Revision, mark: &str) -> String {
        let image = &self.image;
        let idle = "deploy: {replicas: 0}";
        let (own, network) = if revision == Revision::Old {
            ("old", "back")
        } else {
            ("new", "front")
        };
        // One that cannot even start is never taken for well, however slow the machine is.
        let command = if revision == Revision::Failing {
            "no-such-program"
        } else {
            "sleep"
        };
        // The job changes with what is meant to stay: how often it runs in a deploy that is
        // taken back depends on how far that came.
        let job = if revision == Revision::New {
            "new"
        } else {
            "old"
        };
        format!(
            "services:\n\
             \x20 db: {{image: '{image}', environment: [MARK={mark}], networks: [{network}], {idle}}}\n\
             \x20 {own}: {{image: '{image}', networks: [{network}], {idle}}}\n\
             \x20 migrate: {{image: '{image}', command: 'true', environment: [MARK={job}], networks: [host], \
             depends_on: [db], deploy: {{mode: replicated-job}}}}\n\
             \x20 web: {{image: '{image}', command: [{command}, '100000'], environment: [MARK={mark}], networks: [host], \
             stop_grace_period: 0s, configs: [conf], secrets: [key], volumes: ['files:/files'], \
             depends_on: {{migrate: {{condition: service_completed_successfully}}}}, \
             deploy: {{update_config: {{monitor: 300ms}}, restart_policy: {{delay: 100ms}}}}}}\n\
             configs: {{conf: {{file: ./conf.txt}}}}\n\
             secrets: {{key: {{file: ./key.txt}}}}\n\
             networks: {{host: {{external: true}}, {network}: {{}}}}\n"
        )
    }

    /// Runs `dockerops` until the Swarm is at `revision`; it must end as it should.
    pub(super) fn finish(&mut self, revision: Revision) -> Result<(), LabError> {
        let words = self.words(revision)?;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let ran = self.person.run(&words)?;
        self.said = ran.text();
        let wanted = i32::from(revision == Revision::Failing);
        if ran.code != Some(wanted) {
            let (words, said) = (words.join(" "), &self.said);
            return Err(LabError::Claim(format!(
                "`dockerops {words}` exits with {wanted}; it said: {said}"
            )));
        }
        self.at = revision;
        Ok(())
    }

    /// Starts `dockerops`, kills it at `moment`; gives how many writes it had sent.
    pub(super) fn kill(&mut self, revision: Revision, moment: Moment) -> Result<usize, LabError> {
        let words = self.words(revision)?;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let mut command = self.person.command(&words)?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let start = Instant::now();
        let mut child = command.spawn().map_err(io("cannot start dockerops"))?;
        let ended = wait_until(&mut child, || match moment {
            Moment::After(time) => start.elapsed() >= time,
            Moment::Write(number, _) => self.recorder.count() >= number,
        })?;
        if let (false, Moment::Write(_, time)) = (ended, moment) {
            sleep(time);
        }
        // What it started goes on, as it does when the kernel runs out of memory.
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        child.wait().map_err(io("cannot wait for dockerops"))?;
        Ok(self.recorder.count())
    }

    /// What to run. A repository is watched once.
    fn words(&self, revision: Revision) -> Result<Vec<String>, LabError> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        if revision == Revision::Nothing {
            return Ok(words(&["stop", "--yes"]));
        }
        if self.is_watched()? {
            Ok(words(&["reconcile", "--timeout", "30s"]))
        } else {
            Ok(words(&[
                "watch",
                &self.repository.url(),
                "--timeout",
                "30s",
            ]))
        }
    }

    fn is_watched(&self) -> Result<bool, LabError> {
        Ok(!self.rows("SELECT url FROM repository_cache")?.is_empty())
    }

    /// What a query of the database gives; nothing without a database.
    pub(super) fn rows(&self, query: &str) -> Result<String, LabError> {
        if !self.person.database().exists() {
            return Ok(String::new());
        }
        let mut sqlite = std::process::Command::new("sqlite3");
        sqlite.arg(self.person.database()).arg(query);
        dockerops_lab::process::output(&mut sqlite)
    }

    /// The number of the job's last run; of one run there must be one task.
    pub(super) fn job_runs(&self) -> Result<Option<u64>, LabError> {
        let name = format!("{}_migrate", self.person.named("app"));
        let services = self.person.lab.services(&self.person.named("app"))?;
        let Some(job) = services.get(&name) else {
            return Ok(None);
        };
        let run = job.pointer("/JobStatus/JobIteration/Index");
        let run = run.and_then(Value::as_u64).unwrap_or_default();
        let tasks = self.person.lab.tasks(&name)?;
        let of_run = |task: &&Value| {
            let of = task.pointer("/JobIteration/Index").and_then(Value::as_u64);
            of.unwrap_or_default() == run
        };
        let count = tasks.iter().filter(of_run).count();
        if count == 1 {
            Ok(Some(run))
        } else {
            Err(LabError::Claim(format!(
                "run {run} of the job has one task (it has {count})"
            )))
        }
    }
}

impl Revision {
    fn mark(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Old => Some("old"),
            Self::New => Some("new"),
            Self::Failing => Some("failing"),
        }
    }
}

/// Waits until `due`, or until `child` has ended by itself; whether it has.
fn wait_until(child: &mut Child, due: impl Fn() -> bool) -> Result<bool, LabError> {
    let start = Instant::now();
    while !due() {
        if child
            .try_wait()
            .map_err(io("cannot watch dockerops"))?
            .is_some()
        {
            return Ok(true);
        }
        if start.elapsed() > PATIENCE {
            return Err(LabError::Timeout {
                what: "the end of dockerops".to_owned(),
                within: PATIENCE,
            });
        }
        sleep(Duration::from_millis(1));
    }
    Ok(false)
}

fn io(doing: &str) -> impl FnOnce(std::io::Error) -> LabError {
    let doing = doing.to_owned();
    move |source| LabError::Io { doing, source }
}
