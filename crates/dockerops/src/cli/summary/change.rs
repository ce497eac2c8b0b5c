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
    fields(text, &change.fields, width);
    if let (Some(effect), View::Plan) = (&change.effect, view) {
        text.line(FAINT, format!("      ({effect})"));
    }
    change.diff.iter().for_each(|diff| diff_text(text, diff));
}

/// The fields that change, a line each.
pub(super) fn fields(text: &mut Styled, fields: &[FieldChange], width: Option<usize>) {
    for field in fields {
        field_lines(text, field, width);
    }
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

/// `image: a → b`, `environment.NEW: (unset) → x`; on two lines where one is too narrow.
fn field_lines(text: &mut Styled, field: &FieldChange, width: Option<usize>) {
    let side = |value: &Option<String>| match value {
        Some(value) => digests_cut(&shortened(value, None)),
        None => "(unset)".to_owned(),
    };
    let (old, new) = (side(&field.old), side(&field.new));
    let whole = format!("      {}: {old} → {new}", field.field);
    if width.is_none_or(|width| whole.chars().count() <= width) {
        return text.line(PLAIN, whole);
    }
    let room = |used: usize| width.map(|width| width.saturating_sub(used).max(LEAST));
    let name = INDENT + field.field.chars().count() + 2;
    text.line(
        PLAIN,
        format!("      {}: {}", field.field, shortened(&old, room(name))),
    );
    text.line(
        PLAIN,
        format!("        → {}", shortened(&new, room(INDENT + 4))),
    );
}

/// Digests by their first 12 digits: enough to tell two apart, and what else there is stays in view.
pub(in crate::cli) fn digests_cut(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let mut cut = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        cut.push_str("sha256:");
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        match (part.get(..12), part.get(64..)) {
            (Some(start), Some(rest)) if digits == 64 => cut.extend([start, "…", rest]),
            _ => cut.push_str(part),
        }
    }
    cut
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
