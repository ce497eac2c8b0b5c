//! A [`Report`] in words: what changed or would change, what did not, what failed
//! and why, what next.

mod change;
mod count;
mod stack;

use dockerops_core::report::{Problem, Report};
use serde_json::{Value, json};

pub(super) use change::digests_cut;

use super::Exit;
use super::output::Output;
use super::styled::{BAD, PLAIN, Styled};

/// Whether a report tells what was done or what would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// After a run.
    Done,
    /// Before one: with what it does to tasks, files and what to think about.
    Plan,
}

/// The whole report, as printed on stdout; long values are cut to `width` characters a line.
pub(super) fn text(report: &Report, view: View, width: Option<usize>) -> Styled {
    let mut text = Styled::default();
    let several = report.repositories.len() > 1;
    for repository in &report.repositories {
        stack::repository(&mut text, repository, several, view, width);
    }
    for image in &report.images_removed {
        text.line(PLAIN, format!("removed image {image}"));
    }
    for refreshed in &report.credentials_refreshed {
        let count = refreshed.services.len();
        let services = if count == 1 { "service" } else { "services" };
        let registry = &refreshed.registry;
        let line = format!("credentials of {count} {services} refreshed for registry {registry}");
        text.line(PLAIN, line);
    }
    for problem in &report.problems {
        problem_text(&mut text, problem, "");
    }
    match view {
        View::Done => text.line(PLAIN, count::stacks(report)),
        View::Plan => text.line(PLAIN, count::changes(report)),
    }
    text
}

/// The report as the answer of a command.
pub(super) fn answer(report: &Report, out: &mut Output) -> Exit {
    out.answer_styled(
        &text(report, View::Done, out.width()),
        json(report, json!({})),
    );
    exit(report)
}

/// The report as JSON, beside the fields of `more`.
pub(super) fn json(report: &Report, more: Value) -> Value {
    let mut json = json!({"ok": !report.failed(), "report": report});
    if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
        json.extend(more);
    }
    json
}

/// 1 when anything failed or is held.
pub(super) fn exit(report: &Report) -> Exit {
    if report.failed() {
        Exit::Failed
    } else {
        Exit::Ok
    }
}

/// What went wrong, with its details and the way out.
fn problem_text(text: &mut Styled, problem: &Problem, indent: &str) {
    text.add(PLAIN, indent).add(BAD, "error:");
    text.line(PLAIN, format!(" {}", problem.message));
    let lines = problem.details.iter();
    for line in lines.flat_map(|detail| detail.trim_end().lines()) {
        text.line(PLAIN, format!("{indent}{line}").trim_end());
    }
    if let Some(hint) = &problem.hint {
        text.line(PLAIN, format!("{indent}  hint: {hint}"));
    }
}

#[cfg(test)]
mod tests;
