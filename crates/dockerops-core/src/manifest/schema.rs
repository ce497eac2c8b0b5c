//! The manifest files by name, and the JSON Schema of each, made from the table that their readers use.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::shape::{Form, Key, ListFile, NFS, Need, Record, Rule, SECRETS, STACKS, VOLUMES};
use crate::plan::ignore;

/// Where the schemas are published: the folder of this project that holds them.
const PUBLISHED: &str =
    "https://raw.githubusercontent.com/TomBedinoVT/DockerOps/main/docs/reference/schemas";

/// One of the files that say what a repository is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestFile {
    /// `stacks.yaml`.
    Stacks,
    /// `volumes.yaml`.
    Volumes,
    /// `nfs.yaml`.
    Nfs,
    /// `secrets.yaml` of a stack.
    Secrets,
}

impl ManifestFile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Stacks, Self::Volumes, Self::Nfs, Self::Secrets];

    /// Its name without `.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stacks => "stacks",
            Self::Volumes => "volumes",
            Self::Nfs => "nfs",
            Self::Secrets => "secrets",
        }
    }

    /// Its name.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Stacks => "stacks.yaml",
            Self::Volumes => "volumes.yaml",
            Self::Nfs => "nfs.yaml",
            Self::Secrets => "secrets.yaml",
        }
    }

    /// What it is for, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Stacks => "the stacks of a repository",
            Self::Volumes => "volumes and bindings that compose files mount by id",
            Self::Nfs => "the folder that all nodes share",
            Self::Secrets => "the secrets of one stack, in the stack's folder",
        }
    }

    /// Where editors find its schema.
    pub fn schema_url(self) -> String {
        format!("{PUBLISHED}/{}.schema.json", self.name())
    }

    /// Its JSON Schema, draft 2020-12.
    ///
    /// It refuses what the reader refuses, but for what stacks say of each other and names that are
    /// there twice: JSON Schema compares no two items of a list.
    pub fn schema(self) -> Value {
        let mut schema = match self {
            Self::Stacks => list(&STACKS),
            Self::Volumes => list(&VOLUMES),
            Self::Nfs => record(&NFS),
            Self::Secrets => list(&SECRETS),
        };
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        schema["$id"] = self.schema_url().into();
        schema["title"] = format!("DockerOps: `{}`, {}", self.file_name(), self.about()).into();
        schema
    }
}

/// A file that is empty lists nothing.
fn list(file: &ListFile) -> Value {
    json!({"type": ["array", "null"], "items": record(file.item)})
}

fn record(record: &Record) -> Value {
    let properties: Map<_, _> = record
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let required = |key: &&&Key| matches!(key.need, Need::Required);
    let required = record.keys.iter().filter(required).map(|key| key.name);
    let mut schema = json!({
        "description": record.about,
        "type": "object",
        "properties": properties,
        "required": required.collect::<Vec<_>>(),
        "additionalProperties": false,
    });
    let cases: Vec<_> = record
        .keys
        .iter()
        .flat_map(|key| cases(record, key))
        .collect();
    if !cases.is_empty() {
        schema["allOf"] = cases.into();
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = match &key.form {
        Form::Rule(rule) => self::rule(rule),
        Form::Words(words) => {
            json!({"enum": words.iter().map(|(word, _)| word).collect::<Vec<_>>()})
        }
        Form::By(..) => json!({}),
        Form::Flag => json!({"type": "boolean"}),
        Form::List(rule, _) => json!({"type": "array", "items": text(rule)}),
        Form::Drift(_) => json!({"type": "array", "items": drift()}),
        Form::Pairs(rule, _) => json!({
            "type": "object",
            "propertyNames": self::rule(rule),
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        }),
    };
    if schema.get("type").is_none() {
        schema["type"] = "string".into();
    }
    schema["description"] = description(key).into();
    schema
}

/// What a key is for, and the meaning of its words.
fn description(key: &Key) -> String {
    let mut text = key.about.to_owned();
    if let Form::Words(words) = key.form {
        for (word, meaning) in words {
            text += &format!("\n\n`{word}`: {meaning}.");
        }
    }
    text
}

/// A field of a service, listed so that editors complete it, or a key of one.
fn drift() -> Value {
    let words = |words: BTreeSet<&'static str>| words.into_iter().collect::<Vec<_>>();
    let pattern = |words: Vec<&str>| words.join("|").replace('.', r"\.");
    let keyed = format!("^({})\\.(.|\\s)", pattern(words(ignore::keyed())));
    let kept = format!(
        "^deploy\\.labels\\.({})",
        pattern(ignore::KEPT_LABELS.to_vec())
    );
    json!({
        "type": "string",
        "anyOf": [
            {"enum": words(ignore::words())},
            {"pattern": keyed, "not": {"pattern": kept}},
        ],
    })
}

fn text(rule: &Rule) -> Value {
    let mut schema = self::rule(rule);
    schema["type"] = "string".into();
    schema
}

fn rule(rule: &Rule) -> Value {
    let never: Vec<_> = rule
        .never
        .iter()
        .map(|pattern| json!({"pattern": pattern}))
        .collect();
    let mut schema = json!({"pattern": rule.pattern});
    if !never.is_empty() {
        schema["not"] = json!({"anyOf": never});
    }
    schema
}

/// What each word of `decides` means for the other keys of the record.
fn cases(record: &Record, decides: &Key) -> Vec<Value> {
    let Form::Words(words) = decides.form else {
        return Vec::new();
    };
    let case = |word: &str| {
        let bound = record
            .keys
            .iter()
            .filter_map(|key| bound(key, decides, word));
        let bound: Map<_, _> = bound.collect();
        let given =
            json!({"properties": {decides.name: {"const": word}}, "required": [decides.name]});
        (!bound.is_empty()).then(|| json!({"if": given, "then": {"properties": bound}}))
    };
    words.iter().filter_map(|(word, _)| case(word)).collect()
}

/// What `key` must be where `decides` has this word; `None` when that changes nothing.
fn bound(key: &Key, decides: &Key, word: &str) -> Option<(String, Value)> {
    let name = key.name.to_owned();
    match (&key.need, &key.form) {
        (Need::OnlyWith(by, with), _) if by.name == decides.name && *with != word => {
            Some((name, Value::Bool(false)))
        }
        (_, Form::By(by, rules)) if by.name == decides.name => {
            let (_, rule) = rules.iter().find(|(of, _)| *of == word)?;
            Some((name, self::rule(rule)))
        }
        _ => None,
    }
}
