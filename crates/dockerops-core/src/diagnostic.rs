//! A problem with what somebody wrote: what, where, and the way out.
//!
//! Loading collects every problem of a file instead of stopping at the first.
//! A message quotes source text only, never a value after interpolation, so it
//! cannot hold a secret.

use crate::codes::{self, Code};
use crate::source::Span;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing can be done with the input.
    Error,
    /// Works, but probably not as meant.
    Warning,
}

/// How much of the source line is shown with a problem.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Quote {
    /// All of it, the span marked.
    #[default]
    Line,
    /// Only what the span marks: a secret stands on the line.
    Mark,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A stable, searchable name: `unknown-key`, `undefined-volume`.
    pub code: &'static str,
    /// What is wrong: lower case, no period, backticks around what the user wrote.
    pub message: String,
    /// Where, when it has a place.
    pub span: Option<Span>,
    /// What to do: one imperative sentence with its period.
    pub hint: Option<String>,
    /// How much of the line may be shown.
    pub quote: Quote,
    /// What is said instead of `message`, which repeats a value, when that is a secret.
    pub discreet: Option<&'static str>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(
        code: &'static str,
        span: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: span.into(),
            hint: None,
            quote: Quote::Line,
            discreet: None,
        }
    }

    /// A warning at `span`.
    pub fn warning(
        code: &'static str,
        span: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, span, message)
        }
    }

    /// Adds the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says `message` instead, when the value that is repeated must not be shown.
    #[must_use]
    pub fn discreet(mut self, message: &'static str) -> Self {
        self.discreet = Some(message);
        self
    }

    /// The number and the explanation of its code.
    pub fn explained(&self) -> Option<&'static Code> {
        codes::find(self.code)
    }
}

/// The problems found so far, in the order found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Notes a problem.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Takes over all of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// The errors.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter().filter(|d| d.severity == Severity::Error)
    }

    /// The warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter().filter(|d| d.severity == Severity::Warning)
    }
}
