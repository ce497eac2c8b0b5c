//! What can go wrong while a lab comes up or is used.

use std::fmt::Write;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// A lab, or something asked of it, failed.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The operating system refused something.
    #[error("{doing}")]
    Io {
        /// What was being done, in words.
        doing: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A program answered with a failure.
    #[error("`{command}` failed ({status}): {said}")]
    Command {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// Its standard error, trimmed.
        said: String,
    },
    /// A server of the lab answered with an error status.
    #[error("{method} {path} answered {status}: {said}")]
    Http {
        /// The method of the request.
        method: String,
        /// The path of the request.
        path: String,
        /// The status of the answer.
        status: u16,
        /// The body of the answer.
        said: String,
    },
    /// Something that must be JSON, or must have a field, is not so.
    #[error("{what} is not what was expected")]
    Unreadable {
        /// What was read.
        what: String,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {} s", .within.as_secs())]
    Timeout {
        /// What was waited for.
        what: String,
        /// The bound.
        within: Duration,
    },
    /// The lab ended while it was coming up.
    #[error("the lab stopped before it was up")]
    Stopped,
    /// Something that is promised does not hold.
    #[error("this does not hold: {0}")]
    Claim(String),
    /// A program that a lab is made of is missing.
    #[error("cannot find `{0}`")]
    Missing(PathBuf),
    /// A lab needs network namespaces.
    #[error("a lab needs root, and this is uid {0}")]
    NotRoot(u32),
    /// `DOCKEROPS_LAB` names no running lab.
    #[error("there is no lab in `{0}`")]
    NoLab(PathBuf),
}

impl LabError {
    /// One sentence that gets the reader unstuck.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotRoot(_) => Some("Run `sudo -E ./dev test`.".to_owned()),
            Self::Missing(_) => {
                Some("Run `./dev test`, which installs and builds what a lab needs.".to_owned())
            }
            Self::NoLab(_) => {
                Some("Unset `DOCKEROPS_LAB`, or start one with `./dev lab up`.".to_owned())
            }
            _ => None,
        }
    }

    /// The message, its causes and its hint, each on a line of its own.
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(source) = cause {
            let _ = write!(text, "\n  caused by: {source}");
            cause = source.source();
        }
        if let Some(hint) = self.hint() {
            let _ = write!(text, "\n  hint: {hint}");
        }
        text
    }
}

/// Says what was being done when an I/O error came up.
pub(crate) trait Doing<T> {
    /// Wraps the error with `what`.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, LabError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, LabError> {
        self.map_err(|source| LabError::Io {
            doing: what(),
            source,
        })
    }
}
