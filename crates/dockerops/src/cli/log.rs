//! `DOCKEROPS_LOG_DIR`: what runs said, a file a day (UTC), for its owner alone.
//!
//! It holds the lines that a person sees, without colour, and nothing else: what
//! must not be printed is not logged either.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// Today's file, open.
#[derive(Debug)]
pub(super) struct Log(File);

/// The log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the log `{}` cannot be written", path.display())]
pub(super) struct LogError {
    path: PathBuf,
    source: io::Error,
}

impl LogError {
    /// The way out.
    pub(super) fn hint() -> String {
        "Make the folder writable for root, or choose another in `DOCKEROPS_LOG_DIR`.".to_owned()
    }
}

impl Log {
    /// Opens today's file in `folder`, which is made when it is missing.
    pub(super) fn open(folder: &Path) -> Result<Self, LogError> {
        let today = Timestamp::now().strftime("%Y-%m-%d").to_string();
        let path = folder.join(format!("dockerops-{today}.log"));
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        let open = || {
            OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&path)
        };
        match made.and_then(|()| open()) {
            Ok(file) => Ok(Self(file)),
            Err(source) => Err(LogError { path, source }),
        }
    }

    /// Adds `text`, each line with the time and the process that wrote it.
    ///
    /// A disk that fills up meanwhile must not fail the run that it tells about.
    pub(super) fn write(&mut self, text: &str) {
        let start = format!(
            "{} {}",
            Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            std::process::id()
        );
        let plain = anstream::adapter::strip_str(text).to_string();
        let lines = plain.lines().filter(|line| !line.trim().is_empty());
        let lines: Vec<String> = lines.map(|line| format!("{start} {line}\n")).collect();
        // One write, so that two processes do not mix their lines.
        let _lost = self.0.write_all(lines.concat().as_bytes());
    }
}
