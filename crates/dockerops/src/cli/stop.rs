//! `dockerops stop`: remove everything that DockerOps deployed, and forget it.

use std::time::Duration;

use dockerops_core::report::Problem;

use super::output::Output;
use super::session::{Session, duration};
use super::{Exit, summary};
use crate::reconcile::{self, Managed};

/// Remove EVERY stack that DockerOps deployed, its recorded images, and its memory but the history
///
/// DESTRUCTIVE. On a terminal it lists what will go and asks. WITHOUT A TERMINAL (cron, CI, a pipe) IT DOES
/// NOT ASK. Docker volumes, NFS data, and everything that DockerOps did not deploy stay.
#[derive(Debug, clap::Args)]
pub(super) struct StopArgs {
    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,

    /// Wait this long for another run to end, instead of failing at once
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    wait_lock: Option<Duration>,
}

pub(super) async fn run(args: &StopArgs, out: &mut Output) -> Result<Exit, Problem> {
    let session = Session::open("stop", args.wait_lock, out).await?;
    let managed = reconcile::managed(&session.world).await?;
    list(&managed, out);
    if !args.yes && Output::can_ask() && !out.ask("Remove all of this?").await {
        return Err(Problem::new("nothing was removed", None));
    }
    let report = reconcile::stop(&session.world, &managed).await;
    session.shown.clear();
    Ok(summary::answer(&report, out))
}

fn list(managed: &Managed, out: &mut Output) {
    for (stack, (owner, _)) in &managed.stacks {
        out.say(&format!("stack {stack}  ({owner})"));
    }
    for image in &managed.images {
        out.say(&format!("image {image}"));
    }
    if managed.stacks.is_empty() {
        out.say("DockerOps deployed no stack here.");
    }
}
