//! `dockerops retry`: try again what is held.

use dockerops_core::names::StackName;
use dockerops_core::plan::Retry;
use dockerops_core::report::Problem;

use super::Exit;
use super::output::Output;
use super::reconcile::{stack_name, unknown_stacks};
use super::session::Session;
use super::summary;
use super::watch::RolloutArgs;
use crate::reconcile::{self, Trigger};

/// Deploy stacks that are held once more, as their repository has them
///
/// A revision that failed, or that was rolled back by hand, is held: it is not tried again
/// before a commit changes what it asks for. Tasks that run as asked are not restarted.
#[derive(Debug, clap::Args)]
pub(super) struct RetryArgs {
    /// The stacks
    #[arg(value_parser = stack_name, value_name = "STACK", required = true)]
    stacks: Vec<StackName>,

    #[command(flatten)]
    rollout: RolloutArgs,
}

pub(super) async fn run(args: &RetryArgs, out: &mut Output) -> Result<Exit, Problem> {
    let session = Session::open("retry", args.rollout.wait_lock, out).await?;
    let mut request = args.rollout.request(&session, session.watched()?);
    request.only = args.stacks.iter().cloned().collect();
    request.trigger = Trigger::Retry;
    request.policy.retry = Retry::Yes;
    args.rollout.agree(&session, &request, out).await?;
    let mut report = reconcile::run(&session.world, &request).await?;
    session.shown.clear();
    let unknown = unknown_stacks(&args.stacks, &report);
    report.problems.extend(unknown);
    Ok(summary::answer(&report, out))
}
