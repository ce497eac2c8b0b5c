//! Reaching files below `nfs.path` in a way that symlinks cannot lead astray.
//!
//! A folder is opened part by part without following symlinks (`openat2`, or
//! `openat` for each part where the kernel or a seccomp filter has no `openat2`),
//! and held. Names are then used relative to it, and never followed either. So a
//! container that swaps a folder for a symlink meanwhile gains nothing.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use dockerops_core::bindings::{Attributes, Found, FoundFile, Seen, Stamp};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags};
use rustix::io::Errno;

use super::content::Hashing;
use super::error::HostError;

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The open folder `nfs.path`.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    fd: OwnedFd,
}

/// Opens folders below the root, and keeps the last one: paths come in order.
pub(super) struct Folders<'a> {
    root: &'a Root,
    last: Option<(String, OwnedFd)>,
}

impl Root {
    /// Opens `nfs.path`, following symlinks on the way.
    pub(super) fn open(path: &Path) -> Result<Self, HostError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = path.to_owned();
        match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(fd) => Ok(Self { path, fd }),
            Err(Errno::NOENT) => Err(HostError::Missing { path }),
            Err(Errno::NOTDIR) => Err(HostError::NotAFolder { path }),
            Err(errno) => Err(HostError::Io {
                doing: "open",
                path,
                source: errno.into(),
            }),
        }
    }

    /// The folder itself.
    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// The absolute form of `path`, to be shown.
    pub(super) fn absolute(&self, path: &str) -> PathBuf {
        self.path.join(path)
    }

    /// A failed call on `path`.
    pub(super) fn failed(&self, doing: &'static str, path: &str) -> impl Fn(Errno) -> HostError {
        let path = self.absolute(path);
        move |errno| HostError::Io {
            doing,
            path: path.clone(),
            source: errno.into(),
        }
    }

    /// Opens folders from here on.
    pub(super) fn folders(&self) -> Folders<'_> {
        Folders {
            root: self,
            last: None,
        }
    }

    /// Opens the folder `path` (empty: the root) without following symlinks.
    pub(super) fn open_folder(&self, path: &str) -> Result<OwnedFd, Errno> {
        if path.is_empty() {
            return rustix::io::fcntl_dupfd_cloexec(&self.fd, 0);
        }
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&self.fd, path, FOLDER, Mode::empty(), resolve) {
            // Kernels before 5.6, and seccomp filters that do not know the call.
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL | Errno::AGAIN) => {
                self.open_folder_by_parts(path)
            }
            other => other,
        }
    }

    /// As [`Root::open_folder`], with nothing but `openat`.
    pub(super) fn open_folder_by_parts(&self, path: &str) -> Result<OwnedFd, Errno> {
        let mut fd = rustix::io::fcntl_dupfd_cloexec(&self.fd, 0)?;
        for part in path.split('/') {
            if matches!(part, "" | "." | "..") {
                return Err(Errno::XDEV);
            }
            fd = rustix::fs::openat(&fd, part, FOLDER, Mode::empty())?;
        }
        Ok(fd)
    }
}

impl Folders<'_> {
    /// The folder that holds `path`, and the name of `path` in it.
    pub(super) fn parent<'a, 'p>(
        &'a mut self,
        path: &'p str,
    ) -> Result<(&'a OwnedFd, &'p str), Errno> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if self.last.as_ref().is_none_or(|(last, _)| last != folder) {
            self.last = Some((folder.to_owned(), self.root.open_folder(folder)?));
        }
        match &self.last {
            Some((_, fd)) => Ok((fd, name)),
            None => Err(Errno::NOENT),
        }
    }

    /// What lies at `path`; with the names in it, when it is a folder and they are asked for.
    ///
    /// Below a symlink, or anything that is no folder, there is nothing.
    pub(super) fn look(&mut self, path: &str, names: bool) -> Result<Option<Found>, HostError> {
        let failed = self.root.failed("look at", path);
        let stat = match self.parent(path).and_then(|(fd, name)| stat(fd, name)) {
            Ok(stat) => stat,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(errno) => return Err(failed(errno)),
        };
        Ok(Some(match file_type(&stat) {
            FileType::RegularFile => Found::File(FoundFile {
                stamp: stamp(&stat),
                attributes: attributes(&stat),
                sha256: None,
            }),
            FileType::Directory if names => Found::Folder(Some(self.names(path).map_err(failed)?)),
            FileType::Directory => Found::Folder(None),
            FileType::Symlink => Found::Other("a symlink"),
            _ => Found::Other("neither a file nor a folder"),
        }))
    }

    fn names(&self, path: &str) -> Result<BTreeSet<String>, Errno> {
        let mut names = BTreeSet::new();
        for entry in Dir::new(self.root.open_folder(path)?)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.insert(name);
            }
        }
        Ok(names)
    }

    /// The content of the file at `path`; `None` when there is none, or more than `limit` bytes.
    pub(super) fn content(
        &mut self,
        path: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, HostError> {
        let failed = self.root.failed("read", path);
        let absolute = self.root.absolute(path);
        let file = match self.parent(path).and_then(|(fd, name)| open_file(fd, name)) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => return Ok(None),
            Err(errno) => return Err(failed(errno)),
        };
        if file_type(&stat_fd(&file).map_err(failed)?) != FileType::RegularFile {
            return Ok(None);
        }
        let mut content = Vec::new();
        let read = (&file).take(limit as u64 + 1).read_to_end(&mut content);
        read.map_err(|source| HostError::Io {
            doing: "read",
            path: absolute,
            source,
        })?;
        Ok((content.len() <= limit).then_some(content))
    }

    /// Hashes the file at `path` into `seen`, together with its stamp.
    pub(super) fn hash_into(&mut self, path: &str, seen: &mut Seen) -> Result<(), HostError> {
        let failed = self.root.failed("read", path);
        let absolute = self.root.absolute(path);
        let Some(Found::File(found)) = seen.disk.get_mut(path) else {
            return Ok(());
        };
        let opened = self.parent(path).and_then(|(fd, name)| open_file(fd, name));
        let file = match opened {
            Ok(file) => file,
            // Gone or replaced meanwhile: without a hash it counts as changed.
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => return Ok(()),
            Err(errno) => return Err(failed(errno)),
        };
        let before = stat_fd(&file).map_err(&failed)?;
        if file_type(&before) != FileType::RegularFile {
            return Ok(());
        }
        let mut hashing = Hashing::new(io::sink());
        io::copy(&mut &file, &mut hashing).map_err(|source| HostError::Io {
            doing: "read",
            path: absolute,
            source,
        })?;
        let after = stamp(&stat_fd(&file).map_err(failed)?);
        if after == found.stamp {
            found.sha256 = Some(hashing.sha256());
        }
        Ok(())
    }
}

/// Opens a file to read, whatever it is, without following or blocking.
pub(super) fn open_file(folder: impl AsFd, name: &str) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty()).map(File::from)
}

/// Creates a file that must not exist, readable by nobody else until it is done.
pub(super) fn create_file(folder: impl AsFd, name: &str) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR).map(File::from)
}

/// Removes a file; whether there was one.
pub(super) fn unlink(folder: impl AsFd, name: &str) -> Result<bool, Errno> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// What lies under `name`, not followed.
pub(super) fn stat(folder: impl AsFd, name: &str) -> Result<Statx, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    rustix::fs::statx(folder, name, flags, StatxFlags::BASIC_STATS)
}

/// Of an open file.
pub(super) fn stat_fd(file: impl AsFd) -> Result<Statx, Errno> {
    rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
}

pub(super) fn file_type(stat: &Statx) -> FileType {
    FileType::from_raw_mode(u32::from(stat.stx_mode))
}

pub(super) fn attributes(stat: &Statx) -> Attributes {
    Attributes {
        mode: u32::from(stat.stx_mode) & 0o7777,
        owner: (stat.stx_uid, stat.stx_gid),
    }
}

pub(super) fn stamp(stat: &Statx) -> Stamp {
    let nanoseconds = |seconds: i64, rest: u32| {
        seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(i64::from(rest))
    };
    Stamp {
        size: stat.stx_size,
        mtime: nanoseconds(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
        ctime: nanoseconds(stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
        inode: stat.stx_ino,
    }
}
