//! `git cat-file --batch`: one process that hands out any object of a mirror.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Where the objects lie, and what Git may see of the environment.
#[derive(Debug)]
pub(super) struct LocalMirror {
    pub(super) program: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) environment: BTreeMap<String, OsString>,
}

/// A running `git cat-file`. It ends with this value.
#[derive(Debug)]
pub(super) struct Objects {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// The first line of an answer.
#[derive(Debug)]
pub(super) struct Header {
    /// `blob`, `tree`, `commit`, `tag`.
    pub(super) kind: String,
    /// In bytes.
    pub(super) size: u64,
}

impl Objects {
    /// Starts it with `--batch` or `--batch-check`.
    pub(super) fn start(mirror: &LocalMirror, mode: &str) -> io::Result<Self> {
        let mut child = Command::new(&mirror.program)
            .env_clear()
            .envs(&mirror.environment)
            .arg("--git-dir")
            .arg(&mirror.folder)
            .args(["cat-file", mode])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = pipes.ok_or_else(|| io::Error::other("git has no pipes"))?;
        Ok(Self {
            child,
            stdin,
            stdout: BufReader::with_capacity(64 * 1024, stdout),
        })
    }

    /// Asks for several objects at once; answers come in this order.
    ///
    /// At most 500 of them: more could fill both pipes, and then both sides wait.
    pub(super) fn ask(&mut self, ids: &[&str]) -> io::Result<()> {
        let mut text = ids.join("\n");
        text.push('\n');
        self.stdin.write_all(text.as_bytes())
    }

    /// The next answer's header; `None` when the mirror has no such object.
    pub(super) fn header(&mut self) -> io::Result<Option<Header>> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut words = line.split_ascii_whitespace().skip(1);
        let (kind, size) = (words.next(), words.next());
        match (kind, size.and_then(|size| size.parse().ok())) {
            (Some(kind), Some(size)) => Ok(Some(Header {
                kind: kind.to_owned(),
                size,
            })),
            _ => Ok(None),
        }
    }

    /// The content that follows a header, copied to `to`.
    ///
    /// When `to` fails, the rest is read nevertheless: the next answer comes behind it.
    pub(super) fn content(&mut self, header: &Header, to: &mut dyn Write) -> io::Result<()> {
        let mut content = (&mut self.stdout).take(header.size);
        let copied = io::copy(&mut content, to);
        io::copy(&mut content, &mut io::sink())?;
        let left = content.limit();
        let mut end = [0];
        self.stdout.read_exact(&mut end)?;
        copied?;
        if left != 0 || end != [b'\n'] {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
