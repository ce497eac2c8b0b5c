//! Files with a `NAME=value` a line (`cli/pkg/kvfile`): no quotes, no interpolation, no trimming of values.

use super::interpolate::{Variables, not_allowed};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::{Field, Text};
use crate::source::{FileId, Sources, Span};

/// A line may be this long (`bufio.MaxScanTokenSize` of Go).
const LONGEST_LINE: usize = 64 * 1024;

/// The names and values of `file`, in its order. A name alone takes the variable of that name,
/// and is left out when there is none.
pub fn env_file(
    file: FileId,
    sources: &Sources,
    variables: &Variables,
    out: &mut Diagnostics,
) -> Vec<(Text, Text)> {
    let text = sources.get(file).map_or("", |source| source.text.as_str());
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).split('\n');
    let mut read = Vec::new();
    for (index, line) in lines.enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let inner = line.trim_start();
        if inner.is_empty() || inner.starts_with('#') {
            continue;
        }
        let span = line_span(file, index, line, inner);
        let (key, value) = inner
            .split_once('=')
            .map_or((inner, None), |(key, value)| (key, Some(value)));
        if let Some(what) = wrong(line, key) {
            let message = format!("this line of the env file {what}");
            out.push(
                Diagnostic::error("invalid-env-file", span, message)
                    .hint("Write `NAME=value`, without `export`."),
            );
            continue;
        }
        let value = match value {
            Some(value) => Some(Field::new(value.to_owned(), span)),
            None => variable(key, span, variables, out),
        };
        let name = Field::new(
            key.to_owned(),
            Span {
                length: chars(key),
                ..span
            },
        );
        read.extend(value.map(|value| (name, value)));
    }
    read
}

/// The variable `name`, for a value written at `span`.
pub(super) fn variable(
    name: &str,
    span: Span,
    variables: &Variables,
    out: &mut Diagnostics,
) -> Option<Text> {
    if variables.is_forbidden(name) {
        out.push(not_allowed(name, span));
    }
    let (value, secrets) = variables.get(name)?;
    Some(Field {
        value: value.to_owned(),
        span,
        secrets: secrets.clone(),
    })
}

fn wrong(line: &str, key: &str) -> Option<&'static str> {
    if key.is_empty() {
        return Some("has no variable name");
    }
    if key.contains([' ', '\t']) {
        return Some("has a space in the variable name");
    }
    (line.len() >= LONGEST_LINE).then_some("is longer than 64 KiB")
}

fn chars(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

fn line_span(file: FileId, index: usize, line: &str, inner: &str) -> Span {
    Span {
        file,
        line: u32::try_from(index + 1).unwrap_or(u32::MAX),
        column: chars(line) - chars(inner) + 1,
        length: chars(inner),
    }
}
