//! `dockerops status`: repositories, their stacks, services and tasks, as they are now.

mod text;
mod watching;

use std::collections::BTreeSet;

use dockerops_core::names::StackName;
use dockerops_core::report::Problem;
use dockerops_core::status::RepositoryStatus;
use serde_json::{Value, json};

use super::Exit;
use super::output::Output;
use super::plan::{ShownArgs, to_look};
use super::reconcile::stack_name;
use super::session::{Key, Session};
use super::subject::unknown_stack;
use crate::reconcile::Look;

/// Show what runs, how well, and whether it is what the repositories say
///
/// Each repository is asked for its revision, as a plan does; one that cannot be reached is
/// named, and the rest is shown. Nothing is written, and no lock is taken.
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// Only this stack
    #[arg(value_parser = stack_name, value_name = "STACK")]
    stack: Option<StackName>,

    /// Go on showing it until Ctrl-C. Repositories are asked again every 30 seconds
    #[arg(long, short = 'w')]
    pub(super) watch: bool,

    /// Exit with 2 when anything is not in sync, not healthy or held. What is suspended need not be in sync
    #[arg(long, conflicts_with = "watch")]
    exit_code: bool,
}

pub(super) async fn run(args: &StatusArgs, out: &mut Output) -> Result<Exit, Problem> {
    let session = Session::look(Key::Looked, out).await?;
    if args.watch {
        return watching::watch(args, &session, out).await;
    }
    let look = args.look(&session).await?;
    let all = args.now(&session, &look).await?;
    out.answer_styled(&text::text(&all, out.width()), answer(&all));
    let exit = if args.exit_code && !is_well(&all) {
        Exit::Changes
    } else {
        Exit::Ok
    };
    Ok(exit)
}

impl StatusArgs {
    /// Asks the repositories.
    async fn look(&self, session: &Session) -> Result<Look, Problem> {
        let mut request = to_look(session, session.known()?, &ShownArgs::default());
        request.only = self.stack.iter().cloned().collect::<BTreeSet<_>>();
        let look = Look::take(&session.world, &request).await;
        session.shown.clear();
        look
    }

    /// Asks the Swarm.
    async fn now(&self, session: &Session, look: &Look) -> Result<Vec<RepositoryStatus>, Problem> {
        let all = look.now(&session.world, self.stack.as_ref()).await?;
        match &self.stack {
            Some(stack) if all.iter().all(|repository| repository.stacks.is_empty()) => {
                Err(unknown(session, stack))
            }
            _ => Ok(all),
        }
    }
}

fn unknown(session: &Session, stack: &StackName) -> Problem {
    let rows = session.world.store().stacks().unwrap_or_default();
    let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    unknown_stack(stack.as_str(), &names)
}

fn is_well(all: &[RepositoryStatus]) -> bool {
    all.iter().all(RepositoryStatus::is_well)
}

fn answer(all: &[RepositoryStatus]) -> Value {
    json!({"ok": is_well(all), "repositories": all})
}
