//! `dockerops rollback`: a stack returns to an earlier deploy, and stays there.

use std::collections::BTreeSet;
use std::time::Duration;

use dockerops_core::departed::Insist;
use dockerops_core::names::StackName;
use dockerops_core::plan::{Policy, Prune, VolumeChange};
use dockerops_core::report::Problem;
use dockerops_core::revision::short;

use super::limits::LimitArgs;
use super::output::Output;
use super::reconcile::stack_name;
use super::session::{Session, duration};
use super::{Exit, summary};
use crate::reconcile::{self, Earlier, Mode, Request, Texts, Trigger, Wait};

/// Return a stack to an earlier deploy that was well, and hold it there
///
/// The commit of then is deployed again, with the image digests of then and the secrets of
/// today. Jobs are not run again. The stack stays there until a commit changes what it asks
/// for, or `dockerops retry STACK`. Git's server is not asked.
#[derive(Debug, clap::Args)]
pub(super) struct RollbackArgs {
    /// The stack
    #[arg(value_parser = stack_name)]
    stack: StackName,

    /// The run to return to, as `dockerops history STACK` numbers them [default: the newest
    /// that was well and differs from what runs]
    #[arg(long, value_name = "ID")]
    to: Option<i64>,

    /// Let a running service get another volume; the data stays in the old one
    #[arg(long)]
    allow_volume_change: bool,

    #[command(flatten)]
    limits: LimitArgs,

    /// Wait this long for another run to end, instead of failing at once
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    wait_lock: Option<Duration>,
}

pub(super) async fn run(args: &RollbackArgs, out: &mut Output) -> Result<Exit, Problem> {
    let command = format!("rollback {}", args.stack);
    let session = Session::open(&command, args.wait_lock, out).await?;
    let earlier = reconcile::earlier(&session.world, &args.stack, args.to)?;
    out.say(&told(&args.stack, &earlier));
    let request = args.request();
    let report = reconcile::roll_back(&session.world, &request, &args.stack, &earlier).await?;
    session.shown.clear();
    Ok(summary::answer(&report, out))
}

fn told(stack: &StackName, earlier: &Earlier) -> String {
    let ended = &earlier.run.ended;
    let commit = ended.commit.as_ref();
    let commit = commit.map(|commit| format!("{}, {}", short(&commit.revision), commit.subject));
    format!(
        "Rolling {stack} back to run {} of {} ({}).",
        earlier.run.id,
        ended.ended_at,
        commit.unwrap_or_default()
    )
}

impl RollbackArgs {
    fn request(&self) -> Request {
        let volumes = if self.allow_volume_change {
            VolumeChange::Allow
        } else {
            VolumeChange::Refuse
        };
        Request {
            repositories: Vec::new(),
            only: BTreeSet::from([self.stack.clone()]),
            policy: Policy {
                volumes,
                prune: Prune::Remove,
                ..Policy::default()
            },
            insist: Insist::No,
            rotate: BTreeSet::new(),
            trigger: Trigger::Rollback,
            limits: self.limits.limits(),
            mode: Mode::Apply,
            texts: Texts::Named,
            agreed: None,
            wait: Wait::UntilHealthy,
        }
    }
}
