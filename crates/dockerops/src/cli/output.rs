//! Printing: the answer on stdout, talk on stderr, never a meaning by colour alone.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use dockerops_core::report::Problem;
use serde_json::{Value, json};

use super::log::Log;
use super::styled::Styled;

/// `-o text` or `-o json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For machines: one object with `"schema": 1`
    Json,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();

/// Where a command prints. Colour follows the terminal and `NO_COLOR`.
#[derive(Debug)]
pub(super) struct Output {
    format: Format,
    log: Option<Log>,
}

impl Output {
    pub(super) fn new(format: Format) -> Self {
        Self { format, log: None }
    }

    /// From now on, also writes down what is said.
    pub(super) fn log_to(&mut self, log: Log) {
        self.log = Some(log);
    }

    /// Writes down what is not said, such as that a command began.
    pub(super) fn note(&mut self, line: &str) {
        if let Some(log) = &mut self.log {
            log.write(line);
        }
    }

    /// The part of the answer that is known before the work begins; machines get it with the rest.
    pub(super) fn preface(&mut self, text: &str) {
        if self.format == Format::Text {
            let _closed = write!(anstream::stdout().lock(), "{}", harmless(text));
        }
    }

    /// Prints the answer: `text` to people, `json` (an object) with its schema number to machines.
    pub(super) fn answer(&mut self, text: &str, json: Value) {
        self.note(text);
        let mut stdout = anstream::stdout().lock();
        // A closed pipe (`dockerops … | head`) is the reader's choice, no failure of ours.
        let _closed = match self.format {
            Format::Text => write!(stdout, "{}", harmless(text)),
            Format::Json => writeln!(stdout, "{:#}", with_schema(json)),
        };
    }

    /// The answer in colours, which follow the terminal and `NO_COLOR`.
    pub(super) fn answer_styled(&mut self, text: &Styled, json: Value) {
        if self.format == Format::Json {
            return self.answer(&text.plain(), json);
        }
        self.note(&text.plain());
        let _closed = write!(anstream::stdout().lock(), "{}", text.coloured());
    }

    /// Whether the answer is for machines.
    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether the answer goes to a screen that can be drawn anew.
    pub(super) fn is_screen(&self) -> bool {
        self.format == Format::Text && std::io::stdout().is_terminal()
    }

    /// The answer in place of what the screen shows. When it is longer than the screen, the last
    /// line says how much of it is left out.
    #[expect(
        clippy::unused_self,
        reason = "whoever talks has been handed the output"
    )]
    pub(super) fn screen(&mut self, text: &Styled) {
        let mut stdout = anstream::stdout().lock();
        let rows = rustix::termios::tcgetwinsize(std::io::stdout()).map_or(24, |size| size.ws_row);
        let rows = usize::from(rows.max(2)) - 1;
        let lines = first_lines(&text.coloured(), rows);
        // Home, then each line cleared to its end, then what is below: nothing flickers.
        let _closed = write!(
            stdout,
            "\u{1b}[H{}\u{1b}[K\n\u{1b}[J",
            lines.join("\u{1b}[K\n")
        );
        let _closed = stdout.flush();
    }

    /// One of several answers: a block of text, or one line of JSON. False when nobody reads
    /// any more.
    pub(super) fn block(&mut self, text: &Styled, json: Value) -> bool {
        let mut stdout = anstream::stdout().lock();
        let written = match self.format {
            Format::Text => write!(stdout, "{}", text.coloured()),
            Format::Json => writeln!(stdout, "{}", with_schema(json)),
        };
        written.and_then(|()| stdout.flush()).is_ok()
    }

    /// How many characters a line of the answer may have: as many as the terminal's.
    pub(super) fn width(&self) -> Option<usize> {
        let stdout = std::io::stdout();
        if self.format == Format::Json || !stdout.is_terminal() {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(&stdout).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    }

    /// Lines of talk in colours.
    pub(super) fn say_text(&mut self, text: &Styled) {
        self.note(&text.plain());
        let _closed = write!(anstream::stderr().lock(), "{}", text.coloured());
    }

    /// An answer of mistakes, already made harmless, in colours.
    pub(super) fn answer_mistakes(&mut self, text: &str, json: Value) {
        match self.format {
            Format::Text => {
                let _closed = write!(anstream::stdout().lock(), "{text}");
            }
            Format::Json => self.answer("", json),
        }
    }

    /// A document of a format of its own, whatever `-o` says.
    #[expect(
        clippy::unused_self,
        reason = "whoever talks has been handed the output"
    )]
    pub(super) fn document(&mut self, json: &Value) {
        let _closed = writeln!(anstream::stdout().lock(), "{json:#}");
    }

    /// A line of talk.
    pub(super) fn say(&mut self, line: &str) {
        self.note(line);
        let _closed = writeln!(anstream::stderr().lock(), "{}", harmless(line));
    }

    /// `label: text`, the label in colour.
    fn say_labelled(&mut self, style: Style, label: &str, text: &str) {
        self.note(&format!("{label}: {text}"));
        let text = harmless(text);
        let _closed = writeln!(anstream::stderr().lock(), "{style}{label}:{style:#} {text}");
    }

    /// A mistake in a user's file with its source line, already made harmless, in colours.
    #[expect(
        clippy::unused_self,
        reason = "whoever talks has been handed the output"
    )]
    pub(super) fn say_styled(&mut self, text: &str) {
        let _closed = writeln!(anstream::stderr().lock(), "{text}");
    }

    /// A warning.
    pub(super) fn warn(&mut self, line: &str) {
        self.say_labelled(WARNING, "warning", line);
    }

    /// What went wrong, with its details and the way out.
    pub(super) fn problem(&mut self, problem: &Problem) {
        self.say_labelled(ERROR, "error", &problem.message);
        for detail in &problem.details {
            self.say(detail.trim_end());
        }
        if let Some(hint) = &problem.hint {
            self.say_labelled(HINT, "  hint", hint);
        }
        if self.format == Format::Json {
            self.answer("", json!({"error": problem}));
        }
    }

    /// Whether a person can be asked something.
    pub(super) fn can_ask() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a yes-or-no question; only `y` and `yes` mean yes. Waits beside the run, so that Ctrl-C is heard.
    pub(super) async fn ask(&mut self, question: &str) -> bool {
        let _closed = write!(anstream::stderr().lock(), "{} [y/N] ", harmless(question));
        let answer = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            std::io::stdin().read_line(&mut answer).map(|_| answer)
        });
        let Ok(Ok(answer)) = answer.await else {
            return false;
        };
        matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }
}

/// The first lines of `text`: at most `rows`, of which the last one tells of those left out.
fn first_lines(text: &str, rows: usize) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    if lines.len() > rows {
        let shown = rows.saturating_sub(1);
        let left_out = lines.len() - shown;
        lines.truncate(shown);
        lines.push(format!(
            "… {left_out} more lines: name a stack, or make the window larger"
        ));
    }
    lines
}

/// `text` without what a terminal obeys: names and messages come from repositories
/// and servers. Line breaks and tabs stay.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || turns_text_around(c);
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if obeyed(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Makes a terminal show text in another order than it is.
fn turns_text_around(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn with_schema(json: Value) -> Value {
    let mut whole = json!({"schema": 1});
    if let (Value::Object(whole), Value::Object(fields)) = (&mut whole, json) {
        whole.extend(fields);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_screen_has_no_room_for_is_told() {
        assert_eq!(first_lines("a\nb\nc\n", 3), ["a", "b", "c"]);
        let cut = first_lines("a\nb\nc\nd\n", 3);
        assert_eq!(cut[..2], ["a", "b"]);
        assert!(cut[2].starts_with("… 2 more lines"), "{cut:?}");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_shown_raw() {
        let shown = harmless("a\tb\n\u{1b}]0;x\u{7}\r\u{9b}2J\u{202e}é");
        assert_eq!(shown, "a\tb\n\\u{1b}]0;x\\u{7}\\u{d}\\u{9b}2J\\u{202e}é");
        assert!(matches!(harmless("plain → é"), Cow::Borrowed(_)));
    }
}
