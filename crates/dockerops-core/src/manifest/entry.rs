//! One mapping of a manifest file while it is read, key by key as the table [`super::shape`] says.

use super::shape::{Form, Key, Need};
use crate::decode;
use crate::diagnostic::Diagnostics;
use crate::field::Text;
use crate::source::{Sources, Span};
use crate::yaml::{Mapping, Node};

/// A mapping whose keys are known.
pub(super) struct Entry<'n> {
    map: &'n Mapping,
    span: Span,
    what: &'static str,
}

impl<'n> Entry<'n> {
    pub(super) fn new(map: &'n Mapping, span: Span, what: &'static str) -> Self {
        Self { map, span, what }
    }

    /// What stands behind `key`, when it is there.
    pub(super) fn get(&self, key: &Key) -> Option<&'n Node> {
        self.map.get(key.name)
    }

    /// The text behind `key`; the absence of one that is required is noted.
    pub(super) fn text(&self, key: &Key, out: &mut Diagnostics) -> Option<Text> {
        let node = match key.need {
            Need::Required => decode::required(self.map, self.span, key.name, self.what, out),
            Need::Optional | Need::OnlyWith(..) => self.get(key),
        };
        decode::text(node?, &format!("`{}`", key.name), out)
    }

    /// Whether `key` says `true` or `false`.
    pub(super) fn flag(&self, key: &Key, out: &mut Diagnostics) -> Option<bool> {
        let node = self.get(key)?;
        decode::boolean(node, &format!("`{}`", key.name), out).map(|flag| flag.value)
    }

    /// The texts of a list; those that are none are noted.
    pub(super) fn texts(&self, key: &Key, out: &mut Diagnostics) -> Vec<Text> {
        let (Some(node), Form::List(_, written) | Form::Drift(written)) =
            (self.get(key), &key.form)
        else {
            return Vec::new();
        };
        let items =
            decode::list(node, &format!("`{}`", key.name), written, out).unwrap_or_default();
        let text = |item| decode::text(item, &format!("an item of `{}`", key.name), out);
        items.iter().filter_map(text).collect()
    }

    /// The names and values of a mapping; values that are none are noted. A number is taken as it is
    /// written: `1.10` is not `1.1`.
    pub(super) fn pairs(
        &self,
        key: &Key,
        sources: &Sources,
        out: &mut Diagnostics,
    ) -> Vec<(Text, Text)> {
        let (Some(node), Form::Pairs(_, written)) = (self.get(key), &key.form) else {
            return Vec::new();
        };
        let Some(map) = decode::map(node, &format!("`{}`", key.name), written, out) else {
            return Vec::new();
        };
        let pair = |(name, value): (&Text, &Node)| {
            let what = format!("`{}.{}`", key.name, name.value.escape_debug());
            Some((name.clone(), decode::scalar(value, &what, sources, out)?))
        };
        map.iter().filter_map(pair).collect()
    }
}
