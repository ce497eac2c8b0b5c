//! YAML as Docker's client reads it, with a position on every node.
//!
//! [`parse`] gives the first document of a text as a tree of [`Node`]s. Scalars are resolved by
//! the rules of the YAML library in Docker's client (`go.yaml.in/yaml/v3`),
//! merge keys and anchors are expanded within bounds, and a duplicate key is an error.

mod expand;
mod number;
mod raw;
mod scalar;
mod syntax;
#[cfg(test)]
mod tests;
mod timestamp;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::{Field, Text};
use crate::secret::Provenance;
use crate::source::{FileId, Sources, Span};

/// A value with its position.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it starts.
    pub span: Span,
    /// The secrets that flowed into a scalar by interpolation.
    pub secrets: Provenance,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`; in YAML 1.2's sense, so `yes` is text.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order written.
    Map(Mapping),
}

/// A mapping with unique text keys, in the order written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapping(pub Vec<(Text, Node)>);

/// Reads the first document of `file`; an empty one is a [`Value::Null`].
///
/// `None` when it is not YAML or breaks a rule; `out` says why. The message of
/// an error quotes keys and anchors, never values.
pub fn parse(sources: &Sources, file: FileId, out: &mut Diagnostics) -> Option<Node> {
    let Some(source) = sources.get(file) else {
        out.push(Diagnostic::error(
            "no-such-file",
            None,
            "this file was not read",
        ));
        return None;
    };
    match raw::read(&source.text, file, out)? {
        (tree, Some(root)) => expand::expand(&tree, root, out),
        (_, None) => Some(Node {
            value: Value::Null,
            span: Span::start_of(file),
            secrets: Provenance::none(),
        }),
    }
}

impl Mapping {
    /// The value behind `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.0
            .iter()
            .find(|(k, _)| k.value == key)
            .map(|(_, node)| node)
    }

    /// The pairs in the order written.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Node)> {
        self.0.iter().map(|(k, v)| (k, v))
    }
}

impl Node {
    /// This node's position and provenance around another value.
    pub fn field<T>(&self, value: T) -> Field<T> {
        Field {
            value,
            span: self.span,
            secrets: self.secrets.clone(),
        }
    }

    /// `null`, boolean, integer, number, string, list or mapping: for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) => "integer",
            Value::Float(_) => "number",
            Value::Text(_) => "string",
            Value::List(_) => "list",
            Value::Map(_) => "mapping",
        }
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.secrets.is_secret() {
            return f.write_str(&self.secrets.mask());
        }
        self.value.fmt(f)
    }
}
