//! What the file itself says where a value came from, and under which key.

use crate::field::Text;
use crate::secret_words::literal;
use crate::source::{Sources, Span};

/// The source text of a value.
pub(super) struct Written<'s> {
    /// Of a block, the line that starts the value.
    pub(super) text: &'s str,
    pub(super) span: Span,
}

impl Written<'_> {
    /// Whether `value` stands there, rather than a variable that brought it.
    pub(super) fn says(&self, value: &str) -> bool {
        let says = first_line(value).is_some_and(|first| literal(self.text).contains(first));
        let escaped = self.text.contains('\\') && !self.text.contains('$');
        // Docker writes a number in its own way: `0123456` becomes `42798`.
        let number = |text: &str| text.parse::<f64>().is_ok();
        says || escaped || (number(value) && number(self.text))
    }
}

/// What the file says for `value`; `None` when that is a secret, or cannot be found.
pub(super) fn written<'s>(sources: &'s Sources, value: &Text) -> Option<Written<'s>> {
    if value.secrets.is_secret() {
        return None;
    }
    let span = value.span;
    if is_block(sources, span) {
        return in_block(sources, value);
    }
    let text = sources.marked(span)?;
    Some(Written { text, span })
}

/// Whether the value is one of several lines (`|`, `>`): it starts below the line that says so.
fn is_block(sources: &Sources, span: Span) -> bool {
    let header = above(span).and_then(|above| sources.line(above));
    let last = header.and_then(|line| line.split_whitespace().next_back());
    let before = sources.line(span).map(|line| {
        let chars = line.chars().take(span.column.saturating_sub(1) as usize);
        chars.collect::<String>()
    });
    last.is_some_and(|word| word.starts_with(['|', '>']))
        && before.is_some_and(|before| before.trim().is_empty())
}

/// A block ends where less is indented.
fn in_block<'s>(sources: &'s Sources, value: &Text) -> Option<Written<'s>> {
    let first = first_line(&value.value)?;
    let start = value.span;
    let mut lines = (start.line..).map_while(|line| {
        let span = Span {
            line,
            column: 1,
            length: 0,
            ..start
        };
        let text = sources.line(span)?;
        let indent = count(text) - count(text.trim_start());
        (text.trim().is_empty() || indent + 1 >= start.column).then_some((text, span))
    });
    let (text, at, span) = lines.find_map(|(text, span)| Some((text, text.find(first)?, span)))?;
    let span = Span {
        column: count(text.get(..at)?) + 1,
        length: count(first),
        ..span
    };
    Some(Written { text, span })
}

fn first_line(value: &str) -> Option<&str> {
    value.lines().map(str::trim).find(|line| !line.is_empty())
}

/// Where the key `name` of what is at `span` stands; else the point where that starts.
///
/// It is in the same text (`NAME=value`), before it on the line, or at the end of the line above.
pub(super) fn key(sources: &Sources, name: &str, span: Span) -> Span {
    let named = |line: Option<&str>, place: Span, before: u32| {
        let line = line?;
        let head: String = line.chars().take(before as usize).collect();
        let at = head.rfind(name)?;
        let column = count(head.get(..at)?) + 1;
        let length = count(name);
        Some(Span {
            column,
            length,
            ..place
        })
    };
    let within = span.column + count(name) + 3;
    let same = sources.line(span);
    named(same, span, within)
        .or_else(|| above(span).and_then(|above| named(sources.line(above), above, u32::MAX)))
        .unwrap_or(Span { length: 0, ..span })
}

fn above(span: Span) -> Option<Span> {
    let line = span.line.checked_sub(1).filter(|line| *line > 0)?;
    Some(Span { line, ..span })
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
