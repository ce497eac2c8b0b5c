//! Parser events → a flat tree in which anchors and merge keys still stand as written.
//!
//! Nothing is copied for an alias here, so the tree is never larger than the
//! file. Syntax errors, unknown anchors and too deep nesting are told here.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StrInput, StructureStyle, options};

use super::scalar::Tag;
use super::syntax;
use crate::decode::closest;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{FileId, Span};

/// How deep lists and mappings may be nested, also after aliases are expanded.
pub(super) const MAX_DEPTH: usize = 200;

/// The index of a node in its [`Tree`].
pub(super) type Id = usize;

/// One document as written.
pub(super) struct Tree<'t> {
    nodes: Vec<Raw<'t>>,
}

/// A node as written.
pub(super) struct Raw<'t> {
    pub(super) kind: RawKind<'t>,
    pub(super) span: Span,
}

/// What a node is.
pub(super) enum RawKind<'t> {
    Scalar {
        text: Cow<'t, str>,
        tag: Tag,
        plain: bool,
    },
    List(Vec<Id>),
    Map(Vec<(Id, Id)>),
    /// `*name`, with the node that has the anchor.
    Alias(Id),
}

impl<'t> Tree<'t> {
    /// The node behind `id`.
    pub(super) fn get(&self, id: Id) -> Option<&Raw<'t>> {
        self.nodes.get(id)
    }
}

/// Reads the first document of `text`; without any, gives no root.
///
/// `None`, with an error noted, when it is not YAML.
pub(super) fn read<'t>(
    text: &'t str,
    file: FileId,
    out: &mut Diagnostics,
) -> Option<(Tree<'t>, Option<Id>)> {
    let options = options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        block_scalar_eof_without_line_feed: true,
    };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder::new(file);
    while !builder.done {
        match parser.next_event() {
            None => break,
            Some(Ok((event, span))) => builder.event(event, span, out)?,
            Some(Err(error)) => {
                out.push(syntax::diagnostic(&error, text, file));
                return None;
            }
        }
    }
    warn_of_more(&mut parser, file, out);
    (!builder.failed).then_some((builder.tree, builder.root))
}

/// Docker's client reads one document and never looks at what follows.
fn warn_of_more<'t>(parser: &mut Parser<'t, StrInput<'t>>, file: FileId, out: &mut Diagnostics) {
    let (message, span) = match parser.next_event() {
        Some(Ok((Event::DocumentStart(..), span))) => (
            "only the first of several documents is read",
            span_in(file, span),
        ),
        Some(Err(error)) => (
            "what follows the first document is not read",
            syntax::point(file, error.marker()),
        ),
        _ => return,
    };
    out.push(
        Diagnostic::warning("several-documents", span, message)
            .hint("Remove the rest, or move it to a file of its own."),
    );
}

/// Our span for the parser's.
fn span_in(file: FileId, span: granit_parser::Span) -> Span {
    Span {
        length: u32::try_from(span.len()).unwrap_or(u32::MAX),
        ..syntax::point(file, &span.start)
    }
}

struct Builder<'t> {
    file: FileId,
    tree: Tree<'t>,
    root: Option<Id>,
    /// The lists and mappings that are not closed yet.
    open: Vec<Open>,
    /// Node and name behind each of the parser's anchor numbers.
    anchors: HashMap<usize, Id>,
    names: Vec<String>,
    done: bool,
    failed: bool,
}

struct Open {
    id: Id,
    /// A flow collection's span grows to its closing bracket.
    flow: Option<usize>,
    /// The key that waits for its value.
    key: Option<Id>,
}

impl<'t> Builder<'t> {
    fn new(file: FileId) -> Self {
        Self {
            file,
            tree: Tree { nodes: Vec::new() },
            root: None,
            open: Vec::new(),
            anchors: HashMap::new(),
            names: Vec::new(),
            done: false,
            failed: false,
        }
    }

    fn event(
        &mut self,
        event: Event<'t>,
        span: granit_parser::Span,
        out: &mut Diagnostics,
    ) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map_or(Tag::Absent, |tag| tag_of(&tag));
                let plain = style == ScalarStyle::Plain;
                // The parser gives `~` for a value that is not there.
                let text = if plain && span.is_empty() {
                    Cow::Borrowed("")
                } else {
                    text
                };
                let id = self.add(RawKind::Scalar { text, tag, plain }, span, anchor);
                self.place(id);
            }
            Event::SequenceStart(style, anchor, _) => {
                self.start(RawKind::List(Vec::new()), style, span, anchor, out)?;
            }
            Event::MappingStart(style, anchor, _) => {
                self.start(RawKind::Map(Vec::new()), style, span, anchor, out)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied()?;
                let id = self.add(RawKind::Alias(target), span, 0);
                self.place(id);
            }
            Event::UnresolvedAlias(name) => {
                out.push(self.unknown_anchor(&name, span));
                self.failed = true;
                let id = self.add(RawKind::List(Vec::new()), span, 0);
                self.place(id);
            }
            Event::Anchor(_, name) => self.names.push(name.into_owned()),
            Event::DocumentEnd => self.done = true,
            _ => {}
        }
        Some(())
    }

    fn add(&mut self, kind: RawKind<'t>, span: granit_parser::Span, anchor: usize) -> Id {
        let id = self.tree.nodes.len();
        let span = span_in(self.file, span);
        self.tree.nodes.push(Raw { kind, span });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        id
    }

    fn start(
        &mut self,
        kind: RawKind<'t>,
        style: StructureStyle,
        span: granit_parser::Span,
        anchor: usize,
        out: &mut Diagnostics,
    ) -> Option<()> {
        if self.open.len() >= MAX_DEPTH {
            out.push(too_deep(span_in(self.file, span)));
            return None;
        }
        let id = self.add(kind, span, anchor);
        self.place(id);
        let flow = (style == StructureStyle::Flow).then(|| span.start.index());
        let key = None;
        self.open.push(Open { id, flow, key });
        Some(())
    }

    fn end(&mut self, span: granit_parser::Span) {
        let Some(Open { id, flow, .. }) = self.open.pop() else {
            return;
        };
        if let Some(raw) = self.tree.nodes.get_mut(id) {
            let chars = flow.map_or(0, |start| span.end.index().saturating_sub(start));
            raw.span.length = u32::try_from(chars).unwrap_or(u32::MAX);
        }
    }

    /// Puts the node where the innermost open collection expects one.
    fn place(&mut self, id: Id) {
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(id);
            return;
        };
        match self.tree.nodes.get_mut(open.id).map(|raw| &mut raw.kind) {
            Some(RawKind::List(items)) => items.push(id),
            Some(RawKind::Map(pairs)) => match open.key.take() {
                Some(key) => pairs.push((key, id)),
                None => open.key = Some(id),
            },
            _ => {}
        }
    }

    fn unknown_anchor(&self, name: &str, span: granit_parser::Span) -> Diagnostic {
        let span = span_in(self.file, span);
        let message = format!("there is no anchor `&{name}` above this `*{name}`");
        let hint = match closest(name, self.names.iter().map(String::as_str)) {
            Some(near) => format!("Did you mean `*{near}`?"),
            None => format!("Define it before, or quote the text: `\"*{name}\"`."),
        };
        Diagnostic::error("unknown-anchor", span, message).hint(hint)
    }
}

/// The error for a node that lies too deep.
pub(super) fn too_deep(span: Span) -> Diagnostic {
    let message = format!("lists and mappings are nested more than {MAX_DEPTH} deep");
    Diagnostic::error("too-deep", span, message)
}

fn tag_of(tag: &granit_parser::Tag) -> Tag {
    match tag.suffix_in_namespace("tag:yaml.org,2002:") {
        Some(suffix) => Tag::core(&suffix),
        // The lone `!` is no tag for the library.
        None if tag.original() == "!" => Tag::Absent,
        None => Tag::Other,
    }
}
