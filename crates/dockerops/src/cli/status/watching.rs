//! `status --watch`: the same again and again, until somebody has seen enough.

use std::time::{Duration, Instant};

use dockerops_core::report::Problem;
use dockerops_core::status::RepositoryStatus;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::{StatusArgs, answer, text};
use crate::cli::Exit;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::styled::{BAD, PLAIN, Styled};

/// How often the Swarm is looked at, when no event of it comes.
const EVERY: Duration = Duration::from_secs(2);
/// How often repositories are asked.
const ASK: Duration = Duration::from_secs(30);
/// Events come in bursts.
const BURST: Duration = Duration::from_millis(200);

/// Shows the status until the process is asked to stop. An engine that goes away is said
/// once it has answered, and waited for.
pub(super) async fn watch(
    args: &StatusArgs,
    session: &Session,
    out: &mut Output,
) -> Result<Exit, Problem> {
    let mut look = args.look(session).await?;
    args.now(session, &look).await?;
    let mut asked = Instant::now();
    let mut events = None;
    let mut shown = None;
    loop {
        if asked.elapsed() > ASK {
            if let Ok(anew) = args.look(session).await {
                look = anew;
            }
            asked = Instant::now();
        }
        let now = args.now(session, &look).await;
        if !show(&now, &mut shown, out) {
            return Ok(Exit::Ok);
        }
        if events.is_none() {
            events = session.world.engine.changes().await.ok();
        }
        rest(&mut events).await;
    }
}

/// On a terminal the whole screen anew; else only what is not the same as before. False when
/// nobody reads any more.
fn show(
    now: &Result<Vec<RepositoryStatus>, Problem>,
    shown: &mut Option<String>,
    out: &mut Output,
) -> bool {
    let (mut styled, json) = match now {
        Ok(all) => (text::text(all, out.width()), answer(all)),
        Err(problem) => {
            let mut text = Styled::default();
            text.add(BAD, "error:")
                .line(PLAIN, format!(" {}", problem.message));
            (text, serde_json::json!({"error": problem}))
        }
    };
    // Ages go on by themselves.
    let same = now
        .as_ref()
        .map_or_else(|p| p.message.clone(), |all| ageless(all));
    let before = shown.replace(same);
    if out.is_screen() {
        out.screen(&styled);
        return true;
    }
    styled.end();
    before == *shown || out.block(&styled, json)
}

fn ageless(all: &[RepositoryStatus]) -> String {
    let mut all = all.to_vec();
    let stacks = all.iter_mut().flat_map(|repository| &mut repository.stacks);
    let services = stacks.flat_map(|stack| &mut stack.services);
    services
        .flat_map(|service| &mut service.tasks)
        .for_each(|task| task.age = 0);
    serde_json::to_string(&all).unwrap_or_default()
}

async fn rest(events: &mut Option<mpsc::Receiver<()>>) {
    sleep(BURST).await;
    match events {
        Some(receiver) => {
            if let Ok(None) = timeout(EVERY, receiver.recv()).await {
                *events = None;
                sleep(EVERY).await;
            }
        }
        None => sleep(EVERY).await,
    }
}
