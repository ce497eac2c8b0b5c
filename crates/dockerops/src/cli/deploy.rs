//! `dockerops deploy`: a stack of compose files given by hand, without a repository.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use dockerops_core::departed::Insist;
use dockerops_core::plan::{Adopt, Jobs, Policy, Prune, PullPolicy, Retry, VolumeChange};
use dockerops_core::report::Problem;

use super::limits::LimitArgs;
use super::output::Output;
use super::plan::{ShownArgs, files, plan};
use super::policy::{ForceArgs, prune_volumes};
use super::session::{Key, Session, duration};
use super::watch::confirm;
use super::{Exit, summary};
use crate::reconcile::{self, Mode, Request, Target, Texts, Trigger, Wait};

/// Deploy a stack from compose files, without a repository
///
/// Takes what `docker stack deploy` takes, writes only what differs, and returns when the
/// services run, or says which do not and why. Variables come from the whole environment.
/// A stack that a repository owns is refused.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct DeployArgs {
    /// A compose file (`-`: standard input); later ones override earlier ones
    #[arg(
        short = 'c',
        long = "compose-file",
        value_name = "FILE",
        required = true
    )]
    files: Vec<PathBuf>,

    /// The name of the stack
    name: String,

    /// Remove services that the files no longer have
    #[arg(long)]
    prune: bool,

    /// With --prune, also remove volumes on this node, with their data, that the stack left behind
    #[arg(long, requires = "prune")]
    prune_volumes: bool,

    /// When to ask the registry which digest an image has
    #[arg(long, value_enum, default_value = "always", value_name = "WHEN")]
    resolve_image: ResolveImage,

    /// Accepted for Docker's sake: nodes always get the credentials that they need
    #[arg(long = "with-registry-auth")]
    _with_registry_auth: bool,

    /// Return when everything is written, without waiting for the services to run
    #[arg(short, long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    detach: bool,

    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    force: ForceArgs,

    /// Take over a stack of this name that something else deployed
    #[arg(long)]
    adopt: bool,

    /// Do not ask before `--adopt` restarts or removes something
    #[arg(long, requires = "adopt")]
    yes: bool,

    /// Let a running service get another volume; the data stays in the old one
    #[arg(long)]
    allow_volume_change: bool,

    #[command(flatten)]
    limits: LimitArgs,

    /// Wait this long for another run to end, instead of failing at once
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    wait_lock: Option<Duration>,
}

/// When digests are asked for, in Docker's words.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ResolveImage {
    /// For every image
    Always,
    /// For images that are new or changed
    Changed,
    /// Never: images are used as they are written
    Never,
}

pub(super) async fn run(args: &DeployArgs, out: &mut Output) -> Result<Exit, Problem> {
    let target = files(&args.name, &args.files)?;
    if args.dry_run {
        return show(args, target, out).await;
    }
    let command = format!("deploy {}", args.name);
    let session = Session::open(&command, args.wait_lock, out).await?;
    let request = args.request(target, Mode::Apply);
    if args.adopt {
        confirm(&session, &request, args.yes, out).await?;
    }
    let report = reconcile::run(&session.world, &request).await?;
    session.shown.clear();
    Ok(summary::answer(&report, out))
}

async fn show(args: &DeployArgs, target: Target, out: &mut Output) -> Result<Exit, Problem> {
    let session = Session::look(Key::Looked, out).await?;
    let report = plan(&session, &args.request(target, Mode::Preview)).await?;
    Ok(ShownArgs::default().show(&report, out))
}

impl DeployArgs {
    fn request(&self, target: Target, mode: Mode) -> Request {
        Request {
            repositories: vec![target],
            only: BTreeSet::new(),
            policy: self.policy(),
            insist: Insist::No,
            rotate: BTreeSet::new(),
            trigger: Trigger::Deploy,
            limits: self.limits.limits(),
            mode,
            texts: Texts::Named,
            agreed: None,
            wait: if self.detach {
                Wait::No
            } else {
                Wait::UntilHealthy
            },
        }
    }

    fn policy(&self) -> Policy {
        Policy {
            jobs: Jobs::Run,
            retry: Retry::No,
            force: self.force.force(),
            adopt: if self.adopt {
                Adopt::Take
            } else {
                Adopt::Refuse
            },
            volumes: if self.allow_volume_change {
                VolumeChange::Allow
            } else {
                VolumeChange::Refuse
            },
            prune: if self.prune {
                Prune::Remove
            } else {
                Prune::Keep
            },
            prune_volumes: prune_volumes(self.prune_volumes),
            pull: match self.resolve_image {
                ResolveImage::Always => PullPolicy::Always,
                ResolveImage::Changed => PullPolicy::IfNotPresent,
                ResolveImage::Never => PullPolicy::Never,
            },
        }
    }
}
