//! A repository and its stacks in words.

use dockerops_core::plan::KeptWhy;
use dockerops_core::report::{
    BindingReport, Outcome, RepositoryReport, RollbackReport, StackReport,
};
use dockerops_core::revision::short;

use super::change::{self, file};
use super::{View, problem_text};
use crate::cli::styled::{BAD, CARE, FAINT, MOVED, PLAIN, STRONG, Styled};

/// One repository; its URL only where there are several, or something is wrong with it.
pub(super) fn repository(
    text: &mut Styled,
    repository: &RepositoryReport,
    several: bool,
    view: View,
    width: Option<usize>,
) {
    if several || repository.problem.is_some() || view == View::Plan {
        head(text, repository);
    }
    for warning in &repository.warnings {
        warn(text, warning);
    }
    if let Some(problem) = &repository.problem {
        problem_text(text, problem, "  ");
    }
    for report in &repository.stacks {
        stack(text, report, view, width);
    }
    for report in &repository.bindings {
        binding(text, report);
    }
}

fn head(text: &mut Styled, repository: &RepositoryReport) {
    if repository.url.is_empty() {
        return;
    }
    text.add(STRONG, &repository.url);
    if let Some(revision) = &repository.revision {
        text.add(PLAIN, format!("  {}", short(revision)));
    }
    text.end();
}

fn stack(text: &mut Styled, report: &StackReport, view: View, width: Option<usize>) {
    let (style, word) = outcome(report.outcome, view);
    text.add(STRONG, report.name.as_str())
        .line(style, format!("  {word}"));
    if let Some(commit) = &report.commit {
        let line = format!(
            "  commit {} by {}: {}",
            short(&commit.revision),
            commit.author,
            commit.subject
        );
        text.line(PLAIN, super::super::styled::shortened(&line, width));
    }
    for one in &report.changes {
        change::change(text, one, report.outcome, view, width);
    }
    if view == View::Plan {
        risks(text, report);
    }
    kept(text, report, view, width);
    for warning in &report.warnings {
        warn(text, warning);
    }
    if let Some(problem) = &report.problem {
        problem_text(text, problem, "  ");
    }
    if let Some(rollback) = &report.rollback {
        way_back(text, rollback, report.outcome);
    }
}

/// Where a stack that did not get well is now.
fn way_back(text: &mut Styled, rollback: &RollbackReport, outcome: Outcome) {
    let target = rollback.revision.as_deref().map(short);
    let to = target.unwrap_or("what ran before");
    match &rollback.problem {
        None if outcome == Outcome::RolledBack || rollback.revision.is_some() => {
            text.line(MOVED, format!("  rolled back to {to}"));
        }
        None => text.line(MOVED, "  removed again"),
        Some(problem) => {
            text.line(BAD, format!("  rolling back to {to} FAILED"));
            problem_text(text, problem, "    ");
        }
    }
}

fn risks(text: &mut Styled, report: &StackReport) {
    for risk in &report.risks {
        text.add(CARE, "  ! ");
        text.line(PLAIN, format!("{}: {}", risk.service, risk.message));
    }
}

/// What stays: each by name where there is more to say, the rest of a plan by number.
fn kept(text: &mut Styled, report: &StackReport, view: View, width: Option<usize>) {
    let plain = |why| matches!(why, KeptWhy::UpToDate | KeptWhy::JobDone);
    let same = report.kept.iter().filter(|kept| plain(kept.why)).count();
    for kept in report.kept.iter().filter(|kept| !plain(kept.why)) {
        text.line(PLAIN, format!("  = {}  {}", kept.name, why(kept.why)));
        change::fields(text, &kept.fields, width);
    }
    if same > 0 && view == View::Plan && report.outcome != Outcome::Unchanged {
        let services = if same == 1 { "service" } else { "services" };
        text.line(FAINT, format!("  = {same} {services} unchanged"));
    }
}

fn why(why: KeptWhy) -> &'static str {
    match why {
        KeptWhy::UpToDate | KeptWhy::JobDone => "unchanged",
        KeptWhy::Foreign => "not ours: left alone",
        KeptWhy::PruneOff => "no longer declared, kept",
        KeptWhy::Updating => "Swarm is still updating it",
        KeptWhy::VolumeStays => "volume, kept with its data; --prune-volumes removes it",
        KeptWhy::Drifted => "changed by hand on the Swarm, left as it is (self_heal: false)",
        KeptWhy::Missing => "removed by hand from the Swarm, not made anew (self_heal: false)",
        KeptWhy::RolledBack => "held: Swarm rolled this very version back",
    }
}

fn binding(text: &mut Styled, report: &BindingReport) {
    text.add(PLAIN, "binding ").line(STRONG, &report.path);
    report.files.iter().for_each(|report| file(text, report));
    report.notes.iter().for_each(|note| warn(text, note));
}

fn warn(text: &mut Styled, warning: &str) {
    text.add(CARE, "  warning:")
        .line(PLAIN, format!(" {warning}"));
}

fn outcome(outcome: Outcome, view: View) -> (anstyle::Style, &'static str) {
    match (outcome, view) {
        (Outcome::Unchanged, View::Done) => (FAINT, "unchanged"),
        (Outcome::Unchanged, View::Plan) => (FAINT, "no change"),
        (Outcome::Changed, View::Done) => (MOVED, "changed"),
        (Outcome::Changed, View::Plan) => (MOVED, "changes"),
        (Outcome::Removed, View::Done) => (MOVED, "removed"),
        (Outcome::Removed, View::Plan) => (MOVED, "left the repository: goes, its volumes stay"),
        (Outcome::Held, _) => (BAD, "held"),
        (Outcome::Suspended, _) => (CARE, "suspended"),
        (Outcome::RolledBack, _) => (BAD, "FAILED and rolled back"),
        (Outcome::Failed, View::Done) => (BAD, "FAILED"),
        (Outcome::Failed, View::Plan) => (BAD, "REFUSED: nothing of it would be written"),
    }
}
