//! The page of all commands, made from what the program itself knows of them.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};
use dockerops::cli::Cli;

/// Where the page is.
pub(crate) const PAGE: &str = "docs/reference/commands.md";

const HEAD: &str = "<!-- Written by `UPDATE=1 cargo test -p dockerops --test book` from the program; a test holds it equal. -->

# Commands

Each command answers on standard output and talks on standard error. `-o json` (`--output json`) makes the answer [one for
programs](json.md). A command exits with 0 when all is well, 1 when something failed, 2 where `--exit-code` says so, and 130
when it was interrupted.
";

/// Every command of the program, but for `help`.
pub(crate) fn all() -> Vec<Command> {
    let mut program = Cli::command();
    program.build();
    let commands = program.get_subcommands().cloned();
    commands
        .filter(|command| command.get_name() != "help")
        .collect()
}

/// What a command has beyond what all have.
pub(crate) fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    let arguments = command.get_arguments();
    arguments.filter(|arg| !arg.is_global_set() && arg.get_long() != Some("help"))
}

pub(crate) fn page() -> String {
    let mut page = HEAD.to_owned();
    for command in all() {
        section(&command, &mut page);
    }
    page
}

fn section(command: &Command, page: &mut String) {
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let (places, flags): (Vec<&Arg>, Vec<&Arg>) =
        arguments(command).partition(|arg| arg.is_positional());
    let usage: String = places
        .iter()
        .flat_map(|arg| [" ".to_owned(), arg.to_string()])
        .collect();
    let _ = write!(
        page,
        "\n## {}\n\n{}\n",
        command.get_name(),
        sentence(&about)
    );
    let _ = write!(
        page,
        "\n```\ndockerops {}{usage}\n```\n",
        command.get_name()
    );
    if places.len() + flags.len() > 0 {
        page.push_str("\n| | |\n|---|---|\n");
    }
    for arg in places.into_iter().chain(flags) {
        let _ = writeln!(page, "| `{}` | {} |", bars(&shown(arg)), bars(&cell(arg)));
    }
}

/// `-c`, `--compose-file <FILE>`.
fn shown(arg: &Arg) -> String {
    let long = arg.to_string();
    match arg.get_short() {
        Some(short) if !arg.is_positional() => format!("-{short}`, `{long}"),
        _ => long,
    }
}

fn cell(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help());
    let mut text = help.map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if arg.get_action().takes_values() && !values.is_empty() {
        let _ = write!(text, "; one of {}", values.join(", "));
    }
    let default: Vec<_> = arg
        .get_default_values()
        .iter()
        .filter_map(|v| v.to_str())
        .collect();
    if arg.get_action().takes_values() && !default.is_empty() {
        let _ = write!(text, " [default: {}]", default.join(" "));
    }
    escaped(&text.replace("\n\n", " ").replace('\n', " "))
}

fn sentence(about: &str) -> String {
    let (first, rest) = about.split_once('\n').unwrap_or((about, ""));
    escaped(format!("{first}.\n{rest}").trim_end())
}

/// `<URL>` in a sentence would be taken for HTML; within code it stays.
fn escaped(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(index, part)| match index % 2 {
        0 => part.replace('<', "\\<"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("`")
}

/// A bar would end the cell, also within code.
fn bars(text: &str) -> String {
    text.replace('|', "\\|")
}
