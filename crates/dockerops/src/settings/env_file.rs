//! Settings files: `NAME=value` a line, and how they join the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::{SettingsError, Sources};

/// All variables; later files win over earlier ones, the process over all files.
pub(super) fn merge(sources: &Sources) -> Result<BTreeMap<String, OsString>, SettingsError> {
    let mut all = BTreeMap::new();
    for (file, text) in &sources.files {
        for (line, pair) in pairs(text) {
            let (name, value) = pair.ok_or_else(|| SettingsError::Line {
                file: file.clone(),
                line,
            })?;
            all.insert(name.to_owned(), OsString::from(value));
        }
    }
    let process = &sources.process.0;
    all.extend(
        process
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    Ok(all)
}

/// The names that `text` sets.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    pairs(text).filter_map(|(_, pair)| pair.map(|(name, _)| name))
}

/// The number of each line that says something, and what it sets; `None` when it is malformed.
fn pairs(text: &str) -> impl Iterator<Item = (usize, Option<(&str, &str)>)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().enumerate();
    let lines = lines.map(|(index, line)| (index + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| (number, pair(line)))
}

/// `NAME=value`, `NAME="value"`; a leading `export ` is forgiven, as people bring shell files.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(good) {
        return None;
    }
    let value = value.trim();
    let unquoted = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    Some((name, unquoted.unwrap_or(value)))
}
