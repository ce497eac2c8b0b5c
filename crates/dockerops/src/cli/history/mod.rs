//! `dockerops history`: what runs did, newest first; or one of them whole.

mod whole;

use std::collections::BTreeSet;

use dockerops_core::names::StackName;
use dockerops_core::report::Problem;
use dockerops_core::revision::short;
use serde_json::{Value, json};

use super::output::Output;
use super::reconcile::stack_name;
use super::styled::{BAD, CARE, FAINT, MOVED, PLAIN, STRONG, Styled, shortened, wrapped};
use super::subject::unknown_stack;
use super::{Exit, session};
use crate::moment::{between, coarse, moment};
use crate::store::{Ended, Run, Store};

/// Show what runs changed, and what failed and why
///
/// The newest run first. A run that changed nothing and failed nothing is not remembered, and
/// the same failure again counts up its entry. Of each stack the newest 50 (`DOCKEROPS_HISTORY`)
/// are kept, and always the newest that ended well. Needs neither Docker nor Git.
#[derive(Debug, clap::Args)]
pub(super) struct HistoryArgs {
    /// Only runs of this stack
    #[arg(value_parser = stack_name, value_name = "STACK", conflicts_with = "id")]
    stack: Option<StackName>,

    /// How many at most
    #[arg(long, default_value_t = 20, value_name = "N", conflicts_with = "id",
        value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// One run whole: each change with its reasons, warnings, the problem, the images
    #[arg(long, value_name = "ID")]
    id: Option<i64>,
}

pub(super) fn run(args: &HistoryArgs, out: &mut Output) -> Result<Exit, Problem> {
    let store = session::records_to_look(&session::settings(out)?)?;
    if let Some(id) = args.id {
        let run = store.run(id)?.ok_or_else(|| no_run(id))?;
        out.answer_styled(&whole::text(&run), json!({"run": whole::json(&run)}));
        return Ok(Exit::Ok);
    }
    let stack = args.stack.as_ref().map(StackName::as_str);
    let runs = store.runs(stack, args.limit)?;
    if let (true, Some(stack)) = (runs.is_empty(), stack) {
        known(&store, stack)?;
    }
    let json: Vec<_> = runs.iter().map(brief).collect();
    out.answer_styled(&text(&runs, out.width()), json!({"runs": json}));
    Ok(Exit::Ok)
}

fn no_run(id: i64) -> Problem {
    Problem::new(
        format!("no run {id} is remembered"),
        Some("See `dockerops history` for those that are.".to_owned()),
    )
}

/// A stack without a run is fine when there is such a stack.
fn known(store: &Store, stack: &str) -> Result<(), Problem> {
    let rows = store.stacks()?;
    let past = store.runs(None, u32::MAX)?;
    let names = rows.into_iter().map(|row| row.name);
    let names: BTreeSet<_> = names
        .chain(past.into_iter().map(|run| run.ended.stack))
        .collect();
    if names.contains(stack) {
        return Ok(());
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    Err(unknown_stack(stack, &names))
}

/// What a list says of a run, for machines.
fn brief(run: &Run) -> Value {
    let ended = &run.ended;
    json!({
        "id": run.id, "repository": ended.repository, "stack": name(ended), "commit": ended.commit,
        "trigger": ended.trigger, "outcome": ended.outcome, "reason": reason(ended), "healthy": ended.healthy,
        "started_at": ended.started_at, "ended_at": ended.ended_at,
        "repeated": run.repeated, "repeated_at": run.repeated_at,
    })
}

fn name(ended: &Ended) -> Option<&str> {
    Some(ended.stack.as_str()).filter(|name| !name.is_empty())
}

fn reason(ended: &Ended) -> Option<&str> {
    Some(ended.reason.as_str()).filter(|reason| !reason.is_empty())
}

/// Of several reasons each in its first line.
fn details(ended: &Ended) -> impl Iterator<Item = &str> {
    let details = ended.report["problem"]["details"].as_array();
    let details = details.into_iter().flatten();
    details.filter_map(|detail| detail.as_str()?.lines().next())
}

fn text(runs: &[Run], width: Option<usize>) -> Styled {
    let mut text = Styled::default();
    for run in runs {
        head(&mut text, run);
        commit(&mut text, &run.ended, width);
        if is_of_several(run, runs) {
            text.line(PLAIN, format!("{INDENT}{}", run.ended.repository));
        }
        for why in reason(&run.ended).into_iter().chain(details(&run.ended)) {
            let why = wrapped(why, INDENT.len(), width);
            text.line(PLAIN, format!("{INDENT}{why}"));
        }
        if let Some(times) = times(run) {
            text.line(CARE, format!("{INDENT}{times}"));
        }
    }
    if runs.is_empty() {
        text.line(PLAIN, "No run changed or failed anything yet.");
    }
    text
}

/// Whether more than one repository has such a stack: one that moved, or was refused.
fn is_of_several(run: &Run, runs: &[Run]) -> bool {
    let (stack, repository) = (&run.ended.stack, &run.ended.repository);
    let same = |other: &Run| other.ended.stack == *stack && other.ended.repository != *repository;
    !stack.is_empty() && runs.iter().any(same)
}

const INDENT: &str = "      ";

/// `  12  2026-01-02 03:04:05Z  web  changed  (reconcile, 12s)`
fn head(text: &mut Styled, run: &Run) {
    let ended = &run.ended;
    let style = match ended.outcome.as_str() {
        "failed" | "rolled-back" | "held" => BAD,
        "unchanged" => PLAIN,
        _ => MOVED,
    };
    text.add(
        FAINT,
        format!("{:>4}  {}  ", run.id, moment(&ended.started_at)),
    );
    text.add(STRONG, name(ended).unwrap_or(ended.repository.0.as_str()));
    text.add(style, format!("  {}", word(&ended.outcome)));
    let lasted = between(&ended.started_at, &ended.ended_at).map(coarse);
    let lasted = lasted.unwrap_or_default();
    text.line(FAINT, format!("  ({}, {lasted})", ended.trigger));
}

/// The outcome in words.
fn word(outcome: &str) -> &str {
    match outcome {
        "unchanged" => "well again",
        "failed" => "FAILED",
        "rolled-back" => "FAILED and rolled back",
        other => other,
    }
}

fn commit(text: &mut Styled, ended: &Ended, width: Option<usize>) {
    let Some(commit) = &ended.commit else { return };
    let revision = short(&commit.revision);
    let line = format!("{INDENT}{revision} {} ({})", commit.subject, commit.author);
    text.line(PLAIN, shortened(&line, width));
}

/// That the same happened again.
fn times(run: &Run) -> Option<String> {
    let again = match run.repeated {
        0 => return None,
        1 => "once more".to_owned(),
        n => format!("{n} times more"),
    };
    let last = run.repeated_at.as_deref().map(moment).unwrap_or_default();
    Some(format!("{again}, last {last}"))
}

#[cfg(test)]
mod tests;
