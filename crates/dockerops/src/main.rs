//! The `dockerops` binary.

use std::process::ExitCode;

use clap::Parser;
use dockerops::cli::{self, Cli};
use dockerops::git::askpass;

fn main() -> ExitCode {
    if askpass::requested() {
        return ExitCode::from(askpass::main());
    }
    // The first provider installed stays; a second call would only say so.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return told(&answer),
    };
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let exit = runtime.block_on(cli::run(cli));
            // Copying or reading that was cut short is not waited for.
            runtime.shutdown_background();
            exit.into()
        }
        Err(_) => ExitCode::from(70),
    }
}

/// Help and version are answers. Wrong usage exits with 1 and not, as `clap` has it, with 2:
/// that is what a plan with changes exits with.
fn told(answer: &clap::Error) -> ExitCode {
    let _closed = answer.print();
    if answer.use_stderr() && cli::wants_json(std::env::args()) {
        cli::wrong_usage(answer);
    }
    ExitCode::from(u8::from(answer.use_stderr()))
}
