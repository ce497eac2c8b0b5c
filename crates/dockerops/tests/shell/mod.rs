//! Somebody at a shell whose Docker is a small program that tells what it is told to tell.
//!
//! Enough for everything that goes wrong before the first write: such tests need neither
//! Docker nor root.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;

/// An engine of API 1.41 that is a manager of an empty Swarm.
pub(crate) const MANAGER: Docker = Docker {
    api: "1.41",
    swarm: r#"{"LocalNodeState": "active", "ControlAvailable": true, "NodeID": "n1"}"#,
};

/// What the engine says of itself.
#[derive(Clone, Copy)]
pub(crate) struct Docker {
    pub(crate) api: &'static str,
    pub(crate) swarm: &'static str,
}

/// A home folder, and an engine that listens below it until the test's process ends.
pub(crate) struct Shell {
    folder: tempfile::TempDir,
}

/// What a command left behind.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Shell {
    pub(crate) fn new(docker: Docker) -> Self {
        let shell = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(shell.home()).unwrap();
        let listener = UnixListener::bind(shell.folder.path().join("d.sock")).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || docker.serve(stream));
            }
        });
        shell
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// `dockerops`, not started yet, with nothing of our environment but `PATH`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let socket = self.folder.path().join("d.sock");
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockerops"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("DOCKER_HOST", format!("unix://{}", socket.display()))
            .env("DOCKEROPS_ALLOW_NON_ROOT", "1");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        Self {
            code: output.status.code(),
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }

    /// That it ended with exit code 1 and said each of `words`.
    #[track_caller]
    pub(crate) fn failed_saying(&self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{}", self.text);
        for word in words {
            assert!(self.text.contains(word), "no `{word}` in:\n{}", self.text);
        }
    }
}

impl Docker {
    /// Answers until the client hangs up; whatever would change something is refused.
    fn serve(self, stream: UnixStream) {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut stream = stream;
        while let Some(Ok(request)) = lines.next() {
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let body = match &request {
                asked if !asked.starts_with("GET ") => return,
                asked if asked.contains("/info") => format!(r#"{{"Swarm": {}}}"#, self.swarm),
                _ => "[]".to_owned(),
            };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nApi-Version: {}\r\nContent-Length: {}\r\n\r\n{body}",
                self.api,
                body.len()
            );
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}
