//! Where the contents of files come from, and their SHA-256.

use std::io::{self, Write};

use dockerops_core::hex::hex;
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::error::HostError;

/// Gives contents by Git's object id.
pub trait Content {
    /// Writes the whole content `id` to `to`.
    fn copy(&self, id: &str, to: &mut dyn Write) -> io::Result<()>;
}

impl<F: Fn(&str) -> io::Result<Vec<u8>>> Content for F {
    fn copy(&self, id: &str, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(&self(id)?)
    }
}

/// Gives nothing: for plans that write no file.
pub(super) struct Nothing;

impl Content for Nothing {
    fn copy(&self, _: &str, _: &mut dyn Write) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// The SHA-256 of the content `id`, without keeping it.
pub(super) fn hash(content: &dyn Content, id: &str) -> Result<String, HostError> {
    let mut hashing = Hashing::new(io::sink());
    let copied = content.copy(id, &mut hashing);
    copied.map_err(|source| HostError::Content {
        id: id.to_owned(),
        source,
    })?;
    Ok(hashing.sha256())
}

/// Hashes and counts what passes through to `to`, and remembers how `to` failed,
/// whatever the source makes of that.
pub(super) struct Hashing<W> {
    to: W,
    hash: Sha256,
    pub(super) size: u64,
    pub(super) failed: Option<Errno>,
}

impl<W: Write> Hashing<W> {
    pub(super) fn new(to: W) -> Self {
        Self {
            to,
            hash: Sha256::new(),
            size: 0,
            failed: None,
        }
    }

    pub(super) fn sha256(self) -> String {
        hex(&self.hash.finalize())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failed = Some(Errno::from_io_error(error).unwrap_or(Errno::IO));
            }
        })?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
