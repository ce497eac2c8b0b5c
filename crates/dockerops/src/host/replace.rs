//! The few calls that put a file in another's place, on local storage and NFS alike.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use dockerops_core::bindings::{Attributes, temporary_name};
use rustix::fs::{AtFlags, FileType, Gid, Mode, RenameFlags, Uid};
use rustix::io::Errno;

use super::content::Hashing;
use super::root::{attributes, create_file, file_type, open_file, stat, stat_fd, unlink};

/// Magic number of NFS (`statfs(2)`): there `close` syncs anyway.
const NFS_MAGIC: u64 = 0x6969;

/// Sets mode and owner where they differ; whether the storage refuses.
pub(super) fn adjust(file: impl AsFd, wanted: Attributes) -> Result<bool, Errno> {
    let current = attributes(&stat_fd(&file)?);
    let mut refused = false;
    let mut tolerate = |result| match result {
        Err(Errno::PERM | Errno::OPNOTSUPP) => {
            refused = true;
            Ok(())
        }
        other => other,
    };
    if current.owner != wanted.owner {
        let (user, group) = wanted.owner;
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        tolerate(rustix::fs::fchown(&file, Some(user), Some(group)))?;
    }
    if current.mode != wanted.mode {
        tolerate(rustix::fs::fchmod(&file, Mode::from_raw_mode(wanted.mode)))?;
    }
    Ok(refused)
}

/// Renames to a name that must not exist. NFS knows no flags (`EINVAL`): there it is looked first.
pub(super) fn rename_to_new(folder: &OwnedFd, from: &str, to: &str) -> Result<(), Errno> {
    match rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::PERM | Errno::OPNOTSUPP) => {}
        other => return other,
    }
    match stat(folder, to) {
        Err(Errno::NOENT) => rustix::fs::renameat(folder, from, folder, to),
        Ok(_) => Err(Errno::EXIST),
        Err(errno) => Err(errno),
    }
}

/// Gives `name` the second name `saved`: a link, so that a container that has it open
/// goes on writing there; a copy where the storage has no links.
pub(super) fn link_or_copy(
    folder: &OwnedFd,
    name: &str,
    saved: &str,
    temporary: &str,
) -> Result<(), Errno> {
    match rustix::fs::linkat(folder, name, folder, saved, AtFlags::empty()) {
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {
            copy(folder, name, saved, temporary)
        }
        other => other,
    }
}

fn copy(folder: &OwnedFd, name: &str, saved: &str, temporary: &str) -> Result<(), Errno> {
    if stat(folder, saved).is_ok() {
        return Err(Errno::EXIST);
    }
    let from = open_file(folder, name)?;
    unlink(folder, temporary)?;
    let to = create_file(folder, temporary)?;
    let copied = io::copy(&mut &from, &mut &to)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
        .and_then(|_| adjust(&to, attributes(&stat_fd(&from)?)))
        .and_then(|_| rustix::fs::fdatasync(&to))
        .and_then(|()| rename_to_new(folder, temporary, saved));
    if copied.is_err() {
        let _ = unlink(folder, temporary);
    }
    copied
}

/// Whether `saved` already is what `name` is: linked or copied by a killed run.
pub(super) fn is_saved(folder: &OwnedFd, name: &str, saved: &str) -> Result<bool, Errno> {
    let (one, two) = (stat(folder, name)?, stat(folder, saved)?);
    if (one.stx_ino, one.stx_dev_major, one.stx_dev_minor)
        == (two.stx_ino, two.stx_dev_major, two.stx_dev_minor)
    {
        return Ok(true);
    }
    if file_type(&two) != FileType::RegularFile || one.stx_size != two.stx_size {
        return Ok(false);
    }
    let hash = |file: File| {
        let mut hashing = Hashing::new(io::sink());
        io::copy(&mut &file, &mut hashing).map(|_| hashing.sha256())
    };
    let same = hash(open_file(folder, name)?).ok() == hash(open_file(folder, saved)?).ok();
    Ok(same)
}

/// The temporary name while a copy is kept, where links do not exist.
pub(super) fn saving_name(path: &str) -> String {
    format!("{}.saved", temporary_name(path))
}

pub(super) fn is_nfs(fd: &OwnedFd) -> bool {
    rustix::fs::fstatfs(fd).is_ok_and(|fs| u64::try_from(fs.f_type) == Ok(NFS_MAGIC))
}
