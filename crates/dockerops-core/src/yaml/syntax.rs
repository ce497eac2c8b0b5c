//! What is wrong with a text that is not YAML, in words for the person who wrote it.

use granit_parser::{ErrorKind, Marker, ScanError};

use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Span};

/// The position of `marker`, as a point.
pub(super) fn point(file: FileId, marker: &Marker) -> Span {
    Span {
        file,
        line: u32::try_from(marker.line()).unwrap_or(u32::MAX).max(1),
        column: u32::try_from(marker.col() + 1).unwrap_or(u32::MAX),
        length: 0,
    }
}

/// The diagnostic for a parser's error in `text`.
pub(super) fn diagnostic(error: &ScanError, text: &str, file: FileId) -> Diagnostic {
    let span = point(file, error.marker());
    if let Some(tab) = indenting_tab(text, span) {
        let message = "a tab indents this line: YAML allows spaces only";
        return Diagnostic::error("yaml-syntax", tab, message).hint("Replace the tab by spaces.");
    }
    if let Some((span, word)) = colon_without_space(error.kind(), text, span) {
        let message = "this is not a `key: value` pair";
        return Diagnostic::error("yaml-syntax", span, message)
            .hint(format!("Put a space after the colon of `{word}`."));
    }
    let (message, hint) = explain(error.kind());
    let message = message.map_or_else(|| error.kind().to_string(), str::to_owned);
    let problem = Diagnostic::error("yaml-syntax", span, message);
    match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Words and a way out for the errors that people run into.
fn explain(kind: &ErrorKind) -> (Option<&'static str>, Option<&'static str>) {
    use ErrorKind as E;
    let (message, hint) = match kind {
        E::UnclosedQuotedScalar => (
            "this quote is never closed",
            "Add the closing quote, and double a `'` within single quotes.",
        ),
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => (
            "something follows the closing quote",
            "Put the whole value within the quotes.",
        ),
        E::UnknownQuotedScalarEscape => (
            "there is no such escape in double quotes",
            "Write `\\\\` for a backslash, or use single quotes.",
        ),
        E::UnclosedFlowCollection { .. }
        | E::UnexpectedEofFlowSequence
        | E::UnexpectedEofFlowMapping
        | E::UnexpectedEofImplicitFlowMapping => (
            "this bracket is never closed",
            "Add the closing `]` or `}`.",
        ),
        E::ExpectedFlowMappingSeparator | E::ExpectedFlowSequenceSeparator => (
            "a comma or a closing bracket is missing before this",
            "Separate entries by commas, and quote text with `{`, `[`, `:` or `,` in it.",
        ),
        E::MisplacedFlowCollectionEnd | E::MismatchedFlowCollectionEnd { .. } => (
            "this bracket closes nothing",
            "Remove it, or put quotes around the text that it belongs to.",
        ),
        E::MappingValueNotAllowed | E::InvalidColonPlacement => (
            "a `:` stands where no key can end",
            "Check the indentation, and quote a value that contains `: `.",
        ),
        E::ExpectedBlockMappingKey | E::SimpleKeyExpected | E::InvalidSimpleKey => (
            "this is not a `key: value` pair",
            "Check the indentation, and that a colon and a space follow the key.",
        ),
        E::ExpectedBlockSequenceEntry
        | E::BlockSequenceEntryNotAllowed
        | E::InvalidIndentation
        | E::MappingKeyNotAllowed => (
            "the indentation of this line fits nothing above it",
            "Align it with the entries that it belongs to.",
        ),
        E::UnexpectedCharacter { .. } => (
            "no value can start with this character",
            "Put quotes around the value.",
        ),
        E::BomInsideDocument => (
            "an invisible byte order mark stands within the file",
            "Remove it: it is left from joining files, and only the first may start with one.",
        ),
        E::MissingAnchorOrAliasName => (
            "a name must follow `*` and `&`",
            "Put quotes around a value that starts with `*` or `&`.",
        ),
        E::UndeclaredTagHandle => (
            "nobody declared this tag",
            "Put quotes around a value that starts with `!`.",
        ),
        E::RecursionLimitExceeded => {
            return (Some("lists and mappings are nested too deep"), None);
        }
        _ => return (None, None),
    };
    (Some(message), Some(hint))
}

/// The first tab in the indentation of the error's line or of the one before it.
///
/// The parser often notices it only at the next token.
fn indenting_tab(text: &str, span: Span) -> Option<Span> {
    let number = span.line as usize;
    let around = text
        .lines()
        .enumerate()
        .skip(number.saturating_sub(2))
        .take(2);
    around
        .filter_map(|(index, line)| {
            let indent = line.chars().take_while(|c| c.is_whitespace());
            let column = indent.enumerate().find(|(_, c)| *c == '\t')?.0;
            (!line.trim().is_empty()).then_some(Span {
                line: u32::try_from(index + 1).ok()?,
                column: u32::try_from(column + 1).ok()?,
                length: 1,
                ..span
            })
        })
        .last()
}

/// `key:value` in the error's line, or in the line before it, that was to be `key: value`.
fn colon_without_space(kind: &ErrorKind, text: &str, span: Span) -> Option<(Span, String)> {
    use ErrorKind as E;
    if !matches!(
        kind,
        E::ExpectedBlockMappingKey
            | E::SimpleKeyExpected
            | E::InvalidSimpleKey
            | E::MappingValueNotAllowed
            | E::InvalidIndentation
    ) {
        return None;
    }
    let number = span.line as usize;
    let mut around = text
        .lines()
        .enumerate()
        .skip(number.saturating_sub(2))
        .take(2);
    around.find_map(|(index, line)| {
        let start = line.trim_start();
        let (key, value) = start.split_once(':')?;
        let named = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_');
        let glued = value.starts_with(|c: char| c.is_alphanumeric() || "\"'$".contains(c));
        let indent = line.chars().count() - start.chars().count();
        (named && glued && !value.contains(": ")).then_some((
            Span {
                line: u32::try_from(index + 1).ok()?,
                column: u32::try_from(indent + 1).ok()?,
                length: u32::try_from(key.chars().count() + 1).ok()?,
                ..span
            },
            format!("{key}:"),
        ))
    })
}
