//! Deciding what to do for one binding.
//!
//! Three steps, because reading files costs and deciding must not read:
//! [`to_look_at`] says whose stamps are needed, [`to_read`] whose content, and
//! [`plan_binding`] decides. Where nothing changed, nothing is read.

use std::collections::BTreeSet;

use super::WantedFile;
use super::action::{Action, BindingPlan, Report};
use super::disk::{Found, FoundFile, Looking, Seen, Stamp};
use super::ledger::{Attributes, Claim, Ledger, LedgerFile};
use super::path::{ancestors, check_path, covers};
use super::retire::{leave_files, leave_folders, leaving_to_read};
use crate::diagnostic::Diagnostic;
use crate::manifest::Binding;

/// What one decision is made of, but for what was seen.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The binding.
    pub binding: &'a Binding,
    /// Its files in the revision; none when the revision does not contain it.
    pub files: &'a [WantedFile],
    /// What the repository put there before.
    pub ledger: &'a Ledger,
    /// Whether foreign files that differ are replaced (and kept beside).
    pub adopt: bool,
}

/// What to read before deciding, because stamps do not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    /// Files on disk whose SHA-256 is needed.
    pub files: BTreeSet<String>,
    /// Git's object ids of wanted contents whose SHA-256 is needed.
    pub contents: BTreeSet<String>,
}

/// What to look at on disk.
pub fn to_look_at(request: Request<'_>) -> Looking {
    let path = &request.binding.path.value;
    let mut looking = Looking {
        paths: wanted_folders(path, request.files),
        ..Looking::default()
    };
    looking
        .paths
        .extend(request.files.iter().map(|file| file.path.clone()));
    let ours = request.ledger.files_below(path);
    looking.paths.extend(ours.into_iter().map(str::to_owned));
    for folder in request.ledger.folders.keys() {
        if covers(path, folder) && !looking.paths.contains(folder) {
            looking.leaving_folders.insert(folder.clone());
        }
    }
    looking.paths.extend(looking.leaving_folders.clone());
    // Unsafe ones are refused by the plan, without a look.
    looking.paths.retain(|path| check_path(path).is_ok());
    looking
}

/// What to read: files that may have been touched, and contents to compare them with.
pub fn to_read(request: Request<'_>, seen: &Seen) -> Unread {
    let mut unread = Unread::default();
    for wanted in request.files {
        let Some(file) = seen.file(&wanted.path) else {
            continue;
        };
        let entry = request.ledger.files.get(&wanted.path);
        if entry.is_some_and(|entry| entry.stamp == Some(file.stamp)) {
            continue;
        }
        unread.files.insert(wanted.path.clone());
        let known = entry.is_some_and(|entry| entry.content == wanted.content);
        if file.stamp.size == wanted.size && !known {
            unread.contents.insert(wanted.content.clone());
        }
    }
    let wanted: BTreeSet<&str> = request
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    let below = request.ledger.files_below(&request.binding.path.value);
    let leaving = below.difference(&wanted).copied();
    unread
        .files
        .extend(leaving_to_read(leaving, request.ledger, seen));
    unread
}

/// Decides what to do for one binding.
pub fn plan_binding(request: Request<'_>, seen: &Seen) -> BindingPlan {
    let mut plan = Planning {
        request,
        seen,
        plan: BindingPlan {
            path: request.binding.path.value.clone(),
            ..BindingPlan::default()
        },
    };
    plan.check_paths();
    if plan.plan.errors.has_errors() {
        return plan.plan;
    }
    plan.binding_itself();
    plan.folders();
    for file in request.files {
        plan.file(file);
    }
    plan.leaving();
    plan.finish()
}

/// All folders that must exist: those above each file; of a binding without files, itself.
fn wanted_folders(path: &str, files: &[WantedFile]) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for file in files {
        folders.extend(ancestors(&file.path).map(str::to_owned));
    }
    if files.is_empty() {
        folders.extend(ancestors(path).map(str::to_owned));
        folders.insert(path.to_owned());
    }
    folders
}

struct Planning<'a> {
    request: Request<'a>,
    seen: &'a Seen,
    plan: BindingPlan,
}

impl Planning<'_> {
    fn error(&mut self, code: &'static str, message: String, hint: &str) {
        let span = self.request.binding.path.span;
        let error = Diagnostic::error(code, span, message).hint(hint);
        self.plan.errors.push(error);
    }

    /// The binding's path and each file's: safe, below the binding, each once.
    fn check_paths(&mut self) {
        let binding = self.request.binding.path.value.as_str();
        let folders = wanted_folders(binding, self.request.files);
        let mut seen = BTreeSet::new();
        let files = self.request.files.iter().map(|file| file.path.as_str());
        for path in std::iter::once(binding).chain(files) {
            if let Err(why) = check_path(path) {
                let message = format!("binding path `{}`: {why}", path.escape_debug());
                self.error("binding-path", message, "Rename it in the repository.");
            }
        }
        for file in self.request.files {
            let path = file.path.as_str();
            let clash = folders.contains(path) || !seen.insert(path);
            if clash || !covers(binding, path) {
                let message = format!("`{}` is no file of `{binding}`", path.escape_debug());
                self.error("binding-path", message, "Rename it in the repository.");
            }
        }
    }

    /// Claims the binding; refuses one whose files are gone from the revision.
    fn binding_itself(&mut self) {
        let path = self.request.binding.path.value.clone();
        let before = self.request.ledger.claims.get(&path);
        let came = before.is_some_and(|claim| claim.had_files)
            || self.request.ledger.has_files_below(&path);
        let absent = self.request.files.is_empty();
        if absent && came {
            let message = format!("`{path}` is gone from the repository; its files stay");
            let hint = "Put it back, or remove the entry from `volumes.yaml` and the mounts of it.";
            self.error("binding-gone", message, hint);
        } else if absent && !self.seen.disk.contains_key(&path) {
            self.plan.reports.push(Report::CreatedEmpty(path.clone()));
        }
        let claim = Claim { had_files: !absent };
        if before != Some(&claim) {
            self.plan.actions.push(Action::Claim { path, claim });
        }
    }

    fn folders(&mut self) {
        let binding = self.request.binding;
        for path in wanted_folders(&binding.path.value, self.request.files) {
            let inside = covers(&binding.path.value, &path);
            let owner = binding.owner.filter(|_| inside).unwrap_or_default();
            match self.seen.disk.get(&path) {
                None => self.plan.actions.push(Action::MakeFolder { path, owner }),
                Some(Found::Folder(_)) => {
                    let before = self.request.ledger.folders.get(&path);
                    if inside && before.is_some_and(|before| *before != owner) {
                        let action = Action::SetFolderOwner { path, owner };
                        self.plan.actions.push(action);
                    }
                }
                Some(Found::File(_)) => self.in_the_way(&path, "a file", "a folder"),
                Some(Found::Other(what)) => self.in_the_way(&path, what, "a folder"),
            }
        }
    }

    fn in_the_way(&mut self, path: &str, found: &str, wanted: &str) {
        let message = format!(
            "`{}` is {found} on the shared storage, and {wanted} in the repository",
            path.escape_debug()
        );
        let hint = "Move it away by hand; it is never replaced, as containers may hold it.";
        self.error("binding-in-the-way", message, hint);
    }

    fn file(&mut self, wanted: &WantedFile) {
        match self.seen.disk.get(&wanted.path) {
            None => {
                if self.request.ledger.files.contains_key(&wanted.path) {
                    let report = Report::Restored(wanted.path.clone());
                    self.plan.reports.push(report);
                }
                self.write(wanted, None);
            }
            Some(Found::Folder(_)) => self.in_the_way(&wanted.path, "a folder", "a file"),
            Some(Found::Other(what)) => self.in_the_way(&wanted.path, what, "a file"),
            Some(Found::File(file)) => self.existing_file(wanted, file),
        }
    }

    fn existing_file(&mut self, wanted: &WantedFile, file: &FoundFile) {
        let ledger = self.request.ledger;
        let path = wanted.path.as_str();
        let entry = ledger.files.get(path);
        if let Some((content, sha256)) = ledger.entry_of(path, file) {
            if content == wanted.content {
                return self.settle(wanted, file, sha256.to_owned());
            }
            self.note_if_moved(path, file);
            return self.write(wanted, Some(file.stamp));
        }
        let same = file.sha256.as_ref().filter(|sha256| {
            file.stamp.size == wanted.size
                && self.seen.contents.get(&wanted.content) == Some(*sha256)
        });
        if let Some(sha256) = same {
            if entry.is_none() {
                let report = Report::TakenOver(path.to_owned());
                self.plan.reports.push(report);
            }
            return self.settle(wanted, file, sha256.clone());
        }
        let report = match entry {
            Some(entry) if entry.content == wanted.content => {
                let report = Report::Changed(path.to_owned());
                return self.plan.reports.push(report);
            }
            Some(_) => Report::Saved(path.to_owned()),
            None if self.request.adopt => Report::Adopted(path.to_owned()),
            None => return self.foreign(path),
        };
        self.plan.reports.push(report);
        self.plan.actions.push(Action::Save {
            path: path.to_owned(),
            stamp: file.stamp,
        });
        self.write(wanted, Some(file.stamp));
    }

    fn foreign(&mut self, path: &str) {
        let message = format!(
            "`{}` on the shared storage was not put there by this repository, and differs from its version",
            path.escape_debug()
        );
        let hint = "Move it away or make both equal; `--adopt` replaces it and keeps the other version beside.";
        self.error("binding-foreign-file", message, hint);
    }

    fn attributes(&self, wanted: &WantedFile) -> Attributes {
        let executable = self.request.binding.preserve_mode && wanted.executable;
        Attributes {
            mode: if executable { 0o755 } else { 0o644 },
            owner: self.request.binding.owner.unwrap_or_default(),
        }
    }

    fn write(&mut self, wanted: &WantedFile, replaces: Option<Stamp>) {
        self.plan.actions.push(Action::Write {
            path: wanted.path.clone(),
            content: wanted.content.clone(),
            size: wanted.size,
            attributes: self.attributes(wanted),
            replaces,
        });
    }

    /// The content is as wanted: sets what was asked anew, and notes what is.
    ///
    /// Mode and owner that a container changed since are left: many an image
    /// takes its whole data folder for itself when it starts.
    fn settle(&mut self, wanted: &WantedFile, file: &FoundFile, sha256: String) {
        let attributes = self.attributes(wanted);
        let before = self.request.ledger.files.get(&wanted.path);
        let asked = before.is_some_and(|before| before.attributes == attributes);
        let refused = asked && before.is_some_and(|before| before.refused);
        let entry = LedgerFile {
            content: wanted.content.clone(),
            sha256,
            stamp: Some(file.stamp),
            attributes,
            refused: refused && file.attributes != attributes,
        };
        let path = wanted.path.clone();
        if entry.refused {
            let report = Report::OwnerRefused(self.plan.path.clone());
            if !self.plan.reports.contains(&report) {
                self.plan.reports.push(report);
            }
        }
        if !asked && file.attributes != attributes {
            let action = Action::SetAttributes { path, entry };
            self.plan.actions.push(action);
        } else if before != Some(&entry) {
            self.plan.actions.push(Action::Record { path, entry });
        }
    }

    /// Notes a file that a killed run put there, before a new run makes that hard to tell.
    fn note_if_moved(&mut self, path: &str, file: &FoundFile) {
        self.plan
            .actions
            .extend(moved_note(self.request.ledger, path, file));
    }

    fn leaving(&mut self) {
        let path = &self.request.binding.path.value;
        let wanted: BTreeSet<&str> = self.request.files.iter().map(|f| f.path.as_str()).collect();
        let below = self.request.ledger.files_below(path);
        let leaving: Vec<&str> = below.difference(&wanted).copied().collect();
        leave_files(&leaving, self.request.ledger, self.seen, &mut self.plan);
        let folders = to_look_at(self.request).leaving_folders;
        leave_folders(&folders, self.request.ledger, self.seen, &mut self.plan);
        for pending in self.request.ledger.pending.keys() {
            if covers(path, pending) {
                let path = pending.clone();
                self.plan.actions.push(Action::RemoveTemporary { path });
            }
        }
    }

    fn finish(mut self) -> BindingPlan {
        if self.plan.errors.has_errors() {
            self.plan.actions.clear();
        }
        self.plan.actions.sort_by_key(Action::rank);
        self.plan.reports.sort();
        self.plan
    }
}

/// The note for a file of ours whose entry does not describe it (any more).
pub(super) fn moved_note(ledger: &Ledger, path: &str, file: &FoundFile) -> Option<Action> {
    let (content, sha256) = ledger.entry_of(path, file)?;
    let before = ledger.files.get(path);
    if before.is_some_and(|before| before.stamp == Some(file.stamp)) {
        return None;
    }
    let entry = LedgerFile {
        content: content.to_owned(),
        sha256: sha256.to_owned(),
        stamp: Some(file.stamp),
        attributes: before.map_or(file.attributes, |before| before.attributes),
        refused: before.is_some_and(|before| before.refused),
    };
    let path = path.to_owned();
    Some(Action::Record { path, entry })
}
