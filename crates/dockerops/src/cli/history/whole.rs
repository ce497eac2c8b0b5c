//! One run whole, from the report that was kept with it.

use dockerops_core::revision::short;
use serde_json::{Value, json};

use super::{INDENT, brief, commit, head, times};
use crate::cli::styled::{BAD, CARE, PLAIN, Styled};
use crate::cli::summary::digests_cut;
use crate::store::Run;

/// For machines: what a list says, the images, and the stack's report.
pub(super) fn json(run: &Run) -> Value {
    let mut json = brief(run);
    json["pins"] = json!(run.ended.pins);
    json["report"] = run.ended.report.clone();
    json
}

/// For people.
pub(super) fn text(run: &Run) -> Styled {
    let mut text = Styled::default();
    head(&mut text, run);
    commit(&mut text, &run.ended, None);
    text.line(PLAIN, format!("{INDENT}{}", run.ended.repository));
    if let Some(times) = times(run) {
        text.line(CARE, format!("{INDENT}{times}"));
    }
    let report = &run.ended.report;
    items(report, "changes").for_each(|one| change(&mut text, one));
    items(report, "bindings").for_each(|one| binding(&mut text, one));
    for warning in items(report, "warnings").filter_map(Value::as_str) {
        text.add(CARE, "  warning:")
            .line(PLAIN, format!(" {warning}"));
    }
    problem(&mut text, &report["problem"]);
    way_back(&mut text, &report["rollback"]);
    for (image, pin) in &run.ended.pins {
        let digest = json!(pin)["pinned"]["digest"].as_str().map(str::to_owned);
        let digest = digest.unwrap_or_else(|| "as it is written".to_owned());
        text.line(PLAIN, format!("  image {image}  {digest}"));
    }
    text
}

/// Where a stack that did not get well went.
fn way_back(text: &mut Styled, rollback: &Value) {
    if let Some(revision) = rollback["revision"].as_str() {
        let revision = short(revision);
        if rollback["problem"].is_null() {
            text.line(PLAIN, format!("  rolled back to {revision}"));
        } else {
            text.line(BAD, format!("  rolling back to {revision} FAILED"));
        }
    }
    problem(text, &rollback["problem"]);
}

fn items<'a>(report: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    report[key].as_array().into_iter().flatten()
}

fn word<'a>(json: &'a Value, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_default()
}

/// `  update service web_app  changed since the last deploy`
fn change(text: &mut Styled, change: &Value) {
    let reasons: Vec<_> = items(change, "reasons").filter_map(Value::as_str).collect();
    let (verb, kind, name) = (
        word(change, "verb"),
        word(change, "kind"),
        word(change, "name"),
    );
    text.line(
        PLAIN,
        format!("  {verb} {kind} {name}  {}", reasons.join(", ")),
    );
    for field in items(change, "fields") {
        let side = |key| digests_cut(field[key].as_str().unwrap_or("(unset)"));
        let line = format!(
            "{INDENT}{}: {} → {}",
            word(field, "field"),
            side("old"),
            side("new")
        );
        text.line(PLAIN, line);
    }
}

fn binding(text: &mut Styled, binding: &Value) {
    for file in items(binding, "files") {
        text.line(
            PLAIN,
            format!("  {} file {}", word(file, "verb"), word(file, "path")),
        );
    }
}

fn problem(text: &mut Styled, problem: &Value) {
    if problem.is_null() {
        return;
    }
    text.add(BAD, "  error:")
        .line(PLAIN, format!(" {}", word(problem, "message")));
    let details = items(problem, "details").filter_map(Value::as_str);
    for line in details.flat_map(str::lines) {
        text.line(PLAIN, format!("  {line}").trim_end());
    }
    if let Some(hint) = problem["hint"].as_str() {
        text.line(PLAIN, format!("    hint: {hint}"));
    }
}
