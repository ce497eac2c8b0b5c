//! What a failed service says for itself: the error behind a pause or a rollback, the last
//! lines of a task's log, what its health check complains about.
//!
//! The words are not masked here: who shows them knows the secrets.

use std::collections::BTreeMap;
use std::time::Duration;

use dockerops_core::health::{Health, Outcome, Problem, Said, Speaker, explain};
use dockerops_core::observed::{Node, Service, Task};
use futures_util::future::join_all;
use tokio::time::{Instant, timeout, timeout_at};
use tokio::try_join;

use super::{Engine, LogRequest, LogSource, TaskFilter};

/// How long the engine gets to answer each of two rounds of questions.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many lines are kept.
const LINES: usize = 5;

/// Completes the reasons of services that are not well. `ids` are those of all services, by
/// name. What cannot be asked stays unexplained.
pub(super) async fn complete(
    engine: &dyn Engine,
    ids: &BTreeMap<String, String>,
    done: &mut BTreeMap<String, Outcome>,
) {
    let mut ill: BTreeMap<_, _> = done.iter_mut().filter_map(ill).collect();
    if ill.is_empty() {
        return;
    }
    let filter = TaskFilter {
        services: ill
            .keys()
            .filter_map(|name| ids.get(*name).cloned())
            .collect(),
        ..TaskFilter::default()
    };
    let asked = async { try_join!(engine.services(), engine.tasks(&filter), engine.nodes()) };
    let Ok(Ok((services, tasks, nodes))) = timeout(PATIENCE, asked).await else {
        return;
    };
    for service in &services {
        if let Some(health) = ill.get_mut(&service.name) {
            health.reason = reason(health, service, &tasks, &nodes);
        }
    }
    let until = Instant::now() + PATIENCE;
    let reasons = ill
        .into_values()
        .filter_map(|health| health.reason.as_mut());
    join_all(reasons.map(|reason| listen(engine, reason, until))).await;
}

fn ill<'a>((name, outcome): (&'a String, &'a mut Outcome)) -> Option<(&'a String, &'a mut Health)> {
    match outcome {
        Outcome::Failed(health) | Outcome::TimedOut(health) => Some((name, health)),
        Outcome::Healthy(_) | Outcome::Left(_) => None,
    }
}

fn reason(health: &Health, service: &Service, tasks: &[Task], nodes: &[Node]) -> Option<Problem> {
    if let Some(reason) = health.reason.clone() {
        return Some(explain(reason, service, tasks, nodes));
    }
    // A container that started is `starting` until its health check succeeds.
    let ours = tasks.iter().filter(|task| task.service_id == service.id);
    let mut starting =
        ours.filter(|task| task.state == "starting" && task.desired_state == "running");
    let task = starting.find(|task| health.started && !task.container.is_empty())?;
    Some(Problem::not_healthy_yet(task, nodes))
}

/// Puts into `reason` what there is to hear.
async fn listen(engine: &dyn Engine, reason: &mut Problem, until: Instant) {
    if !reason.may_have_said() {
        return;
    }
    if reason.is_of_health_check() {
        reason.said = health_check(engine, reason, until).await;
    }
    if reason.said.is_none() {
        reason.said = log(engine, reason, until).await;
    }
}

async fn health_check(engine: &dyn Engine, reason: &Problem, until: Instant) -> Option<Said> {
    let container = reason.container.as_deref()?;
    let answer = timeout_at(until, engine.health_check(container)).await;
    let text = answer.ok()?.ok()??;
    let mut lines: Vec<_> = text.lines().map(plain).collect();
    lines.retain(|line| !line.is_empty());
    let first = lines.len().saturating_sub(LINES);
    said(Speaker::HealthCheck, lines.split_off(first))
}

async fn log(engine: &dyn Engine, reason: &Problem, until: Instant) -> Option<Said> {
    let request = LogRequest {
        of: LogSource::Task(reason.task.clone()?),
        tail: Some(LINES as u64),
        since: None,
        follow: false,
    };
    let mut log = timeout_at(until, engine.logs(&request)).await.ok()?.ok()?;
    let mut lines = Vec::new();
    while let Ok(Some(Ok(line))) = timeout_at(until, log.recv()).await {
        lines.extend((!line.task.is_empty()).then(|| plain(&line.text)));
    }
    lines.truncate(LINES);
    said(Speaker::Log, lines)
}

fn said(by: Speaker, lines: Vec<String>) -> Option<Said> {
    (!lines.is_empty()).then_some(Said { by, lines })
}

/// `line` without what moves a terminal's cursor or colours it.
fn plain(line: &str) -> String {
    let mut plain = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            // A sequence such as `ESC [ 3 1 m` ends with a letter.
            '\u{1b}' => drop(characters.find(char::is_ascii_alphabetic)),
            '\t' => plain.push(' '),
            other if other.is_control() => {}
            other => plain.push(other),
        }
    }
    plain.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_move_the_terminal() {
        assert_eq!(
            plain("\u{1b}[31mred\u{1b}[0m\tand\u{7} gone\r"),
            "red and gone"
        );
    }
}
