//! The texts that were read, and positions in them.
//!
//! Every value that comes from a file carries a [`Span`], so that an error can
//! name file, line and column long after parsing, also after several files were
//! merged. Spans are small and copied freely; the texts live once, in
//! [`Sources`].

/// Which text of a [`Sources`] a span points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A place in a source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// How many characters the marked text has; 0 marks a point.
    pub length: u32,
}

/// One text and the name it is shown under.
#[derive(Debug, Clone)]
pub struct Source {
    /// As shown to a person: a path relative to the repository, or as given with `-c`.
    pub name: String,
    /// The text exactly as read. It holds no secret: interpolation happens later.
    pub text: String,
    /// Where each line starts, in bytes; a byte order mark belongs to none.
    lines: Vec<usize>,
}

impl Source {
    fn new(name: String, text: String) -> Self {
        let first = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let rest = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(first).chain(rest).collect();
        Self { name, text, lines }
    }

    /// The line of this index, without its line break.
    fn line(&self, index: usize) -> Option<&str> {
        let start = *self.lines.get(index)?;
        let end = self.lines.get(index + 1).copied();
        let line = self.text.get(start..end.unwrap_or(self.text.len()))?;
        // What follows the last line break is no line when it is empty.
        (end.is_some() || !line.is_empty()).then(|| {
            let line = line.strip_suffix('\n').unwrap_or(line);
            line.strip_suffix('\r').unwrap_or(line)
        })
    }
}

/// All texts of one run over a repository.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Keeps `text` and returns its id.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Source::new(name.into(), text.into()));
        id
    }

    /// The text behind `id`.
    pub fn get(&self, id: FileId) -> Option<&Source> {
        self.0.get(id.0 as usize)
    }

    /// The line that `span` starts in, without its line break.
    ///
    /// A byte order mark belongs to no line: columns count from behind it.
    pub fn line(&self, span: Span) -> Option<&str> {
        let index = (span.line as usize).checked_sub(1)?;
        self.get(span.file)?.line(index)
    }

    /// The text that `span` marks, up to the end of its first line; as written, so with quotes.
    pub fn marked(&self, span: Span) -> Option<&str> {
        let line = self.line(span)?;
        let at = |chars: usize| {
            line.char_indices()
                .nth(chars)
                .map_or(line.len(), |(i, _)| i)
        };
        let start = (span.column as usize).checked_sub(1)?;
        line.get(at(start)..at(start + span.length as usize))
    }

    /// `file:line:column`, as editors and terminals understand it.
    pub fn place(&self, span: Span) -> String {
        let name = self
            .get(span.file)
            .map_or("?", |source| source.name.as_str());
        format!("{name}:{}:{}", span.line, span.column)
    }
}

impl Span {
    /// The first character of a file: for problems with the file as a whole.
    pub fn start_of(file: FileId) -> Self {
        Self {
            file,
            line: 1,
            column: 1,
            length: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_characters_and_marks_what_was_written() {
        let mut sources = Sources::default();
        let file = sources.add("f.yml", "a: b\r\nclé: \"é 1\"\r\n");
        let span = Span {
            file,
            line: 2,
            column: 6,
            length: 5,
        };
        assert_eq!(sources.marked(span), Some("\"é 1\""));
        assert_eq!(sources.marked(Span { length: 99, ..span }), Some("\"é 1\""));
        assert_eq!(sources.marked(Span { line: 9, ..span }), None);
        assert_eq!(sources.place(span), "f.yml:2:6");
    }

    #[test]
    fn lines_are_those_that_people_count() {
        let mut sources = Sources::default();
        for text in [
            "",
            "\n",
            "a",
            "a\n",
            "a\r\nb",
            "\u{feff}a\n\nb\n",
            "\u{feff}",
        ] {
            let file = sources.add("f.yml", text);
            let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
            let wanted: Vec<_> = bare.lines().collect();
            let at = |line| Span {
                line,
                ..Span::start_of(file)
            };
            let found: Vec<_> = (1..9).map_while(|line| sources.line(at(line))).collect();
            assert_eq!(found, wanted, "{text:?}");
        }
    }
}
