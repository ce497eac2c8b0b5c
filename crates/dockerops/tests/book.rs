//! The book: what `docs/` and the READMEs say can be followed, in English and in French.
//!
//! Links lead somewhere, every command line is one that the program takes, every command and flag
//! is told of, and both languages have the same pages with the same examples.
//!
//! `UPDATE=1 cargo test -p dockerops --test book` writes `docs/reference/commands.md` anew.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod book {
    pub(crate) mod commands;
    pub(crate) mod links;
    pub(crate) mod messages;
    pub(crate) mod page;
    pub(crate) mod reference;
    pub(crate) mod repositories;
}

use std::collections::BTreeSet;
use std::fs;

use book::page::{Page, names_in, pages, root};
use book::{commands, links, messages, reference, repositories};
use clap::error::ErrorKind;
use clap::{Arg, Command, Parser};
use dockerops::cli::Cli;

const ENGLISH_GUIDE: &str = "docs/guide";
const FRENCH_GUIDE: &str = "docs/fr/guide";

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
fn every_file_of_ours_that_the_docs_name_is_there() {
    let gone: Vec<String> = pages().iter().flat_map(links::gone).collect();
    assert_eq!(gone, Vec::<String>::new());
}

#[test]
fn every_command_line_in_the_docs_is_one_that_the_program_takes() {
    let pages = pages();
    let lines = pages.iter().filter(|page| page.path != reference::PAGE);
    let lines: Vec<_> = lines.flat_map(commands::lines).collect();
    assert!(lines.len() > 100, "found {} command lines", lines.len());
    let wrong: Vec<String> = lines.iter().filter_map(refusal).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

fn refusal(line: &commands::Line) -> Option<String> {
    let error = Cli::try_parse_from(&line.words).err()?;
    let alone = [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    let is_a_name = line.in_a_sentence && alone.contains(&error.kind());
    let shown = error.to_string();
    let why = shown.lines().next().unwrap_or_default();
    (error.use_stderr() && !is_a_name)
        .then(|| format!("{}: `{}`: {why}", line.page, line.words.join(" ")))
}

#[test]
fn every_repository_of_the_examples_is_without_mistakes() {
    let pages = pages();
    let examples = ["first-stack.md", "examples.md", "repository.md"];
    let examples = pages.iter().filter(|page| {
        let mut names = examples.iter();
        names.any(|name| page.path.ends_with(&format!("guide/{name}")))
    });
    let repositories: Vec<_> = examples.flat_map(repositories::of).collect();
    assert_eq!(repositories.len(), 12);
    let wrong: Vec<String> = repositories.iter().filter_map(mistakes).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_file_that_the_docs_show_alone_is_without_mistakes() {
    let pages = pages();
    let files: Vec<_> = pages
        .iter()
        .flat_map(repositories::of_single_files)
        .collect();
    assert_eq!(files.len(), 11);
    let wrong: Vec<String> = files.iter().filter_map(mistakes).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

fn mistakes(repository: &repositories::Example) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    repository.write(folder.path());
    let mut program = assert_cmd::Command::new(env!("CARGO_BIN_EXE_dockerops"));
    let told = program.arg("validate").arg(folder.path()).output().unwrap();
    let shown = String::from_utf8_lossy(&told.stdout).into_owned();
    (!told.status.success()).then(|| format!("{}: {shown}", repository.place))
}

/// Messages of Docker's own, which the program repeats.
const DOCKERS_OWN: [&str; 4] = [
    "executable file not found in $PATH",
    "starting container failed",
    "bind source path does not exist:",
    "task: non-zero exit (1)",
];

#[test]
fn every_message_that_troubleshooting_begins_with_is_one_of_the_program() {
    let pages = pages();
    let troubles = pages.iter();
    let troubles = troubles.filter(|page| page.path.ends_with("guide/troubleshooting.md"));
    let told: Vec<String> = troubles.flat_map(messages::told).collect();
    assert!(told.len() > 100, "found {} messages", told.len());
    let program = messages::of_the_program();
    let unknown: Vec<_> = told
        .iter()
        .filter(|words| !DOCKERS_OWN.contains(&words.as_str()) && !program.contains(*words))
        .collect();
    assert_eq!(unknown, Vec::<&String>::new());
}

#[test]
fn the_docs_tell_of_every_command_and_every_flag() {
    let by_hand = |page: &Page| page.path != reference::PAGE && !page.path.starts_with("docs/fr/");
    let text: String = pages()
        .into_iter()
        .filter(by_hand)
        .map(|page| page.text)
        .collect();
    let untold: Vec<String> = reference::all()
        .iter()
        .flat_map(|command| untold(command, &text))
        .collect();
    assert_eq!(untold, Vec::<String>::new());
}

#[test]
fn the_docs_tell_of_every_setting_in_both_languages() {
    for page in ["docs/reference/settings.md", "docs/fr/reference.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let untold = dockerops::settings::NAMES.into_iter();
        let untold: Vec<_> = untold
            .filter(|name| !text.contains(&format!("`{name}`")))
            .collect();
        assert_eq!(untold, Vec::<&str>::new(), "{page}");
    }
}

/// Of a command and its flags, what `text` does not name.
fn untold(command: &Command, text: &str) -> Vec<String> {
    let name = command.get_name();
    let flag = |arg: &Arg| {
        let long = format!("--{}", arg.get_long()?);
        let short = arg.get_short().map(|short| format!("-{short}"));
        let told = text.contains(&long)
            || short.is_some_and(|it| {
                text.contains(&format!("`{it}")) || text.contains(&format!(" {it} "))
            });
        (!told).then(|| format!("{name} {long}"))
    };
    let named = text.contains(&format!("dockerops {name}"));
    let flags = reference::arguments(command).filter_map(flag);
    flags.chain((!named).then(|| name.to_owned())).collect()
}

#[test]
fn the_page_of_commands_says_what_the_program_says() {
    let path = root().join(reference::PAGE);
    let page = reference::page();
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
fn guide_and_readme_have_the_same_examples_in_english_and_in_french() {
    let pages = pages();
    let find = |path: String| pages.iter().find(|page| page.path == path).unwrap();
    let guide = names_in(&root().join(ENGLISH_GUIDE))
        .into_iter()
        .map(|name| {
            let french = format!("{FRENCH_GUIDE}/{name}");
            (format!("{ENGLISH_GUIDE}/{name}"), french)
        });
    let readme = ("README.md".to_owned(), "README.fr.md".to_owned());
    for (name, french) in guide.chain([readme]) {
        let french = find(french).examples();
        let english = find(name.clone()).examples();
        for (english, french) in english.iter().zip(&french) {
            assert_eq!(english, french, "an example of {name}");
        }
        assert_eq!(english.len(), french.len(), "examples of {name}");
    }
}
