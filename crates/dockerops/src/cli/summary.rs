//! A [`Report`] in words: what changed, what did not, what failed and why, what next.

use std::fmt::Write;

use dockerops_core::plan::FieldChange;
use dockerops_core::report::{
    ChangeReport, Outcome, Problem, Report, RepositoryReport, StackReport,
};
use serde_json::{Value, json};

use super::Exit;
use super::output::Output;

/// The whole report, as printed on stdout.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    for repository in &report.repositories {
        repository_text(&mut text, repository, report.repositories.len() > 1);
    }
    for image in &report.images_removed {
        let _ = writeln!(text, "removed image {image}");
    }
    for problem in &report.problems {
        problem_text(&mut text, problem, "");
    }
    let _ = writeln!(text, "{}", count_line(report));
    text
}

/// The report as the answer of a command.
pub(super) fn answer(report: &Report, out: &mut Output) -> Exit {
    out.answer(&text(report), json(report, json!({})));
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

fn repository_text(text: &mut String, repository: &RepositoryReport, several: bool) {
    if several || repository.problem.is_some() {
        let revision = repository
            .revision
            .as_deref()
            .map(short)
            .unwrap_or_default();
        let _ = writeln!(text, "{} {revision}", repository.url);
    }
    for warning in &repository.warnings {
        let _ = writeln!(text, "  warning: {warning}");
    }
    if let Some(problem) = &repository.problem {
        problem_text(text, problem, "  ");
    }
    for stack in &repository.stacks {
        stack_text(text, stack);
    }
}

fn stack_text(text: &mut String, stack: &StackReport) {
    let _ = writeln!(text, "{}  {}", stack.name, outcome(stack.outcome));
    for change in &stack.changes {
        change_text(text, change, stack.outcome);
    }
    for warning in &stack.warnings {
        let _ = writeln!(text, "  warning: {warning}");
    }
    if let Some(problem) = &stack.problem {
        problem_text(text, problem, "  ");
    }
}

fn change_text(text: &mut String, change: &ChangeReport, outcome: Outcome) {
    let sign = match change.verb {
        "create" => '+',
        "remove" => '-',
        _ => '~',
    };
    // That a whole stack goes is said once, in its own line.
    let reasons = match outcome {
        Outcome::Removed => String::new(),
        _ => change.reasons.join("; "),
    };
    let line = format!("  {sign} {:<8} {}  {reasons}", change.kind, change.name);
    let _ = writeln!(text, "{}", line.trim_end());
    for field in &change.fields {
        let _ = writeln!(text, "      {}", field_text(field));
    }
}

/// `image: a → b`, `environment.NEW: (unset) → x`.
fn field_text(field: &FieldChange) -> String {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "(unset)".to_owned());
    format!(
        "{}: {} → {}",
        field.field,
        side(&field.old),
        side(&field.new)
    )
}

fn problem_text(text: &mut String, problem: &Problem, indent: &str) {
    let _ = writeln!(text, "{indent}error: {}", problem.message);
    for line in problem
        .details
        .iter()
        .flat_map(|detail| detail.trim_end().lines())
    {
        let _ = writeln!(text, "{}", format!("{indent}{line}").trim_end());
    }
    if let Some(hint) = &problem.hint {
        let _ = writeln!(text, "{indent}  hint: {hint}");
    }
}

/// `2 stacks changed, 5 unchanged, 1 failed.`
fn count_line(report: &Report) -> String {
    let stacks = || report.repositories.iter().flat_map(|r| &r.stacks);
    let count = |outcome| stacks().filter(|s| s.outcome == outcome).count();
    let changed = count(Outcome::Changed);
    let noun = if changed == 1 { "stack" } else { "stacks" };
    let mut line = format!(
        "{changed} {noun} changed, {} unchanged",
        count(Outcome::Unchanged)
    );
    let unread = report
        .repositories
        .iter()
        .filter(|r| r.problem.is_some())
        .count();
    for (number, word) in [
        (count(Outcome::Removed), "removed"),
        (count(Outcome::Held), "held"),
        (count(Outcome::Failed), "failed"),
        (unread, "not read (repository)"),
    ] {
        if number > 0 {
            let _ = write!(line, ", {number} {word}");
        }
    }
    line + "."
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unchanged => "unchanged",
        Outcome::Changed => "changed",
        Outcome::Removed => "removed",
        Outcome::Held => "held",
        Outcome::Failed => "FAILED",
    }
}

/// The first 12 characters of a revision.
fn short(revision: &str) -> String {
    revision.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use dockerops_core::names::StackName;

    use super::*;

    fn stack(name: &str, outcome: Outcome) -> StackReport {
        StackReport::new(StackName::parse(name).unwrap(), outcome)
    }

    #[test]
    fn a_summary_says_what_changed_what_failed_and_what_next() {
        let mut web = stack("web", Outcome::Changed);
        web.changes.push(ChangeReport {
            verb: "update",
            kind: "service",
            name: "web_app".into(),
            reasons: vec!["differs from the repository".into()],
            fields: vec![FieldChange {
                field: "image".into(),
                old: Some("a:1".into()),
                new: Some("a:2".into()),
            }],
            restarts: true,
        });
        let mut db = stack("db", Outcome::Failed);
        db.problem = Some(Problem::new(
            "secret `pw` has no value",
            Some("Write it to /nfs/secret/pw.".into()),
        ));
        let repository = RepositoryReport {
            url: "https://example.org/r".into(),
            stacks: vec![web, stack("api", Outcome::Unchanged), db],
            ..RepositoryReport::default()
        };
        let report = Report {
            repositories: vec![repository],
            ..Report::default()
        };
        insta::assert_snapshot!(text(&report), @r"
        web  changed
          ~ service  web_app  differs from the repository
              image: a:1 → a:2
        api  unchanged
        db  FAILED
          error: secret `pw` has no value
            hint: Write it to /nfs/secret/pw.
        1 stack changed, 1 unchanged, 1 failed.
        ");
    }
}
