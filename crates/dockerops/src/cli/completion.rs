//! `dockerops completion`: what a shell needs to complete our command lines; needs nothing.

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use super::output::Output;
use super::{Cli, Exit};

/// Print the script with which a shell completes commands and flags
///
/// For bash: `dockerops completion bash > /etc/bash_completion.d/dockerops`. For zsh, into a file
/// `_dockerops` in a folder of `$fpath`; for fish, into `~/.config/fish/completions/dockerops.fish`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Completed,
}

/// A shell that we try the script of.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Completed {
    Bash,
    Zsh,
    Fish,
}

impl Completed {
    fn shell(self) -> Shell {
        match self {
            Self::Bash => Shell::Bash,
            Self::Zsh => Shell::Zsh,
            Self::Fish => Shell::Fish,
        }
    }
}

pub(super) fn run(args: &CompletionArgs, out: &mut Output) -> Exit {
    let shell = args.shell.shell();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "dockerops", &mut script);
    let script = String::from_utf8_lossy(&script);
    out.answer(
        &script,
        json!({"shell": shell.to_string(), "script": script}),
    );
    Exit::Ok
}
