//! Small steps from a [`Node`] to a typed value, each with its own complaint.
//!
//! A function here either gives the value or notes one problem and gives
//! `None`, so a caller goes on with the next key and a file's problems come all
//! at once. `what` names the value as a reader knows it (`services.web.image`,
//! `name`). No message holds a value: it may come from a variable.
//!
//! ```text
//! let map = decode::map(node, "a stack", "`- name: web`", out)?;
//! decode::known_keys(map, &["name"], "a stack", out);
//! let name = decode::required(map, node.span, "name", "a stack", out)
//!     .and_then(|name| decode::text(name, "name", out));
//! ```

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::{Field, Text};
use crate::source::{Sources, Span};
use crate::yaml::{Mapping, Node, Value};

/// The mapping in `node`; `shape` shows how it is written, with its own backticks.
pub fn map<'n>(
    node: &'n Node,
    what: &str,
    shape: &str,
    out: &mut Diagnostics,
) -> Option<&'n Mapping> {
    if let Value::Map(map) = &node.value {
        return Some(map);
    }
    out.push(wrong_type(node, what, "a mapping").hint(format!("Write it as {shape}.")));
    None
}

/// The list in `node`; `shape` shows how it is written, with its own backticks.
pub fn list<'n>(
    node: &'n Node,
    what: &str,
    shape: &str,
    out: &mut Diagnostics,
) -> Option<&'n [Node]> {
    if let Value::List(items) = &node.value {
        return Some(items);
    }
    out.push(wrong_type(node, what, "a list").hint(format!("Write it as {shape}.")));
    None
}

/// The text in `node`. A number or boolean is not text: it needs quotes.
pub fn text(node: &Node, what: &str, out: &mut Diagnostics) -> Option<Text> {
    if let Value::Text(text) = &node.value {
        return Some(node.field(text.clone()));
    }
    let problem = wrong_type(node, what, "a string");
    out.push(match node.value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => problem.hint("Put quotes around it."),
        _ => problem,
    });
    None
}

/// The text in `node`, or the number or boolean in it as it is written.
pub fn scalar(node: &Node, what: &str, sources: &Sources, out: &mut Diagnostics) -> Option<Text> {
    let otherwise = match &node.value {
        Value::Text(text) => return Some(node.field(text.clone())),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) => {
            let problem = wrong_type(node, what, "a string, number or boolean");
            out.push(match node.value {
                Value::Null => problem.hint("Write `\"\"` for a text that is empty."),
                _ => problem,
            });
            return None;
        }
    };
    let written = sources.marked(node.span).filter(|text| !text.is_empty());
    Some(node.field(written.map_or(otherwise, str::to_owned)))
}

/// The boolean in `node`. `yes`, `no`, `on` and `off` are text in YAML as Docker reads it.
pub fn boolean(node: &Node, what: &str, out: &mut Diagnostics) -> Option<Field<bool>> {
    if let Value::Bool(value) = node.value {
        return Some(node.field(value));
    }
    out.push(wrong_type(node, what, "a boolean").hint("Write `true` or `false`, without quotes."));
    None
}

/// The whole number in `node`; `3.0` is one too, as for Docker's client.
pub fn integer(node: &Node, what: &str, out: &mut Diagnostics) -> Option<Field<i64>> {
    match node.value {
        Value::Int(value) => return Some(node.field(value)),
        Value::Float(value) => {
            if let Some(value) = whole(value) {
                return Some(node.field(value));
            }
        }
        _ => {}
    }
    out.push(wrong_type(node, what, "an integer"));
    None
}

/// The number in `node`.
pub fn number(node: &Node, what: &str, out: &mut Diagnostics) -> Option<Field<f64>> {
    match node.value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "as Docker's client: a float64 holds it"
        )]
        Value::Int(value) => Some(node.field(value as f64)),
        Value::Float(value) => Some(node.field(value)),
        _ => {
            out.push(wrong_type(node, what, "a number"));
            None
        }
    }
}

/// What stands behind `key`; its absence is an error at `span`, the place of the mapping.
pub fn required<'n>(
    map: &'n Mapping,
    span: Span,
    key: &str,
    what: &str,
    out: &mut Diagnostics,
) -> Option<&'n Node> {
    let found = map.get(key);
    if found.is_none() {
        out.push(
            Diagnostic::error("missing-key", span, format!("{what} needs `{key}`"))
                .hint(format!("Add `{key}: …` here.")),
        );
    }
    found
}

/// Notes every key that is not in `known`, with the one probably meant.
pub fn known_keys(map: &Mapping, known: &[&str], what: &str, out: &mut Diagnostics) {
    for (key, _) in map.iter().filter(|(key, _)| !known.contains(&&*key.value)) {
        out.push(unknown_key(key, known, what));
    }
}

/// The error for one `key` that is not in `known`.
pub fn unknown_key(key: &Text, known: &[&str], what: &str) -> Diagnostic {
    let message = format!("{what} has no key `{}`", key.value.escape_debug());
    let keys: Vec<_> = known.iter().map(|k| format!("`{k}`")).collect();
    let known_list = format!("The keys are {}.", keys.join(", "));
    let hint = match closest(&key.value, known.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`? {known_list}"),
        None => known_list,
    };
    Diagnostic::error("unknown-key", key.span, message).hint(hint)
}

/// The error for a value of the wrong type: `` `ports` must be a list, not a mapping ``.
pub fn wrong_type(node: &Node, what: &str, expected: &str) -> Diagnostic {
    let found = match node.kind() {
        "null" => "empty".to_owned(),
        "integer" => "an integer".to_owned(),
        kind => format!("a {kind}"),
    };
    let message = format!("{what} must be {expected}, not {found}");
    Diagnostic::error("wrong-type", node.span, message)
}

/// The candidate that `word` is probably a misspelling of: at most a third of it differs.
pub fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let bound = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The hint for an unknown name: the known one it is close to, or else what `otherwise` says.
pub fn did_you_mean<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    closest(name, known).map_or_else(otherwise, |best| format!("Did you mean `{best}`?"))
}

/// How many insertions, removals, replacements and swaps of neighbours lead from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (i, ca) in a.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&above, j + 1) + 1)
                .min(at(&row, j) + 1)
                .min(at(&above, j) + usize::from(ca != *cb));
            let swapped = j > 0 && previous == Some(*cb) && b.get(j - 1) == Some(&ca);
            if swapped {
                cost = cost.min(at(&before, j - 1) + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
        previous = Some(ca);
    }
    above.last().copied().unwrap_or(0)
}

/// `value` as an integer when it has no fraction and fits.
fn whole(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0; // 2^53: every integer below is exact.
    if value.fract() != 0.0 || value.abs() > LIMIT {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked just above")]
    Some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(value: Value) -> Node {
        let span = Span::start_of(Sources::default().add("f", ""));
        Node {
            value,
            span,
            secrets: crate::secret::Provenance::none(),
        }
    }

    fn said(problem: impl FnOnce(&mut Diagnostics)) -> String {
        let mut out = Diagnostics::default();
        problem(&mut out);
        let lines = out.0.iter().map(|d| {
            format!(
                "{}: {} | {}",
                d.code,
                d.message,
                d.hint.as_deref().unwrap_or("-")
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_misspelt_word_finds_the_one_meant() {
        let known = ["image", "environment", "deploy", "id"];
        assert_eq!(closest("imgae", known), Some("image"));
        assert_eq!(closest("Enviroment", known), Some("environment"));
        assert_eq!(closest("ids", known), Some("id"));
        assert_eq!(closest("networks", known), None);
    }

    #[test]
    fn a_wrong_type_says_what_was_expected_and_shows_no_value() {
        let told = said(|out| {
            text(&node(Value::Int(1234)), "`name`", out);
            list(
                &node(Value::Map(Mapping::default())),
                "stacks.yaml",
                "`- name: web`",
                out,
            );
            boolean(&node(Value::Text("s3cret".into())), "`tty`", out);
            integer(&node(Value::Float(1.5)), "`replicas`", out);
            map(&node(Value::Null), "`deploy`", "`deploy: {}`", out);
        });
        insta::assert_snapshot!(told, @r"
        wrong-type: `name` must be a string, not an integer | Put quotes around it.
        wrong-type: stacks.yaml must be a list, not a mapping | Write it as `- name: web`.
        wrong-type: `tty` must be a boolean, not a string | Write `true` or `false`, without quotes.
        wrong-type: `replicas` must be an integer, not a number | -
        wrong-type: `deploy` must be a mapping, not empty | Write it as `deploy: {}`.
        ");
    }

    #[test]
    fn a_float_without_a_fraction_is_an_integer() {
        let mut out = Diagnostics::default();
        let value = integer(&node(Value::Float(844.0)), "`mode`", &mut out);
        assert_eq!(value.map(|v| v.value), Some(844));
        assert_eq!(out, Diagnostics::default());
    }

    #[test]
    fn an_unknown_key_is_told_with_the_known_ones() {
        let mut map = Mapping::default();
        let key = node(Value::Null).field("nmae".to_owned());
        map.0.push((key, node(Value::Null)));
        let told = said(|out| known_keys(&map, &["name"], "a stack", out));
        insta::assert_snapshot!(told, @"unknown-key: a stack has no key `nmae` | Did you mean `name`? The keys are `name`.");
    }
}
