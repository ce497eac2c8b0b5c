//! Names of variables that compose files refer to.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;

/// Whether `${name}` can refer to it; noted when not.
pub fn is_name(name: &Text, out: &mut Diagnostics) -> bool {
    let text = &name.value;
    let ok = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !ok {
        let message = format!("`{}` is not the name of a variable", text.escape_debug());
        out.push(
            Diagnostic::error("bad-variable-name", name.span, message)
                .hint("Use letters, digits and `_`, not starting with a digit."),
        );
    }
    ok
}
