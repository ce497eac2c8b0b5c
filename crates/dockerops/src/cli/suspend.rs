//! `dockerops suspend` and `dockerops resume`: leave a stack or a repository as it is, and go on.

use std::time::Duration;

use dockerops_core::names::Owner;
use dockerops_core::report::Problem;
use jiff::Timestamp;
use serde_json::json;

use super::output::Output;
use super::session::{Records, duration};
use super::subject::Subject;
use super::{Exit, session};
use crate::moment::moment;
use crate::store::{Store, Suspension};

/// Leave a stack or a repository as it is, until `resume`
///
/// Nothing of it is changed, healed or removed, whatever asks for it, --force included. Only
/// `stop` and `unwatch` still remove it. `suspend: true` in `stacks.yaml` does the same for a stack.
#[derive(Debug, clap::Args)]
pub(super) struct SuspendArgs {
    #[command(flatten)]
    of: OfArgs,
}

/// Go on with a stack or a repository that was suspended
///
/// The next `reconcile` makes it as its repository says.
#[derive(Debug, clap::Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    of: OfArgs,
}

#[derive(Debug, clap::Args)]
struct OfArgs {
    /// A stack, or a watched repository with all its stacks
    #[arg(value_name = "STACK|URL")]
    subject: String,

    /// Wait this long for another run to end, instead of failing at once
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    wait_lock: Option<Duration>,
}

pub(super) async fn suspend(args: &SuspendArgs, out: &mut Output) -> Result<Exit, Problem> {
    let (mut records, subject) = args.of.open("suspend", out).await?;
    let store = &mut records.store;
    let mut anew = false;
    for (owner, stack) in places(&subject) {
        let now = Timestamp::now().to_string();
        anew |= store.suspend(owner, stack, &now)?;
    }
    let name = name(&subject);
    let text = match (anew, own(store, &subject)?.first()) {
        (false, Some(since)) => {
            format!(
                "{name} is suspended already, since {}.\n",
                moment(&since.since)
            )
        }
        _ => format!(
            "{name} is suspended: nothing of it is changed until `dockerops resume {}`.\n",
            args.of.subject
        ),
    };
    out.answer(&text, answer(&subject, true, anew));
    Ok(Exit::Ok)
}

pub(super) async fn resume(args: &ResumeArgs, out: &mut Output) -> Result<Exit, Problem> {
    let (mut records, subject) = args.of.open("resume", out).await?;
    let store = &mut records.store;
    let mut ended = false;
    for (owner, stack) in places(&subject) {
        ended |= store.resume(owner, stack)?;
    }
    let name = name(&subject);
    let whole = whole(store, &subject)?;
    let text = match (ended, &whole) {
        (_, Some(url)) => {
            format!("{name} stays suspended, as all of {url} is: run `dockerops resume {url}`.\n")
        }
        (true, None) => {
            format!("{name} goes on: `dockerops reconcile` makes it as its repository says.\n")
        }
        (false, None) => format!(
            "{name} was not suspended by hand. A `suspend: true` in `stacks.yaml` ends with a commit.\n"
        ),
    };
    out.answer(&text, answer(&subject, whole.is_some(), ended));
    Ok(Exit::Ok)
}

impl OfArgs {
    /// Takes the lock: when `suspend` returns, nothing is at work on it any more.
    async fn open(&self, command: &str, out: &mut Output) -> Result<(Records, Subject), Problem> {
        let command = format!("{command} {}", self.subject);
        let records = session::records(&command, self.wait_lock, out).await?;
        let subject = Subject::find(&records.store, &self.subject)?;
        Ok((records, subject))
    }
}

/// What is suspended, as the database has it.
fn places(subject: &Subject) -> Vec<(&Owner, Option<&str>)> {
    match subject {
        Subject::Stack(name, owners) => {
            let name = Some(name.as_str());
            owners.iter().map(|owner| (owner, name)).collect()
        }
        Subject::Repository(_, owner) => vec![(owner, None)],
    }
}

fn name(subject: &Subject) -> String {
    match subject {
        Subject::Stack(name, _) => format!("Stack {name}"),
        Subject::Repository(row, _) => format!("Repository {}", row.url),
    }
}

/// Its own suspensions.
fn own(store: &Store, subject: &Subject) -> Result<Vec<Suspension>, Problem> {
    let mut all = store.suspensions()?;
    let places = places(subject);
    all.retain(|s| places.contains(&(&s.repository, s.stack.as_deref())));
    Ok(all)
}

/// The suspended repository of a stack.
fn whole(store: &Store, subject: &Subject) -> Result<Option<Owner>, Problem> {
    let Subject::Stack(_, owners) = subject else {
        return Ok(None);
    };
    let all = store.suspensions()?;
    let mut whole = all.into_iter().filter(|s| s.stack.is_none());
    Ok(whole
        .find(|s| owners.contains(&s.repository))
        .map(|s| s.repository))
}

fn answer(subject: &Subject, suspended: bool, changed: bool) -> serde_json::Value {
    let (stack, repositories) = match subject {
        Subject::Stack(name, owners) => (Some(name), owners.clone()),
        Subject::Repository(_, owner) => (None, vec![owner.clone()]),
    };
    json!({"stack": stack, "repositories": repositories, "suspended": suspended, "changed": changed})
}
