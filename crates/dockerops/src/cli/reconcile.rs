//! `dockerops reconcile`: make the Swarm be what every watched repository says.

use std::path::PathBuf;

use dockerops_core::names::StackName;
use dockerops_core::report::{Problem, Report};
use serde_json::json;

use super::Exit;
use super::output::Output;
use super::policy::ForceArgs;
use super::saved;
use super::session::Session;
use super::state::State;
use super::summary::{self, View};
use super::watch::RolloutArgs;
use crate::reconcile::{self, Request};

/// Make the Swarm be what every watched repository says
///
/// Shows repositories, stacks and images first. Changes made by hand are shown and healed.
#[derive(Debug, clap::Args)]
pub(super) struct ReconcileArgs {
    /// Only these stacks
    #[arg(value_parser = stack_name, value_name = "STACK")]
    stacks: Vec<StackName>,

    #[command(flatten)]
    force: ForceArgs,

    /// Apply the plan in this file, made by `dockerops plan --out FILE`, or nothing
    #[arg(
        long = "plan",
        value_name = "FILE",
        conflicts_with_all = ["stacks", "force", "run_jobs", "adopt", "allow_volume_change", "prune", "prune_volumes"]
    )]
    saved: Option<PathBuf>,

    #[command(flatten)]
    rollout: RolloutArgs,
}

/// A stack's name, for `clap`.
pub(super) fn stack_name(text: &str) -> Result<StackName, String> {
    StackName::parse(text).map_err(|error| error.to_string())
}

pub(super) async fn run(args: &ReconcileArgs, out: &mut Output) -> Result<Exit, Problem> {
    let session = Session::open("reconcile", args.rollout.wait_lock, out).await?;
    let mut request = request(args, &session)?;
    if let Some(file) = &args.saved {
        request = saved::agreed(file, &session, request).await?;
    }
    let state = State::read(&session.world.store())?;
    out.preface(&format!("{}\n", state.text()));
    args.rollout.agree(&session, &request, out).await?;
    let mut report = reconcile::run(&session.world, &request).await?;
    session.shown.clear();
    // The others were reconciled: their report is told, too.
    report
        .problems
        .extend(unknown_stacks(&args.stacks, &report));
    out.answer_styled(
        &summary::text(&report, View::Done, out.width()),
        summary::json(&report, json!({"state": state.json()})),
    );
    Ok(summary::exit(&report))
}

fn request(args: &ReconcileArgs, session: &Session) -> Result<Request, Problem> {
    let mut request = args.rollout.request(session, session.watched()?);
    request.only = args.stacks.iter().cloned().collect();
    request.policy.force = args.force.force();
    Ok(request)
}

/// A stack that was named but that no repository lists is a mistake, not a success.
pub(super) fn unknown_stacks(stacks: &[StackName], report: &Report) -> Option<Problem> {
    let known = |name: &&StackName| report.stacks().any(|stack| stack.name == **name);
    let unknown: Vec<_> = stacks
        .iter()
        .filter(|name| !known(name))
        .map(StackName::as_str)
        .collect();
    (!unknown.is_empty()).then(|| {
        Problem::new(
            format!("no repository that could be read lists {}", unknown.join(", ")),
            Some("See `stacks.yaml` of your repositories, and `dockerops debug-cache` for what is watched.".to_owned()),
        )
    })
}
