//! The shape that a compose file must have: `cli/compose/schema` of Docker's client.
//!
//! [`Shape`] describes what stands where, as tables ([`mod@file`], [`service`],
//! [`deploy`]); [`check()`] holds a tree against them. One table serves all
//! versions: each key says since which `3.x` it exists. Formats (ports, durations)
//! are checked where they are read, in the decoders.

mod check;
mod deploy;
mod file;
mod hints;
mod service;

pub(super) use check::{Level, check};
pub(super) use file::FILE;

/// The first minor version of compose 3 that has something; [`OURS`] for what Docker refuses.
type Since = u8;

/// Accepted by us beyond Docker, unless [`super::Compat::Docker`] asks for less.
const OURS: Since = Since::MAX;

/// What may stand at a place.
pub(super) enum Shape {
    /// Whatever; nobody reads it.
    Anything,
    /// One value of these kinds.
    Scalar(&'static [Kind]),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list.
    List { item: &'static Shape, unique: bool },
    /// A mapping.
    Map(Map),
    /// The first that takes the kind of the value; no two take the same kind.
    Either(&'static [(Since, &'static Shape)]),
}

/// What a scalar may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bool,
    Integer,
    Number,
    Null,
}

/// What a mapping may hold.
pub(super) struct Map {
    /// Its keys.
    known: &'static [Key],
    /// Every other key.
    rest: Rest,
    /// Keys that must be there.
    required: &'static [&'static str],
}

/// What happens to a key that is not known.
enum Rest {
    /// It is an error.
    Refused,
    /// From this version on, `x-…` passes unread; others are errors.
    Extensions(Since),
    /// Docker takes and forgets it; we say so.
    Forgotten,
    /// From this version on, everything passes unread; before, it is an error.
    Loose(Since),
    /// Any name with this shape behind it.
    Any(&'static Shape),
    /// Any name out of letters, digits, `.`, `_` and `-` with this shape behind it.
    Names(&'static Shape),
}

/// A known key.
pub(super) struct Key {
    name: &'static str,
    since: Since,
    shape: &'static Shape,
}

const fn key(name: &'static str, shape: &'static Shape) -> Key {
    since(0, name, shape)
}

const fn since(since: Since, name: &'static str, shape: &'static Shape) -> Key {
    Key { name, since, shape }
}

const fn map(known: &'static [Key]) -> Shape {
    Shape::Map(Map {
        known,
        rest: Rest::Refused,
        required: &[],
    })
}

const fn extensible(known: &'static [Key]) -> Shape {
    Shape::Map(Map {
        known,
        rest: Rest::Extensions(7),
        required: &[],
    })
}

const fn forgetful(known: &'static [Key]) -> Shape {
    Shape::Map(Map {
        known,
        rest: Rest::Forgotten,
        required: &[],
    })
}

const fn any_of(shape: &'static Shape) -> Shape {
    Shape::Map(Map {
        known: &[],
        rest: Rest::Any(shape),
        required: &[],
    })
}

const fn names_of(shape: &'static Shape) -> Shape {
    Shape::Map(Map {
        known: &[],
        rest: Rest::Names(shape),
        required: &[],
    })
}

const fn list(item: &'static Shape) -> Shape {
    Shape::List {
        item,
        unique: false,
    }
}

const fn set(item: &'static Shape) -> Shape {
    Shape::List { item, unique: true }
}

static TEXT: Shape = Shape::Scalar(&[Kind::Text]);
static BOOL: Shape = Shape::Scalar(&[Kind::Bool]);
static INTEGER: Shape = Shape::Scalar(&[Kind::Integer]);
static NUMBER: Shape = Shape::Scalar(&[Kind::Number]);
static NULL: Shape = Shape::Scalar(&[Kind::Null]);
static TEXT_OR_NUMBER: Shape = Shape::Scalar(&[Kind::Text, Kind::Number]);
static TEXT_NUMBER_OR_NULL: Shape = Shape::Scalar(&[Kind::Text, Kind::Number, Kind::Null]);
static TEXTS: Shape = list(&TEXT);
static TEXT_SET: Shape = set(&TEXT);
static TEXT_OR_SET: Shape = Shape::Either(&[(0, &TEXT), (0, &TEXT_SET)]);
static TEXT_OR_LIST: Shape = Shape::Either(&[(0, &TEXT), (0, &TEXTS)]);
/// `environment`, `labels`…: a mapping or a list of `key=value`.
static PAIRS: Shape = Shape::Either(&[(0, &PAIR_MAP), (0, &TEXT_SET)]);
static PAIR_MAP: Shape = any_of(&TEXT_NUMBER_OR_NULL);
static OPTIONS: Shape = any_of(&TEXT_OR_NUMBER);

#[cfg(test)]
mod tests;
