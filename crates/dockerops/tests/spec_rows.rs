//! `docs/spec-rows.md` maps every promise to a test; this holds the map to be true.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_promise_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let known = test_names(&root.join("crates"));
    let map = fs::read_to_string(root.join("docs/spec-rows.md")).unwrap();
    let wrong: Vec<String> = rows(&map)
        .filter_map(|(promise, tests)| problem(promise, tests, &known))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

/// The rows of all tables: (promise, tests).
fn rows(map: &str) -> impl Iterator<Item = (&str, &str)> {
    map.lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| promise"))
        .map(|line| {
            line.trim_matches('|')
                .rsplit_once(" | ")
                .unwrap_or((line, ""))
        })
}

fn problem(promise: &str, tests: &str, known: &BTreeSet<String>) -> Option<String> {
    let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
    if named.is_empty() {
        return Some(format!("no test holds:{promise}"));
    }
    let missing: Vec<_> = named
        .into_iter()
        .filter(|name| !known.contains(*name))
        .collect();
    (!missing.is_empty()).then(|| format!("no such test: {}", missing.join(", ")))
}

/// The names of all functions that carry a test attribute.
fn test_names(folder: &Path) -> BTreeSet<String> {
    rust_files(folder)
        .iter()
        .flat_map(|file| tests_of(&fs::read_to_string(file).unwrap()))
        .collect()
}

fn tests_of(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if !(line.starts_with("#[test]") || line.starts_with("#[tokio::test")) {
            continue;
        }
        let signature = lines.by_ref().find(|line| line.contains("fn "));
        let name = signature.and_then(|line| line.split("fn ").nth(1)?.split(['(', '<']).next());
        names.extend(name.map(str::to_owned));
    }
    names
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true if path.ends_with("target") => Vec::new(),
            true => rust_files(&path),
            false if path.extension().is_some_and(|e| e == "rs") => vec![path],
            false => Vec::new(),
        })
        .collect()
}
