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
}

/// All texts of one run over a repository.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Keeps `text` and returns its id.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Source {
            name: name.into(),
            text: text.into(),
        });
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
        let text = self.get(span.file)?.text.as_str();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        text.lines().nth(index)
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
}
