//! `dockerops wait`: until a stack is well.

use std::time::Duration;

use dockerops_core::names::StackName;
use dockerops_core::report::Problem;
use serde_json::json;

use super::output::Output;
use super::reconcile::stack_name;
use super::session::{Key, Session, duration};
use super::{Exit, deployed};
use crate::reconcile;

/// Wait until the services of a stack are well
///
/// They are well when all tasks that are wanted have run for a while without a break. Exits
/// with 1, and the reasons, when one has failed for certain or the time is up. Of any stack on
/// the Swarm, whoever deployed it; nothing is written, and no lock is taken.
#[derive(Debug, clap::Args)]
pub(super) struct WaitArgs {
    /// The stack
    #[arg(value_parser = stack_name, value_name = "STACK")]
    stack: StackName,

    /// How long to wait
    #[arg(long, value_parser = duration, value_name = "DURATION", default_value = "5m")]
    timeout: Duration,
}

pub(super) async fn run(args: &WaitArgs, out: &mut Output) -> Result<Exit, Problem> {
    let session = Session::look(Key::Looked, out).await?;
    let services = deployed::services(&session, &args.stack).await?;
    let waited = reconcile::wait(&session.world, &services, args.timeout).await;
    session.shown.clear();
    waited?;
    let text = format!("Stack {} is healthy.\n", args.stack);
    let names: Vec<_> = services.iter().map(|service| &service.name).collect();
    let json = json!({"ok": true, "stack": args.stack, "services": names});
    out.answer(&text, json);
    Ok(Exit::Ok)
}
