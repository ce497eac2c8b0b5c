//! One mapping of a manifest file while it is read, key by key as the table [`super::shape`] says.

use super::shape::{Key, Need};
use crate::decode;
use crate::diagnostic::Diagnostics;
use crate::field::Text;
use crate::source::Span;
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
            Need::OnlyWith(..) => self.get(key),
        };
        decode::text(node?, &format!("`{}`", key.name), out)
    }
}
