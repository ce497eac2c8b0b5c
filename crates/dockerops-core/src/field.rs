//! A value read from a compose file, with where it stood and which secrets are in it.
//!
//! `Debug` shows `[secret id]` in place of a value that contains a secret, so a
//! whole [`crate::compose::Compose`] can be printed safely.

use std::fmt;

use crate::secret::Provenance;
use crate::source::Span;

/// A value with its position and provenance.
#[derive(Clone, PartialEq)]
pub struct Field<T> {
    /// The value, after interpolation. Showing it is safe only when `secrets` is empty.
    pub value: T,
    /// Where it was written.
    pub span: Span,
    /// The secrets that flowed into it.
    pub secrets: Provenance,
}

/// Text from a compose file.
pub type Text = Field<String>;

impl<T> Field<T> {
    /// A value without secrets.
    pub fn new(value: T, span: Span) -> Self {
        Self {
            value,
            span,
            secrets: Provenance::none(),
        }
    }

    /// The same place and provenance, another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Field<U> {
        Field {
            value: f(self.value),
            span: self.span,
            secrets: self.secrets,
        }
    }

    /// Another value computed from this one: it inherits place and provenance.
    pub fn with<U>(&self, value: U) -> Field<U> {
        Field {
            value,
            span: self.span,
            secrets: self.secrets.clone(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secrets.is_secret() {
            return f.write_str(&self.secrets.mask());
        }
        self.value.fmt(f)
    }
}
