//! What each manifest file may hold: the one table that its reader and its JSON Schema share.
//!
//! The reader takes keys, required keys, words and hints from here; the schema adds, as patterns,
//! what the reader checks of a text. `crates/dockerops/tests/schemas.rs` holds the two equal.

mod stack;

pub(super) use stack::*;

use super::entry::Entry;
use crate::decode;
use crate::diagnostic::Diagnostics;
use crate::yaml::{Node, Value};

/// A file that is a list; an empty one is an empty list.
pub(super) struct ListFile {
    /// As messages name it.
    pub(super) what: &'static str,
    /// How it is written, for hints.
    pub(super) written: &'static str,
    /// What it lists.
    pub(super) item: &'static Record,
}

/// A mapping with known keys.
pub(super) struct Record {
    /// As messages name it.
    pub(super) what: &'static str,
    /// How it is written, for hints.
    pub(super) written: &'static str,
    /// What it is for.
    pub(super) about: &'static str,
    /// Its keys, in the order that hints name them.
    pub(super) keys: &'static [&'static Key],
}

/// A key and what stands behind it.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) need: Need,
    pub(super) form: Form,
    /// What it is for.
    pub(super) about: &'static str,
}

/// Whether a key must be there.
pub(super) enum Need {
    Required,
    Optional,
    /// It may be there where `key` has this word, else it may not.
    OnlyWith(&'static Key, &'static str),
}

/// What stands behind a key; a text unless said otherwise.
pub(super) enum Form {
    /// It keeps a rule.
    Rule(Rule),
    /// One of these words, each with its meaning.
    Words(&'static [(&'static str, &'static str)]),
    /// It keeps the rule that belongs to the word of another key.
    By(&'static Key, &'static [(&'static str, Rule)]),
    /// `true` or `false`.
    Flag,
    /// A list of texts, each of which keeps the rule; how it is written.
    List(Rule, &'static str),
    /// A list of fields of services that may be ignored ([`crate::plan::ignore`]); how it is written.
    Drift(&'static str),
    /// A mapping of names that keep the rule to texts, numbers or booleans; how it is written.
    Pairs(Rule, &'static str),
}

/// A check of a text, as regular expressions that every editor understands.
pub(super) struct Rule {
    /// It matches.
    pub(super) pattern: &'static str,
    /// None of these matches.
    pub(super) never: &'static [&'static str],
}

impl Rule {
    const fn pattern(pattern: &'static str) -> Self {
        let never = &[];
        Self { pattern, never }
    }
}

impl ListFile {
    /// The items of the file.
    pub(super) fn items<'n>(&self, root: &'n Node, out: &mut Diagnostics) -> Option<&'n [Node]> {
        match root.value {
            Value::Null => Some(&[]),
            _ => decode::list(root, self.what, self.written, out),
        }
    }
}

impl Record {
    /// The mapping in `node`; keys that are not ours are noted.
    pub(super) fn read<'n>(&self, node: &'n Node, out: &mut Diagnostics) -> Option<Entry<'n>> {
        let map = decode::map(node, self.what, self.written, out)?;
        let names: Vec<_> = self.keys.iter().map(|key| key.name).collect();
        decode::known_keys(map, &names, self.what, out);
        Some(Entry::new(map, node.span, self.what))
    }

    /// The keys that may be there only where another key has the word `word`.
    pub(super) fn only_with(&self, word: &str) -> impl Iterator<Item = &'static Key> {
        let bound = move |key: &&Key| matches!(key.need, Need::OnlyWith(_, with) if with == word);
        self.keys.iter().copied().filter(bound)
    }
}

impl Form {
    /// The words that it may be.
    pub(super) fn words(&self) -> impl Iterator<Item = &'static str> + use<> {
        let words: &[_] = match self {
            Self::Words(words) => words,
            _ => &[],
        };
        words.iter().map(|(word, _)| *word)
    }

    /// The words, in backticks: `` `a` or `b` ``.
    pub(super) fn choice(&self) -> String {
        let shown: Vec<_> = self.words().map(|word| format!("`{word}`")).collect();
        match shown.as_slice() {
            [first, middle @ .., last] if !middle.is_empty() => {
                format!("{first}, {} or {last}", middle.join(", "))
            }
            shown => shown.join(" or "),
        }
    }
}

/// `type: volume`.
pub(super) const VOLUME: &str = "volume";
/// `type: binding`.
pub(super) const BINDING: &str = "binding";
/// `mode: preserve`.
pub(super) const PRESERVE: &str = "preserve";

/// A number of at most 32 bits: a user or group id.
macro_rules! id {
    () => {
        concat!(
            "0*([0-9]{1,9}|[1-3][0-9]{9}|4[01][0-9]{8}|42[0-8][0-9]{7}|429[0-3][0-9]{6}|4294[0-8][0-9]{5}",
            "|42949[0-5][0-9]{4}|429496[0-6][0-9]{3}|4294967[01][0-9]{2}|42949672[0-8][0-9]|429496729[0-5])"
        )
    };
}

/// The name of a variable.
const VARIABLE: Rule = Rule::pattern("^[A-Za-z_][A-Za-z0-9_]*$");

/// What no text may hold, as [`char::is_control`].
const CONTROL: &str = r"[\u0000-\u001f\u007f-\u009f]";

/// `volumes.yaml`.
pub(super) static VOLUMES: ListFile = ListFile {
    what: "`volumes.yaml`",
    written: VOLUME_ENTRY.written,
    item: &VOLUME_ENTRY,
};

pub(super) static VOLUME_ENTRY: Record = Record {
    what: "a volume",
    written: "`- id: app_data`, with `type: volume` or `type: binding` and a `path` below",
    about: "What compose files may mount by its id.",
    keys: &[
        &VOLUME_ID,
        &VOLUME_TYPE,
        &VOLUME_PATH,
        &VOLUME_OWNER,
        &VOLUME_MODE,
    ],
};

pub(super) static VOLUME_ID: Key = Key {
    name: "id",
    need: Need::Required,
    form: Form::Rule(Rule::pattern("^[A-Za-z0-9][A-Za-z0-9_.-]*$")),
    about: "What compose files write before the `:` of a volume. No two ids differ only in letter case.",
};

pub(super) static VOLUME_TYPE: Key = Key {
    name: "type",
    need: Need::Required,
    form: Form::Words(&[
        (VOLUME, "the Docker volume named exactly `path`"),
        (
            BINDING,
            "the file or folder `path` of the repository, copied below the path of `nfs.yaml`",
        ),
    ]),
    about: "What the id stands for.",
};

pub(super) static VOLUME_PATH: Key = Key {
    name: "path",
    need: Need::Required,
    form: Form::By(
        &VOLUME_TYPE,
        &[
            (VOLUME, Rule::pattern("^[A-Za-z0-9][A-Za-z0-9_.-]+$")),
            (
                BINDING,
                Rule {
                    pattern: "^[^/]",
                    never: &[
                        CONTROL,
                        r"(^|/)\.\.(/|$)",
                        r"(^|/)\.dockerops",
                        // A home, the folder of the secrets, the whole repository; also after `./`.
                        r"^(\.?/)*(~|secret(/|$)|\.?$)",
                    ],
                },
            ),
        ],
    ),
    about: "With `type: volume`, the name of a Docker volume. With `type: binding`, a file or folder of \
            the repository: relative, without `..`, not in `secret`, no name starting with `.dockerops`.",
};

pub(super) static VOLUME_OWNER: Key = Key {
    name: "owner",
    need: Need::OnlyWith(&VOLUME_TYPE, BINDING),
    form: Form::Rule(Rule::pattern(concat!("^", id!(), ":", id!(), "$"))),
    about: "Whose the copied files are: a user id and a group id, such as `1000:1000`. Without it: root.",
};

pub(super) static VOLUME_MODE: Key = Key {
    name: "mode",
    need: Need::OnlyWith(&VOLUME_TYPE, BINDING),
    form: Form::Words(&[(PRESERVE, "keep the executable bit that Git recorded")]),
    about: "The mode of the copied files. Without it: 755 for folders, 644 for files.",
};

/// `nfs.yaml`.
pub(super) static NFS: Record = Record {
    what: "`nfs.yaml`",
    written: "`path: /mnt/nfs`",
    about: "The shared folder of all nodes: bindings are copied there, secrets are read from there.",
    keys: &[&NFS_PATH],
};

pub(super) static NFS_PATH: Key = Key {
    name: "path",
    need: Need::Required,
    form: Form::Rule(Rule {
        pattern: "^/",
        never: &[CONTROL, r"(^|/)\.\.?(/|$)", "^/+$"],
    }),
    about: "An absolute path without `.` and `..`, mounted at the same place on every node.",
};

/// `secrets.yaml` of a stack.
pub(super) static SECRETS: ListFile = ListFile {
    what: "`secrets.yaml`",
    written: SECRET.written,
    item: &SECRET,
};

pub(super) static SECRET: Record = Record {
    what: "a secret",
    written: "`- id: db_password`, with `env: DB_PASSWORD` below",
    about: "A secret of the stack. Its value is never in the repository.",
    keys: &[&SECRET_ID, &SECRET_ENV],
};

pub(super) static SECRET_ID: Key = Key {
    name: "id",
    need: Need::Required,
    form: Form::Rule(Rule {
        pattern: r"^[^./\\][^/\\]*$",
        never: &[CONTROL],
    }),
    about: "The name of the file below `secret/` in the path of `nfs.yaml` that holds the value.",
};

pub(super) static SECRET_ENV: Key = Key {
    name: "env",
    need: Need::Required,
    form: Form::Rule(VARIABLE),
    about: "The variable that carries the value: `${DB_PASSWORD}` in the compose file, or the name alone \
            in a service's `environment`.",
};
