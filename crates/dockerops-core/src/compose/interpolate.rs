//! `${VARIABLE}` in a compose file → its value.
//!
//! The rules are those of Docker's client (`cli/compose/template`,
//! `cli/compose/interpolation`). What must stay true:
//!
//! - A value is put in once and never looked at again: a `$` within it is text.
//! - Text remembers which secrets flowed into it.
//! - No message holds a variable's value: it quotes what the file says.
//!
//! On purpose different from Docker's client, each with a warning and each off
//! under [`Compat::Docker`]: a default may contain `${B}` as the Compose
//! specification has it, and the first operator of `${A:?must-be-set}` counts,
//! where Docker's client reads a default `be-set` and never asks for `A`.
//! Always different: a broken `$` or a missing required variable is an error,
//! also when a good variable follows in the same text (there the client forgets
//! the error), and `x-…` sections are left alone.

mod cast;
mod messages;
mod template;
#[cfg(test)]
mod tests;
mod variables;

pub use messages::not_allowed;
pub use variables::{Compat, Variables};

use std::collections::HashSet;
use std::ops::Range;

use self::cast::Cast;
use self::template::{Piece, Rule, Variable};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::secret::Provenance;
use crate::source::{Sources, Span};
use crate::yaml::{Mapping, Node, Value};

/// The sections in which variables are replaced.
const SECTIONS: [&str; 5] = ["services", "volumes", "networks", "secrets", "configs"];

/// Replaces the variables in the sections of a compose file, `node` being its root.
///
/// Scalars at places that take a number or boolean become one, as in Docker's
/// client. Keys are left as they are.
pub fn interpolate(node: Node, vars: &Variables, sources: &Sources, out: &mut Diagnostics) -> Node {
    let Value::Map(sections) = node.value else {
        return node;
    };
    let mut pass = Pass {
        vars,
        sources,
        out,
        told: HashSet::new(),
        path: Vec::new(),
    };
    let sections = sections.0.into_iter().map(|(key, section)| {
        if !SECTIONS.contains(&&*key.value) {
            return (key, section);
        }
        let section = pass.under(key.value.clone(), section);
        (key, section)
    });
    Node {
        value: Value::Map(Mapping(sections.collect())),
        ..node
    }
}

struct Pass<'p> {
    vars: &'p Variables,
    sources: &'p Sources,
    out: &'p mut Diagnostics,
    /// What was said where: an alias brings the same text several times.
    told: HashSet<(&'static str, Option<Span>, String)>,
    /// The keys from the root; `[]` is an item of a list.
    path: Vec<String>,
}

/// A scalar that is being replaced.
struct Scalar<'s> {
    span: Span,
    template: &'s str,
}

/// What came out of it.
#[derive(Default)]
struct Filled {
    text: String,
    secrets: Provenance,
    /// Whether a value that nobody read is in it.
    unread: bool,
}

impl Pass<'_> {
    fn under(&mut self, key: String, node: Node) -> Node {
        self.path.push(key);
        let node = self.node(node);
        self.path.pop();
        node
    }

    fn node(&mut self, node: Node) -> Node {
        let value = match node.value {
            Value::Text(template) => return self.scalar(&template, node.span, node.secrets),
            Value::List(items) => {
                let items = items
                    .into_iter()
                    .map(|item| self.under("[]".to_owned(), item));
                Value::List(items.collect())
            }
            Value::Map(map) => {
                let pairs = map.0.into_iter().map(|(key, node)| {
                    let node = self.under(key.value.clone(), node);
                    (key, node)
                });
                Value::Map(Mapping(pairs.collect()))
            }
            other => other,
        };
        Node { value, ..node }
    }

    fn scalar(&mut self, template: &str, span: Span, mut secrets: Provenance) -> Node {
        let scalar = Scalar { span, template };
        let mut filled = Filled::default();
        let pieces = template::pieces(template, self.vars.compat);
        for piece in &pieces {
            self.piece(&scalar, piece, &mut filled);
        }
        secrets.extend(&filled.secrets);
        let cast = cast::wanted(&self.path).filter(|_| filled.text != template);
        let value = match cast {
            None => Value::Text(filled.text),
            Some(cast) if filled.unread => cast.neutral(),
            Some(cast) => self.cast(cast, &filled.text, &scalar, &pieces),
        };
        Node {
            value,
            span,
            secrets,
        }
    }

    fn piece(&mut self, scalar: &Scalar<'_>, piece: &Piece<'_>, filled: &mut Filled) {
        match piece {
            Piece::Literal(text) => filled.text.push_str(text),
            Piece::Broken(at) => {
                let problem = messages::broken(scalar.template.get(at.start..).unwrap_or(""));
                self.tell(problem, self.place(scalar, at));
            }
            Piece::Variable(variable) => {
                self.warn_of_docker(scalar, variable);
                self.variable(scalar, variable, filled);
            }
        }
    }

    fn variable(&mut self, scalar: &Scalar<'_>, variable: &Variable<'_>, filled: &mut Filled) {
        let name = variable.name;
        let found = self.vars.get(name);
        let usable = found.filter(|(value, _)| !variable.rule.refuses_empty() || !value.is_empty());
        if let Some((value, secrets)) = usable {
            filled.text.push_str(value);
            filled.secrets.extend(secrets);
            filled.unread |= self.vars.is_unread(name);
            return;
        }
        let place = || self.place(scalar, &variable.at);
        match &variable.rule {
            Rule::Default { pieces, .. } => {
                for piece in pieces {
                    self.piece(scalar, piece, filled);
                }
            }
            _ if self.vars.is_forbidden(name) => {
                self.tell(messages::not_allowed(name, place()), place());
            }
            Rule::Required { message, .. } => {
                self.tell(messages::missing(name, message), place());
            }
            Rule::Plain => self.tell(messages::unset(name), place()),
        }
    }

    fn warn_of_docker(&mut self, scalar: &Scalar<'_>, variable: &Variable<'_>) {
        if let Some(problem) = messages::differs(variable) {
            self.tell(problem, self.place(scalar, &variable.at));
        }
    }

    fn cast(&mut self, cast: Cast, text: &str, scalar: &Scalar<'_>, pieces: &[Piece<'_>]) -> Value {
        if let Some(value) = cast.apply(text) {
            return value;
        }
        let shown: String = scalar.template.chars().take(60).collect();
        let message = format!(
            "the value of `{}` must be {} here",
            shown.escape_debug(),
            cast.wanted()
        );
        let names: Vec<_> = template::names(pieces).map(|n| format!("`{n}`")).collect();
        let problem = Diagnostic::error("bad-cast", scalar.span, message);
        let hint = format!("Check the value of {}.", names.join(" and "));
        let problem = if names.is_empty() {
            problem
        } else {
            problem.hint(hint)
        };
        self.tell(problem, scalar.span);
        cast.neutral()
    }

    fn tell(&mut self, mut problem: Diagnostic, span: Span) {
        problem.span = Some(span);
        let key = (problem.code, problem.span, problem.message.clone());
        if self.told.insert(key) {
            self.out.push(problem);
        }
    }

    /// Where the bytes `at` of a scalar's text stand in the file, or else the scalar.
    fn place(&self, scalar: &Scalar<'_>, at: &Range<usize>) -> Span {
        self.find(scalar, at).unwrap_or(scalar.span)
    }

    fn find(&self, scalar: &Scalar<'_>, at: &Range<usize>) -> Option<Span> {
        let piece = scalar.template.get(at.clone())?;
        let count = |text: &str| u32::try_from(text.chars().count()).ok();
        let length = count(piece)?;
        let marked = self.sources.marked(scalar.span)?;
        if let Some(quote) = marked.find(scalar.template).filter(|quote| *quote < 2) {
            let before = count(marked.get(..quote)?)? + count(scalar.template.get(..at.start)?)?;
            let column = scalar.span.column + before;
            return Some(Span {
                column,
                length,
                ..scalar.span
            });
        }
        let first = (scalar.span.line as usize).checked_sub(1)?;
        let lines = self.sources.get(scalar.span.file)?.text.lines();
        let within = lines.skip(first).take(scalar.template.lines().count() + 1);
        within.zip(scalar.span.line..).find_map(|(text, line)| {
            let column = count(text.get(..text.find(piece)?)?)? + 1;
            Some(Span {
                line,
                column,
                length,
                ..scalar.span
            })
        })
    }
}
