//! The demo's terminal: each command is shown as a person would type it, then run on node 1.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dockerops_lab::{Lab, LabError, program};

/// Where the demo types.
pub(super) struct Terminal<'a> {
    lab: &'a Lab,
    /// The home folder of the person at the terminal.
    home: PathBuf,
    /// Everything that commands printed.
    shown: String,
}

impl<'a> Terminal<'a> {
    pub(super) fn new(lab: &'a Lab, home: &Path) -> Self {
        Self {
            lab,
            home: home.to_owned(),
            shown: String::new(),
        }
    }

    /// Everything that commands printed so far.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// A heading of the story.
    pub(super) fn step(&mut self, text: &str) {
        self.shown.push_str(text);
        println!("\n\x1b[1m## {text}\x1b[0m");
    }

    /// Runs `line` in `folder` on node 1; gives what it printed. Single quotes hold words together.
    pub(super) fn run(&mut self, folder: &Path, line: &str) -> Result<String, LabError> {
        println!("\x1b[36m$ {line}\x1b[0m");
        let words = words(line);
        let mut words = words.iter().filter(|word| **word != "sudo");
        let mut command = self.command(words.next().copied().unwrap_or_default())?;
        self.show(command.args(words).current_dir(folder))
    }

    fn command(&self, name: &str) -> Result<Command, LabError> {
        let mut command = match name {
            "dockerops" => self.lab.command(program(name)?),
            name => self.lab.command(OsStr::new(name)),
        };
        command.env("HOME", &self.home);
        Ok(command)
    }

    /// Runs it, shows what it says as it comes, and gives that; a failure is an error.
    fn show(&mut self, command: &mut Command) -> Result<String, LabError> {
        let io = |source| LabError::Io {
            doing: "cannot run the command above".to_owned(),
            source,
        };
        let (mut said, out) = io::pipe().map_err(io)?;
        let errors = out.try_clone().map_err(io)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(errors)
            .spawn()
            .map_err(io)?;
        // The command value holds our copies of the pipe's end: without them, its end is theirs.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let text = echo(&mut said).map_err(io)?;
        self.shown.push_str(&text);
        if child.wait().map_err(io)?.success() {
            return Ok(text);
        }
        Err(LabError::Claim("the command above succeeds".to_owned()))
    }
}

/// Prints what comes until the end, and gives it.
fn echo(said: &mut impl Read) -> io::Result<String> {
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let size = said.read(&mut piece)?;
        let new = piece.get(..size).unwrap_or_default();
        if new.is_empty() {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
        text.extend_from_slice(new);
        let mut terminal = io::stdout();
        terminal.write_all(new)?;
        terminal.flush()?;
    }
}

/// The words of a command line, as a shell sees them: split at spaces but for those in quotes.
fn words(line: &str) -> Vec<&str> {
    let parts = line.split('\'').enumerate();
    let words = parts.flat_map(|(index, part)| {
        let is_quoted = index % 2 == 1;
        let pieces: Vec<&str> = if is_quoted {
            vec![part]
        } else {
            part.split_whitespace().collect()
        };
        pieces
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(
            words("git commit -m 'log more' -q"),
            ["git", "commit", "-m", "log more", "-q"]
        );
    }
}
