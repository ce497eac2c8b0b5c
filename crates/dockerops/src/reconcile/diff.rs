//! How a text changes, line by line.

use std::time::Duration;

use similar::TextDiff;

/// Longer texts are not compared, in bytes.
pub(super) const LARGEST: usize = 1024 * 1024;
/// After so long the rest of two texts counts as wholly different: correct, only longer.
const LONGEST: Duration = Duration::from_millis(500);
/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// The changed lines with a little around them, marked by `-` and `+`; `None` for what is no text.
pub(super) fn diff(old: &[u8], new: &[u8]) -> Option<String> {
    let (old, new) = (text(old)?, text(new)?);
    let diff = TextDiff::configure().timeout(LONGEST).diff_lines(old, new);
    Some(diff.unified_diff().context_radius(CONTEXT).to_string())
}

fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (bytes.len() <= LARGEST && !text.contains('\0')).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn two_large_texts_with_little_in_common_are_compared_in_time() {
        let text = |start: u32| -> String {
            let numbers = (start..start + 60_000).map(|n| n.wrapping_mul(2_654_435_761) % 90_001);
            let lines: Vec<String> = numbers.map(|number| number.to_string()).collect();
            lines.join("\n")
        };
        let (old, new) = (text(0), text(7_000_000));
        let begun = Instant::now();
        assert!(diff(old.as_bytes(), new.as_bytes()).is_some());
        assert!(begun.elapsed() < LONGEST * 20, "{:?}", begun.elapsed());
    }

    #[test]
    fn a_text_is_compared_line_by_line_and_other_content_is_not() {
        let shown = diff(b"a\nb\nc\n", b"a\nB\nc\n").unwrap();
        assert_eq!(shown, "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
        assert_eq!(diff(b"a\0b", b"a"), None);
        assert_eq!(diff(b"a", &[0xff, 0xfe]), None);
    }
}
