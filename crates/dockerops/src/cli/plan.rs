//! `dockerops plan`: what a reconcile, or a deploy, would change. Nothing is written.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use dockerops_core::departed::Insist;
use dockerops_core::names::StackName;
use dockerops_core::plan::{Adopt, Policy, Prune};
use dockerops_core::report::{Outcome, Problem, Report};
use dockerops_core::repository_url::RepositoryUrl;
use serde_json::json;

use super::Exit;
use super::offline;
use super::output::Output;
use super::policy::{ForceArgs, PolicyArgs, pull};
use super::reconcile::{stack_name, unknown_stacks};
use super::saved;
use super::session::{Key, Session};
use super::summary::{self, View};
use crate::desire::given;
use crate::reconcile::{self, BareFiles, Mode, Request, Target, Texts, Wait, problem};

/// Show what would change, and change nothing
///
/// Of all watched repositories; of one, with --repo; of a checkout, by its folder; or of a
/// stack given by compose files, with -c and its name. Of these last two, whatever runs under
/// the same names is compared, whoever deployed it.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// A repository's checkout; with -c, the name of the stack
    #[arg(value_name = "FOLDER|NAME", conflicts_with = "repo")]
    subject: Option<String>,

    /// A compose file (`-`: standard input); later ones override earlier ones
    #[arg(
        short = 'c',
        long = "compose-file",
        value_name = "FILE",
        requires = "subject"
    )]
    files: Vec<PathBuf>,

    /// Only this repository, watched or not
    #[arg(long, value_name = "URL")]
    repo: Option<String>,

    /// Only this stack; may be given several times
    #[arg(long = "stack", value_parser = stack_name, value_name = "STACK", conflicts_with = "files")]
    stacks: Vec<StackName>,

    #[command(flatten)]
    policy: PolicyArgs,

    #[command(flatten)]
    force: ForceArgs,

    #[command(flatten)]
    shown: ShownArgs,

    /// Keep the plan in this file, for `dockerops reconcile --plan FILE`
    #[arg(long, value_name = "FILE", conflicts_with = "subject")]
    out: Option<PathBuf>,
}

/// How much is shown, and what the exit code means.
#[derive(Debug, Default, clap::Args)]
pub(super) struct ShownArgs {
    /// Show how the texts of configs and of files of bindings change
    #[arg(long)]
    full: bool,

    /// Exit with 2 when something would change, or is held
    #[arg(long)]
    exit_code: bool,
}

pub(super) async fn run(args: &PlanArgs, out: &mut Output) -> Result<Exit, Problem> {
    let key = match args.out {
        Some(_) => Key::Kept,
        None => Key::Looked,
    };
    let session = Session::look(key, out).await?;
    let request = args.request(&session)?;
    let report = plan(&session, &request).await?;
    let exit = args.shown.show(&report, out);
    if let Some(file) = &args.out {
        saved::write(file, &request, &report)?;
        out.say(&format!(
            "Saved. `dockerops reconcile --plan {}` applies exactly this, or nothing.",
            file.display()
        ));
    }
    Ok(exit)
}

/// What `request` would do.
pub(super) async fn plan(session: &Session, request: &Request) -> Result<Report, Problem> {
    let mut report = reconcile::run(&session.world, request).await?;
    session.shown.clear();
    let only: Vec<_> = request.only.iter().cloned().collect();
    report.problems.extend(unknown_stacks(&only, &report));
    Ok(report)
}

impl PlanArgs {
    fn request(&self, session: &Session) -> Result<Request, Problem> {
        let (targets, compare) = self.targets(session)?;
        let mut request = Request {
            only: self.stacks.iter().cloned().collect(),
            insist: self.policy.insist(),
            policy: self.policy.policy(&session.world.settings),
            ..to_look(session, targets, &self.shown)
        };
        request.policy.force = self.force.force();
        if compare {
            request.policy.adopt = Adopt::Compare;
        }
        Ok(request)
    }

    /// What to plan, and whether it is only compared with whatever runs.
    fn targets(&self, session: &Session) -> Result<(Vec<Target>, bool), Problem> {
        match (&self.subject, &self.repo) {
            (Some(name), _) if !self.files.is_empty() => {
                Ok((vec![files(name, &self.files)?], true))
            }
            (Some(folder), _) => Ok((vec![Target::folder(PathBuf::from(folder))], true)),
            (None, Some(url)) => Ok((vec![repository(url)?], false)),
            (None, None) => Ok((session.watched()?, false)),
        }
    }
}

fn repository(url: &str) -> Result<Target, Problem> {
    let url = RepositoryUrl::parse(url).map_err(|error| problem(&error, error.hint()))?;
    Ok(Target::parse(url.as_given()))
}

/// Compose files with the whole environment, as Docker has it.
pub(super) fn files(name: &str, files: &[PathBuf]) -> Result<Target, Problem> {
    let hint = "Give the stack another name, such as `web`.".to_owned();
    let stack = StackName::parse(name).map_err(|error| problem(&error, Some(hint)))?;
    Ok(Target::files(BareFiles {
        stack,
        files: given(files),
        environment: offline::environment(),
    }))
}

/// A request that only looks, with the usual policy.
pub(super) fn to_look(session: &Session, repositories: Vec<Target>, shown: &ShownArgs) -> Request {
    Request {
        repositories,
        only: BTreeSet::new(),
        policy: Policy {
            prune: Prune::Remove,
            pull: pull(&session.world.settings),
            ..Policy::default()
        },
        insist: Insist::No,
        timeout: Duration::ZERO,
        mode: Mode::Preview,
        texts: shown.texts(),
        agreed: None,
        wait: Wait::UntilHealthy,
    }
}

impl ShownArgs {
    fn texts(&self) -> Texts {
        if self.full {
            Texts::Compared
        } else {
            Texts::Named
        }
    }

    /// Prints the plan.
    pub(super) fn show(&self, report: &Report, out: &mut Output) -> Exit {
        let width = out.width().filter(|_| !self.full);
        let (failed, changes) = (failed(report), changes(report));
        out.answer_styled(
            &summary::text(report, View::Plan, width),
            json!({"ok": !failed, "changes": changes, "report": report}),
        );
        match (failed, changes) {
            (true, _) => Exit::Failed,
            (false, true) if self.exit_code => Exit::Changes,
            (false, _) => Exit::Ok,
        }
    }
}

/// Whether anything could not be planned, or would be refused. What is held is no failure
/// of the plan.
fn failed(report: &Report) -> bool {
    let repositories = &report.repositories;
    let mut stacks = repositories.iter().flat_map(|r| &r.stacks);
    !report.problems.is_empty()
        || repositories.iter().any(|r| r.problem.is_some())
        || stacks.any(|stack| stack.outcome == Outcome::Failed)
}

/// Whether a run would write anything, or meet something held.
fn changes(report: &Report) -> bool {
    let repositories = &report.repositories;
    let mut stacks = repositories.iter().flat_map(|r| &r.stacks);
    stacks.any(|stack| stack.outcome == Outcome::Held || !stack.changes.is_empty())
        || repositories
            .iter()
            .flat_map(|r| &r.bindings)
            .any(|binding| !binding.files.is_empty())
}
