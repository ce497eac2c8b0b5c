//! What interpolation has to say; never with a value.

use super::template::{Oddity, Variable};
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// The error for a variable that is set but not allowed, at `span`.
pub fn not_allowed(name: &str, span: Span) -> Diagnostic {
    let message = format!("`{name}` is set but not allowed");
    Diagnostic::error("variable-not-allowed", span, message)
        .hint("Add it to `DOCKEROPS_COMPOSE_ENV`.")
}

/// The error for a `$` that starts no variable; `from` is the text from it on.
pub(super) fn broken(from: &str) -> Diagnostic {
    let message = "this `$` starts no variable that Docker knows";
    let hint = if from.starts_with("${") {
        "Write `${X}`, `${X:-default}`, `${X-default}`, `${X:?message}` or `${X?message}`, \
         or `$$` for a plain `$`."
    } else {
        "Write `$$` for a plain `$`."
    };
    Diagnostic::error("bad-interpolation", None, message).hint(hint)
}

/// The error for `${X:?message}` without a value.
pub(super) fn missing(name: &str, message: &str) -> Diagnostic {
    let told = match message {
        "" => format!("the required variable `{name}` has no value"),
        message => format!("the required variable `{name}` has no value: {message}"),
    };
    Diagnostic::error("required-variable", None, told)
        .hint("Set it in the environment, or name it in the `secrets.yaml` of the stack.")
}

/// The warning for a variable that is set nowhere.
pub(super) fn unset(name: &str) -> Diagnostic {
    let message = format!("`{name}` is not set: it becomes empty text");
    Diagnostic::warning("unset-variable", None, message).hint(format!(
        "Set it, or write `${{{name}:-}}` if empty is meant."
    ))
}

/// The warning for a text that Docker's client reads in a way that few expect.
pub(super) fn differs(variable: &Variable<'_>) -> Option<Diagnostic> {
    use Oddity as O;
    let name = variable.name;
    let (code, message, hint) = match variable.oddity? {
        O::Nested => (
            "nested-default",
            format!("Docker's client leaves the `${{…}}` in the default of `{name}` as it is"),
            "Set the inner variable beforehand if `docker stack deploy` is to read this file."
                .to_owned(),
        ),
        O::SecondOperator => (
            "second-operator",
            format!("Docker's client reads another `-` or `?` of this as the operator of `{name}`"),
            "Write the text after the first operator without `-` and `?`.".to_owned(),
        ),
        O::NoBraces => (
            "unbraced-default",
            format!("all that follows `${name}` is taken as its default or message"),
            format!("Write `${{{name}}}` if the text after it is to stay."),
        ),
        O::DollarInDefault => (
            "dollar-in-default",
            format!(
                "`{}` in the default of `{name}` stays as it is: nothing in a default is replaced",
                variable.rule.dollar().unwrap_or("$")
            ),
            format!("Set `{name}` instead, or leave it if the text is meant as it stands."),
        ),
    };
    Some(Diagnostic::warning(code, None, message).hint(hint))
}
