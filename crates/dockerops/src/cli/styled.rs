//! Text in colours, made harmless piece by piece.
//!
//! A whole text cannot be made harmless once its colours are in it, as both are
//! escape sequences to a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::output::harmless;

/// What a person must not miss.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What a person should look at.
pub(super) const CARE: Style = AnsiColor::Yellow.on_default();
/// What comes.
pub(super) const NEW: Style = AnsiColor::Green.on_default();
/// What changes.
pub(super) const MOVED: Style = AnsiColor::Yellow.on_default();
/// What goes.
pub(super) const GONE: Style = AnsiColor::Red.on_default();
/// What stands out.
pub(super) const STRONG: Style = Style::new().bold();
/// What stands back.
pub(super) const FAINT: Style = Style::new().dimmed();
/// Everything else.
pub(super) const PLAIN: Style = Style::new();

/// Lines of styled pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Styled(Vec<(Style, String)>);

impl Styled {
    /// Adds a piece to the line.
    pub(super) fn add(&mut self, style: Style, text: impl AsRef<str>) -> &mut Self {
        self.0.push((style, harmless(text.as_ref()).into_owned()));
        self
    }

    /// Ends the line.
    pub(super) fn end(&mut self) {
        self.0.push((PLAIN, "\n".to_owned()));
    }

    /// A whole line.
    pub(super) fn line(&mut self, style: Style, text: impl AsRef<str>) {
        self.add(style, text).end();
    }

    /// With colours, for a writer that takes them out where they do not belong.
    pub(super) fn coloured(&self) -> String {
        let mut all = String::new();
        for (style, text) in &self.0 {
            let _ = write!(all, "{style}{text}{style:#}");
        }
        all
    }

    /// Without.
    pub(super) fn plain(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// `text` in one line of at most `width` characters: the middle is left out, as
/// what differs often stands at the end.
pub(super) fn shortened(text: &str, width: Option<usize>) -> String {
    let one_line = text.replace('\n', "\\n");
    let length = one_line.chars().count();
    let Some(width) = width.filter(|width| length > *width) else {
        return one_line;
    };
    let kept = width.saturating_sub(1);
    let (head, tail) = (kept - kept / 2, kept / 2);
    let start: String = one_line.chars().take(head).collect();
    let end: String = one_line.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

/// `text` in lines of at most `width` characters, broken between words; those after the
/// first begin with `indent`, which the first is told to have, too.
pub(super) fn wrapped(text: &str, indent: usize, width: Option<usize>) -> String {
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(20));
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let length = |text: &str| text.chars().count();
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_ours_alone() {
        let mut text = Styled::default();
        text.line(BAD, "a\u{1b}[2Jb");
        assert_eq!(text.plain(), "a\\u{1b}[2Jb\n");
        assert_eq!(
            text.coloured(),
            "\u{1b}[1m\u{1b}[31ma\\u{1b}[2Jb\u{1b}[0m\n"
        );
    }

    #[test]
    fn a_long_sentence_is_broken_between_words_and_indented() {
        let text = "one two three four five six seven";
        assert_eq!(
            wrapped(text, 2, Some(22)),
            "one two three four\n  five six seven"
        );
        assert_eq!(wrapped(text, 2, None), text);
    }

    #[test]
    fn a_long_value_keeps_both_ends() {
        assert_eq!(shortened("app:1@sha256:aaaabbbb", Some(11)), "app:1…abbbb");
        assert_eq!(shortened("short", Some(11)), "short");
        assert_eq!(shortened("a\nb", None), "a\\nb");
    }
}
