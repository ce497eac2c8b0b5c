//! The table of codes is whole, and its page says the same.
//!
//! `UPDATE=1 cargo test -p dockerops --test codes` writes the page anew.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dockerops_core::codes;

#[test]
fn every_code_in_use_has_a_number_and_every_number_is_in_use() {
    let texts: Vec<String> = sources().map(|file| program(&file)).collect();
    let known: BTreeSet<String> = codes::all().map(|code| code.name.to_owned()).collect();
    let used: BTreeSet<String> = texts.iter().flat_map(|text| used(text)).collect();
    let without: Vec<_> = used.difference(&known).collect();
    let unused: Vec<_> = known.difference(&used).collect();
    assert!(without.is_empty(), "give a number to {without:?}");
    assert!(unused.is_empty(), "no diagnostic has the code {unused:?}");
}

#[test]
fn the_page_of_codes_says_what_the_table_says() {
    let path = root().join("docs/reference/codes.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert!(
        written == page,
        "run `UPDATE=1 cargo test -p dockerops --test codes`"
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file of the core and of the program, but for the table.
fn sources() -> impl Iterator<Item = PathBuf> {
    let folders = ["crates/dockerops-core/src", "crates/dockerops/src"];
    let files = folders
        .into_iter()
        .flat_map(|folder| rust_files(&root().join(folder)));
    files.filter(|file| !file.components().any(|part| part.as_os_str() == "codes"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| {
            if path.is_dir() {
                return rust_files(&path);
            }
            vec![path]
        })
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

/// A file without its unit tests.
fn program(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].to_owned()
}

/// The codes of the diagnostics that a file makes.
///
/// A file that hands a code on in a variable names it elsewhere in its text: there,
/// every hyphenated literal counts.
fn used(text: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for maker in ["Diagnostic::error(", "Diagnostic::warning("] {
        for call in text.split(maker).skip(1) {
            match call.trim_start().strip_prefix('"') {
                Some(literal) => used.extend(literal.split('"').next().map(str::to_owned)),
                None => used.extend(hyphenated(text)),
            }
        }
    }
    used
}

fn hyphenated(text: &str) -> impl Iterator<Item = String> {
    let literals = text.split('"').skip(1).step_by(2);
    let is_code = |literal: &&str| {
        let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
        literal.contains('-') && literal.split('-').all(word)
    };
    literals.filter(is_code).map(str::to_owned)
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for group in codes::GROUPS {
        page += &format!("\n## {}\n\n{}\n", group.title, group.about);
        for code in group.codes {
            page += &format!(
                "\n### {code}\n\n`{}`: {}\n\n{} **{}**\n",
                code.name, code.meaning, code.cause, code.way_out
            );
        }
    }
    page
}

const INTRODUCTION: &str = "\
<!-- Written by `UPDATE=1 cargo test -p dockerops --test codes` from crates/dockerops-core/src/codes; a test holds it equal. -->

# Codes

Each mistake that DockerOps tells has a code: `error[DO026]` in a terminal, `\"id\": \"DO026\"` and
`\"code\": \"unknown-key\"` in JSON. A number is never used again for something else.
";
