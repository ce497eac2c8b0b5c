//! The ledgers in `{nfs.path}/.dockerops/`: one JSON file for each repository.
//!
//! A ledger is replaced as a whole, by rename. One that is damaged is an error of
//! its repository, which then changes nothing.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use dockerops_core::bindings::{Ledger, LedgerError};
use dockerops_core::hex::hex;
use dockerops_core::names::Owner;
use rustix::fs::{Dir, Mode};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::error::HostError;
use super::root::{Root, create_file, open_file, unlink};

/// The folder of all ledgers.
const FOLDER: &str = ".dockerops";

/// The ledger of `repository`; a new one when there is none.
pub(super) fn read(root: &Root, repository: &Owner) -> Result<Ledger, HostError> {
    let Some(folder) = open(root)? else {
        return Ok(Ledger::new(&repository.0));
    };
    let name = file_name(&repository.0);
    let Some(text) = read_file(root, &folder, &name)? else {
        return Ok(Ledger::new(&repository.0));
    };
    Ledger::parse(&text)
        .and_then(|ledger| ledger.of(&repository.0))
        .map_err(unusable(root, &name))
}

/// The ledgers of all other repositories, and a warning for each that is unusable.
pub(super) fn others(
    root: &Root,
    repository: &Owner,
) -> Result<(Vec<Ledger>, Vec<String>), HostError> {
    let mut ledgers = Vec::new();
    let mut warnings = Vec::new();
    let Some(folder) = open(root)? else {
        return Ok((ledgers, warnings));
    };
    let own = file_name(&repository.0);
    for name in names(&folder).map_err(root.failed("list", FOLDER))? {
        let is_ledger = PathBuf::from(&name)
            .extension()
            .is_some_and(|e| e == "json");
        if !is_ledger || name == own {
            continue;
        }
        let Some(text) = read_file(root, &folder, &name)? else {
            continue;
        };
        match Ledger::parse(&text) {
            Ok(ledger) => ledgers.push(ledger),
            Err(error) => warnings.push(format!(
                "`{}` is not usable ({error}): it is unknown which paths its repository claims",
                absolute(root, &name).display()
            )),
        }
    }
    Ok((ledgers, warnings))
}

/// Replaces the ledger, synced.
pub(super) fn write(root: &Root, ledger: &Ledger) -> Result<(), HostError> {
    let name = file_name(&ledger.repository);
    let text = ledger.to_text().map_err(unusable(root, &name))?;
    let folder = make(root).map_err(root.failed("create", FOLDER))?;
    let temporary = format!("{name}.tmp");
    replace(&folder, &name, &temporary, &text).map_err(|source| {
        let _ = unlink(&folder, &temporary);
        HostError::Io {
            doing: "write",
            path: absolute(root, &name),
            source,
        }
    })
}

fn replace(folder: &OwnedFd, name: &str, temporary: &str, text: &str) -> std::io::Result<()> {
    unlink(folder, temporary)?;
    let mut file = create_file(folder, temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    rustix::fs::renameat(folder, temporary, folder, name)?;
    rustix::fs::fsync(folder)?;
    Ok(())
}

fn open(root: &Root) -> Result<Option<OwnedFd>, HostError> {
    match root.open_folder(FOLDER) {
        Ok(folder) => Ok(Some(folder)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(root.failed("open", FOLDER)(errno)),
    }
}

fn make(root: &Root) -> Result<OwnedFd, Errno> {
    match rustix::fs::mkdirat(root.fd(), FOLDER, Mode::RWXU) {
        Ok(()) => rustix::fs::fsync(root.fd())?,
        Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno),
    }
    root.open_folder(FOLDER)
}

fn read_file(root: &Root, folder: &OwnedFd, name: &str) -> Result<Option<String>, HostError> {
    let file: File = match open_file(folder, name) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(root.failed("open", &format!("{FOLDER}/{name}"))(errno)),
    };
    let mut text = String::new();
    let mut file = file;
    file.read_to_string(&mut text)
        .map_err(|source| HostError::Io {
            doing: "read",
            path: absolute(root, name),
            source,
        })?;
    Ok(Some(text))
}

fn names(folder: &OwnedFd) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// `<last part of the URL>-<digits of its hash>.json`: readable, and one for each URL.
fn file_name(repository: &str) -> String {
    let last = repository.trim_end_matches('/').rsplit('/').next();
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
    let last: String = last
        .unwrap_or_default()
        .chars()
        .filter(plain)
        .take(40)
        .collect();
    let digits: String = hex(&Sha256::digest(repository)).chars().take(16).collect();
    format!("{last}-{digits}.json")
}

fn absolute(root: &Root, name: &str) -> PathBuf {
    root.absolute(FOLDER).join(name)
}

fn unusable(root: &Root, name: &str) -> impl Fn(LedgerError) -> HostError {
    let file = absolute(root, name);
    move |source| HostError::Ledger {
        file: file.clone(),
        source,
    }
}
