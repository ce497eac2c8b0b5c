//! How the process ends: the one table of exit codes.

use std::process::ExitCode;

/// The exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done: 0.
    Ok,
    /// Something failed, a stack is not as asked, or the command line is wrong: 1.
    Failed,
    /// A plan has changes, and `--exit-code` was given: 2.
    Changes,
    /// The process was asked to stop (Ctrl-C, SIGTERM): 130.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Ok => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Changes => Self::from(2),
            Exit::Interrupted => Self::from(130),
        }
    }
}
