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
    let cli = Cli::parse();
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
