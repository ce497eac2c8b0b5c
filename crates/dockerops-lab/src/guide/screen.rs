//! Is what a command answers what the documentation shows?
//!
//! What differs from run to run counts as equal: hashes, times, durations, and on which node. In what is shown,
//! `…` stands for anything within its line, and a line of nothing but `…` for any lines.

/// The first line that is shown and not there, or there and not shown.
pub(super) fn difference(shown: &[String], answered: &str) -> Option<String> {
    let shown = whole(shown);
    let mut answered = answered
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty());
    let mut skips = false;
    for line in shown
        .iter()
        .map(|line| line.trim_end())
        .filter(|line| !line.is_empty())
    {
        if line == "…" {
            skips = true;
            continue;
        }
        let found = if skips {
            answered.any(|answer| is_shown_as(answer, line))
        } else {
            answered
                .next()
                .is_some_and(|answer| is_shown_as(answer, line))
        };
        if !found {
            return Some(format!("the line `{line}`"));
        }
        skips = false;
    }
    let rest = if skips { None } else { answered.next() };
    rest.map(|line| format!("and not the line `{line}`"))
}

/// A line that begins with an arrow is the rest of the one before: so it is written where a screen is not wide enough.
fn whole(shown: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in shown {
        match (line.trim_start().strip_prefix('→'), lines.last_mut()) {
            (Some(rest), Some(last)) => *last += &format!(" →{rest}"),
            _ => lines.push(line.clone()),
        }
    }
    lines
}

fn is_shown_as(answer: &str, shown: &str) -> bool {
    let answer = steady(answer);
    let shown = steady(shown);
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| answer.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
        last = Some(part);
    }
    rest.is_empty() || last == Some("")
}

/// The line with a word in place of what differs from run to run.
fn steady(line: &str) -> String {
    let is_part = |c: char| !c.is_ascii_alphanumeric() && !"-:.".contains(c);
    let pieces = line.split_inclusive(is_part).map(|piece| {
        let word = piece.trim_end_matches(is_part);
        let after = piece.get(word.len()..).unwrap_or_default();
        let word = match word {
            word if is_time(word) => "TIME".to_owned(),
            word => word.split(':').map(kept).collect::<Vec<_>>().join(":"),
        };
        word + after
    });
    pieces.collect()
}

fn kept(word: &str) -> &str {
    let is_hash = word.len() >= 12 && word.chars().all(|c| c.is_ascii_hexdigit());
    match word {
        _ if is_hash => "HASH",
        _ if is_duration(word) => "DURATION",
        // There is one here.
        "node-2" | "node-3" => "node-1",
        _ => word,
    }
}

/// `2026-03-02`, `09:23:09Z`, `09:23:09`.
fn is_time(word: &str) -> bool {
    let word = word.trim_end_matches(['Z', '.', ':']);
    let is_of = |separator| {
        let parts: Vec<&str> = word.split(separator).collect();
        let are_numbers = parts
            .iter()
            .all(|part| part.len() >= 2 && part.chars().all(|c| c.is_ascii_digit()));
        parts.len() == 3 && are_numbers
    };
    is_of('-') || is_of(':')
}

/// `3m`, `15h`, `250ms`.
fn is_duration(word: &str) -> bool {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < word.len() && ["ms", "s", "m", "h", "d"].contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::difference;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_differs_from_run_to_run_is_equal_and_nothing_else_is() {
        let shown = lines(
            "a  0cde14ebe9c7 run 5: 2026-03-02 09:23:09Z 3m\n  image: b:1@sha256:3c9b5ddfeb05… → c",
        );
        let same = "a  111114ebe9c7 run 5: 2027-03-02 19:23:09Z 15s\n  image: b:1@sha256:aaab5ddfeb05… → c\n";
        assert_eq!(difference(&shown, same), None);
        for other in [
            ("run 5", "run 6"),
            ("b:1", "b:2"),
            ("→ c", "→ cd"),
            ("image", "imag"),
        ] {
            assert!(
                difference(&shown, &same.replace(other.0, other.1)).is_some(),
                "{other:?}"
            );
        }
    }

    #[test]
    fn lines_are_told_that_are_missing_or_too_many() {
        let shown = lines("a\n…\nd\n");
        assert_eq!(difference(&shown, "a\nb\nc\nd\n"), None);
        assert!(difference(&shown, "a\nb\n").is_some());
        assert!(difference(&shown, "a\nb\nd\ne\n").is_some());
        assert!(difference(&lines("a"), "a\nb\n").is_some());
        assert_eq!(difference(&lines("a … c"), "a b c"), None);
        assert!(difference(&lines("a … c"), "a b d").is_some());
    }
}
