//! YAML, before any meaning.

use super::{Code, Group};

pub(super) const GROUP: Group = Group {
    title: "YAML",
    about: "How every file is read: as Docker's client reads YAML.",
    codes: &[
        Code::new(
            101,
            "yaml-syntax",
            "The file is not YAML.",
            "An indentation, quote or bracket is wrong near the mark.",
            "Correct the text at the mark.",
        ),
        Code::new(
            102,
            "several-documents",
            "The file holds several documents.",
            "Only the first is read, as Docker does.",
            "Remove the others, or make files of them.",
        ),
        Code::new(
            103,
            "duplicate-key",
            "A mapping has a key twice.",
            "One of the two values would be lost.",
            "Remove one of them.",
        ),
        Code::new(
            104,
            "non-string-key",
            "A key is not text.",
            "A number, boolean or list stands where a key belongs.",
            "Put quotes around it.",
        ),
        Code::new(
            105,
            "tag-mismatch",
            "A value does not fit its YAML tag.",
            "`!!int`, `!!bool` or the like stands before something else.",
            "Remove the tag, or correct the value.",
        ),
        Code::new(
            106,
            "unknown-anchor",
            "An alias names no anchor.",
            "No `&name` stands before this `*name`.",
            "Define the anchor above, or correct the name.",
        ),
        Code::new(
            107,
            "recursive-alias",
            "An alias lies within its own anchor.",
            "It would never end.",
            "Write the value out.",
        ),
        Code::new(
            108,
            "excessive-aliasing",
            "The aliases multiply the content too often.",
            "A small file would become a huge one.",
            "Use fewer aliases of aliases.",
        ),
        Code::new(
            109,
            "bad-merge",
            "`<<` is followed by something other than a mapping.",
            "Only keys of mappings can be merged.",
            "Name an anchor that marks a mapping.",
        ),
        Code::new(
            110,
            "too-deep",
            "The file is nested too deeply.",
            "No real file is.",
            "Write it flatter.",
        ),
    ],
};
