//! Parity: for every compose file that Docker deploys, our bodies equal those that its client sends.
//!
//! Two oracles: stacks of our own in `tests/parity/`, each beside the bodies that
//! Docker's client 28.2.2 sent for it (recorded as if the folder were `/PARITY`), and the corpus of real stacks, where
//! one lies at `$DOCKEROPS_CORPUS` or beside the workspace. What Docker refuses
//! must be refused here, too, with a place and a way out.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod parity_support;

use std::path::{Path, PathBuf};

use dockerops_core::compose::Compat;
use dockerops_core::diagnostic::{Diagnostic, Severity};
use parity_support::{Loaded, Project, differences, read_json, say};
use serde_json::Value;

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity")
}

/// The corpus; `None` when there is none, which is said aloud.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let set = std::env::var_os("DOCKEROPS_CORPUS").map(PathBuf::from);
    let folder = set.unwrap_or(beside);
    if folder.join("expected").is_dir() {
        return Some(folder);
    }
    say("corpus: absent");
    None
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap().to_str().unwrap().to_owned()
}

/// What differs from the recorded bodies, or why there are none: with and without `--compat docker`.
fn compare(project: &Project, expected: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for compat in [Compat::Docker, Compat::Specification] {
        let loaded = project.load(compat);
        match &loaded.spec {
            Some(spec) => found.extend(differences(spec, &read_json(expected))),
            None => found.push(loaded.complaints()),
        }
    }
    found
}

#[test]
fn our_own_stacks_equal_what_docker_sends() {
    let mut failed = Vec::new();
    let mut count = 0;
    for folder in sorted(&own()) {
        count += 1;
        let mut project = Project::new(
            &folder.join("compose.yml"),
            &format!("/PARITY/{}", name(&folder)),
        );
        project.read_environment(&folder.join("env"));
        project.merge(&folder.join("compose.override.yml"));
        let found = compare(&project, &folder.join("expected.json"));
        if !found.is_empty() {
            failed.push(format!("{}:\n{}", folder.display(), found.join("\n")));
        }
    }
    say(&format!(
        "parity: {} of {count} own stacks equal",
        count - failed.len()
    ));
    assert!(failed.is_empty() && count > 0, "{}", failed.join("\n\n"));
}

#[test]
fn every_stack_of_the_corpus_equals_what_docker_sends() {
    let Some(corpus) = corpus() else { return };
    let (mut equal, mut failed) = (0, Vec::new());
    for folder in sorted(&corpus) {
        let slug = name(&folder);
        let number = slug.split('-').next().unwrap();
        let expected = corpus.join(format!("expected/{number}.deploy.json"));
        if !expected.exists() || read_json(&expected)["rc"] != 0 {
            continue;
        }
        let mut project = Project::new(
            &folder.join("docker-compose.yml"),
            &format!("/CORPUS/{slug}"),
        );
        project.read_environment(&folder.join("env"));
        let found = compare(&project, &expected);
        if found.is_empty() {
            equal += 1;
        } else {
            failed.push(format!("{slug}:\n{}", found.join("\n")));
        }
    }
    say(&format!(
        "corpus: {equal} of {} stacks equal",
        equal + failed.len()
    ));
    assert!(failed.is_empty() && equal > 0, "{}", failed.join("\n\n"));
}

#[test]
fn every_faulty_file_of_the_corpus_is_refused_or_warned_of() {
    let Some(corpus) = corpus() else { return };
    let index = read_json(&corpus.join("bad/index.json"));
    let index = index.as_array().unwrap();
    let mut failed = Vec::new();
    for entry in index {
        let number = entry["nn"].as_str().unwrap();
        let mut project = Project::new(&corpus.join(format!("bad/{number}.yml")), "/CORPUS/bad");
        project.set_environment(&entry["env"]);
        if number == "37" {
            project
                .files
                .insert("config.yml".to_owned(), b"v: 1\n".to_vec());
        }
        if let Err(reason) = judge(entry, &mut project) {
            failed.push(format!("{number}: {reason}"));
        }
    }
    let good = index.len() - failed.len();
    say(&format!("corpus: {good} of {} faulty files", index.len()));
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// Whether we say of a faulty file what issue and index ask for.
fn judge(entry: &Value, project: &mut Project) -> Result<(), String> {
    let loaded = project.load(Compat::Specification);
    match entry["nn"].as_str().unwrap() {
        "11" => warned(&loaded, "$2a"),
        "35" => warned(&loaded, "links"),
        "37" => {
            deployed(&loaded)?;
            project
                .files
                .insert("config.yml".to_owned(), b"v: 2\n".to_vec());
            deployed(&project.load(Compat::Specification))
        }
        _ => {
            refused(&loaded)?;
            refused(&project.load(Compat::Docker))
        }
    }
}

fn refused(loaded: &Loaded) -> Result<(), String> {
    if loaded.spec.is_some() {
        return Err("accepted, but Docker refuses it".to_owned());
    }
    let errors: Vec<&Diagnostic> = loaded.diagnostics.errors().collect();
    let complete = |d: &&Diagnostic| {
        d.span.is_some_and(|s| s.line > 0 && s.column > 0)
            && d.hint.as_ref().is_some_and(|h| !h.is_empty())
    };
    if errors.is_empty() || !errors.iter().all(complete) {
        return Err(format!(
            "an error lacks place or hint: {}",
            loaded.complaints()
        ));
    }
    Ok(())
}

fn deployed(loaded: &Loaded) -> Result<(), String> {
    match &loaded.spec {
        Some(_) => Ok(()),
        None => Err(format!("refused: {}", loaded.complaints())),
    }
}

/// Accepted, with a warning that says what is wrong, where, and what to do.
fn warned(loaded: &Loaded, of: &str) -> Result<(), String> {
    deployed(loaded)?;
    let named = |d: &&Diagnostic| d.severity == Severity::Warning && d.message.contains(of);
    let warning = loaded.diagnostics.0.iter().find(named);
    let warning =
        warning.ok_or_else(|| format!("no warning of `{of}`: {}", loaded.complaints()))?;
    match (warning.span, &warning.hint) {
        (Some(_), Some(_)) => Ok(()),
        _ => Err(format!(
            "the warning lacks place or hint: {}",
            loaded.complaints()
        )),
    }
}
