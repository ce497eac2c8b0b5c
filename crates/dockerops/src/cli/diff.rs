//! `dockerops diff`: one stack as it runs against what its repository asks for.

use std::collections::BTreeSet;

use dockerops_core::names::StackName;
use dockerops_core::report::Problem;

use super::Exit;
use super::output::Output;
use super::plan::{ShownArgs, plan, to_look};
use super::reconcile::stack_name;
use super::session::{Key, Session};

/// Show how a stack differs from what its repository asks for
///
/// What a commit asks for anew and what was changed by hand on the Swarm are told apart.
/// Nothing is written.
#[derive(Debug, clap::Args)]
pub(super) struct DiffArgs {
    /// The stack
    #[arg(value_parser = stack_name, value_name = "STACK")]
    stack: StackName,

    #[command(flatten)]
    shown: ShownArgs,
}

pub(super) async fn run(args: &DiffArgs, out: &mut Output) -> Result<Exit, Problem> {
    let session = Session::look(Key::Looked, out).await?;
    let mut request = to_look(&session, session.watched()?, &args.shown);
    request.only = BTreeSet::from([args.stack.clone()]);
    let mut report = plan(&session, &request).await?;
    // Only where the stack is, or may be.
    report
        .repositories
        .retain(|repository| !repository.stacks.is_empty() || repository.problem.is_some());
    Ok(args.shown.show(&report, out))
}
