//! The key that fingerprints of secrets are made with: `~/.dockerops/key`.
//!
//! It is made once, never printed, and not in the database: whoever reads the
//! labels on the Swarm or the database cannot guess secrets back.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use dockerops_core::hex::hex;
use dockerops_core::secret::Secret;
use sha2::{Digest, Sha256};

/// The key and its public name.
#[derive(Debug, Clone)]
pub struct FingerprintKey {
    /// Eight hexadecimal digits that tell two keys apart and nothing else.
    pub id: String,
    /// 32 random bytes.
    pub key: Secret,
}

/// The key cannot be read or made.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum KeyError {
    /// Disk or permissions.
    #[error("the key file `{}` cannot be used", path.display())]
    File { path: PathBuf, source: io::Error },
    /// Something else is in it.
    #[error("`{}` does not hold a key of DockerOps", path.display())]
    Malformed { path: PathBuf },
}

impl KeyError {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { .. } => Some("Make the folder writable for root.".to_owned()),
            Self::Malformed { path } => Some(format!(
                "Restore it from a backup, or remove `{}`: secrets are then kept as they run, until they are rotated.",
                path.display()
            )),
        }
    }
}

impl FingerprintKey {
    /// Reads the key at `path`; makes it (mode 0600, its folder 0700) when there is none.
    pub fn read_or_create(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            source,
        };
        let text = match read_private(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path).map_err(failed)?;
                read_private(path)
            }
            other => other,
        };
        let text = text.map_err(failed)?;
        Self::parse(text.trim()).ok_or_else(|| KeyError::Malformed {
            path: path.to_owned(),
        })
    }

    /// Reads the key at `path` without making or mending anything; where there is none,
    /// a random one that nobody else has: what it cannot compare counts as unknown.
    pub fn read_or_random(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            source,
        };
        let malformed = || KeyError::Malformed {
            path: path.to_owned(),
        };
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(text.trim()).ok_or_else(malformed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::parse(&random().map_err(failed)?).ok_or_else(malformed)
            }
            Err(source) => Err(failed(source)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 {
            return None;
        }
        let byte = |index: usize| u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok();
        let key: Vec<u8> = (0..32).map(byte).collect::<Option<_>>()?;
        let mut hash = Sha256::new();
        hash.update(b"dockerops key id");
        hash.update(&key);
        Some(Self {
            id: hex(hash.finalize().get(..4)?),
            key: Secret::new(key),
        })
    }
}

/// Reads the file, and closes it to others when they could read it.
fn read_private(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Whole or not at all; when another process was first, its key stays.
fn create(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    make_private_folder(folder)?;
    // `tempfile` makes files with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{}", random()?)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

fn random() -> io::Result<String> {
    let mut random = [0; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(hex(&random))
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/key");
        let first = FingerprintKey::read_or_create(&path).unwrap();
        let second = FingerprintKey::read_or_create(&path).unwrap();
        assert_eq!(first.key, second.key);
        assert_eq!(first.id, second.id);
        assert_eq!(first.key.expose().len(), 32);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn looking_makes_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let random = FingerprintKey::read_or_random(&path).unwrap();
        assert!(!path.exists());
        let made = FingerprintKey::read_or_create(&path).unwrap();
        assert_ne!(random.key, made.key);
        assert_eq!(FingerprintKey::read_or_random(&path).unwrap().key, made.key);
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "ssh-ed25519 AAAA").unwrap();
        let error = FingerprintKey::read_or_create(&path).unwrap_err();
        assert!(matches!(error, KeyError::Malformed { .. }));
        assert_eq!(fs::read_to_string(&path).unwrap(), "ssh-ed25519 AAAA");
    }
}
