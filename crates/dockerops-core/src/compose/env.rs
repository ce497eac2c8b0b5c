//! `environment` over `env_file`, with names taken from the variables.
//!
//! A name without a value, and also one with an empty value, takes the variable of
//! that name when there is one (`resolveEnvironment` in `cli/compose/loader`).

use super::load::Loading;
use super::model::Pairs;
use super::pairs::pairs;
use super::section::Section;
use crate::diagnostic::Diagnostic;
use crate::field::{Field, Text};
use crate::source::{FileId, Span};

/// A line of an env file may be this long (`bufio.MaxScanTokenSize` of Go).
const LONGEST_LINE: usize = 64 * 1024;

/// Reads the environment of the service.
pub(super) fn environment(service: &Section<'_, '_>, loading: &mut Loading<'_>) -> Pairs {
    let mut environment = Pairs::new();
    for path in service.texts("env_file") {
        if let Some(file) = loading.env_file(&path) {
            environment.extend(env_file(file, loading));
        }
    }
    fill(&mut environment, loading, Span::start_of(loading.file));
    let mut own = pairs(service, "environment", loading);
    let span = service
        .node("environment")
        .map_or(service.span(), |node| node.span);
    fill(&mut own, loading, span);
    environment.extend(own);
    environment
}

/// Variables take the place of what is missing or empty.
fn fill(environment: &mut Pairs, loading: &mut Loading<'_>, span: Span) {
    for (name, value) in environment.iter_mut() {
        if value.as_ref().is_none_or(|text| text.value.is_empty()) {
            let place = value.as_ref().map_or(span, |text| text.span);
            if let Some(variable) = loading.variable(name, place) {
                *value = Some(variable);
            }
        }
    }
}

/// Reads an env file (`cli/pkg/kvfile`): no quotes, no interpolation, no trimming of values.
fn env_file(file: FileId, loading: &mut Loading<'_>) -> Vec<(String, Option<Text>)> {
    let text = loading
        .sources
        .get(file)
        .map(|source| source.text.clone())
        .unwrap_or_default();
    let mut read = Vec::new();
    let lines = text.strip_prefix('\u{feff}').unwrap_or(&text).split('\n');
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
            loading.out.push(
                Diagnostic::error("invalid-env-file", span, message)
                    .hint("Write `NAME=value`, without `export`."),
            );
            continue;
        }
        match value {
            Some(value) => read.push((key.to_owned(), Some(Field::new(value.to_owned(), span)))),
            None => read.extend(
                loading
                    .variable(key, span)
                    .map(|text| (key.to_owned(), Some(text))),
            ),
        }
    }
    read
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

fn line_span(file: FileId, index: usize, line: &str, inner: &str) -> Span {
    let count = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    Span {
        file,
        line: u32::try_from(index + 1).unwrap_or(u32::MAX),
        column: count(line) - count(inner) + 1,
        length: count(inner),
    }
}
