//! One Git process: started in a group of its own, listened to, and never left behind.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{Git, GitError, OnProgress};

/// What a process said.
#[derive(Debug)]
pub(super) struct Output {
    /// `None` when a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) stdout: Vec<u8>,
    /// The last [`KEPT`] bytes.
    pub(super) stderr: String,
}

const KEPT: usize = 64 * 1024;
/// A repository with a hundred thousand branches says less.
const MOST_OUTPUT: usize = 64 * 1024 * 1024;

impl Git {
    /// `git` with our environment and nothing else.
    pub(super) fn bare_command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.plain_environment())
            .stdin(Stdio::null());
        command
    }

    /// `git --git-dir=<folder>`, for what needs no network.
    pub(super) async fn local(&self, folder: &Path) -> Result<Command, GitError> {
        self.prepare().await?;
        let mut command = self.bare_command();
        command.arg("--git-dir").arg(folder);
        Ok(command)
    }

    /// Runs `command` to its end, or kills it when it says nothing for `silence`.
    pub(super) async fn run(
        &self,
        mut command: Command,
        progress: Option<OnProgress<'_>>,
        silence: Duration,
    ) -> Result<Output, GitError> {
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => GitError::Missing,
            _ => GitError::Start { source },
        })?;
        let mut group = Group(child.id());
        let output = listen(&mut child, progress, silence).await?;
        group.0 = None;
        Ok(output)
    }
}

/// Kills a process group when dropped: Git starts helpers that outlive it otherwise.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let id = self.0.and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            // It may have ended by itself meanwhile.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn listen(
    child: &mut Child,
    progress: Option<OnProgress<'_>>,
    silence: Duration,
) -> Result<Output, GitError> {
    let mut stdout = child.stdout.take();
    let mut stderr = child.stderr.take();
    let (mut said, mut errors) = (Vec::new(), Vec::new());
    let (mut out_chunk, mut err_chunk) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    while stdout.is_some() || stderr.is_some() {
        let heard = async {
            tokio::select! {
                chunk = read(&mut stdout, &mut out_chunk), if stdout.is_some() => said.extend_from_slice(chunk),
                chunk = read(&mut stderr, &mut err_chunk), if stderr.is_some() => {
                    report(progress, chunk);
                    errors.extend_from_slice(chunk);
                }
            }
        };
        timeout(silence, heard)
            .await
            .map_err(|_| GitError::SilentProcess)?;
        errors.drain(..errors.len().saturating_sub(KEPT));
        said.truncate(MOST_OUTPUT);
    }
    let status = timeout(silence, child.wait())
        .await
        .map_err(|_| GitError::SilentProcess)?
        .map_err(|source| GitError::Start { source })?;
    Ok(Output {
        code: status.code(),
        stdout: said,
        stderr: String::from_utf8_lossy(&errors).into_owned(),
    })
}

/// The next bytes; at the end of the stream, nothing, and `stream` becomes `None`.
async fn read<'a, R: AsyncRead + Unpin>(stream: &mut Option<R>, chunk: &'a mut [u8]) -> &'a [u8] {
    let Some(open) = stream else { return &[] };
    let count = open.read(chunk).await.unwrap_or(0);
    if count == 0 {
        *stream = None;
    }
    chunk.get(..count).unwrap_or_default()
}

fn report(progress: Option<OnProgress<'_>>, chunk: &[u8]) {
    let Some(progress) = progress else { return };
    for line in String::from_utf8_lossy(chunk).split(['\r', '\n']) {
        let line = line.trim();
        if line.contains('%') && !line.contains(char::is_control) {
            progress(line);
        }
    }
}
