//! An error with its causes → the [`Problem`] of a report.

use std::error::Error;
use std::path::Path;

use dockerops_core::diagnostic::{Diagnostic, Diagnostics};
use dockerops_core::report::Problem;
use dockerops_core::source::Sources;

use crate::engine::EngineError;
use crate::git::{GitError, TreeError};
use crate::host::{HostError, SecretError};
use crate::lock::LockError;
use crate::mistakes::{self, Style};
use crate::registry::RegistryError;
use crate::settings::{KeyError, SettingsError};
use crate::store::StoreError;

/// The whole chain of `error` in one line, with the way out.
pub fn problem(error: &dyn Error, hint: Option<String>) -> Problem {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    Problem::new(message, hint)
}

/// Errors that know their way out. In what writes, an engine's error becomes a `NotTaken` or an
/// `Ill` at once: as a problem it has forgotten that the engine was only away.
macro_rules! becomes_a_problem {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                problem(&error, error.hint())
            }
        }
    )+};
}

becomes_a_problem!(
    EngineError,
    GitError,
    HostError,
    KeyError,
    LockError,
    RegistryError,
    SecretError,
    SettingsError,
    StoreError,
    TreeError,
);

/// A folder that was named as a checkout could not be opened.
pub(crate) fn not_a_folder(folder: &Path, error: &std::io::Error) -> Problem {
    Problem::new(
        format!("cannot open the folder `{}`: {error}", folder.display()),
        Some("Name a folder that has a `stacks.yaml`.".to_owned()),
    )
}

/// The errors among `diagnostics`: one without a place is told as it is, others with their source lines.
pub(super) fn of_diagnostics(what: &str, diagnostics: &Diagnostics, sources: &Sources) -> Problem {
    let errors: Vec<&Diagnostic> = diagnostics.errors().collect();
    let count = match errors.as_slice() {
        [only] if only.span.is_none() => {
            return Problem::new(&only.message, only.hint.clone());
        }
        [_] => "a mistake".to_owned(),
        several => format!("{} mistakes", several.len()),
    };
    let detail = |error: &&Diagnostic| mistakes::text(error, sources, Style::Plain);
    Problem {
        message: format!("{what} has {count}"),
        hint: None,
        details: errors.iter().map(detail).collect(),
    }
}

/// The warnings among `diagnostics`, a line each.
pub(super) fn warnings(diagnostics: &Diagnostics, sources: &Sources) -> Vec<String> {
    let line = |warning: &Diagnostic| match &warning.hint {
        Some(hint) => format!("{}. {hint}", with_place(warning, sources)),
        None => with_place(warning, sources),
    };
    diagnostics.warnings().map(line).collect()
}

/// `web/docker-compose.yml:7:5: unknown key …`
fn with_place(diagnostic: &Diagnostic, sources: &Sources) -> String {
    match diagnostic.span {
        Some(span) => format!("{}: {}", sources.place(span), diagnostic.message),
        None => diagnostic.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use dockerops_core::source::Span;

    use super::*;

    #[test]
    fn one_mistake_is_told_with_place_line_and_caret() {
        let mut sources = Sources::default();
        let file = sources.add("web/compose.yml", "services:\n  a:\n    imag: x\n");
        let mut found = Diagnostics::default();
        let span = Span {
            file,
            line: 3,
            column: 5,
            length: 4,
        };
        found.push(
            Diagnostic::error("unknown-key", span, "unknown key `imag`")
                .hint("Did you mean `image`?"),
        );
        let problem = of_diagnostics("stack `web`", &found, &sources);
        assert_eq!(problem.message, "stack `web` has a mistake");
        assert_eq!(problem.details.len(), 1);
        assert!(problem.details[0].contains("--> web/compose.yml:3:5"));
    }
}
