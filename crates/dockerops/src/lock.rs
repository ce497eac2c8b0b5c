//! One run at a time: two DockerOps that change the same things are kept apart.
//!
//! The lock is a file beside the database, `<database>.lock`, because runs with
//! different databases are different installations. The kernel holds it for the
//! open file, so a killed process leaves no lock behind; only the file stays,
//! and what is written in it counts only while the lock is held.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Held until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its command: `reconcile`.
    pub command: String,
    /// When it started, RFC 3339.
    pub since: String,
}

/// The lock was not had.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum LockError {
    /// Another run is at work.
    #[error("another DockerOps is running: {}", described(holder.as_ref()))]
    Held { holder: Option<Holder> },
    /// The file cannot be made or locked.
    #[error("the lock file `{}` cannot be used", path.display())]
    File { path: PathBuf, source: io::Error },
}

impl LockError {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Held { .. } => {
                "Wait until it has ended, or wait for it with `--wait-lock 10m`.".to_owned()
            }
            Self::File { .. } => "Make the folder of the database writable for root.".to_owned(),
        })
    }
}

impl Lock {
    /// Where the lock for `database` lies.
    pub fn path_for(database: &Path) -> PathBuf {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        PathBuf::from(path)
    }

    /// Who holds the lock at `path` now, if anybody does; makes no file.
    pub fn holder(path: &Path) -> Option<Holder> {
        let mut file = File::open(path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                Holder::parse(&text)
            }
            _ => None,
        }
    }

    /// Takes the lock at `path` in the name of `me`, or says who has it.
    pub fn try_acquire(path: &Path, me: &Holder) -> Result<Self, LockError> {
        let failed = |source| LockError::File {
            path: path.to_owned(),
            source,
        };
        let mut file = open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // A holder that cannot be read is still a holder.
                let _ = file.read_to_string(&mut text);
                return Err(LockError::Held {
                    holder: Holder::parse(&text),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        me.write(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }

    /// Takes the lock, waiting for its holder up to `patience`. `waiting` is told once who that is.
    pub async fn acquire(
        path: &Path,
        me: &Holder,
        patience: Duration,
        waiting: impl FnOnce(Option<&Holder>),
    ) -> Result<Self, LockError> {
        let since = Instant::now();
        let mut waiting = Some(waiting);
        loop {
            match Self::try_acquire(path, me) {
                Err(LockError::Held { holder }) if since.elapsed() < patience => {
                    if let Some(tell) = waiting.take() {
                        tell(holder.as_ref());
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                other => return other,
            }
        }
    }
}

impl Holder {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.parse().ok()?;
        let shown = |text: &str| text.escape_debug().to_string();
        Some(Self {
            pid,
            command: shown(lines.next()?),
            since: shown(lines.next()?),
        })
    }

    fn write(&self, file: &mut File) -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}\n{}\n{}", self.pid, self.command, self.since)
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
}

fn described(holder: Option<&Holder>) -> String {
    match holder {
        Some(Holder {
            pid,
            command,
            since,
        }) => format!("`{command}` (process {pid}) since {since}"),
        None => "it has just started".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me(command: &str) -> Holder {
        Holder {
            pid: 42,
            command: command.to_owned(),
            since: "2026-01-02T03:04:05Z".to_owned(),
        }
    }

    #[test]
    fn the_second_says_who_holds_it_and_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let path = Lock::path_for(&folder.path().join("new/d.db"));
        let first = Lock::try_acquire(&path, &me("reconcile --force")).unwrap();
        let error = Lock::try_acquire(&path, &me("watch")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "another DockerOps is running: `reconcile --force` (process 42) since 2026-01-02T03:04:05Z"
        );
        assert_eq!(Lock::holder(&path), Some(me("reconcile --force")));
        drop(first);
        assert_eq!(Lock::holder(&path), None);
        Lock::try_acquire(&path, &me("x")).unwrap();
    }

    #[test]
    fn what_a_killed_process_wrote_locks_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.db.lock");
        fs::write(&path, "999999\na much longer command than ours\n2020\n").unwrap();
        let _held = Lock::try_acquire(&path, &me("x")).unwrap();
        let Err(LockError::Held { holder }) = Lock::try_acquire(&path, &me("y")) else {
            panic!("not held")
        };
        assert_eq!(holder, Some(me("x")));
    }

    #[tokio::test]
    async fn whoever_waits_gets_it_when_the_holder_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.db.lock");
        let first = Lock::try_acquire(&path, &me("first")).unwrap();
        let mut told = None;
        let hour = Duration::from_secs(3600);
        let holder = me("second");
        Lock::acquire(&path, &holder, hour, |by| {
            told = by.cloned();
            drop(first);
        })
        .await
        .unwrap();
        assert_eq!(told, Some(me("first")));
    }
}
