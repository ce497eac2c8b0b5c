//! Whether the shared storage is there and can be written, and how much room disks have.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use dockerops_core::checkup::{Place, Space, Storage, Unwritten};
use rustix::io::Errno;

/// Looks at `path`; writes a file of our own there and removes it again. Blocks, perhaps for
/// ever: a server that is away does not answer.
pub fn storage(path: &Path) -> Storage {
    let (place, written) = match fs::canonicalize(path) {
        Ok(real) => (place(&real), write(&real)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Place::Missing, Ok(())),
        // A stale mount is there, and says so.
        Err(error) => (place(path), Err(error)),
    };
    Storage {
        place,
        written: written.map_err(|error| unwritten(&error)),
    }
}

/// Room on the disk that holds `path`, or would if it existed.
pub fn space(path: &Path) -> Option<Space> {
    let there = path.ancestors().find(|path| path.exists())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    Some(Space {
        free: disk.f_bavail.saturating_mul(disk.f_frsize),
        total: disk.f_blocks.saturating_mul(disk.f_frsize),
    })
}

fn place(real: &Path) -> Place {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let above = mounts.lines().filter_map(mount);
    let above = above.filter(|(point, _)| real.starts_with(point));
    // Of two at one place, the later lies on top.
    match above.max_by_key(|(point, _)| point.components().count()) {
        Some((point, kind)) if point != Path::new("/") => Place::Mounted(kind),
        _ => Place::Plain,
    }
}

/// Where something is mounted, and of which kind it is (`man 5 proc_pid_mountinfo`).
fn mount(line: &str) -> Option<(PathBuf, String)> {
    let (before, after) = line.split_once(" - ")?;
    let point = before.split(' ').nth(4)?;
    let kind = after.split(' ').next()?;
    Some((PathBuf::from(unescaped(point)), kind.to_owned()))
}

/// The kernel writes blanks and backslashes as octal numbers.
fn unescaped(text: &str) -> String {
    let pairs = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    let replace = |text: String, (from, to): (&str, &str)| text.replace(from, to);
    pairs.into_iter().fold(text.to_owned(), replace)
}

fn write(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".dockerops-doctor-{}", std::process::id()));
    let done = write_file(&path);
    let removed = fs::remove_file(&path);
    done.and(removed)
}

fn write_file(path: &Path) -> io::Result<()> {
    let text = b"written by `dockerops doctor`, to be removed\n";
    let mut file = fs::File::create_new(path)?;
    file.write_all(text)?;
    file.sync_all()?;
    let mut read = Vec::new();
    fs::File::open(path)?.read_to_end(&mut read)?;
    if read != text {
        return Err(io::Error::other("what was written is not what is read"));
    }
    Ok(())
}

fn unwritten(error: &io::Error) -> Unwritten {
    match Errno::from_io_error(error) {
        Some(Errno::ACCESS | Errno::PERM) => Unwritten::Denied,
        Some(Errno::ROFS) => Unwritten::ReadOnly,
        Some(Errno::STALE) => Unwritten::Stale,
        _ => Unwritten::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_known_by_its_place_and_kind() {
        let line = r"36 35 98:0 /mnt1 /mnt/nfs\040share rw,noatime master:1 - nfs4 server:/x rw";
        let found = mount(line).unwrap();
        assert_eq!(found, (PathBuf::from("/mnt/nfs share"), "nfs4".to_owned()));
        assert_eq!(
            place(Path::new("/proc/self")),
            Place::Mounted("proc".to_owned())
        );
        assert_eq!(mount("nonsense"), None);
    }

    #[test]
    fn a_folder_that_was_written_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(storage(folder.path()).written, Ok(()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let none = storage(&folder.path().join("none"));
        assert_eq!(none.place, Place::Missing);
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let below = storage(&file.join("x"));
        assert_ne!(
            below.place,
            Place::Missing,
            "what cannot be looked at may be there"
        );
        assert!(matches!(below.written, Err(Unwritten::Other(_))));
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        assert!(matches!(unwritten(&denied), Unwritten::Other(_)));
        let denied = io::Error::from_raw_os_error(Errno::ACCESS.raw_os_error());
        assert_eq!(unwritten(&denied), Unwritten::Denied);
    }

    #[test]
    fn room_is_told_of_a_folder_that_is_still_to_be_made() {
        let space = space(Path::new("/tmp/not/there/yet")).unwrap();
        assert!(space.total >= space.free && space.total > 0);
    }
}
