//! The last line: how many of what.

use std::fmt::Write;

use dockerops_core::plan::{Effect, KeptWhy};
use dockerops_core::report::{ChangeReport, Outcome, Report, Verb};

/// `2 stacks changed, 5 unchanged, 1 failed.`
pub(super) fn stacks(report: &Report) -> String {
    let changed = count(report, Outcome::Changed);
    let noun = if changed == 1 { "stack" } else { "stacks" };
    let mut line = format!(
        "{changed} {noun} changed, {} unchanged",
        count(report, Outcome::Unchanged)
    );
    add(
        &mut line,
        &[
            (count(report, Outcome::Removed), "removed"),
            (count(report, Outcome::Suspended), "suspended"),
            (count(report, Outcome::Held), "held"),
            (count(report, Outcome::RolledBack), "rolled back"),
            (count(report, Outcome::Failed), "failed"),
            (unread(report), "not read (repository)"),
            (left(report), "left as a hand made it"),
        ],
    );
    line + "."
}

/// `Plan: 2 to create, 1 to update, 0 to replace, 1 to remove; 3 tasks restart.`
pub(super) fn changes(report: &Report) -> String {
    // Of what is refused or held nothing is written.
    let changes = || {
        let stacks = report
            .stacks()
            .filter(|stack| !matches!(stack.outcome, Outcome::Failed | Outcome::Held));
        stacks.flat_map(|stack| &stack.changes)
    };
    let verbs = |wanted: &[Verb]| changes().filter(|c| wanted.contains(&c.verb)).count();
    let mut line = format!(
        "Plan: {} to create, {} to update, {} to replace, {} to remove",
        verbs(&[Verb::Create]),
        verbs(&[Verb::Update, Verb::Relabel]),
        verbs(&[Verb::Replace]),
        verbs(&[Verb::Remove])
    );
    if changes().next().is_none() {
        "No changes".clone_into(&mut line);
    }
    let files = files(report);
    let noun = if files == 1 { "file" } else { "files" };
    add(
        &mut line,
        &[
            (files, &format!("{noun} of bindings to write or remove")),
            (count(report, Outcome::Held), "held"),
            (count(report, Outcome::Failed), "refused"),
            (unread(report), "not read (repository)"),
            (left(report), "left as a hand made it"),
        ],
    );
    match restarts(changes()) {
        Some(restarts) => format!("{line}; {restarts}."),
        None => line + ".",
    }
}

fn files(report: &Report) -> usize {
    let bindings = report.repositories.iter().flat_map(|r| &r.bindings);
    bindings.map(|binding| binding.files.len()).sum()
}

/// Tasks that each node runs one of are not counted by number.
fn restarts<'a>(changes: impl Iterator<Item = &'a ChangeReport>) -> Option<String> {
    let (mut tasks, mut everywhere) = (0, 0);
    for change in changes {
        if let Some(Effect::Restart { tasks: number, .. } | Effect::Replace { tasks: number }) =
            change.effect
        {
            match number {
                Some(number) => tasks += number,
                None => everywhere += 1,
            }
        }
    }
    let tasks = match tasks {
        0 => None,
        1 => Some("1 task".to_owned()),
        tasks => Some(format!("{tasks} tasks")),
    };
    let everywhere = match everywhere {
        0 => None,
        1 => Some("those of 1 global service".to_owned()),
        services => Some(format!("those of {services} global services")),
    };
    let parts: Vec<_> = [tasks, everywhere].into_iter().flatten().collect();
    match parts.as_slice() {
        [] => None,
        [one] if one == "1 task" => Some("1 task restarts".to_owned()),
        parts => Some(format!("{} restart", parts.join(" and "))),
    }
}

fn add(line: &mut String, counts: &[(usize, &str)]) {
    for (number, word) in counts.iter().filter(|(number, _)| *number > 0) {
        let _ = write!(line, ", {number} {word}");
    }
}

fn count(report: &Report, outcome: Outcome) -> usize {
    report.stacks().filter(|s| s.outcome == outcome).count()
}

/// Services that were changed or removed by hand, and are not put back.
fn left(report: &Report) -> usize {
    let kept = report.stacks().flat_map(|stack| &stack.kept);
    let left = kept.filter(|kept| matches!(kept.why, KeptWhy::Drifted | KeptWhy::Missing));
    left.count()
}

fn unread(report: &Report) -> usize {
    let unread = report.repositories.iter().filter(|r| r.problem.is_some());
    unread.count()
}
