//! Where a line may show a secret, by its text alone: for files that could not be read.
//!
//! Rather too much is taken for a secret than too little. A value that stands on
//! lines of its own, away from its key, is not seen.

use crate::secret_words::{has_url_password, is_secret_name, is_secret_value, literal};

/// From which byte on `line` must not be shown, if so.
pub fn secret_in(line: &str) -> Option<usize> {
    let separators = line.match_indices([':', '=', ' ', ',']);
    let value = separators
        .map(|(at, separator)| (at, at + separator.len()))
        .find(|(end, start)| is_secret(line, *end, *start));
    let value = value.map(|(_, start)| start);
    value.into_iter().chain(url(line)).min()
}

/// Whether a secret's name ends at the byte `end` and its value follows at `start`.
fn is_secret(line: &str, end: usize, start: usize) -> bool {
    let (Some(before), Some(value)) = (line.get(..end), line.get(start..)) else {
        return false;
    };
    let before = before.trim_end_matches(['"', '\'']);
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = before.rsplit(|c| !is_part(c)).next().unwrap_or_default();
    // Between words only a flag says that a value follows.
    let is_named = line
        .get(end..start)
        .is_some_and(|by| by == ":" || by == "=");
    let quotes = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',');
    let value = literal(value.trim_start_matches(quotes));
    let value = value
        .split(|c| quotes(c) || c == '}')
        .next()
        .unwrap_or_default();
    (is_named || name.starts_with("--")) && is_secret_name(name) && is_secret_value(name, value)
}

fn url(line: &str) -> Option<usize> {
    has_url_password(&literal(line)).then(|| line.find("://"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_up_to_what_may_be_a_secret() {
        for (shown, hidden) in [
            ("{A: b, DB_PASSWORD:", " hunter2, imag: x}"),
            ("- \"API_KEY=", "abc\""),
            ("\"PASSWORD\":", " 'a b'"),
            ("command: serve --token ", "abc"),
            ("command: [--password,", " abc]"),
            ("URL: postgres", "://u:hunter2@h/x"),
        ] {
            let line = format!("{shown}{hidden}");
            assert_eq!(secret_in(&line), Some(shown.len()), "{line}");
        }
        for line in [
            "DB_PASSWORD: ${DB_PASSWORD}",
            "PASSWORD_FILE: /run/secrets/x",
            "the token of it",
            "image: 'x:1'",
            "secrets: [db]",
            "PASSWORD:",
        ] {
            assert_eq!(secret_in(line), None, "{line}");
        }
    }
}
