//! Holding a tree against a [`Shape`].
//!
//! Every problem is reported, none stops the check. Messages name key paths and
//! kinds, never values.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Key, Kind, Map, OURS, Rest, Shape, Since, hints};
use crate::compose::Compat;
use crate::compose::path::Path;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::yaml::{Mapping, Node, Value};

/// Which of the shapes count: the file's version, and whether ours do.
#[derive(Clone, Copy)]
pub(crate) struct Level {
    /// `8` for `version: "3.8"`.
    pub(crate) minor: u8,
    /// Whether shapes beyond Docker's are accepted.
    pub(crate) compat: Compat,
}

impl Level {
    fn has(self, since: Since) -> bool {
        since <= self.minor || (since == OURS && self.compat == Compat::Specification)
    }
}

/// Checks a whole file; `shape` is [`super::FILE`].
pub(crate) fn check(file: &Node, shape: &'static Shape, level: Level, out: &mut Diagnostics) {
    Check { level, out }.node(file, shape, None);
}

struct Check<'a> {
    level: Level,
    out: &'a mut Diagnostics,
}

impl Check<'_> {
    fn node(&mut self, node: &Node, shape: &'static Shape, path: Option<Path<'_>>) {
        match (shape, &node.value) {
            (Shape::Anything, _) => {}
            (Shape::Either(shapes), _) => self.either(node, shapes, path),
            (Shape::Scalar(kinds), _) if fits(node, kinds) => {}
            (Shape::Word(words), Value::Text(text)) => self.word(node, text, words, path),
            (Shape::List { item, unique }, Value::List(items)) => {
                self.items(items, item, path);
                if *unique {
                    self.unique(items, path);
                }
            }
            (Shape::Map(map), Value::Map(pairs)) => self.pairs(node, pairs, map, path),
            _ => self.wrong_type(node, &expected(shape), path),
        }
    }

    fn either(
        &mut self,
        node: &Node,
        shapes: &'static [(Since, &'static Shape)],
        path: Option<Path<'_>>,
    ) {
        let usable = || shapes.iter().filter(|(since, _)| self.level.has(*since));
        if let Some((_, shape)) = usable().find(|(_, shape)| takes(shape, node)) {
            return self.node(node, shape, path);
        }
        let names: Vec<_> = usable().map(|(_, shape)| expected(shape)).collect();
        self.wrong_type(node, &names.join(" or "), path);
        if let Some((since, _)) = shapes.iter().find(|(_, shape)| takes(shape, node)) {
            self.hint_last(hints::later(*since));
        }
    }

    fn hint_last(&mut self, hint: String) {
        if let Some(last) = self.out.0.last_mut() {
            last.hint = Some(hint);
        }
    }

    fn items(&mut self, items: &[Node], shape: &'static Shape, path: Option<Path<'_>>) {
        for (index, item) in items.iter().enumerate() {
            let here = path.as_ref().map(|path| path.item(index));
            self.node(item, shape, here);
        }
    }

    /// `uniqueItems`: what is the same in JSON may stand in the list once.
    fn unique(&mut self, items: &[Node], path: Option<Path<'_>>) {
        let mut seen = BTreeSet::new();
        for item in items {
            let mut text = String::new();
            canonical(item, &mut text);
            if !seen.insert(text) {
                let message = format!("`{}` has the same item twice", Shown(path));
                self.out.push(
                    Diagnostic::error("duplicate-item", item.span, message)
                        .hint("Remove one of the two."),
                );
            }
        }
    }

    fn pairs(&mut self, node: &Node, pairs: &Mapping, map: &'static Map, path: Option<Path<'_>>) {
        for (name, value) in pairs.iter() {
            let here = Path::below(path.as_ref(), &name.value);
            match map.known.iter().find(|key| key.name == name.value) {
                Some(key) if self.level.has(key.since) => self.node(value, key.shape, Some(here)),
                Some(key) if !key.name.starts_with("x-") => self.too_new(name, key, path),
                // `x-cluster-spec` passes like any other `x-` key in the versions before it.
                Some(_) | None => self.rest(name, value, map, path),
            }
        }
        for required in map.required {
            if pairs.get(required).is_none() {
                let message = format!("`{}` needs the key `{required}`", Shown(path));
                self.out.push(
                    Diagnostic::error("missing-key", node.span, message)
                        .hint(format!("Add `{required}:`.")),
                );
            }
        }
    }

    fn rest(&mut self, name: &Text, value: &Node, map: &'static Map, path: Option<Path<'_>>) {
        match map.rest {
            Rest::Any(shape) => self.entry(name, value, shape, path),
            Rest::Loose(since) if self.level.has(since) => {}
            Rest::Names(shape) => {
                self.name(name, path);
                self.node(value, shape, Some(Path::below(path.as_ref(), &name.value)));
            }
            Rest::Extensions(since) if name.value.starts_with("x-") => {
                if !self.level.has(since) {
                    let message =
                        format!("`{}` may not hold `x-` keys in this version", Shown(path));
                    self.out.push(
                        Diagnostic::error("unknown-key", name.span, message)
                            .hint(hints::later(since)),
                    );
                }
            }
            Rest::Forgotten => {
                let message = format!("`{}` is ignored", Path::below(path.as_ref(), &name.value));
                self.out
                    .push(Diagnostic::warning("ignored-key", name.span, message));
            }
            Rest::Refused | Rest::Extensions(_) | Rest::Loose(_) => {
                self.unknown(name, value, map.known, path);
            }
        }
    }

    fn entry(&mut self, name: &Text, value: &Node, shape: &'static Shape, path: Option<Path<'_>>) {
        if name.value.is_empty() {
            let message = format!("`{}` has a key without a name", Shown(path));
            self.out
                .push(Diagnostic::error("invalid-name", name.span, message));
        }
        self.node(value, shape, Some(Path::below(path.as_ref(), &name.value)));
    }

    fn name(&mut self, name: &Text, path: Option<Path<'_>>) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.value.is_empty() || !name.value.chars().all(allowed) {
            let message = format!(
                "`{}` is not a name in `{}`",
                name.value.escape_debug(),
                Shown(path)
            );
            self.out.push(
                Diagnostic::error("invalid-name", name.span, message)
                    .hint("Use letters, digits, `.`, `_` and `-`."),
            );
        }
    }

    fn unknown(&mut self, name: &Text, value: &Node, known: &[Key], path: Option<Path<'_>>) {
        let message = format!(
            "`{}` is not a key of {}",
            name.value.escape_debug(),
            Owner(path)
        );
        let mut problem = Diagnostic::error("unknown-key", name.span, message);
        let usable = known
            .iter()
            .filter(|key| self.level.has(key.since))
            .map(|key| key.name);
        problem.hint = Some(hints::unknown(&name.value, value, usable, path.is_none()));
        self.out.push(problem);
    }

    fn too_new(&mut self, name: &Text, key: &Key, path: Option<Path<'_>>) {
        let message = format!(
            "`{}` is not a key of {} in this version",
            key.name,
            Owner(path)
        );
        self.out.push(
            Diagnostic::error("unknown-key", name.span, message).hint(hints::later(key.since)),
        );
    }

    fn word(&mut self, node: &Node, text: &str, words: &[&str], path: Option<Path<'_>>) {
        if words.contains(&text) {
            return;
        }
        let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
        let message = format!("`{}` must be one of {}", Shown(path), words.join(", "));
        self.out.push(
            Diagnostic::error("invalid-value", node.span, message)
                .hint("Write one of these words."),
        );
    }

    fn wrong_type(&mut self, node: &Node, expected: &str, path: Option<Path<'_>>) {
        let message = format!(
            "`{}` must be {expected}, not {}",
            Shown(path),
            with_article(node.kind())
        );
        let mut problem = Diagnostic::error("wrong-type", node.span, message);
        problem.hint = hints::wrong_type(node, expected);
        self.out.push(problem);
    }
}

/// A path, or the file itself.
struct Shown<'a>(Option<Path<'a>>);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(path) => path.fmt(f),
            None => f.write_str("the file"),
        }
    }
}

/// Likewise, as the holder of a key.
struct Owner<'a>(Option<Path<'a>>);

impl std::fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(path) => write!(f, "`{path}`"),
            None => f.write_str("a stack's compose file"),
        }
    }
}

fn fits(node: &Node, kinds: &[Kind]) -> bool {
    kinds.iter().any(|kind| match (kind, &node.value) {
        (Kind::Text, Value::Text(_))
        | (Kind::Bool, Value::Bool(_))
        | (Kind::Integer | Kind::Number, Value::Int(_))
        | (Kind::Null, Value::Null) => true,
        // JSON knows no difference between `3` and `3.0`.
        (Kind::Integer, Value::Float(number)) => number.is_finite() && number.fract() == 0.0,
        (Kind::Number, Value::Float(number)) => number.is_finite(),
        _ => false,
    })
}

fn takes(shape: &Shape, node: &Node) -> bool {
    match shape {
        Shape::Anything => true,
        Shape::Scalar(kinds) => fits(node, kinds),
        Shape::Word(_) => matches!(node.value, Value::Text(_)),
        Shape::List { .. } => matches!(node.value, Value::List(_)),
        Shape::Map(_) => matches!(node.value, Value::Map(_)),
        Shape::Either(shapes) => shapes.iter().any(|(_, shape)| takes(shape, node)),
    }
}

fn expected(shape: &Shape) -> String {
    match shape {
        Shape::Anything => "anything".to_owned(),
        Shape::Word(_) => "a string".to_owned(),
        Shape::List { .. } => "a list".to_owned(),
        Shape::Map(_) => "a mapping".to_owned(),
        Shape::Either(shapes) => {
            let all: Vec<_> = shapes.iter().map(|(_, shape)| expected(shape)).collect();
            all.join(" or ")
        }
        Shape::Scalar(kinds) => scalar(kinds),
    }
}

/// `a string, number or null`.
fn scalar(kinds: &[Kind]) -> String {
    let names: Vec<_> = kinds
        .iter()
        .map(|kind| match kind {
            Kind::Text => "string",
            Kind::Bool => "boolean",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Null => "null",
        })
        .collect();
    match names.split_last() {
        Some((last, [])) => with_article(last),
        Some((last, first)) => format!("{} or {last}", with_article(&first.join(", "))),
        None => String::new(),
    }
}

fn with_article(kind: &str) -> String {
    match kind {
        "null" => "null".to_owned(),
        _ if kind.starts_with('i') => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

/// The same text for the same JSON value.
fn canonical(node: &Node, into: &mut String) {
    // Writing to a string cannot fail.
    let _ = match &node.value {
        Value::Null => write!(into, "n"),
        Value::Bool(value) => write!(into, "{value}"),
        Value::Int(value) => write!(into, "{value}"),
        Value::Float(value) => write!(into, "{value}"),
        Value::Text(value) => write!(into, "{value:?}"),
        Value::List(items) => {
            into.push('[');
            for item in items {
                canonical(item, into);
                into.push(',');
            }
            write!(into, "]")
        }
        Value::Map(pairs) => {
            into.push('{');
            let mut sorted: Vec<_> = pairs.iter().collect();
            sorted.sort_by(|a, b| a.0.value.cmp(&b.0.value));
            for (key, value) in sorted {
                let _ = write!(into, "{:?}:", key.value);
                canonical(value, into);
                into.push(',');
            }
            write!(into, "}}")
        }
    };
}
