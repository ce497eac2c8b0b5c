//! `stacks.yaml`: a list of `- name: <stack>`, each with what else is to be said of it.

use std::time::Duration;

use super::entry::Entry;
use super::shape::{self, STACK, STACKS};
use super::{
    OnFailure, Seen, SelfHeal, StackEntry, StackOptions, all_or_nothing, dependencies, paths,
    variables,
};
use crate::decode::{self, did_you_mean};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::duration::{InvalidDuration, parse_go_duration};
use crate::field::{Field, Text};
use crate::names::StackName;
use crate::plan::ignore;
use crate::source::{FileId, Sources};
use crate::yaml::{self, Node, Value};

/// Reads `stacks.yaml`. An empty list is allowed, with a warning.
pub fn parse_stacks(
    sources: &Sources,
    file: FileId,
    out: &mut Diagnostics,
) -> Option<Vec<StackEntry>> {
    all_or_nothing(out, |out| {
        let root = yaml::parse(sources, file, out)?;
        let items = STACKS.items(&root, out)?;
        if items.is_empty() {
            let message = "`stacks.yaml` lists no stack";
            out.push(
                Diagnostic::warning("no-stacks", root.span, message)
                    .hint("Add `- name: web` for a stack in the folder `web`."),
            );
        }
        let mut names = Vec::new();
        let entries: Vec<_> = items
            .iter()
            .filter_map(|item| entry(item, sources, &mut names, out))
            .collect();
        let mut seen = Seen::default();
        for name in &names {
            seen.add(name, "name", out);
        }
        dependencies::check(&entries, &names, out);
        Some(entries)
    })
}

/// One stack; its name is added to `names`, also when it cannot be one.
fn entry(
    item: &Node,
    sources: &Sources,
    names: &mut Vec<Text>,
    out: &mut Diagnostics,
) -> Option<StackEntry> {
    let entry = STACK.read(item, out)?;
    let name = entry.text(&shape::STACK_NAME, out);
    names.extend(name.clone());
    let name = name.and_then(|name| stack_name(&name, out));
    let path = entry.text(&shape::STACK_PATH, out);
    let path = path.and_then(|path| folder(&path, out));
    let compose_files = files(&entry, &shape::STACK_FILES, out);
    let env_files = files(&entry, &shape::STACK_ENV_FILES, out);
    let (env, options) = (env(&entry, sources, out), options(&entry, out));
    Some(StackEntry {
        name: name?,
        path,
        files: compose_files,
        env,
        env_files,
        options,
    })
}

fn stack_name(name: &Text, out: &mut Diagnostics) -> Option<Field<StackName>> {
    let parsed = StackName::parse(&name.value);
    let failed = |error: crate::names::InvalidStackName| {
        let problem = Diagnostic::error("bad-stack-name", name.span, error.to_string());
        out.push(problem.hint("Name the stack and its folder alike, such as `web`."));
    };
    parsed.map_err(failed).ok().map(|parsed| name.with(parsed))
}

fn folder(path: &Text, out: &mut Diagnostics) -> Option<Text> {
    let clean = paths::folder(&path.value);
    let clean = clean.map_err(|why| out.push(why.at("path", path)));
    clean.ok().map(|clean| path.with(clean))
}

fn files(entry: &Entry<'_>, key: &shape::Key, out: &mut Diagnostics) -> Vec<Text> {
    let files = entry.texts(key, out);
    for file in &files {
        if let Err(why) = paths::beside(&file.value) {
            out.push(why.at("path", file));
        }
    }
    files
}

fn env(entry: &Entry<'_>, sources: &Sources, out: &mut Diagnostics) -> Vec<(Text, Text)> {
    let pairs = entry.pairs(&shape::STACK_ENV, sources, out);
    for (name, _) in &pairs {
        variables::is_name(name, out);
    }
    pairs
}

fn options(entry: &Entry<'_>, out: &mut Diagnostics) -> StackOptions {
    let depends_on = entry.texts(&shape::STACK_DEPENDS_ON, out);
    let names = depends_on.iter().filter_map(|name| stack_name(name, out));
    let depends_on = names.collect();
    let on_failure = entry.text(&shape::STACK_ON_FAILURE, out);
    let self_heal = match entry.flag(&shape::STACK_SELF_HEAL, out) {
        Some(false) => SelfHeal::No,
        Some(true) | None => SelfHeal::Yes,
    };
    StackOptions {
        depends_on,
        timeout: timeout(entry, out),
        on_failure: on_failure.map_or_else(OnFailure::default, |word| self::on_failure(&word, out)),
        self_heal,
        ignore_drift: ignore_drift(entry, out),
        suspend: entry.flag(&shape::STACK_SUSPEND, out).unwrap_or_default(),
    }
}

/// As in compose files, but more than nothing.
fn timeout(entry: &Entry<'_>, out: &mut Diagnostics) -> Option<Duration> {
    let node = entry.get(&shape::STACK_TIMEOUT)?;
    let hint = InvalidDuration::Malformed.hint();
    let Value::Text(text) = &node.value else {
        let mut problem = decode::wrong_type(node, "`timeout`", "a duration");
        problem.hint = hint;
        out.push(problem);
        return None;
    };
    let positive = text.contains(|c: char| matches!(c, '1'..='9'));
    let told = match parse_go_duration(text) {
        Ok(time) if positive && time >= 0 => {
            return Some(Duration::from_nanos(time.unsigned_abs()));
        }
        Ok(_) => "`timeout` must be longer than nothing".to_owned(),
        Err(error) => format!("`timeout` is not a duration: {error}"),
    };
    let mut problem = Diagnostic::error("invalid-duration", node.span, told);
    problem.hint = hint;
    out.push(problem);
    None
}

fn on_failure(word: &Text, out: &mut Diagnostics) -> OnFailure {
    match word.value.as_str() {
        "rollback" => OnFailure::Rollback,
        "pause" => OnFailure::Pause,
        "continue" => OnFailure::Continue,
        "remove" => OnFailure::Remove,
        other => {
            let form = &shape::STACK_ON_FAILURE.form;
            let message = format!("`on_failure` must be {}", form.choice());
            let hint = did_you_mean(other, form.words(), || {
                "Remove it for `rollback`, the default.".to_owned()
            });
            out.push(Diagnostic::error("bad-word", word.span, message).hint(hint));
            OnFailure::default()
        }
    }
}

fn ignore_drift(entry: &Entry<'_>, out: &mut Diagnostics) -> Vec<Text> {
    let fields = entry.texts(&shape::STACK_IGNORE_DRIFT, out);
    for field in fields
        .iter()
        .filter(|field| !ignore::is_known(&field.value))
    {
        let shown = field.value.escape_debug();
        let message = format!("`{shown}` is no field that can be ignored");
        let hint = did_you_mean(&field.value, ignore::words(), || {
            "Name a field as `plan` shows it, such as `deploy.replicas`, `image`, `environment.TAG` \
             or `deploy.labels.team`; `dockerops schema stacks` lists them all."
                .to_owned()
        });
        out.push(Diagnostic::error("unknown-field", field.span, message).hint(hint));
    }
    fields
}
