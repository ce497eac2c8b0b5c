//! Mistakes in users' files, as people and as machines read them.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use dockerops_core::diagnostic::{Diagnostic, Diagnostics, Severity};
use dockerops_core::source::{Sources, Span};
use serde_json::{Value, json};

/// Whether colours are in the text: for `anstream`, which takes them out where they do not belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// With colours.
    Styled,
    /// Plain text.
    Plain,
}

/// Message, place, source line with a mark below it, and hint; ends with a line break.
pub fn text(diagnostic: &Diagnostic, sources: &Sources, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let quoted = diagnostic.span.and_then(|span| Quoted::of(span, sources));
    let mut group = level
        .primary_title(&diagnostic.message)
        .elements(quoted.iter().map(Quoted::snippet));
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.with_name("hint").message(hint));
    }
    let renderer = match style {
        Style::Styled => Renderer::styled(),
        Style::Plain => Renderer::plain(),
    };
    format!("{}\n", renderer.render(&[group]))
}

/// `{"severity", "code", "message", "file", "line", "column", "hint"}`; what is not known is `null`.
pub fn json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let span = diagnostic.span;
    let file = span.and_then(|span| sources.get(span.file));
    json!({
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": file.map(|source| source.name.clone()),
        "line": span.map(|span| span.line),
        "column": span.map(|span| span.column),
        "hint": diagnostic.hint,
    })
}

/// All of `diagnostics` as JSON.
pub fn json_list(diagnostics: &Diagnostics, sources: &Sources) -> Vec<Value> {
    let each = diagnostics.0.iter();
    each.map(|diagnostic| json(diagnostic, sources)).collect()
}

/// One line of a source and the bytes of it that are marked.
struct Quoted<'s> {
    name: &'s str,
    line: &'s str,
    number: usize,
    marked: std::ops::Range<usize>,
}

impl<'s> Quoted<'s> {
    fn of(span: Span, sources: &'s Sources) -> Option<Self> {
        let line = sources.line(span)?;
        let start = byte(line, span.column.saturating_sub(1));
        let end = byte(line, span.column.saturating_sub(1) + span.length);
        Some(Self {
            name: &sources.get(span.file)?.name,
            line,
            number: span.line as usize,
            marked: start..end,
        })
    }

    fn snippet(&self) -> Snippet<'s, annotate_snippets::Annotation<'s>> {
        Snippet::source(self.line)
            .line_start(self.number)
            .path(self.name)
            .annotation(AnnotationKind::Primary.span(self.marked.clone()))
    }
}

/// Where the character `index` of `line` starts, or its end.
fn byte(line: &str, index: u32) -> usize {
    let mut starts = line.char_indices().map(|(at, _)| at);
    starts.nth(index as usize).unwrap_or(line.len())
}

#[cfg(test)]
mod tests {
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
        error: unknown key `imag`
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
        let diagnostic = Diagnostic::error("no-file", None, "no `stacks.yaml`").hint("Add it.");
        let text = text(&diagnostic, &Sources::default(), Style::Plain);
        insta::assert_snapshot!(text, @r"
        error: no `stacks.yaml`
         |
         = hint: Add it.
        ");
    }

    #[test]
    fn machines_get_each_part_by_name() {
        let (diagnostic, sources) = sample();
        insta::assert_snapshot!(json(&diagnostic, &sources), @r#"{"code":"unknown-key","column":7,"file":"web/compose.yml","hint":"Did you mean `image`?","line":2,"message":"unknown key `imag`","severity":"error"}"#);
    }
}
