//! One change in words: `~ service web_app`, its fields, and what it does.

use anstyle::Style;
use dockerops_core::plan::FieldChange;
use dockerops_core::report::{ChangeReport, FileReport, Outcome, Verb};

use super::View;
use crate::cli::styled::{FAINT, GONE, MOVED, NEW, PLAIN, Styled, shortened};

/// A value is not cut to less than this.
const LEAST: usize = 16;
/// How far fields stand in.
const INDENT: usize = 6;

/// A change of a stack that ends, or would end, as `outcome`.
pub(super) fn change(
    text: &mut Styled,
    change: &ChangeReport,
    outcome: Outcome,
    view: View,
    width: Option<usize>,
) {
    // That a whole stack goes is said once, in its own line.
    let reasons = match outcome {
        Outcome::Removed => String::new(),
        _ => change.reasons.join("; "),
    };
    let (style, sign) = sign(change.verb);
    let line = format!(" {:<8} {}  {reasons}", change.kind, change.name);
    text.add(style, format!("  {sign}"))
        .line(PLAIN, line.trim_end());
    for field in &change.fields {
        text.line(PLAIN, format!("      {}", field_text(field, width)));
    }
    if let (Some(effect), View::Plan) = (&change.effect, view) {
        text.line(FAINT, format!("      ({effect})"));
    }
    change.diff.iter().for_each(|diff| diff_text(text, diff));
}

/// A file of a binding.
pub(super) fn file(text: &mut Styled, file: &FileReport) {
    let (style, sign) = sign(file.verb);
    text.add(style, format!("  {sign}"))
        .line(PLAIN, format!(" {}", file.path));
    file.diff.iter().for_each(|diff| diff_text(text, diff));
}

fn sign(verb: Verb) -> (Style, char) {
    match verb {
        Verb::Create => (NEW, '+'),
        Verb::Update | Verb::Relabel => (MOVED, '~'),
        Verb::Replace => (MOVED, '±'),
        Verb::Remove => (GONE, '-'),
    }
}

/// `image: a → b`, `environment.NEW: (unset) → x`.
fn field_text(field: &FieldChange, width: Option<usize>) -> String {
    let name = format!("{}: ", field.field);
    let room = width.map(|width| {
        let taken = INDENT + name.chars().count() + " → ".chars().count();
        (width.saturating_sub(taken) / 2).max(LEAST)
    });
    let side = |value: &Option<String>| match value {
        Some(value) => shortened(value, room),
        None => "(unset)".to_owned(),
    };
    format!("{name}{} → {}", side(&field.old), side(&field.new))
}

fn diff_text(text: &mut Styled, diff: &str) {
    for line in diff.lines() {
        let style = match line.chars().next() {
            Some('+') => NEW,
            Some('-') => GONE,
            Some('@') => FAINT,
            _ => PLAIN,
        };
        text.line(style, format!("      {line}"));
    }
}
