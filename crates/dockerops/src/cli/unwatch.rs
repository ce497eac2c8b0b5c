//! `dockerops unwatch`: follow a repository no more.

use std::time::Duration;

use dockerops_core::report::{Problem, Report, RepositoryReport};

use super::output::Output;
use super::session::{Session, duration};
use super::subject::repository;
use super::{Exit, summary};
use crate::reconcile::{self, Managed};

/// Follow a repository no more, and remove its stacks
///
/// DESTRUCTIVE without --keep-stacks. On a terminal it lists what will go and asks. WITHOUT A
/// TERMINAL (cron, CI, a pipe) IT DOES NOT ASK. Docker volumes, files of bindings, and everything
/// that the repository did not deploy stay. Needs neither Git nor a registry.
#[derive(Debug, clap::Args)]
pub(super) struct UnwatchArgs {
    /// The repository, in any spelling of its address
    url: String,

    /// Leave its stacks running: nothing changes them any more, and a later `watch` takes them
    /// back without restarting a task
    #[arg(long)]
    keep_stacks: bool,

    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,

    /// Wait this long for another run to end, instead of failing at once
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    wait_lock: Option<Duration>,
}

pub(super) async fn run(args: &UnwatchArgs, out: &mut Output) -> Result<Exit, Problem> {
    let session = Session::open("unwatch", args.wait_lock, out).await?;
    let row = repository(&session.world.store(), &args.url)?;
    let managed = reconcile::managed(&session.world).await?;
    let managed = reconcile::managed_by(managed, &row.owner());
    if args.keep_stacks {
        return keep(&session, &row.url, &managed, out).await;
    }
    for stack in managed.stacks.keys() {
        out.say(&format!("stack {stack}"));
    }
    let question = format!("Remove these stacks and forget {}?", row.url);
    if !args.yes && Output::can_ask() && !out.ask(&question).await {
        return Err(Problem::new("nothing was removed", None));
    }
    let report = reconcile::unwatch(&session.world, &row.url, &managed).await;
    session.shown.clear();
    Ok(summary::answer(&report, out))
}

async fn keep(
    session: &Session,
    url: &str,
    managed: &Managed,
    out: &mut Output,
) -> Result<Exit, Problem> {
    let images_removed = reconcile::forget(&session.world, url).await?;
    out.say(&format!("{url} is not watched any more."));
    let goes_on = |stack| format!("stack `{stack}` goes on running; a later `watch` takes it back");
    let repository = RepositoryReport {
        url: url.to_owned(),
        warnings: managed.stacks.keys().map(goes_on).collect(),
        ..RepositoryReport::default()
    };
    let report = Report {
        repositories: vec![repository],
        images_removed,
        ..Report::default()
    };
    Ok(summary::answer(&report, out))
}
