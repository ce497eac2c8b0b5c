//! A person returns a stack to an earlier deploy, and it stays there.
//!
//! Asks neither Git's server nor, for images that were deployed before, a registry.

use dockerops_core::names::{Owner, StackName};
use dockerops_core::recovery::{Hold, HoldState};
use dockerops_core::report::{Problem, Report, RepositoryReport, StackReport};
use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;
use jiff::Timestamp;

use super::returning::Return;
use super::rollout::Unmade;
use super::{Request, World, history, suspended};
use crate::store::{Begun, Deployed, Ended, Run, Stack, StoreError};

/// What is to be returned to.
#[derive(Debug)]
pub struct Earlier {
    /// The stack's row.
    pub row: Stack,
    /// The deploy that was well then.
    pub run: Run,
}

/// What a stack may return to: the deploy `id`, else the newest that was well and asks for
/// something else than what runs or is held.
pub fn earlier(world: &World, stack: &StackName, id: Option<i64>) -> Result<Earlier, Problem> {
    let row = row(world, stack)?;
    let owner = row.owner();
    suspended::refuse(world, &owner, stack)?;
    let run = match id {
        Some(id) => run(world, &owner, stack, id)?,
        None => newest(world, &owner, &row)?,
    };
    Ok(Earlier { row, run })
}

/// Deploys `earlier` again and holds the stack there.
pub async fn roll_back(
    world: &World,
    request: &Request,
    stack: &StackName,
    earlier: &Earlier,
) -> Result<Report, Problem> {
    let back = Back {
        world,
        stack,
        owner: earlier.row.owner(),
        earlier,
        revision: revision(&earlier.run)?,
        started: Timestamp::now(),
    };
    let url = &earlier.row.repository_url;
    let way = Return {
        world,
        request,
        url,
        owner: &back.owner,
        stack,
        revision: &back.revision,
        pins: earlier.run.ended.pins.clone(),
        secrets: earlier.run.ended.secrets.clone(),
    };
    let report = back.told(way.go(&|| back.hold()).await);
    back.record(&report)?;
    Ok(Report {
        repositories: vec![RepositoryReport {
            url: url.clone(),
            revision: Some(back.revision.to_string()),
            commit: earlier.run.ended.commit.clone(),
            stacks: vec![report],
            ..RepositoryReport::default()
        }],
        ..Report::default()
    })
}

/// The one watched repository that deploys `stack`.
fn row(world: &World, stack: &StackName) -> Result<Stack, Problem> {
    let rows = world.store().stacks()?;
    let mut mine = rows.into_iter().filter(|row| row.name == stack.as_str());
    let first = mine.next().ok_or_else(|| {
        Problem::new(
            format!("no watched repository deployed stack `{stack}`"),
            Some("See `dockerops status` for the stacks that are known.".to_owned()),
        )
    })?;
    let was_deployed = mine.find(Stack::was_deployed);
    Ok(match was_deployed {
        Some(other) if !first.was_deployed() => other,
        _ => first,
    })
}

fn run(world: &World, owner: &Owner, stack: &StackName, id: i64) -> Result<Run, Problem> {
    let run = world.store().run(id)?;
    let mine = |run: &Run| run.ended.repository == *owner && run.ended.stack == stack.as_str();
    let hint = format!("`dockerops history {stack}` lists the deploys that it can return to.");
    match run.filter(mine) {
        Some(run) if run.ended.healthy => Ok(run),
        Some(_) => Err(Problem::new(
            format!("stack `{stack}` was not well at the end of run {id}"),
            Some(hint),
        )),
        None => Err(Problem::new(
            format!("stack `{stack}` has no run {id}"),
            Some(hint),
        )),
    }
}

fn newest(world: &World, owner: &Owner, row: &Stack) -> Result<Run, Problem> {
    let store = world.store();
    let hold = store.hold(owner, &row.name)?;
    let refused = hold.map(|hold| hold.hash).unwrap_or_default();
    let runs = store.runs(Some(&row.name), u32::MAX)?;
    let earlier = |run: &Run| {
        let ended = &run.ended;
        ended.repository == *owner
            && ended.healthy
            && ended.hash != refused
            && ended.hash != row.hash
    };
    runs.into_iter().find(earlier).ok_or_else(|| {
        Problem::new(
            format!("no earlier deploy of stack `{}` is known that was well", row.name),
            Some(format!(
                "`dockerops history {}` lists what is known; a commit that takes the change back does the same.",
                row.name
            )),
        )
    })
}

fn revision(run: &Run) -> Result<Revision, Problem> {
    let commit = run.ended.commit.as_ref();
    let revision = commit.and_then(|commit| Revision::parse(&commit.revision).ok());
    revision.ok_or_else(|| {
        Problem::new(
            format!("run {} was not deployed from a commit", run.id),
            Some("Name another run with `--to`.".to_owned()),
        )
    })
}

struct Back<'a> {
    world: &'a World,
    stack: &'a StackName,
    owner: Owner,
    earlier: &'a Earlier,
    revision: Revision,
    started: Timestamp,
}

impl Back<'_> {
    /// Holds what is asked for now, and notes that a deploy begins: a run that is killed is
    /// completed by the next.
    fn hold(&self) -> Result<(), Problem> {
        let mut store = self.world.store();
        let before = store.hold(&self.owner, self.stack.as_str())?;
        let hash = before.map_or_else(|| self.earlier.row.hash.clone(), |hold| hold.hash);
        let now = Timestamp::now().to_string();
        let head = self.head().unwrap_or_else(|| self.revision.to_string());
        let hold = Hold {
            revision: head.clone(),
            hash,
            reason: "rolled back by hand".to_owned(),
            state: HoldState::ByHand,
            target: Some(self.revision.to_string()),
            since: now.clone(),
        };
        let stack = self.stack.as_str();
        let begun = Begun {
            revision: head,
            at: now,
            ran: true,
        };
        store
            .record_hold(&self.owner, stack, &hold)
            .and_then(|()| store.begin(&self.owner, stack, &begun))
            .map_err(Problem::from)
    }

    /// The newest revision that was fetched.
    fn head(&self) -> Option<String> {
        let url = RepositoryUrl::parse(&self.earlier.row.repository_url).ok()?;
        Some(self.world.git.mirrored(&url)?.to_string())
    }

    fn told(&self, way: Result<StackReport, Unmade>) -> StackReport {
        let mut report = match way {
            Ok(report) => report,
            Err(unmade) => StackReport::failed(self.stack.clone(), unmade.problem()),
        };
        if report.problem.is_none() {
            report.warnings.push(format!(
                "it stays at {}: a new commit or `dockerops retry {}` deploys again",
                self.revision.short(),
                self.stack
            ));
        }
        report
    }

    fn record(&self, report: &StackReport) -> Result<(), Problem> {
        let well = report.outcome.is_as_asked();
        let recorded = self.world.store().together(|store| {
            if well {
                self.record_deployed(store, report)?;
                store.end(&self.owner, self.stack.as_str())?;
            }
            store.record_run(&self.ended(report, well))
        });
        recorded.map_err(Problem::from)
    }

    fn record_deployed(
        &self,
        store: &mut crate::store::Store,
        report: &StackReport,
    ) -> Result<(), StoreError> {
        let row = &self.earlier.row;
        let hash = report.hash.clone().unwrap_or_default();
        let deployed = Deployed {
            revision: self.revision.clone(),
            at: Timestamp::now().to_string(),
        };
        store.record_deployed(
            &row.repository_url,
            &row.name,
            &row.compose_path,
            &hash,
            &deployed,
        )
    }

    fn ended(&self, report: &StackReport, well: bool) -> Ended {
        Ended {
            repository: self.owner.clone(),
            stack: self.stack.to_string(),
            commit: self.earlier.run.ended.commit.clone(),
            trigger: super::Trigger::Rollback.as_str().to_owned(),
            outcome: report.outcome.as_str().to_owned(),
            reason: history::reason(report.problem.as_ref()),
            healthy: well,
            hash: report.hash.clone().unwrap_or_default(),
            pins: self.earlier.run.ended.pins.clone(),
            secrets: self.earlier.run.ended.secrets.clone(),
            report: history::to_json(report),
            started_at: self.started.to_string(),
            ended_at: Timestamp::now().to_string(),
        }
    }
}
