//! Claiming a free folder for a lab, and finding labs whose keeper is dead.
//!
//! A folder exists from the first moment with its lock held: it is made under another name and
//! renamed, so nobody can take a lab that is coming up for a dead one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::{Doing, LabError};
use crate::layout::Layout;

/// Where labs live: a short path, on a real disk.
const PARENT: &str = "/tmp";
const PREFIX: &str = "dolab";

/// A folder that is ours as long as this value lives.
#[derive(Debug)]
pub(crate) struct Claim {
    /// The folder.
    pub(crate) folder: PathBuf,
    _lock: File,
}

/// Makes a folder with the lowest free number.
pub(crate) fn claim() -> Result<Claim, LabError> {
    let own = Path::new(PARENT).join(format!(".{PREFIX}-{}", std::process::id()));
    fs::create_dir_all(&own).doing(|| format!("cannot make `{}`", own.display()))?;
    let lock = lock(&own)?;
    for number in 0_u32.. {
        let folder = Path::new(PARENT).join(format!("{PREFIX}{number}"));
        match fs::rename(&own, &folder) {
            Ok(()) => {
                return Ok(Claim {
                    folder,
                    _lock: lock,
                });
            }
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOTEMPTY) => {}
            Err(error) if Errno::from_io_error(&error) == Some(Errno::EXIST) => {}
            Err(source) => {
                return Err(LabError::Io {
                    doing: format!("cannot make `{}`", folder.display()),
                    source,
                });
            }
        }
    }
    Err(LabError::Stopped)
}

fn lock(folder: &Path) -> Result<File, LabError> {
    let path = Layout::lock(folder);
    let mut file = File::create(&path).doing(|| format!("cannot make `{}`", path.display()))?;
    write!(file, "{}", std::process::id())
        .doing(|| format!("cannot write `{}`", path.display()))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(std::io::Error::from)
        .doing(|| format!("cannot lock `{}`", path.display()))?;
    Ok(file)
}

/// Every lab's folder on this machine.
pub fn folders() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(PARENT)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| is_ours(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

fn is_ours(name: &str) -> bool {
    let name = name.strip_prefix('.').unwrap_or(name);
    let number = name
        .strip_prefix(PREFIX)
        .map(|rest| rest.trim_start_matches('-'));
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether a keeper lives that holds `folder`.
pub fn is_kept(folder: &Path) -> bool {
    if is_being_claimed(folder) {
        return true;
    }
    let Ok(file) = File::open(Layout::lock(folder)) else {
        return false;
    };
    flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
}

/// A folder under its first name belongs to the process whose id is in that name.
fn is_being_claimed(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let pid = name
        .strip_prefix(&format!(".{PREFIX}-"))
        .map(|pid| Path::new("/proc").join(pid));
    pid.is_some_and(|process| process.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_labs_are_ours() {
        assert!(is_ours("dolab0") && is_ours(".dolab-12"));
        assert!(!is_ours("dolab") && !is_ours("dolabs1") && !is_ours("other"));
    }
}
