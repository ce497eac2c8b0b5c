//! Running programs and waiting for things, with what went wrong in the error.

use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Doing, LabError};

/// Runs `command` to its end and gives its standard output.
pub fn output(command: &mut Command) -> Result<String, LabError> {
    let out = run(command)?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    Err(LabError::Command {
        command: words(command),
        status: out.status,
        said: String::from_utf8_lossy(&out.stderr).trim().to_owned(),
    })
}

/// Runs `command` to its end, whatever that is.
pub fn run(command: &mut Command) -> Result<Output, LabError> {
    command
        .stdin(Stdio::null())
        .output()
        .doing(|| format!("cannot run `{}`", words(command)))
}

/// A command from its words, separated by single spaces.
pub(crate) fn command(line: &str) -> Command {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// Asks `ready` until it says yes, at most for `within`; `what` names it in the error.
pub fn wait_for(
    what: &str,
    within: Duration,
    mut ready: impl FnMut() -> Result<bool, LabError>,
) -> Result<(), LabError> {
    let start = Instant::now();
    while !ready()? {
        if start.elapsed() > within {
            return Err(LabError::Timeout {
                what: what.to_owned(),
                within,
            });
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn words(command: &Command) -> String {
    let args = command.get_args().map(|arg| arg.to_string_lossy());
    std::iter::once(command.get_program().to_string_lossy())
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}
