//! Messages: those that headings quote, and the texts that the program can say.

use std::fs;
use std::path::Path;

use super::page::{Page, root};

/// The fixed words of each message in a heading: what stands between `…`.
pub(crate) fn told(page: &Page) -> Vec<String> {
    let headings = page.prose().filter(|line| line.starts_with("### "));
    let quoted = headings.flat_map(code);
    quoted
        .flat_map(|message| message.split('…').map(fixed).collect::<Vec<_>>())
        .filter(|words| words.len() > 4)
        .collect()
}

/// Names of ours stand in quotes; what is around them may be put together from several texts.
fn fixed(part: &str) -> String {
    let around = |c: char| c == '`' || c == '\'' || c.is_whitespace();
    part.trim_matches(around).to_owned()
}

/// The code in a line, in one or in two backticks.
fn code(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let from = rest.get(start..).unwrap();
        let fence = if from.starts_with("``") { "``" } else { "`" };
        let inner = from.get(fence.len()..).unwrap();
        let Some(end) = inner.find(fence) else { break };
        found.push(inner.get(..end).unwrap());
        rest = inner.get(end + fence.len()..).unwrap();
    }
    found
}

/// All sources of the program as one text, with strings over several lines joined.
pub(crate) fn of_the_program() -> String {
    let mut text = String::new();
    for folder in ["crates/dockerops-core/src", "crates/dockerops/src"] {
        collect(&root().join(folder), &mut text);
    }
    text
}

fn collect(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, text);
        } else {
            let source = fs::read_to_string(&path).unwrap_or_default();
            let lines = source.split("\\\n").map(str::trim_start);
            text.extend(lines);
        }
    }
}
