//! Mistakes in users' files, as people and as machines read them.

pub mod sarif;

use std::borrow::Cow;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use dockerops_core::codes::Code;
use dockerops_core::diagnostic::{Diagnostic, Diagnostics, Quote, Severity};
use dockerops_core::lint::secret_in;
use dockerops_core::source::Sources;
use serde_json::{Value, json};

/// Whether colours are in the text: for `anstream`, which takes them out where they do not belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// With colours.
    Styled,
    /// Plain text.
    Plain,
}

/// Number, message, place, source line with a mark below it, and hint; ends with a line break.
///
/// In colours, the number links to its explanation where a terminal can do that.
pub fn text(diagnostic: &Diagnostic, sources: &Sources, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut title = level.primary_title(&diagnostic.message);
    if let Some(code) = diagnostic.explained() {
        title = title.id(code.to_string());
        if style == Style::Styled {
            title = title.id_url(code.url());
        }
    }
    let quoted = Quoted::of(diagnostic, sources);
    let mut group = title.elements(quoted.iter().map(Quoted::snippet));
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.with_name("hint").message(hint));
    }
    let renderer = match style {
        Style::Styled => Renderer::styled(),
        Style::Plain => Renderer::plain(),
    };
    format!("{}\n", renderer.render(&[group]))
}

/// `{"severity", "id", "code", "message", "file", "line", "column", "hint"}`; what is not known is `null`.
pub fn json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let span = diagnostic.span;
    let file = span.and_then(|span| sources.get(span.file));
    json!({
        "severity": word(diagnostic.severity),
        "id": diagnostic.explained().map(Code::to_string),
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": file.map(|source| source.name.clone()),
        "line": span.map(|span| span.line),
        "column": span.map(|span| span.column),
        "hint": diagnostic.hint,
    })
}

/// A severity as programs read it.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// All of `diagnostics` as JSON.
pub fn json_list(diagnostics: &Diagnostics, sources: &Sources) -> Vec<Value> {
    let each = diagnostics.0.iter();
    each.map(|diagnostic| json(diagnostic, sources)).collect()
}

/// One line of a source and the bytes of it that are marked.
struct Quoted<'s> {
    name: &'s str,
    line: Cow<'s, str>,
    number: usize,
    marked: std::ops::Range<usize>,
}

impl<'s> Quoted<'s> {
    fn of(diagnostic: &Diagnostic, sources: &'s Sources) -> Option<Self> {
        let span = diagnostic.span?;
        let line = sources.line(span)?;
        let start = byte(line, span.column.saturating_sub(1));
        let end = byte(line, span.column.saturating_sub(1) + span.length);
        let (line, marked) = match (diagnostic.quote, secret_in(line)) {
            (Quote::Line, None) => (Cow::Borrowed(line), start..end),
            // What is marked is known to be no secret.
            (Quote::Mark, _) => only(line, start..end),
            // The mark may begin before a secret; it never reaches into it.
            (Quote::Line, Some(secret)) => only(line, start..end.min(secret).max(start)),
        };
        Some(Self {
            name: &sources.get(span.file)?.name,
            line,
            number: span.line as usize,
            marked,
        })
    }

    fn snippet(&self) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        Snippet::source(self.line.as_ref())
            .line_start(self.number)
            .path(self.name)
            .annotation(AnnotationKind::Primary.span(self.marked.clone()))
    }
}

/// `line` with `…` for all text around what is marked, which keeps its column.
fn only(line: &str, marked: std::ops::Range<usize>) -> (Cow<'_, str>, std::ops::Range<usize>) {
    let [before, shown, after] = [0..marked.start, marked.clone(), marked.end..line.len()]
        .map(|part| line.get(part).unwrap_or_default());
    let dots = |text: &str| if text.trim().is_empty() { "" } else { "…" };
    let width = before.chars().count();
    let before = format!("{:<width$}", dots(before));
    let start = before.len();
    let line = format!("{before}{shown}{}", dots(after));
    (Cow::Owned(line), start..start + shown.len())
}

/// Where the character `index` of `line` starts, or its end.
fn byte(line: &str, index: u32) -> usize {
    let mut starts = line.char_indices().map(|(at, _)| at);
    starts.nth(index as usize).unwrap_or(line.len())
}

#[cfg(test)]
mod tests {
    use dockerops_core::source::Span;

    use super::*;

    fn sample() -> (Diagnostic, Sources) {
        let mut sources = Sources::default();
        let file = sources.add("web/compose.yml", "services:\n  é: {imag: x}\n");
        let span = Span {
            file,
            line: 2,
            column: 7,
            length: 4,
        };
        let diagnostic = Diagnostic::error("unknown-key", span, "unknown key `imag`");
        (diagnostic.hint("Did you mean `image`?"), sources)
    }

    #[test]
    fn a_mistake_is_told_with_place_line_mark_and_hint() {
        let (diagnostic, sources) = sample();
        let text = text(&diagnostic, &sources, Style::Plain);
        insta::assert_snapshot!(text, @r"
        error[DO026]: unknown key `imag`
         --> web/compose.yml:2:7
          |
        2 |   é: {imag: x}
          |       ^^^^
          |
          = hint: Did you mean `image`?
        ");
    }

    #[test]
    fn a_mistake_without_a_place_is_told_with_its_hint() {
        let diagnostic =
            Diagnostic::error("no-stacks-file", None, "no `stacks.yaml`").hint("Add it.");
        let text = text(&diagnostic, &Sources::default(), Style::Plain);
        insta::assert_snapshot!(text, @r"
        error[DO001]: no `stacks.yaml`
         |
         = hint: Add it.
        ");
    }

    #[test]
    fn a_line_with_a_secret_is_quoted_as_far_as_it_is_marked() {
        let mut sources = Sources::default();
        let text = "  é: {TOKEN: abc, PASSWORD: hunter2}\nPASSWORD: hunter2\n";
        let file = sources.add("web/compose.yml", text);
        let shown = |line, column| {
            let span = Span {
                file,
                line,
                column,
                length: 8,
            };
            let mut diagnostic = Diagnostic::warning("secret-in-clear", span, "in clear");
            diagnostic.quote = Quote::Mark;
            super::text(&diagnostic, &sources, Style::Plain)
        };
        insta::assert_snapshot!(shown(1, 19), @r"
        warning[DO504]: in clear
         --> web/compose.yml:1:19
          |
        1 | …                 PASSWORD…
          |                   ^^^^^^^^
        ");
        insta::assert_snapshot!(shown(2, 1), @r"
        warning[DO504]: in clear
         --> web/compose.yml:2:1
          |
        2 | PASSWORD…
          | ^^^^^^^^
        ");
    }

    #[test]
    fn in_colours_a_number_links_to_its_explanation() {
        let (diagnostic, sources) = sample();
        let styled = text(&diagnostic, &sources, Style::Styled);
        assert!(styled.contains("docs/reference/codes.md#do026"), "{styled}");
    }

    #[test]
    fn machines_get_each_part_by_name() {
        let (diagnostic, sources) = sample();
        insta::assert_snapshot!(json(&diagnostic, &sources), @r#"{"code":"unknown-key","column":7,"file":"web/compose.yml","hint":"Did you mean `image`?","id":"DO026","line":2,"message":"unknown key `imag`","severity":"error"}"#);
    }
}
