//! `dockerops watch`: deploy a repository's stacks and remember the repository.

use std::collections::BTreeSet;
use std::time::Duration;

use dockerops_core::report::{Outcome, Problem, Report, Verb};
use dockerops_core::repository_url::RepositoryUrl;

use super::Exit;
use super::limits::LimitArgs;
use super::output::Output;
use super::policy::PolicyArgs;
use super::session::{Session, duration};
use super::summary::{self, View};
use crate::reconcile::{self, Mode, Request, Target, Texts, Trigger, Wait};

/// Deploy a repository's stacks and remember the repository
///
/// Later changes are made so by `dockerops reconcile`.
#[derive(Debug, clap::Args)]
pub(super) struct WatchArgs {
    /// The repository: https://…, ssh://…, user@host:path, <file:///path> or github.com/user/repo
    url: String,

    #[command(flatten)]
    rollout: RolloutArgs,
}

/// Options of every command that deploys.
#[derive(Debug, clap::Args)]
pub(super) struct RolloutArgs {
    #[command(flatten)]
    pub(super) policy: PolicyArgs,

    /// Do not ask before `--adopt` restarts or removes something
    #[arg(long, requires = "adopt")]
    yes: bool,

    #[command(flatten)]
    limits: LimitArgs,

    /// Wait this long for another run to end, instead of failing at once
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    pub(super) wait_lock: Option<Duration>,
}

pub(super) async fn run(args: &WatchArgs, out: &mut Output) -> Result<Exit, Problem> {
    let url = RepositoryUrl::parse(&args.url)?;
    let session = Session::open(
        &format!("watch {}", url.as_given()),
        args.rollout.wait_lock,
        out,
    )
    .await?;
    refuse_watched(&session, &url)?;
    let mut request = args
        .rollout
        .request(&session, vec![Target::parse(url.as_given())]);
    args.rollout.agree(&session, &request, out).await?;
    request.mode = Mode::Watch;
    request.trigger = Trigger::Watch;
    let report = reconcile::run(&session.world, &request).await?;
    session.shown.clear();
    Ok(summary::answer(&report, out))
}

impl RolloutArgs {
    /// Asks before `--adopt` disturbs what runs.
    pub(super) async fn agree(
        &self,
        session: &Session,
        request: &Request,
        out: &mut Output,
    ) -> Result<(), Problem> {
        if !self.policy.adopt {
            return Ok(());
        }
        confirm(session, request, self.yes, out).await
    }

    /// A request about all stacks of `repositories`.
    pub(super) fn request(&self, session: &Session, repositories: Vec<Target>) -> Request {
        Request {
            repositories,
            only: BTreeSet::new(),
            policy: self.policy.policy(&session.world.settings),
            insist: self.policy.insist(),
            rotate: self.policy.rotate(),
            trigger: Trigger::Reconcile,
            limits: self.limits.limits(),
            mode: Mode::Apply,
            texts: Texts::Named,
            agreed: None,
            wait: Wait::UntilHealthy,
        }
    }
}

fn refuse_watched(session: &Session, url: &RepositoryUrl) -> Result<(), Problem> {
    let known = session.world.store().repository(url)?;
    known.map_or(Ok(()), |row| {
        Err(Problem::new(
            format!(
                "Repository '{}' is already being watched (last watch: {})",
                row.url, row.last_watch
            ),
            Some("Run `dockerops reconcile` to make the Swarm follow it.".to_owned()),
        ))
    })
}

/// Shows what adopting would do, and asks when anything would restart or go.
pub(super) async fn confirm(
    session: &Session,
    request: &Request,
    yes: bool,
    out: &mut Output,
) -> Result<(), Problem> {
    let preview = Request {
        mode: Mode::Preview,
        ..request.clone()
    };
    let report = reconcile::run(&session.world, &preview).await?;
    session.shown.clear();
    if !disturbs(&report) || yes {
        return Ok(());
    }
    out.say_text(&summary::text(&report, View::Plan, None));
    if !Output::can_ask() {
        let hint = "Run it again with `--yes` to agree to the restarts above.";
        return Err(Problem::new(
            "adopting would restart or remove what runs",
            Some(hint.to_owned()),
        ));
    }
    if out
        .ask("Adopt, with the restarts and removals above?")
        .await
    {
        Ok(())
    } else {
        Err(Problem::new("nothing was changed", None))
    }
}

/// Whether tasks restart or anything goes of what is taken over. A stack that left goes as
/// it would without adopting.
fn disturbs(report: &Report) -> bool {
    report
        .stacks()
        .filter(|stack| stack.outcome != Outcome::Removed)
        .flat_map(|stack| &stack.changes)
        .any(|change| change.restarts || matches!(change.verb, Verb::Remove | Verb::Replace))
}
