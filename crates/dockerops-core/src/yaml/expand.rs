//! The flat tree → [`Node`]s: scalars resolved, aliases copied, merge keys applied.
//!
//! The rules are those of `go.yaml.in/yaml/v3`, `decode.go`. A file of a few
//! hundred bytes can ask for billions of nodes through aliases; the library's
//! own measure of "excessive aliasing" stops that after some thousand, and two
//! budgets of ours bound what a patient author could still ask for.

use std::collections::HashMap;

use super::raw::{self, Id, Raw, RawKind, Tree};
use super::scalar::{self, Scalar, Tag};
use super::{Mapping, Node, Value};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::secret::Provenance;
use crate::source::Span;

/// How many nodes may come from aliases.
const MAX_COPIED_NODES: usize = 100_000;
/// How many bytes of text may come from aliases.
const MAX_COPIED_BYTES: usize = 8 << 20;

/// The tree below `root`. `None`, with the errors noted, when it has no value.
pub(super) fn expand(tree: &Tree<'_>, root: Id, out: &mut Diagnostics) -> Option<Node> {
    let mut expansion = Expansion {
        tree,
        out,
        nodes: 0,
        copied_nodes: 0,
        copied_bytes: 0,
        active: Vec::new(),
        depth: 0,
        stopped: false,
        told: std::collections::HashSet::new(),
    };
    let node = expansion.node(root);
    if expansion.told.is_empty() {
        node
    } else {
        None
    }
}

struct Expansion<'e, 't> {
    tree: &'e Tree<'t>,
    out: &'e mut Diagnostics,
    nodes: usize,
    copied_nodes: usize,
    copied_bytes: usize,
    /// The targets of the aliases that are being expanded.
    active: Vec<Id>,
    depth: usize,
    /// A limit was hit: nothing more is expanded.
    stopped: bool,
    /// The places that have an error: an alias visits a place again.
    told: std::collections::HashSet<Span>,
}

impl<'e, 't> Expansion<'e, 't> {
    fn node(&mut self, id: Id) -> Option<Node> {
        let raw = self.tree.get(id)?;
        self.count(raw)?;
        if let RawKind::Alias(target) = raw.kind {
            return self.alias(target, raw.span);
        }
        if self.depth > raw::MAX_DEPTH {
            return self.stop(raw::too_deep(raw.span));
        }
        self.depth += 1;
        let value = self.value(raw);
        self.depth -= 1;
        Some(Node {
            value: value?,
            span: raw.span,
            secrets: Provenance::none(),
        })
    }

    fn value(&mut self, raw: &'e Raw<'t>) -> Option<Value> {
        match &raw.kind {
            RawKind::Scalar { text, tag, plain } => self.scalar(raw.span, text, *tag, *plain),
            RawKind::List(items) => {
                let nodes: Vec<_> = items.iter().filter_map(|item| self.node(*item)).collect();
                Some(Value::List(nodes))
            }
            RawKind::Map(pairs) => self.map(pairs).map(Value::Map),
            RawKind::Alias(_) => None,
        }
    }

    fn scalar(&mut self, span: Span, text: &str, tag: Tag, plain: bool) -> Option<Value> {
        match scalar::resolve(tag, text, plain) {
            Ok(Scalar::Null) => Some(Value::Null),
            Ok(Scalar::Bool(value)) => Some(Value::Bool(value)),
            Ok(Scalar::Int(value)) => Some(Value::Int(value)),
            Ok(Scalar::Float(value)) => Some(Value::Float(value)),
            Ok(Scalar::Text(text) | Scalar::Timestamp(text)) => Some(Value::Text(text)),
            Err(scalar::Misfit) => self.fail(
                Diagnostic::error("tag-mismatch", span, "this value does not fit its `!!` tag")
                    .hint("Remove the tag or correct the value."),
            ),
        }
    }

    fn alias(&mut self, target: Id, span: Span) -> Option<Node> {
        if self.active.contains(&target) {
            return self.stop(
                Diagnostic::error(
                    "recursive-alias",
                    span,
                    "this alias lies within its own anchor",
                )
                .hint("Write the value out here."),
            );
        }
        self.active.push(target);
        let node = self.node(target);
        self.active.pop();
        node
    }

    fn map(&mut self, pairs: &'e [(Id, Id)]) -> Option<Mapping> {
        self.refuse_duplicates(pairs);
        let mut map = Mapping::default();
        let mut merge = None;
        for (key, value) in pairs {
            if self.stopped {
                return None;
            }
            if self.is_merge(*key) {
                merge = Some(*value);
                continue;
            }
            let key = self.key(*key);
            let value = self.node(*value);
            if let (Some(key), Some(value)) = (key, value) {
                map.0.push((key, value));
            }
        }
        if let Some(merge) = merge {
            self.merge(&mut map, merge);
        }
        Some(map)
    }

    /// Two keys are the same when they are written the same, whatever their quotes.
    fn refuse_duplicates(&mut self, pairs: &[(Id, Id)]) {
        let mut first: HashMap<&str, Span> = HashMap::new();
        for (key, _) in pairs {
            let Some(Raw { kind, span }) = self.tree.get(*key) else {
                continue;
            };
            let RawKind::Scalar { text, .. } = kind else {
                continue;
            };
            match first.get(&**text) {
                None => {
                    first.insert(text, *span);
                }
                Some(first) => {
                    let (line, column) = (first.line, first.column);
                    let message = format!("the key `{}` is here twice", text.escape_debug());
                    let hint = format!(
                        "Remove one of them: the first is at line {line}, column {column}."
                    );
                    let problem = Diagnostic::error("duplicate-key", *span, message);
                    let _: Option<()> = self.fail(problem.hint(hint));
                }
            }
        }
    }

    fn is_merge(&self, key: Id) -> bool {
        matches!(
            self.tree.get(key).map(|raw| &raw.kind),
            Some(RawKind::Scalar { text, tag: Tag::Absent, plain: true }) if text == "<<"
        )
    }

    /// A key must be text; an alias of text will do.
    fn key(&mut self, id: Id) -> Option<Text> {
        let raw = self.tree.get(id)?;
        let target = match raw.kind {
            RawKind::Alias(target) => self.tree.get(target)?,
            _ => raw,
        };
        self.count(raw)?;
        let RawKind::Scalar { text, tag, plain } = &target.kind else {
            let message = "a key must be text, not a list or mapping";
            return self.fail(Diagnostic::error("non-string-key", raw.span, message));
        };
        match scalar::resolve(*tag, text, *plain) {
            Ok(Scalar::Text(text)) => Some(Text::new(text, raw.span)),
            _ => self.fail(non_string_key(text, raw.span)),
        }
    }

    /// Adds what `<<` names: the map's own keys win, then the earlier of several maps.
    fn merge(&mut self, map: &mut Mapping, from: Id) {
        let Some(raw) = self.tree.get(from) else {
            return;
        };
        let (sources, span): (&[Id], _) = match &raw.kind {
            RawKind::List(items) => (items, raw.span),
            _ => (std::slice::from_ref(&from), raw.span),
        };
        for source in sources {
            match self.node(*source) {
                Some(Node {
                    value: Value::Map(found),
                    ..
                }) => add_missing(map, found),
                Some(_) => {
                    let message = "`<<` needs a mapping or a list of mappings";
                    let problem = Diagnostic::error("bad-merge", span, message);
                    let _: Option<()> =
                        self.fail(problem.hint("Name an anchor that marks a mapping."));
                }
                None => {}
            }
        }
    }

    /// Notes that `raw` is visited, and stops a file that multiplies itself.
    fn count(&mut self, raw: &Raw<'_>) -> Option<()> {
        if self.stopped {
            return None;
        }
        self.nodes += 1;
        if !self.active.is_empty() {
            self.copied_nodes += 1;
            if let RawKind::Scalar { text, .. } = &raw.kind {
                self.copied_bytes += text.len();
            }
        }
        if !self.excessive() {
            return Some(());
        }
        let message = "the aliases of this file multiply its content too often";
        self.stop(
            Diagnostic::error("excessive-aliasing", raw.span, message)
                .hint("Use fewer aliases of aliases."),
        )
    }

    /// `allowedAliasRatio` of the library for files below 400 000 nodes, and our budgets.
    fn excessive(&self) -> bool {
        let mostly_copies = self.copied_nodes > 100
            && self.nodes > 1000
            && self.copied_nodes * 100 > self.nodes * 99;
        mostly_copies
            || self.copied_nodes > MAX_COPIED_NODES
            || self.copied_bytes > MAX_COPIED_BYTES
    }

    fn fail<T>(&mut self, problem: Diagnostic) -> Option<T> {
        if problem.span.is_none_or(|span| self.told.insert(span)) {
            self.out.push(problem);
        }
        None
    }

    fn stop<T>(&mut self, problem: Diagnostic) -> Option<T> {
        self.stopped = true;
        self.fail(problem)
    }
}

fn add_missing(map: &mut Mapping, found: Mapping) {
    let own: std::collections::HashSet<String> =
        map.iter().map(|(key, _)| key.value.clone()).collect();
    let missing = found.0.into_iter();
    map.0
        .extend(missing.filter(|(key, _)| !own.contains(&key.value)));
}

fn non_string_key(text: &str, span: Span) -> Diagnostic {
    let shown = text.escape_debug();
    let message = format!("the key `{shown}` is not text");
    let problem = Diagnostic::error("non-string-key", span, message);
    problem.hint(match text {
        "" => "Write a key before the colon.".to_owned(),
        _ => format!("Put quotes around it: `\"{shown}\":`."),
    })
}
