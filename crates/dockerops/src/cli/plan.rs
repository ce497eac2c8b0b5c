//! `dockerops plan`: what a reconcile would change. Nothing is written.

use std::collections::BTreeSet;
use std::path::PathBuf;

use dockerops_core::departed::Insist;
use dockerops_core::names::{Owner, StackName};
use dockerops_core::plan::{Adopt, Policy, Prune};
use dockerops_core::report::{Problem, Report};
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
use crate::reconcile::{
    self, BareFiles, Limits, Mode, Request, Target, Texts, Trigger, Wait, problem,
};

/// Show what would change, and change nothing
///
/// Of all watched repositories; of one, with --repo; of a checkout, by its folder; or of a
/// stack given by compose files, with -c and its name. Of these last two, whatever runs under
/// the same names is compared, whoever deployed it; `deploy --dry-run` says what a deploy
/// would do.
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
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subject", "repo"])]
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
    let mut report = plan(&session, &request).await?;
    args.only_asked(&mut report);
    if let Some(file) = &args.out {
        match saved::write(file, &session, &request, &report) {
            Ok(()) => out.say(&format!(
                "Saved. `dockerops reconcile --plan {}` applies exactly this, or nothing.",
                file.display()
            )),
            Err(problem) => report.problems.push(problem),
        }
    }
    Ok(args.shown.show(&report, out))
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
        let mut request = Request {
            only: self.stacks.iter().cloned().collect(),
            insist: self.policy.insist(),
            rotate: self.policy.rotate(),
            policy: self.policy.policy(&session.world.settings),
            ..to_look(session, self.targets(session)?, &self.shown)
        };
        request.policy.force = self.force.force();
        if self.subject.is_some() {
            request.policy.adopt = Adopt::Compare;
        }
        if !self.files.is_empty() {
            request.policy.prune = self.policy.prune_services();
        }
        Ok(request)
    }

    fn targets(&self, session: &Session) -> Result<Vec<Target>, Problem> {
        match (&self.subject, &self.repo) {
            (Some(name), _) if !self.files.is_empty() => Ok(vec![files(name, &self.files)?]),
            (Some(folder), _) => Ok(vec![Target::folder(PathBuf::from(folder))]),
            (None, Some(url)) => with_watched(session, url),
            (None, None) => session.watched(),
        }
    }

    /// With `--repo` the others were read only to know which stacks move between them.
    fn only_asked(&self, report: &mut Report) {
        if let Some(owner) = self.repo.as_deref().and_then(owner) {
            report
                .repositories
                .retain(|repository| self::owner(&repository.url) == Some(owner.clone()));
        }
    }
}

fn owner(url: &str) -> Option<Owner> {
    Some(RepositoryUrl::parse(url).ok()?.normalised())
}

/// All watched repositories, and `url` behind them when it is none of these: a stack that
/// moves between two of them is handed over, and a plan of one must know.
fn with_watched(session: &Session, url: &str) -> Result<Vec<Target>, Problem> {
    let url = RepositoryUrl::parse(url)?;
    let mut targets = session.known()?;
    if !targets
        .iter()
        .any(|target| target.owner() == Some(url.normalised()))
    {
        targets.push(Target::parse(url.as_given()));
    }
    Ok(targets)
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
        rotate: BTreeSet::new(),
        trigger: Trigger::Reconcile,
        limits: Limits::default(),
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
        let (failed, changes) = (report.refused(), report.pending());
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
