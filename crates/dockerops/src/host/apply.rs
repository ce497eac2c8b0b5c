//! Carrying out a plan, so that a reader, a kill or a full disk never meets half of it.
//!
//! In this order: what is intended goes into the ledger; folders are made; all
//! contents are written under temporary names and synced; their hashes go into the
//! ledger; somebody's versions are kept beside; everything is renamed into place;
//! what left is removed; the ledger says what is. A failure before the renames
//! leaves every file as it was.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::bindings::{
    Action, Attributes, BindingPlan, Ledger, Outcome, Report, Stamp, saved_name, temporary_name,
};
use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;

use super::Applied;
use super::content::{Content, Hashing};
use super::error::HostError;
use super::ledgers;
use super::replace::{adjust, is_nfs, is_saved, link_or_copy, rename_to_new, saving_name};
use super::root::{
    Folders, Root, attributes, create_file, file_type, open_file, stamp, stat, stat_fd, unlink,
};

/// Above so many files one `syncfs` is cheaper than as many `fdatasync`.
const SYNC_EACH_UP_TO: usize = 16;

/// How many versions of one file are kept beside it.
const SAVED_VERSIONS: u32 = 100;

/// One plan being carried out.
pub(super) struct Run<'a> {
    root: &'a Root,
    folders: Folders<'a>,
    ledger: Ledger,
    content: &'a dyn Content,
    applied: Applied,
    refused: bool,
    temporaries: BTreeMap<String, Temporary>,
    touched: BTreeSet<String>,
}

/// A content that waits under its temporary name.
struct Temporary {
    sha256: String,
    stamp: Stamp,
    refused: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(root: &'a Root, ledger: Ledger, content: &'a dyn Content) -> Self {
        Self {
            root,
            folders: root.folders(),
            ledger,
            content,
            applied: Applied::default(),
            refused: false,
            temporaries: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }

    pub(super) fn carry_out(mut self, plan: &BindingPlan) -> Result<Applied, HostError> {
        if let Err(error) = self.stages(plan) {
            self.clean_up(plan);
            return Err(error);
        }
        if self.refused {
            let report = Report::OwnerRefused(plan.path.clone());
            self.applied.reports.push(report);
        }
        Ok(self.applied)
    }

    fn stages(&mut self, plan: &BindingPlan) -> Result<(), HostError> {
        self.intend(plan)?;
        self.make_folders(plan)?;
        self.write_temporaries(plan)?;
        self.each(plan, Self::save)?;
        self.each(plan, Self::put_in_place)?;
        self.each(plan, Self::set_attributes)?;
        self.each(plan, Self::remove)?;
        self.sync_folders()?;
        for action in plan.actions.iter().filter(|action| action.only_notes()) {
            self.ledger.note(action, &Outcome::default());
        }
        ledgers::write(self.root, &self.ledger)?;
        step();
        Ok(())
    }

    fn each(
        &mut self,
        plan: &BindingPlan,
        carry_out: fn(&mut Self, &Action) -> Result<(), HostError>,
    ) -> Result<(), HostError> {
        plan.actions
            .iter()
            .try_for_each(|action| carry_out(self, action))
    }

    /// Clears what a killed run left, and notes what is about to be done.
    fn intend(&mut self, plan: &BindingPlan) -> Result<(), HostError> {
        if !plan.changes_files() {
            return Ok(());
        }
        for action in &plan.actions {
            match action {
                Action::RemoveTemporary { path } => {
                    self.remove_temporary(path)?;
                    self.ledger.note(action, &Outcome::default());
                }
                Action::Record { .. } => self.ledger.note(action, &Outcome::default()),
                _ => {}
            }
        }
        self.ledger.intend(&plan.actions);
        ledgers::write(self.root, &self.ledger)?;
        step();
        Ok(())
    }

    fn remove_temporary(&mut self, path: &str) -> Result<(), HostError> {
        let failed = self.root.failed("remove the temporary file of", path);
        let removed = self.folders.parent(path).and_then(|(folder, _)| {
            unlink(folder, &saving_name(path))?;
            unlink(folder, &temporary_name(path))
        });
        match removed {
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(()),
            Err(errno) => Err(failed(errno)),
        }
    }

    fn make_folders(&mut self, plan: &BindingPlan) -> Result<(), HostError> {
        for action in &plan.actions {
            let Action::MakeFolder { path, owner } = action else {
                continue;
            };
            let failed = self.root.failed("create the folder", path);
            let (parent, name) = self.folders.parent(path).map_err(&failed)?;
            match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
                Ok(()) => {}
                Err(Errno::EXIST) => return Err(stale(path)),
                Err(errno) => return Err(failed(errno)),
            }
            let folder = self.root.open_folder(path).map_err(&failed)?;
            let mode = 0o755;
            let owner = *owner;
            self.refused |= adjust(&folder, Attributes { mode, owner }).map_err(failed)?;
            self.touch(path);
            step();
        }
        Ok(())
    }

    /// Writes all contents under temporary names, synced, and notes their hashes.
    fn write_temporaries(&mut self, plan: &BindingPlan) -> Result<(), HostError> {
        let is_write = |action: &&Action| matches!(action, Action::Write { .. });
        let count = plan.actions.iter().filter(is_write).count();
        if count == 0 {
            return Ok(());
        }
        let together = count > SYNC_EACH_UP_TO && !is_nfs(self.root.fd());
        for action in plan.actions.iter().filter(is_write) {
            let temporary = self.write_temporary(action, together)?;
            self.ledger
                .pending
                .entry(action.path().to_owned())
                .and_modify(|pending| pending.sha256 = Some(temporary.sha256.clone()));
            self.temporaries.insert(action.path().to_owned(), temporary);
            step();
        }
        if together {
            let failed = self.root.failed("sync", &plan.path);
            rustix::fs::syncfs(self.root.fd()).map_err(failed)?;
        }
        ledgers::write(self.root, &self.ledger)?;
        step();
        Ok(())
    }

    fn write_temporary(&mut self, action: &Action, together: bool) -> Result<Temporary, HostError> {
        let Action::Write {
            path,
            content,
            size,
            attributes,
            ..
        } = action
        else {
            return Err(stale(action.path()));
        };
        let failed = self.root.failed("write", path);
        let (parent, _) = self.folders.parent(path).map_err(&failed)?;
        let name = temporary_name(path);
        unlink(parent, &name).map_err(&failed)?;
        let file = create_file(parent, &name).map_err(&failed)?;
        let mut hashing = Hashing::new(&file);
        if let Err(source) = self.content.copy(content, &mut hashing) {
            let id = content.clone();
            let unread = HostError::Content { id, source };
            return Err(hashing.failed.map_or(unread, failed));
        }
        if hashing.size != *size {
            return Err(HostError::ContentSize {
                id: content.clone(),
                expected: *size,
                found: hashing.size,
            });
        }
        let sha256 = hashing.sha256();
        let refused = adjust(&file, *attributes).map_err(&failed)?;
        if !together {
            rustix::fs::fdatasync(&file).map_err(&failed)?;
        }
        let stamp = stamp(&stat_fd(&file).map_err(failed)?);
        Ok(Temporary {
            sha256,
            stamp,
            refused,
        })
    }

    /// Gives somebody's version a second name, `<file>.dockerops-saved`.
    fn save(&mut self, action: &Action) -> Result<(), HostError> {
        let Action::Save {
            path,
            stamp: expected,
        } = action
        else {
            return Ok(());
        };
        let failed = self.root.failed("keep a copy of", path);
        let (parent, name) = self.folders.parent(path).map_err(&failed)?;
        let current = stamp(&stat(parent, name).map_err(&failed)?);
        if !current.same_content(expected) {
            return Err(stale(path));
        }
        for number in 1..=SAVED_VERSIONS {
            let saved = saved_name(name, number);
            match link_or_copy(parent, name, &saved, &saving_name(path)) {
                Ok(()) => {
                    step();
                    return Ok(());
                }
                Err(Errno::EXIST) if is_saved(parent, name, &saved).map_err(&failed)? => {
                    return Ok(());
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        Err(failed(Errno::EXIST))
    }

    /// Renames a temporary file over its target.
    fn put_in_place(&mut self, action: &Action) -> Result<(), HostError> {
        let Action::Write { path, replaces, .. } = action else {
            return Ok(());
        };
        let failed = self.root.failed("put in place", path);
        let Some(temporary) = self.temporaries.get(path) else {
            return Err(stale(path));
        };
        let (parent, name) = self.folders.parent(path).map_err(&failed)?;
        let hidden = temporary_name(path);
        match replaces {
            Some(expected) => {
                let current = stat(parent, name).map_err(&failed)?;
                let is_file = file_type(&current) == FileType::RegularFile;
                if !is_file || !stamp(&current).same_content(expected) {
                    return Err(stale(path));
                }
                rustix::fs::renameat(parent, &hidden, parent, name).map_err(&failed)?;
            }
            None => match rename_to_new(parent, &hidden, name) {
                Err(Errno::EXIST) => return Err(stale(path)),
                done => done.map_err(&failed)?,
            },
        }
        let after = stat(parent, name).map(|stat| stamp(&stat)).ok();
        let outcome = Outcome {
            // Written to at this very moment: left without a stamp, so that the next check reads it.
            stamp: after.filter(|after| after.same_content(&temporary.stamp)),
            sha256: temporary.sha256.clone(),
            refused: temporary.refused,
        };
        self.refused |= outcome.refused;
        self.ledger.note(action, &outcome);
        self.temporaries.remove(path);
        self.applied.written += 1;
        self.touch(path);
        step();
        Ok(())
    }

    fn set_attributes(&mut self, action: &Action) -> Result<(), HostError> {
        let path = action.path();
        let failed = self.root.failed("set the owner and mode of", path);
        let outcome = match action {
            Action::SetFolderOwner { owner, .. } => {
                let folder = self.root.open_folder(path).map_err(&failed)?;
                let mode = attributes(&stat_fd(&folder).map_err(&failed)?).mode;
                let owner = *owner;
                let refused = adjust(&folder, Attributes { mode, owner }).map_err(failed)?;
                Outcome {
                    refused,
                    ..Outcome::default()
                }
            }
            Action::SetAttributes { entry, .. } => {
                let (parent, name) = self.folders.parent(path).map_err(&failed)?;
                let file = open_file(parent, name).map_err(&failed)?;
                let before = stat_fd(&file).map_err(&failed)?;
                let is_file = file_type(&before) == FileType::RegularFile;
                if !is_file || Some(stamp(&before)) != entry.stamp {
                    return Err(stale(path));
                }
                let refused = adjust(&file, entry.attributes).map_err(&failed)?;
                let after = stamp(&stat_fd(&file).map_err(failed)?);
                Outcome {
                    stamp: Some(after).filter(|after| after.same_content(&stamp(&before))),
                    refused,
                    ..Outcome::default()
                }
            }
            _ => return Ok(()),
        };
        self.refused |= outcome.refused;
        self.ledger.note(action, &outcome);
        step();
        Ok(())
    }

    fn remove(&mut self, action: &Action) -> Result<(), HostError> {
        let path = action.path();
        let failed = self.root.failed("remove", path);
        match action {
            Action::RemoveFile {
                stamp: expected, ..
            } => {
                let (parent, name) = self.folders.parent(path).map_err(&failed)?;
                let current = stat(parent, name).map_err(&failed)?;
                if !stamp(&current).same_content(expected) {
                    return Err(stale(path));
                }
                unlink(parent, name).map_err(failed)?;
                self.applied.removed += 1;
            }
            Action::RemoveFolder { .. } => {
                let (parent, name) = self.folders.parent(path).map_err(&failed)?;
                match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
                    // Somebody put something there meanwhile: it is theirs.
                    Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => {}
                    Err(errno) => return Err(failed(errno)),
                }
            }
            _ => return Ok(()),
        }
        self.ledger.note(action, &Outcome::default());
        self.touch(path);
        step();
        Ok(())
    }

    /// Remembers that the folder around `path` has changed.
    fn touch(&mut self, path: &str) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !self.touched.contains(folder) {
            self.touched.insert(folder.to_owned());
        }
    }

    /// Makes the renames and removals survive a power cut, before the ledger claims them.
    fn sync_folders(&mut self) -> Result<(), HostError> {
        if self.touched.len() > SYNC_EACH_UP_TO && !is_nfs(self.root.fd()) {
            return rustix::fs::syncfs(self.root.fd()).map_err(self.root.failed("sync", ""));
        }
        for path in std::mem::take(&mut self.touched) {
            let synced = self.root.open_folder(&path).and_then(rustix::fs::fsync);
            match synced {
                // Removed by this very run; or a file system that syncs no folders.
                Ok(()) | Err(Errno::NOENT | Errno::INVAL) => {}
                Err(errno) => return Err(self.root.failed("sync", &path)(errno)),
            }
        }
        Ok(())
    }

    /// After a failure: removes temporary files, and notes what was done until then.
    /// What fails here is left to the next run, which finds it in the ledger.
    fn clean_up(&mut self, plan: &BindingPlan) {
        for action in &plan.actions {
            let Action::Write { path, .. } = action else {
                continue;
            };
            if self.remove_temporary(path).is_ok() {
                self.ledger.pending.remove(path);
            }
        }
        let _ = self.sync_folders();
        let _ = ledgers::write(self.root, &self.ledger);
    }
}

fn stale(path: &str) -> HostError {
    HostError::Stale {
        path: path.to_owned(),
    }
}

#[cfg(test)]
thread_local! {
    /// After how many steps the process is killed, in tests.
    pub(super) static STEPS_LEFT: std::cell::Cell<Option<usize>> =
        const { std::cell::Cell::new(None) };
}

/// A place where a test may kill the run: nothing after it happens, no clean-up either.
#[cfg(test)]
fn step() {
    STEPS_LEFT.with(|left| match left.get() {
        Some(0) => std::panic::panic_any("killed"),
        Some(more) => left.set(Some(more - 1)),
        None => {}
    });
}

#[cfg(not(test))]
fn step() {}
