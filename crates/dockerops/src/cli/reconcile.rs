//! `dockerops reconcile`: make the Swarm be what every watched repository says.

use dockerops_core::names::StackName;
use dockerops_core::plan::Force;
use dockerops_core::report::Problem;
use serde_json::json;

use super::output::Output;
use super::session::Session;
use super::state::State;
use super::watch::RolloutArgs;
use super::{Exit, summary};
use crate::reconcile::{self, Request, problem};

/// Make the Swarm be what every watched repository says
///
/// Shows repositories, stacks and images first. Changes made by hand are shown and healed.
#[derive(Debug, clap::Args)]
pub(super) struct ReconcileArgs {
    /// Only these stacks
    #[arg(value_parser = stack_name, value_name = "STACK")]
    stacks: Vec<StackName>,

    /// Restart all tasks even when nothing changed
    #[arg(long)]
    force: bool,

    /// With --force, also run jobs again
    #[arg(long, requires = "force")]
    run_jobs: bool,

    #[command(flatten)]
    rollout: RolloutArgs,
}

fn stack_name(text: &str) -> Result<StackName, String> {
    StackName::parse(text).map_err(|error| error.to_string())
}

pub(super) async fn run(args: &ReconcileArgs, out: &mut Output) -> Result<Exit, Problem> {
    let session = Session::open("reconcile", args.rollout.wait_lock, out).await?;
    let mut request = request(args, &session)?;
    let state =
        State::read(&session.world.store()).map_err(|error| problem(&error, error.hint()))?;
    out.preface(&format!("{}\n", state.text()));
    args.rollout.adopt(&session, &mut request, out).await?;
    let mut report = reconcile::run(&session.world, &request).await?;
    session.shown.clear();
    // The others were reconciled: their report is told, too.
    report.problems.extend(unknown_stacks(args, &report));
    out.answer(
        &summary::text(&report),
        summary::json(&report, json!({"state": state.json()})),
    );
    Ok(summary::exit(&report))
}

fn request(args: &ReconcileArgs, session: &Session) -> Result<Request, Problem> {
    let watched = session.watched()?;
    if watched.is_empty() {
        let database = session.world.settings.database.display();
        return Err(Problem::new(
            format!("no repository is watched in the database {database}"),
            Some("Run `dockerops watch <url>` first, or set `DOCKEROPS_DB_PATH` to the right database.".to_owned()),
        ));
    }
    let mut request = args.rollout.request(session, watched);
    request.only = args.stacks.iter().cloned().collect();
    request.policy.force = match (args.force, args.run_jobs) {
        (false, _) => Force::No,
        (true, false) => Force::Services,
        (true, true) => Force::ServicesAndJobs,
    };
    Ok(request)
}

/// A stack that was named but that no repository lists is a mistake, not a success.
fn unknown_stacks(
    args: &ReconcileArgs,
    report: &dockerops_core::report::Report,
) -> Option<Problem> {
    let known = |name: &&StackName| {
        report
            .repositories
            .iter()
            .flat_map(|repository| &repository.stacks)
            .any(|stack| stack.name == **name)
    };
    let unknown: Vec<_> = args
        .stacks
        .iter()
        .filter(|name| !known(name))
        .map(StackName::as_str)
        .collect();
    (!unknown.is_empty()).then(|| {
        Problem::new(
            format!("no watched repository that could be read lists {}", unknown.join(", ")),
            Some("See `stacks.yaml` of your repositories, and `dockerops debug-cache` for what is watched.".to_owned()),
        )
    })
}
