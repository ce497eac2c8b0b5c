//! The values of secrets: `{nfs.path}/secret/{id}`.

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use dockerops_core::secret::Secret;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Docker refuses secrets above 500 KiB; a variable of a process is limited to 128 KiB.
const LARGEST: u64 = 500 * 1024;

/// A secret has no usable value. Never holds one.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The id is not one file name.
    #[error("secret id `{}` is not a file name", .id.escape_debug())]
    Id {
        /// As in `secrets.yaml`.
        id: String,
    },
    /// There is no such file.
    #[error("secret `{id}` has no value: `{}` does not exist", .expected.display())]
    Missing {
        /// As in `secrets.yaml`.
        id: String,
        /// Where the value is looked for.
        expected: PathBuf,
    },
    /// The file cannot be read.
    #[error("the value of secret `{id}` cannot be read from `{}`", .expected.display())]
    Unreadable {
        /// As in `secrets.yaml`.
        id: String,
        /// Where the value is looked for.
        expected: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// It is a folder, a device, a symlink.
    #[error("the value of secret `{id}` is not a regular file: `{}`", .expected.display())]
    NotAFile {
        /// As in `secrets.yaml`.
        id: String,
        /// Where the value is looked for.
        expected: PathBuf,
    },
    /// It is too large to be a secret.
    #[error("the value of secret `{id}` has more than {LARGEST} bytes: `{}`", .expected.display())]
    TooLarge {
        /// As in `secrets.yaml`.
        id: String,
        /// Where the value is looked for.
        expected: PathBuf,
    },
}

impl SecretError {
    /// One imperative sentence that gets the reader unstuck.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Id { .. } => "Use one file name without `/` as `id` in `secrets.yaml`.".to_owned(),
            Self::Missing { expected, .. } => format!(
                "Write the value to `{}` (mode 0600), or check that the shared storage is mounted.",
                expected.display()
            ),
            Self::Unreadable { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                "Export the shared storage with `no_root_squash`, or let the user that root is mapped to read the file.".to_owned()
            }
            Self::Unreadable { .. } => "Check that the shared storage is mounted and answers.".to_owned(),
            Self::NotAFile { .. } => "Put the value there as a regular file.".to_owned(),
            Self::TooLarge { .. } => "Put only the value into the file.".to_owned(),
        })
    }
}

/// The value of the secret `id`: the content of `{nfs}/secret/{id}` without its trailing newline.
///
/// Neither `secret` nor the file may be a symlink.
pub fn read_secret(nfs: &Path, id: &str) -> Result<Secret, SecretError> {
    let is_name = !matches!(id, "" | "." | "..") && !id.contains(['/', '\0']);
    if !is_name {
        return Err(SecretError::Id { id: id.to_owned() });
    }
    let expected = nfs.join("secret").join(id);
    let id = id.to_owned();
    match read(nfs, &id) {
        Ok(Reading::Value(value)) => Ok(Secret::new(without_newline(value))),
        Ok(Reading::NotAFile) => Err(SecretError::NotAFile { id, expected }),
        Ok(Reading::TooLarge) => Err(SecretError::TooLarge { id, expected }),
        Err(source) => Err(match source.kind() {
            ErrorKind::NotFound => SecretError::Missing { id, expected },
            _ if Errno::from_io_error(&source) == Some(Errno::LOOP) => {
                SecretError::NotAFile { id, expected }
            }
            _ => SecretError::Unreadable {
                id,
                expected,
                source,
            },
        }),
    }
}

enum Reading {
    Value(Vec<u8>),
    NotAFile,
    TooLarge,
}

fn read(nfs: &Path, id: &str) -> io::Result<Reading> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let folder = OFlags::DIRECTORY | flags;
    let root = rustix::fs::open(nfs, folder, Mode::empty())?;
    let secrets = rustix::fs::openat(&root, "secret", folder | OFlags::NOFOLLOW, Mode::empty())?;
    // A FIFO must not block.
    let file = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = std::fs::File::from(rustix::fs::openat(&secrets, id, file, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Ok(Reading::NotAFile);
    }
    let mut value = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut value)?;
    if value.len() as u64 > LARGEST {
        return Ok(Reading::TooLarge);
    }
    Ok(Reading::Value(value))
}

/// Without one trailing `\n` or `\r\n`, as editors and `echo` put there.
fn without_newline(mut value: Vec<u8>) -> Vec<u8> {
    if value.last() == Some(&b'\n') {
        value.pop();
        if value.last() == Some(&b'\r') {
            value.pop();
        }
    }
    value
}
