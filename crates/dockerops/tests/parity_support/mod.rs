//! Loads compose files as `docker stack deploy` is given them, and compares bodies.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use dockerops_core::compose::{self, Compat, FileError, Files, Origin, Request, Variables};
use dockerops_core::diagnostic::{Diagnostic, Diagnostics};
use dockerops_core::names::StackName;
use dockerops_core::secret::Provenance;
use dockerops_core::source::{FileId, Sources};
use dockerops_core::spec::{self, Input, StackSpec, render};
use serde_json::Value;

/// A compose file and what it is deployed with.
pub(crate) struct Project {
    compose: Vec<PathBuf>,
    folder: PathBuf,
    working_dir: String,
    environment: BTreeMap<String, String>,
    /// Files that lie beside the compose file, besides those on disk.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// What came of it.
pub(crate) struct Loaded {
    pub(crate) spec: Option<StackSpec>,
    pub(crate) diagnostics: Diagnostics,
    sources: Sources,
}

impl Project {
    /// `compose` as if its folder were `working_dir`.
    pub(crate) fn new(compose: &Path, working_dir: &str) -> Self {
        let home = ("HOME".to_owned(), "/home/user".to_owned());
        Self {
            compose: vec![compose.to_owned()],
            folder: compose.parent().unwrap().to_owned(),
            working_dir: working_dir.to_owned(),
            environment: BTreeMap::from([home]),
            files: BTreeMap::new(),
        }
    }

    /// `KEY=VALUE`, one a line, taken literally.
    pub(crate) fn read_environment(&mut self, file: &Path) {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            self.environment.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Gives `compose` as a further file, when there is one.
    pub(crate) fn merge(&mut self, compose: &Path) {
        self.compose
            .extend(compose.exists().then(|| compose.to_owned()));
    }

    /// `{"KEY": "VALUE"}`
    pub(crate) fn set_environment(&mut self, variables: &Value) {
        for (name, value) in variables.as_object().unwrap() {
            let value = value.as_str().unwrap();
            self.environment.insert(name.clone(), value.to_owned());
        }
    }

    pub(crate) fn load(&self, compat: Compat) -> Loaded {
        let mut sources = Sources::default();
        let read = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            sources.add(name, std::fs::read_to_string(path).unwrap())
        };
        let files: Vec<FileId> = self.compose.iter().map(read).collect();
        let origin = Origin::Bare {
            working_dir: self.working_dir.clone(),
        };
        let mut variables = Variables::new(compat);
        for (name, value) in &self.environment {
            variables.set(name, value, Provenance::none());
        }
        let request = Request {
            files: &files,
            variables: &variables,
            read: self,
            origin: origin.clone(),
            compat,
        };
        let mut diagnostics = Diagnostics::default();
        let compose = compose::load(&request, &mut sources, &mut diagnostics);
        let stack = StackName::parse("stk").unwrap();
        let input = Input {
            stack: &stack,
            volumes: &BTreeMap::new(),
            nfs: None,
            origin,
        };
        let spec = compose.and_then(|compose| spec::convert(&compose, &input, &mut diagnostics));
        Loaded {
            spec,
            diagnostics,
            sources,
        }
    }
}

impl Files for Project {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if let Some(content) = self.files.get(path.trim_start_matches("./")) {
            return Ok(content.clone());
        }
        let real = match path.strip_prefix(&self.working_dir) {
            Some(rest) => self.folder.join(rest.trim_start_matches('/')),
            None => self.folder.join(path),
        };
        match std::fs::read(&real) {
            Ok(content) => Ok(content),
            Err(_) if real.is_dir() => Err(FileError::Folder),
            Err(_) => Err(FileError::Missing),
        }
    }
}

impl Loaded {
    /// Each problem in a line: for the reader of a failed test.
    pub(crate) fn complaints(&self) -> String {
        let line = |d: &Diagnostic| {
            let place = d
                .span
                .map_or("?".to_owned(), |span| self.sources.place(span));
            let hint = d.hint.as_deref().unwrap_or("no hint");
            format!(
                "{place}: {:?} {}: {} ({hint})",
                d.severity, d.code, d.message
            )
        };
        self.diagnostics
            .0
            .iter()
            .map(line)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Prints past the test harness, which swallows what a passing test prints.
pub(crate) fn say(line: &str) {
    let mut stderr = std::io::stderr().lock();
    let _closed = writeln!(stderr, "{line}");
}

pub(crate) fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Where our bodies differ from the recorded ones.
pub(crate) fn differences(spec: &StackSpec, expected: &Value) -> Vec<String> {
    let ours = render::json(spec, render::Secrets::Shown);
    let mut found = Vec::new();
    for kind in ["networks", "configs", "secrets", "services"] {
        let theirs = by_name(&without_recorders(expected[kind].clone()));
        let ours = by_name(&ours[kind]);
        compare(kind, &ours, &theirs, &mut found);
    }
    for (kind, ours) in [
        ("external_networks", &spec.external_networks),
        ("external_configs", &spec.external_configs),
        ("external_secrets", &spec.external_secrets),
    ] {
        let ours: BTreeSet<&str> = ours.iter().map(|external| external.name.as_str()).collect();
        let theirs = expected[kind].as_array().unwrap();
        let theirs: BTreeSet<&str> = theirs.iter().map(|name| name.as_str().unwrap()).collect();
        if ours != theirs {
            found.push(format!("{kind}: ours {ours:?}, Docker {theirs:?}"));
        }
    }
    found
}

/// A list of bodies as an object, so that a missing one is named.
fn by_name(bodies: &Value) -> Value {
    let bodies = bodies.as_array().unwrap().iter();
    bodies
        .map(|body| (body["Name"].as_str().unwrap().to_owned(), body.clone()))
        .collect()
}

/// The recorded body without what an old API or the recorder itself put there.
fn without_recorders(mut body: Value) -> Value {
    match &mut body {
        Value::Object(fields) => {
            for key in ["CheckDuplicate", "SecretID", "ConfigID"] {
                fields.remove(key);
            }
            if let Some(Value::String(id)) = fields.get_mut("Config") {
                *id = id.trim_start_matches("configs-").to_owned();
            }
            for (key, value) in fields {
                *value = without_recorders(value.take());
                if matches!(key.as_str(), "Configs" | "Secrets") {
                    sort_references(value);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_recorders(item.take());
            }
        }
        _ => {}
    }
    body
}

/// Docker's client sorts references by name only, so those of the same name come in any order.
fn sort_references(references: &mut Value) {
    let key = |reference: &Value| {
        let name = ["ConfigName", "SecretName"].map(|key| reference[key].to_string());
        (
            name,
            reference.get("Runtime").is_some(),
            reference["File"]["Name"].to_string(),
        )
    };
    references.as_array_mut().unwrap().sort_by_key(key);
}

fn compare(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = format!("{path}.{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => compare(&path, a, b, found),
                    (a, b) => found.push(format!("{path}: ours {a:?}, Docker {b:?}")),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{index}]"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{path}: ours {a}, Docker {b}")),
    }
}
