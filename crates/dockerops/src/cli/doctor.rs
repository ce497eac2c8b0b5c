//! `dockerops doctor`: is everything there that a run leans on?

use std::sync::Arc;

use anstyle::Style;
use dockerops_core::checkup::{Check, State};
use dockerops_core::report::Problem;
use serde_json::json;

use super::Exit;
use super::output::Output;
use super::session::Session;
use super::styled::{BAD, CARE, NEW, PLAIN, Styled, wrapped};
use crate::reconcile;

/// Check everything that DockerOps leans on, and say how to mend what is broken
///
/// The engine, the Swarm and its managers, nodes, Git and each repository, the registries of
/// running services, shared storage, the clock, disks, the database, and who is at work. Exits
/// with 1 when something fails; a warning is no failure. Nothing is changed.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {}

pub(super) async fn run(_: &DoctorArgs, out: &mut Output) -> Result<Exit, Problem> {
    let (session, database) = Session::examine(out)?;
    let checks = reconcile::doctor(&Arc::new(session.world), database).await;
    let failed = checks.iter().any(|check| check.state == State::Fail);
    out.answer_styled(
        &text(&checks, out.width()),
        json!({"ok": !failed, "checks": checks}),
    );
    Ok(if failed { Exit::Failed } else { Exit::Ok })
}

/// Where messages begin.
const INDENT: usize = 18;

fn text(checks: &[Check], width: Option<usize>) -> Styled {
    let told = |words: &str| wrapped(words, INDENT, width);
    let mut text = Styled::default();
    for check in checks {
        let (style, word) = shown(check.state);
        text.add(style, word).line(
            PLAIN,
            format!("  {:10}  {}", check.name, told(&check.message)),
        );
        if let Some(fix) = &check.fix {
            text.line(PLAIN, format!("{:INDENT$}fix: {}", "", told(fix)));
        }
    }
    text
}

fn shown(state: State) -> (Style, &'static str) {
    match state {
        State::Ok => (NEW, "ok  "),
        State::Warn => (CARE, "warn"),
        State::Fail => (BAD, "FAIL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_is_a_line_and_what_is_broken_says_how_to_mend_it() {
        let checks = [
            Check::ok("engine", "Docker 28.2.2 on `n1`, API 1.47"),
            Check::warn(
                "disk",
                "7 % free for Docker (/var/lib/docker)",
                "Free some space.",
            ),
            Check::fail(
                "storage",
                "`/nfs` of r does not exist",
                Some("Mount it.".into()),
            ),
        ];
        insta::assert_snapshot!(text(&checks, Some(60)).plain(), @r"
        ok    engine      Docker 28.2.2 on `n1`, API 1.47
        warn  disk        7 % free for Docker (/var/lib/docker)
                          fix: Free some space.
        FAIL  storage     `/nfs` of r does not exist
                          fix: Mount it.
        ");
    }
}
