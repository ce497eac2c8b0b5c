//! `dockerops man`: the manual pages, made from what the program knows of itself; needs nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use dockerops_core::report::Problem;
use serde_json::json;

use super::output::Output;
use super::{Cli, Exit};
use crate::reconcile::problem;

/// Write the manual pages, one a command, into a folder
///
/// For `man dockerops-plan` to find them: `sudo dockerops man /usr/local/share/man/man1`. Pages of
/// another version that are there are written over.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// The folder to write to; it is made when it is missing
    folder: PathBuf,
}

/// Why there are no manual pages.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the manual pages into `{}`", .folder.display())]
struct ManError {
    folder: PathBuf,
    source: io::Error,
}

pub(super) fn run(args: &ManArgs, out: &mut Output) -> Result<Exit, Problem> {
    let folder = args.folder.as_path();
    let files = write(folder).map_err(|source| {
        let hint = "Name a folder that you may write to.".to_owned();
        let folder = folder.to_owned();
        problem(&ManError { folder, source }, Some(hint))
    })?;
    let shown = folder.display().to_string();
    let text = format!("wrote {} pages into `{shown}`\n", files.len());
    out.answer(&text, json!({"folder": shown, "files": files}));
    Ok(Exit::Ok)
}

/// Gives the names of the pages, in the order of the commands.
fn write(folder: &Path) -> io::Result<Vec<String>> {
    fs::create_dir_all(folder)?;
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let commands = program.get_subcommands();
    let pages = std::iter::once(&program).chain(commands);
    pages.map(|command| page(folder, command)).collect()
}

fn page(folder: &Path, command: &clap::Command) -> io::Result<String> {
    let version = concat!("dockerops ", env!("CARGO_PKG_VERSION"));
    let page = clap_mangen::Man::new(command.clone()).source(version);
    let name = page.get_filename();
    page.generate_to(folder)?;
    Ok(name)
}
