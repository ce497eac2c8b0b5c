//! The book: what `docs/` and the READMEs say can be followed, in English and in French.
//!
//! Links lead somewhere, every command line is one that the program takes, every command and flag
//! is told of, and both languages have the same pages with the same examples.
//!
//! `UPDATE=1 cargo test -p dockerops --test book` writes `docs/reference/commands.md` anew.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod book {
    pub mod commands;
    pub mod links;
    pub mod page;
    pub mod reference;
}

use std::collections::BTreeSet;
use std::fs;

use book::page::{Page, names_in, pages, root};
use book::{commands, links, reference};
use clap::{CommandFactory, Parser};
use dockerops::cli::Cli;

/// Pages of the French guide beyond those of the English one, from `docs/fr`.
const FRENCH_GUIDE: &str = "docs/fr/guide";
const ENGLISH_GUIDE: &str = "docs/guide";

#[test]
fn every_page_in_a_summary_exists_and_lies_in_its_book() {
    for book in ["docs", "docs/fr"] {
        let folder = root().join(book);
        let settings = fs::read_to_string(folder.join("book.toml")).unwrap();
        assert!(settings.contains("src = \".\""), "{book}/book.toml");
        let listed = links::summary(&folder);
        assert!(listed.len() > 10, "{book}/SUMMARY.md lists {listed:?}");
        let wrong: Vec<_> = listed
            .iter()
            .filter(|page| page.starts_with("..") || !folder.join(page).is_file())
            .collect();
        assert_eq!(wrong, Vec::<&String>::new(), "{book}/SUMMARY.md");
    }
}

#[test]
fn every_page_for_users_is_in_a_summary() {
    let own = ["SUMMARY.md", "spec-rows.md"];
    for book in ["docs", "docs/fr"] {
        let folder = root().join(book);
        let listed: BTreeSet<String> = links::summary(&folder).into_iter().collect();
        let there = names_in(&folder).into_iter().filter(|page| {
            let of_the_other_book = book == "docs" && page.starts_with("fr/");
            !of_the_other_book && !own.contains(&page.as_str())
        });
        let missing: Vec<_> = there.filter(|page| !listed.contains(page)).collect();
        assert_eq!(missing, Vec::<String>::new(), "not in {book}/SUMMARY.md");
    }
}

#[test]
fn every_link_in_the_docs_leads_to_a_file_and_a_heading() {
    let wrong: Vec<String> = pages().iter().flat_map(links::broken).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_command_line_in_the_docs_is_one_that_the_program_takes() {
    let lines: Vec<_> = pages().iter().flat_map(commands::lines).collect();
    assert!(lines.len() > 100, "found {} command lines", lines.len());
    let wrong: Vec<String> = lines.iter().filter_map(refusal).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

fn refusal(line: &commands::Line) -> Option<String> {
    let error = Cli::try_parse_from(&line.words).err()?;
    let shown = error.to_string();
    let why = shown.lines().next().unwrap_or_default();
    error
        .use_stderr()
        .then(|| format!("{}: `{}`: {why}", line.page, line.words.join(" ")))
}

/// Flags that only the page of all commands tells of, and why that is enough.
const TOLD_BY_THE_REFERENCE_ALONE: [(&str, &str); 2] = [
    ("help", "every program has it"),
    ("version", "of the program itself; the command `version` is told of"),
];

#[test]
fn the_docs_tell_of_every_command_and_every_flag() {
    let generated = |page: &Page| page.path == reference::PAGE;
    let text: String = pages()
        .iter()
        .filter(|page| !generated(page) && !page.path.starts_with("docs/fr/"))
        .map(|page| page.text.as_str())
        .collect();
    let known = |flag: &str| TOLD_BY_THE_REFERENCE_ALONE.iter().any(|(name, _)| *name == flag);
    let missing: Vec<String> = reference::all(&Cli::command())
        .iter()
        .flat_map(|command| {
            let name = command.get_name().to_owned();
            let named = text.contains(&format!("`{name}")) || text.contains(&format!("dockerops {name}"));
            let flags = command.get_arguments().filter_map(clap::Arg::get_long);
            let flags = flags.filter(|flag| !known(flag) && !text.contains(&format!("--{flag}")));
            let flags: Vec<String> = flags.map(|flag| format!("{name} --{flag}")).collect();
            flags.into_iter().chain((!named).then_some(name))
        })
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn the_page_of_commands_says_what_the_program_says() {
    let path = root().join(reference::PAGE);
    let page = reference::page(&Cli::command());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "run `UPDATE=1 cargo test -p dockerops --test book`"
    );
}

#[test]
fn the_guide_has_the_same_pages_in_english_and_in_french() {
    let english = names_in(&root().join(ENGLISH_GUIDE));
    let french = names_in(&root().join(FRENCH_GUIDE));
    assert!(english.len() > 10, "{english:?}");
    assert_eq!(english, french);
}

#[test]
fn the_guide_has_the_same_examples_in_english_and_in_french() {
    let pages = pages();
    let find = |path: String| pages.iter().find(|page| page.path == path).unwrap();
    for name in names_in(&root().join(ENGLISH_GUIDE)) {
        let english = find(format!("{ENGLISH_GUIDE}/{name}")).examples();
        let french = find(format!("{FRENCH_GUIDE}/{name}")).examples();
        for (english, french) in english.iter().zip(&french) {
            assert_eq!(english, french, "an example of {name}");
        }
        assert_eq!(english.len(), french.len(), "examples of {name}");
    }
}
