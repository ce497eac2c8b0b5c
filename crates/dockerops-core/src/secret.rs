//! Text that must never be shown, and the memory of which secret flowed where.
//!
//! [`Secret`] holds a value that prints as `[redacted]`, whoever prints it and
//! however. [`Provenance`] names the secrets that a piece of text contains, so
//! that a plan can say `[secret db]` on both sides of a change.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A value that prints as `[redacted]`.
///
/// There is no `Display` and no `Serialize`: the compiler stops a secret on its
/// way to a log line, a report or a page.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Hides `value`.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self(value.into())
    }

    /// The value itself. Call it where the value leaves the process, nowhere else.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The value as text, when it is UTF-8.
    pub fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The ids of the secrets that flowed into a value; empty for almost all values.
///
/// The ids are those of `secrets.yaml`. Cloning is cheap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance(Option<Arc<BTreeSet<String>>>);

impl Provenance {
    /// No secret flowed here.
    pub fn none() -> Self {
        Self(None)
    }

    /// The secret `id` flowed here.
    pub fn secret(id: impl Into<String>) -> Self {
        Self(Some(Arc::new(BTreeSet::from([id.into()]))))
    }

    /// Whether any secret flowed here.
    pub fn is_secret(&self) -> bool {
        self.0.is_some()
    }

    /// The ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|ids| ids.iter().map(String::as_str))
    }

    /// Adds what flowed into `other`.
    pub fn extend(&mut self, other: &Self) {
        match (&mut self.0, &other.0) {
            (_, None) => {}
            (slot @ None, Some(ids)) => *slot = Some(Arc::clone(ids)),
            (Some(mine), Some(ids)) => Arc::make_mut(mine).extend(ids.iter().cloned()),
        }
    }

    /// What is shown in place of the value: `[secret db]`, `[secret db, key]`.
    pub fn mask(&self) -> String {
        format!("[secret {}]", self.ids().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_secret_shows_nothing() {
        let shown = format!(
            "{:?} {:#?}",
            Secret::new("hunter2"),
            Some(Secret::new("hunter2"))
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn provenance_names_every_secret_once() {
        let mut p = Provenance::secret("db");
        p.extend(&Provenance::secret("api"));
        p.extend(&Provenance::secret("db"));
        p.extend(&Provenance::none());
        assert_eq!(p.mask(), "[secret api, db]");
    }
}
