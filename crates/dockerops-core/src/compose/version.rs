//! `version:` of a compose file (`cli/compose/schema`).
//!
//! Absent, empty and `3` mean the latest, 3.13. What a file may hold depends on it.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::yaml::{Mapping, Value};

/// The latest minor version.
pub(super) const LATEST: u8 = 13;

/// Reads the minor version of the file; `None` when it is refused.
pub(super) fn minor(file: &Mapping, out: &mut Diagnostics) -> Option<u8> {
    let Some(node) = file.get("version") else {
        return Some(LATEST);
    };
    let Value::Text(text) = &node.value else {
        let problem = Diagnostic::error(
            "wrong-type",
            node.span,
            format!("`version` must be a string, not {}", node.kind()),
        );
        out.push(problem.hint("Put quotes around it, or remove `version`: it is not needed."));
        return None;
    };
    let minor = match text.as_str() {
        "" | "3" => Some(LATEST),
        text => text.strip_prefix("3.").and_then(known),
    };
    if minor.is_none() {
        let message = "this `version` is not supported: a Swarm takes 3.0 to 3.13";
        out.push(
            Diagnostic::error("unsupported-version", node.span, message)
                .hint("Remove `version`: it is not needed."),
        );
    }
    minor
}

/// Without leading zeros: `3.08` is no version.
fn known(text: &str) -> Option<u8> {
    (0..=LATEST).find(|minor| minor.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Field;
    use crate::source::{Sources, Span};
    use crate::yaml::Node;

    fn of(value: Value) -> Option<u8> {
        let file = Sources::default().add("c.yml", "");
        let span = Span::start_of(file);
        let node = Node {
            value,
            span,
            secrets: crate::secret::Provenance::none(),
        };
        minor(
            &Mapping(vec![(Field::new("version".to_owned(), span), node)]),
            &mut Diagnostics::default(),
        )
    }

    #[test]
    fn takes_the_versions_of_docker_28() {
        assert_eq!(
            minor(&Mapping::default(), &mut Diagnostics::default()),
            Some(13)
        );
        for (text, minor) in [("", 13), ("3", 13), ("3.0", 0), ("3.8", 8), ("3.13", 13)] {
            assert_eq!(of(Value::Text(text.to_owned())), Some(minor), "{text}");
        }
        for text in ["1", "2.4", "3.14", "3.08", "3.", "3.-1", "4", "three"] {
            assert_eq!(of(Value::Text(text.to_owned())), None, "{text}");
        }
        assert_eq!(of(Value::Float(3.8)), None);
    }
}
