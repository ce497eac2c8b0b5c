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

/// `NAME=value`, `NAME="value"`; a leading `export ` and a comment behind the value are forgiven, as
/// people bring shell files. `dockerops.sh` reads the same.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(good) {
        return None;
    }
    Some((name, unquoted(value.trim())))
}

const QUOTES: [char; 2] = ['"', '\''];

/// What a shell makes of `"always"  # or ifnotpresent`.
fn unquoted(value: &str) -> &str {
    let before_a_comment = || {
        let comment = value.find(" #").or_else(|| value.find("\t#"));
        value[..comment.unwrap_or(value.len())].trim_end()
    };
    let mut readings = QUOTES.iter().filter_map(|mark| {
        let inner = value.strip_prefix(*mark)?;
        let (first, rest) = inner.split_once(*mark)?;
        let rest = rest.trim_start();
        let ends_there = rest.is_empty() || rest.starts_with('#');
        // `"a"b"` is what it is between its outer quotes.
        if ends_there {
            Some(first)
        } else {
            inner.strip_suffix(*mark)
        }
    });
    readings.next().unwrap_or_else(before_a_comment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_a_comment_behind_a_value_are_no_part_of_it() {
        for (value, read) in [
            ("always", "always"),
            ("\"always\"", "always"),
            ("\"always\"   # or ifnotpresent", "always"),
            ("'a # b'#c", "a # b"),
            ("always # or", "always"),
            ("always\t#or", "always"),
            ("a#b", "a#b"),
            ("#", "#"),
            ("\"a\"b\"", "a\"b"),
            ("\"open", "\"open"),
            ("", ""),
        ] {
            assert_eq!(unquoted(value), read, "{value}");
        }
    }
}
