//! Reading typed values out of a mapping whose shape was checked.
//!
//! What has the wrong shape was reported by [`super::schema`] already, so
//! readers pass over it in silence; they report only what a shape cannot say:
//! formats, signs, ranges.
//!
//! Docker's client is written in Go, where an empty string, `0` and `false` are
//! the same as nothing written wherever its field is no pointer. The readers
//! here do likewise and say so.

use super::path::Path;
use super::units::ram_in_bytes;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::duration::parse_go_duration;
use crate::field::{Field, Text};
use crate::yaml::{Mapping, Node, Value};

/// A mapping and the path to it.
#[derive(Clone, Copy)]
pub(super) struct Section<'n, 'p> {
    node: &'n Node,
    pub(super) path: Path<'p>,
}

impl<'n, 'p> Section<'n, 'p> {
    /// A view of `node`, empty unless it is a mapping.
    pub(super) fn new(node: &'n Node, path: Path<'p>) -> Self {
        Self { node, path }
    }

    /// Where the mapping stands.
    pub(super) fn span(&self) -> crate::source::Span {
        self.node.span
    }

    /// What stands there.
    pub(super) fn kind(&self) -> &'n Value {
        &self.node.value
    }

    /// The key and value pairs.
    pub(super) fn pairs(&self) -> &'n [(Text, Node)] {
        match &self.node.value {
            Value::Map(Mapping(pairs)) => pairs,
            _ => &[],
        }
    }

    /// The value behind `key`.
    pub(super) fn node(&self, key: &str) -> Option<&'n Node> {
        self.pairs()
            .iter()
            .find(|(k, _)| k.value == key)
            .map(|(_, node)| node)
    }

    /// The value behind `key`, unless it is null.
    pub(super) fn section<'s>(&'s self, key: &'s str) -> Option<Section<'n, 's>> {
        let node = self.node(key)?;
        matches!(node.value, Value::Map(_)).then(|| Section::new(node, self.path.key(key)))
    }

    /// A text; nothing when empty.
    pub(super) fn text(&self, key: &str) -> Option<Text> {
        text(self.node(key)?).filter(|text| !text.value.is_empty())
    }

    /// A list of texts, also when written as one text.
    pub(super) fn texts(&self, key: &str) -> Vec<Text> {
        self.node(key).map(texts).unwrap_or_default()
    }

    /// The items of a list.
    pub(super) fn items(&self, key: &str) -> &'n [Node] {
        match self.node(key).map(|node| &node.value) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// A boolean.
    pub(super) fn boolean(&self, key: &str) -> Option<Field<bool>> {
        match self.node(key)? {
            node @ Node {
                value: Value::Bool(value),
                ..
            } => Some(node.field(*value)),
            _ => None,
        }
    }

    /// A boolean; nothing when false.
    pub(super) fn flag(&self, key: &str) -> Option<Field<bool>> {
        self.boolean(key).filter(|flag| flag.value)
    }

    /// A number, cut to a whole one.
    pub(super) fn integer(&self, key: &str) -> Option<Field<i64>> {
        integer(self.node(key)?)
    }

    /// A number, cut to a whole one, which must not be negative.
    pub(super) fn unsigned(&self, key: &str, out: &mut Diagnostics) -> Option<Field<u64>> {
        let number = self.integer(key)?;
        let Ok(value) = u64::try_from(number.value) else {
            let message = format!("`{}` must not be negative", self.path.key(key));
            out.push(
                Diagnostic::error("invalid-value", number.span, message).hint("Write 0 or more."),
            );
            return None;
        };
        Some(number.with(value))
    }

    /// Likewise, at most 32 bits.
    pub(super) fn unsigned32(&self, key: &str, out: &mut Diagnostics) -> Option<Field<u32>> {
        let number = self.unsigned(key, out)?;
        let Ok(value) = u32::try_from(number.value) else {
            let message = format!("`{}` is too large", self.path.key(key));
            out.push(
                Diagnostic::error("invalid-value", number.span, message)
                    .hint("Write a smaller number."),
            );
            return None;
        };
        Some(number.with(value))
    }

    /// A duration, in nanoseconds.
    pub(super) fn duration(&self, key: &str, out: &mut Diagnostics) -> Option<Field<i64>> {
        let node = self.node(key)?;
        let text = text(node)?;
        match parse_go_duration(&text.value) {
            Ok(value) => Some(text.with(value)),
            Err(error) => {
                let message = format!("`{}` is not a duration: {error}", self.path.key(key));
                let mut problem = Diagnostic::error("invalid-duration", node.span, message);
                problem.hint = error.hint();
                out.push(problem);
                None
            }
        }
    }

    /// A size in bytes; nothing when 0.
    pub(super) fn size(&self, key: &str, out: &mut Diagnostics) -> Option<Field<i64>> {
        let node = self.node(key)?;
        let Some(text) = text(node) else {
            return integer(node).filter(|bytes| bytes.value != 0);
        };
        let Some(bytes) = ram_in_bytes(&text.value) else {
            let message = format!("`{}` is not a size", self.path.key(key));
            out.push(Diagnostic::error("invalid-size", node.span, message).hint(
                "Write a number and a unit out of `b`, `k`, `m`, `g` and `t`, such as `512m`.",
            ));
            return None;
        };
        Some(text.with(bytes)).filter(|bytes| bytes.value != 0)
    }
}

/// The text of a node.
pub(super) fn text(node: &Node) -> Option<Text> {
    match &node.value {
        Value::Text(text) => Some(node.field(text.clone())),
        _ => None,
    }
}

/// The texts of a list, or of one text.
pub(super) fn texts(node: &Node) -> Vec<Text> {
    match &node.value {
        Value::List(items) => items.iter().filter_map(text).collect(),
        _ => text(node).into_iter().collect(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "Go converts so, too")]
fn integer(node: &Node) -> Option<Field<i64>> {
    match node.value {
        Value::Int(value) => Some(node.field(value)),
        Value::Float(value) if value.is_finite() => Some(node.field(value as i64)),
        _ => None,
    }
}

/// `value` unless it is zero.
pub(super) fn nonzero<T: Default + PartialEq>(value: Option<Field<T>>) -> Option<Field<T>> {
    value.filter(|field| field.value != T::default())
}
