//! Text with `$` → pieces: literal text, variables, and what is neither.
//!
//! Source: the pattern of docker/cli `cli/compose/template/template.go`. Its
//! `[^}]*` ends a default at the first `}`, and it knows the operators without
//! braces too, where the default reaches to the next `}` or the end.

use std::ops::Range;

use super::Compat;

/// How deep `${A:-${B:-…}}` is followed; beyond, it stays as written.
const MAX_NESTING: usize = 16;

/// A part of a template.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'t> {
    /// Text as it is; `$$` gives `$`.
    Literal(&'t str),
    /// A variable.
    Variable(Variable<'t>),
    /// A `$` that starts nothing, with its bytes in the template.
    Broken(Range<usize>),
}

/// One `$A`, `${A}` or `${A:-…}`.
#[derive(Debug, PartialEq)]
pub(super) struct Variable<'t> {
    pub(super) name: &'t str,
    pub(super) rule: Rule<'t>,
    /// Its bytes in the template.
    pub(super) at: Range<usize>,
    pub(super) oddity: Option<Oddity>,
}

/// What happens without a value.
#[derive(Debug, PartialEq)]
pub(super) enum Rule<'t> {
    /// It becomes empty.
    Plain,
    /// `-` and `:-`.
    Default {
        pieces: Vec<Piece<'t>>,
        or_empty: bool,
    },
    /// `?` and `:?`.
    Required { message: &'t str, or_empty: bool },
}

/// What Docker's client and the person who wrote it may read differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Oddity {
    /// `${A:-${B}}`.
    Nested,
    /// `${A:?must-be-set}`: the client looks for `:-` and `-` first, wherever they are.
    SecondOperator,
    /// `$A-text`.
    NoBraces,
    /// `${A:-$2a$14$…}`: nothing in a default is replaced, nor is `$$` made `$`.
    DollarInDefault,
}

impl Rule<'_> {
    /// Whether an empty value counts as none.
    pub(super) fn refuses_empty(&self) -> bool {
        match self {
            Self::Plain => false,
            Self::Default { or_empty, .. } | Self::Required { or_empty, .. } => *or_empty,
        }
    }

    /// The first `$` in a default that is taken as it is, with the word behind it.
    pub(super) fn dollar(&self) -> Option<&str> {
        let Self::Default { pieces, .. } = self else {
            return None;
        };
        pieces.iter().find_map(|piece| {
            let Piece::Literal(text) = piece else {
                return None;
            };
            let word = text.get(text.find('$')?..)?;
            let end = word
                .char_indices()
                .skip(1)
                .find(|(_, c)| !c.is_ascii_alphanumeric());
            word.get(..end.map_or(word.len(), |(at, _)| at).min(9))
        })
    }
}

/// Takes `template` apart.
pub(super) fn pieces(template: &str, compat: Compat) -> Vec<Piece<'_>> {
    let reader = Reader { template, compat };
    reader.pieces(0..template.len(), Where::Top)
}

/// The names of the variables in `pieces`, in order, without those in defaults.
pub(super) fn names<'p>(pieces: &'p [Piece<'_>]) -> impl Iterator<Item = &'p str> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Variable(variable) => Some(variable.name),
        _ => None,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Where {
    Top,
    /// Within a default: only `${…}` counts, anything else stays as written.
    Default(usize),
}

struct Reader<'t> {
    template: &'t str,
    compat: Compat,
}

impl<'t> Reader<'t> {
    fn slice(&self, range: Range<usize>) -> &'t str {
        self.template.get(range).unwrap_or("")
    }

    fn pieces(&self, range: Range<usize>, place: Where) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        let mut literal = range.start;
        let mut at = range.start;
        while let Some(found) = self.slice(at..range.end).find('$') {
            at += found;
            let Some((piece, end)) = self.piece(at, range.end, place) else {
                at += 1;
                continue;
            };
            pieces.push(Piece::Literal(self.slice(literal..at)));
            pieces.push(piece);
            literal = end;
            at = end;
        }
        pieces.push(Piece::Literal(self.slice(literal..range.end)));
        pieces.retain(|piece| *piece != Piece::Literal(""));
        pieces
    }

    /// The piece that the `$` at `at` starts, and where it ends; `None` for plain text.
    fn piece(&self, at: usize, limit: usize, place: Where) -> Option<(Piece<'t>, usize)> {
        let rest = self.slice(at + 1..limit);
        let braced = rest
            .strip_prefix('{')
            .and_then(|_| self.braced(at, limit, place));
        if let Some((variable, end)) = braced {
            return Some((Piece::Variable(variable), end));
        }
        if place != Where::Top {
            return None;
        }
        if rest.starts_with('$') {
            return Some((Piece::Literal("$"), at + 2));
        }
        if name_length(rest) > 0 {
            let (variable, end) = self.unbraced(at, limit);
            return Some((Piece::Variable(variable), end));
        }
        let marked = if rest.starts_with('{') { 2 } else { 1 };
        Some((Piece::Broken(at..at + marked), at + 1))
    }

    /// `$A`, with operator and text up to the next `}` or the end.
    fn unbraced(&self, at: usize, limit: usize) -> (Variable<'t>, usize) {
        let start = at + 1;
        let name_end = start + name_length(self.slice(start..limit));
        let mut end = name_end;
        if operator(self.slice(name_end..limit)).is_some() {
            let rest = self.slice(name_end..limit);
            end = name_end + rest.find('}').unwrap_or(rest.len());
        }
        let mut variable = self.variable(at..end, start..end, name_end, None);
        if end > name_end {
            let other = variable.oddity.filter(|o| *o != Oddity::DollarInDefault);
            variable.oddity = other.or(Some(Oddity::NoBraces));
        }
        (variable, end)
    }

    /// `${A}` or `${A:-…}`; `None` when it is not well formed.
    fn braced(&self, at: usize, limit: usize, place: Where) -> Option<(Variable<'t>, usize)> {
        let start = at + 2;
        let name_end = start + name_length(self.slice(start..limit));
        let rest = self.slice(name_end..limit);
        if name_end == start {
            return None;
        }
        if rest.starts_with('}') {
            let variable = self.variable(at..name_end + 1, start..name_end, name_end, None);
            return Some((variable, name_end + 1));
        }
        let (operator, length) = operator(rest)?;
        let depth = match place {
            Where::Top => 0,
            Where::Default(depth) => depth,
        };
        let may_nest = operator == '-' && self.compat == Compat::Specification;
        let nested = (may_nest && depth < MAX_NESTING)
            .then(|| nested_end(rest.get(length..)?))
            .flatten()
            .map(|close| name_end + length + close);
        let close = match nested {
            Some(close) => close,
            None => name_end + rest.find('}')?,
        };
        let inner = nested.map(|_| depth + 1);
        let variable = self.variable(at..close + 1, start..close, name_end, inner);
        Some((variable, close + 1))
    }

    /// The variable whose name, operator and text are the bytes `body`.
    fn variable(
        &self,
        at: Range<usize>,
        body: Range<usize>,
        name_end: usize,
        nested: Option<usize>,
    ) -> Variable<'t> {
        let ours = Split::first(name_end - body.start, self.slice(body.clone()));
        let docker = Split::docker(self.slice(body.clone()));
        let odd = nested.is_none() && ours != docker;
        let split = if odd && self.compat == Compat::Docker {
            docker
        } else {
            ours
        };
        let text = body.start + split.text_start..body.end;
        let rule = match split.operator {
            None => Rule::Plain,
            Some('-') => Rule::Default {
                or_empty: split.or_empty,
                pieces: match nested {
                    Some(depth) => self.pieces(text, Where::Default(depth)),
                    None => vec![Piece::Literal(self.slice(text))],
                },
            },
            Some(_) => Rule::Required {
                or_empty: split.or_empty,
                message: self.slice(text),
            },
        };
        let warned = self.compat == Compat::Specification;
        let oddity = match nested {
            Some(_) => Some(Oddity::Nested),
            None if odd && warned => Some(Oddity::SecondOperator),
            None => (warned && rule.dollar().is_some()).then_some(Oddity::DollarInDefault),
        };
        Variable {
            name: self.slice(body.start..body.start + split.name_end),
            rule,
            at,
            oddity,
        }
    }
}

/// Where name, operator and text of `A:-b` part, as offsets.
#[derive(PartialEq)]
struct Split {
    name_end: usize,
    operator: Option<char>,
    or_empty: bool,
    text_start: usize,
}

impl Split {
    /// By the operator right behind the name.
    fn first(name_end: usize, body: &str) -> Self {
        let (operator, length) = match operator(body.get(name_end..).unwrap_or("")) {
            Some((operator, length)) => (Some(operator), length),
            None => (None, 0),
        };
        Self {
            name_end,
            operator,
            or_empty: length == 2,
            text_start: name_end + length,
        }
    }

    /// By the first operator in the client's order that occurs anywhere (`softDefault`, …).
    fn docker(body: &str) -> Self {
        let operators = [(":-", '-'), ("-", '-'), (":?", '?'), ("?", '?')];
        let found = operators
            .into_iter()
            .find_map(|(written, kind)| Some((body.find(written)?, written.len(), kind)));
        match found {
            Some((at, length, kind)) => Self {
                name_end: at,
                operator: Some(kind),
                or_empty: length == 2,
                text_start: at + length,
            },
            None => Self {
                name_end: body.len(),
                operator: None,
                or_empty: false,
                text_start: body.len(),
            },
        }
    }
}

/// The length of the name that `text` starts with.
fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    end.unwrap_or(text.len())
}

/// `-` or `?`, and the length with a `:` before it.
fn operator(text: &str) -> Option<(char, usize)> {
    let (rest, colon) = match text.strip_prefix(':') {
        Some(rest) => (rest, 1),
        None => (text, 0),
    };
    let operator = rest.chars().next().filter(|c| matches!(c, '-' | '?'))?;
    Some((operator, colon + 1))
}

/// Where the `}` is that closes a default with at least one `${…}` in it.
fn nested_end(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut nested = false;
    for (at, c) in text.char_indices() {
        match c {
            '$' if text.get(at + 1..).is_some_and(opens) => {
                nested = true;
                depth += 1;
                if depth > MAX_NESTING {
                    return None;
                }
            }
            '}' if depth == 0 => return nested.then_some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether `{NAME` stands here.
fn opens(text: &str) -> bool {
    text.strip_prefix('{')
        .is_some_and(|rest| name_length(rest) > 0)
}
