//! The command line: one file per command, and the only place that prints.
//!
//! A command parses nothing twice and decides nothing: it checks who may run it,
//! calls `reconcile` (or a pure function of the core), and shows the answer.
//! The answer goes to stdout, everything else to stderr.

mod completion;
mod debug_cache;
mod deploy;
mod deployed;
mod diff;
mod doctor;
mod exit;
mod history;
mod init;
mod limits;
mod log;
mod logs;
mod man;
mod offline;
mod output;
mod plan;
mod policy;
mod progress;
mod reconcile;
mod render;
mod retry;
mod rollback;
mod saved;
mod schema;
mod session;
mod state;
mod status;
mod stop;
mod stopped;
mod styled;
mod subject;
mod summary;
mod suspend;
mod unwatch;
mod validate;
mod version;
mod wait;
mod watch;

use clap::{Parser, Subcommand};

pub use exit::Exit;
use output::{Format, Output};
use stopped::{stopped, until_stopped};

/// GitOps for Docker Swarm: makes the Swarm be what a Git repository says.
#[derive(Debug, Parser)]
#[command(
    name = "dockerops",
    version,
    max_term_width = 100,
    disable_help_subcommand = false
)]
#[command(
    after_help = "Settings are read from the environment, then from ~/.dockerops/dockerops.env and \
/etc/dockerops/dockerops.env. Commands that reach Docker need root."
)]
pub struct Cli {
    /// How to print the answer
    #[arg(short = 'o', long = "output", value_enum, default_value_t = Format::Text, global = true)]
    output: Format,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Watch(watch::WatchArgs),
    Reconcile(reconcile::ReconcileArgs),
    Plan(plan::PlanArgs),
    Diff(diff::DiffArgs),
    Deploy(deploy::DeployArgs),
    Retry(retry::RetryArgs),
    Rollback(rollback::RollbackArgs),
    Status(status::StatusArgs),
    Logs(logs::LogsArgs),
    Wait(wait::WaitArgs),
    History(history::HistoryArgs),
    Suspend(suspend::SuspendArgs),
    Resume(suspend::ResumeArgs),
    Unwatch(unwatch::UnwatchArgs),
    Doctor(doctor::DoctorArgs),
    Stop(stop::StopArgs),
    Render(render::RenderArgs),
    Init(init::InitArgs),
    Schema(schema::SchemaArgs),
    Completion(completion::CompletionArgs),
    Man(man::ManArgs),
    Validate(validate::ValidateArgs),
    Version(version::VersionArgs),
    DebugCache(debug_cache::DebugCacheArgs),
}

/// Whether a command line that could not be read asks for JSON.
pub fn wants_json(args: impl Iterator<Item = String>) -> bool {
    let args: Vec<String> = args.collect();
    let joined = |arg: &String| matches!(arg.as_str(), "-ojson" | "-o=json" | "--output=json");
    let apart = |pair: &[String]| matches!(pair, [flag, word] if matches!(flag.as_str(), "-o" | "--output") && word == "json");
    args.iter().any(joined) || args.windows(2).any(apart)
}

/// Answers a command line that could not be read, for programs; people have been told.
pub fn wrong_usage(error: &clap::Error) {
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let hint = "See `dockerops help`.".to_owned();
    let problem = dockerops_core::report::Problem::new(message, Some(hint));
    Output::new(Format::Json).answer("", serde_json::json!({"error": problem}));
}

/// Runs the command line `args` and returns how the process should end.
pub async fn run(cli: Cli) -> Exit {
    let mut out = Output::new(cli.output);
    let result = match &cli.command {
        Command::Watch(args) => until_stopped(watch::run(args, &mut out)).await,
        Command::Reconcile(args) => until_stopped(reconcile::run(args, &mut out)).await,
        Command::Plan(args) => until_stopped(plan::run(args, &mut out)).await,
        Command::Diff(args) => until_stopped(diff::run(args, &mut out)).await,
        Command::Deploy(args) => until_stopped(deploy::run(args, &mut out)).await,
        Command::Retry(args) => until_stopped(retry::run(args, &mut out)).await,
        Command::Rollback(args) => until_stopped(rollback::run(args, &mut out)).await,
        Command::Status(args) => {
            let shown = until_stopped(status::run(args, &mut out)).await;
            shown.or(args.watch.then_some(Ok(Exit::Ok)))
        }
        Command::Logs(args) => {
            let shown = until_stopped(logs::run(args, &mut out)).await;
            shown.or(args.follow.then_some(Ok(Exit::Ok)))
        }
        Command::Wait(args) => until_stopped(wait::run(args, &mut out)).await,
        Command::History(args) => Some(history::run(args, &mut out)),
        Command::Suspend(args) => until_stopped(suspend::suspend(args, &mut out)).await,
        Command::Resume(args) => until_stopped(suspend::resume(args, &mut out)).await,
        Command::Unwatch(args) => until_stopped(unwatch::run(args, &mut out)).await,
        Command::Doctor(args) => until_stopped(doctor::run(args, &mut out)).await,
        Command::Stop(args) => until_stopped(stop::run(args, &mut out)).await,
        Command::Render(args) => Some(render::run(args, &mut out)),
        Command::Init(args) => Some(init::run(args, &mut out)),
        Command::Schema(args) => Some(Ok(schema::run(args, &mut out))),
        Command::Completion(args) => Some(Ok(completion::run(args, &mut out))),
        Command::Man(args) => Some(man::run(args, &mut out)),
        Command::Validate(args) => Some(validate::run(args, &mut out)),
        Command::Version(args) => Some(Ok(version::run(args, &mut out))),
        Command::DebugCache(args) => Some(debug_cache::run(args, &mut out)),
    };
    let (problem, exit) = match result {
        Some(Ok(exit)) => return exit,
        Some(Err(problem)) => (problem, Exit::Failed),
        None => (stopped(), Exit::Interrupted),
    };
    out.problem(&problem);
    exit
}
