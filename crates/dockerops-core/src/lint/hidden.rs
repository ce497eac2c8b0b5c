//! Values that look like secrets, and how problems near them are told.

use crate::diagnostic::{Diagnostic, Diagnostics, Quote};
use crate::source::Span;

/// Where values stand that must not be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hidden(Vec<Lines>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lines {
    /// The value, as far as it stands on its first line.
    value: Span,
    /// The last line of it.
    last: u32,
}

impl Hidden {
    /// Notes that the value at `span` has this text.
    pub(super) fn add(&mut self, span: Span, text: &str) {
        let more = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        let last = span.line.saturating_add(more.saturating_sub(1));
        self.0.push(Lines { value: span, last });
    }

    /// Makes other problems on the same lines quote only what they mark, and nothing of a value.
    pub fn keep_from(&self, problems: &mut Diagnostics) {
        for problem in &mut problems.0 {
            // It marks the key, and shows no more already.
            if problem.quote == Quote::Mark {
                continue;
            }
            for lines in &self.0 {
                lines.keep_from(problem);
            }
        }
    }
}

impl Lines {
    fn keep_from(self, problem: &mut Diagnostic) {
        let Some(span) = problem.span else { return };
        let inside = self.value.line..=self.last;
        if span.file != self.value.file || !inside.contains(&span.line) {
            return;
        }
        problem.quote = Quote::Mark;
        if self.overlaps(span) {
            problem.span = Some(Span { length: 0, ..span });
            if let Some(discreet) = problem.discreet {
                discreet.clone_into(&mut problem.message);
            }
        }
    }

    fn overlaps(self, span: Span) -> bool {
        let value = self.value;
        let before = span.column + span.length <= value.column;
        let behind = value.column + value.length <= span.column;
        span.line > value.line || !(before || behind)
    }
}
