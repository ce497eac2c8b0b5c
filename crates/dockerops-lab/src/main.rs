//! `dockerops-lab`: labs for `./dev`, for tests and for working by hand.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development tool that talks to its terminal"
)]

mod bench;
mod by_hand;
mod chaos;
mod demo;
mod guide;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use dockerops_lab::{LabError, anchor, keeper, serve};

/// A throwaway Swarm with its registry and Git servers.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring a lab up that stays until `down`
    Up {
        /// How many nodes it has
        #[arg(long, default_value_t = 1)]
        nodes: usize,
    },
    /// Take every lab down, or the one in FOLDER
    Down {
        /// The lab's folder
        folder: Option<PathBuf>,
    },
    /// Show the labs of this machine
    Status,
    /// Remove what labs left whose keeper was killed
    Clean,
    /// Run a command with a lab of its own, named by `DOCKEROPS_LAB`
    Run {
        /// How many nodes it has
        #[arg(long, default_value_t = 1)]
        nodes: usize,
        /// The command
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Push a stub image to the lab that `DOCKEROPS_LAB` names
    Push {
        /// The image's name
        name: String,
        /// Its tag
        tag: String,
        /// What decides its digest
        marker: String,
    },
    /// Commit the files of FOLDER to a repository of the lab that `DOCKEROPS_LAB` names
    Repository {
        /// The repository's name; made when missing
        name: String,
        /// The folder whose files become the next commit
        folder: PathBuf,
    },
    /// Tell the story of dockerops on a real Swarm
    Demo {
        /// Leave the lab and what runs on it
        #[arg(long)]
        keep: bool,
    },
    /// Measure dockerops against the usual cron script
    Bench {
        /// How often each row is measured
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Only this table
        #[arg(long)]
        only: Option<bench::Part>,
    },
    /// Kill deploys at random moments, and check where the next run ends
    Chaos(chaos::Options),
    /// Type what the documentation tells to type, on a machine that is booted in the lab; removes the lab's repositories
    Guide(guide::Options),
    /// Keep a lab until the end of standard input
    #[command(hide = true)]
    Keep {
        #[arg(long)]
        nodes: usize,
        /// Keep it until a signal comes
        #[arg(long)]
        detached: bool,
    },
    /// Hold a lab's processes together
    #[command(hide = true)]
    Anchor,
    /// Serve Git for the lab in FOLDER
    #[command(hide = true)]
    ServeGit { folder: PathBuf },
    /// Give tokens for the registry of the lab in FOLDER
    #[command(hide = true)]
    ServeToken { folder: PathBuf },
    /// Stand for the internet in the lab in FOLDER
    #[command(hide = true)]
    ServeInternet { folder: PathBuf },
    /// Forward `from=to`
    #[command(hide = true)]
    Relay { pairs: Vec<String> },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", error.report());
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, LabError> {
    match command {
        Command::Up { nodes } => by_hand::up(nodes)?,
        Command::Down { folder } => by_hand::down(folder)?,
        Command::Status => by_hand::status(),
        Command::Clean => by_hand::clean(),
        Command::Run { nodes, command } => return by_hand::run(nodes, &command),
        Command::Push { name, tag, marker } => by_hand::push(&name, &tag, &marker)?,
        Command::Repository { name, folder } => by_hand::repository(&name, &folder)?,
        Command::Demo { keep } => by_hand::demo(keep)?,
        Command::Bench { rounds, only } => bench::run(&by_hand::named_lab()?, rounds, only)?,
        Command::Chaos(options) => chaos::run(&by_hand::named_lab()?, &options)?,
        Command::Guide(options) => guide::run(&by_hand::named_lab()?, &options)?,
        Command::Keep { nodes, detached } => {
            let until = if detached {
                keeper::Until::Signal
            } else {
                keeper::Until::OwnerEnds
            };
            keeper::keep(nodes, until)?;
        }
        Command::Anchor => anchor::stay(),
        Command::ServeGit { folder } => serve_until_killed(serve::git::serve(folder))?,
        Command::ServeToken { folder } => serve_until_killed(serve::token::serve(folder))?,
        Command::ServeInternet { folder } => serve_until_killed(serve::internet::serve(folder))?,
        Command::Relay { pairs } => serve_until_killed(async move {
            futures_util::future::try_join_all(pairs.iter().map(|pair| serve::relay::relay(pair)))
                .await
                .map(|_| ())
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

fn serve_until_killed(server: impl Future<Output = std::io::Result<()>>) -> Result<(), LabError> {
    let io = |doing: &str| {
        let doing = doing.to_owned();
        move |source| LabError::Io { doing, source }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime
        .map_err(io("cannot start a runtime"))?
        .block_on(server)
        .map_err(io("cannot serve"))
}
