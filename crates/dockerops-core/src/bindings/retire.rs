//! What leaves: files that a revision no longer has, and whole bindings.

use std::collections::BTreeSet;

use super::action::{Action, BindingPlan, Report};
use super::disk::{Found, Looking, Seen};
use super::ledger::Ledger;
use super::path::{ancestors, covers, temporary_name};
use super::plan::{Unread, moved_note};

/// A binding that the ledger has and `volumes.yaml` has not any more.
#[derive(Debug, Clone, Copy)]
pub struct Retired<'a> {
    /// Its path.
    pub path: &'a str,
    /// The paths of the bindings that remain: nothing of theirs is touched.
    pub remaining: &'a [String],
    /// What the repository put there before.
    pub ledger: &'a Ledger,
}

/// What to look at on disk.
pub fn retired_to_look_at(retired: Retired<'_>) -> Looking {
    let files = leaving_files(retired);
    let mut looking = Looking {
        paths: files.into_iter().map(str::to_owned).collect(),
        leaving_folders: leaving_folders(retired),
    };
    looking.paths.extend(looking.leaving_folders.clone());
    looking
}

/// What to read.
pub fn retired_to_read(retired: Retired<'_>, seen: &Seen) -> Unread {
    let files = leaving_files(retired).into_iter();
    Unread {
        files: leaving_to_read(files, retired.ledger, seen).collect(),
        contents: BTreeSet::new(),
    }
}

/// Decides what goes with a binding: files that are still as we put them there, and
/// folders of ours that empty. Carried out last, when nothing mounts it any more.
pub fn plan_retired(retired: Retired<'_>, seen: &Seen) -> BindingPlan {
    let mut plan = BindingPlan {
        path: retired.path.to_owned(),
        ..BindingPlan::default()
    };
    let files = leaving_files(retired);
    for path in &files {
        if retired.ledger.pending.contains_key(*path) {
            let path = (*path).to_owned();
            plan.actions.push(Action::RemoveTemporary { path });
        }
    }
    let files: Vec<&str> = files.into_iter().collect();
    leave_files(&files, retired.ledger, seen, &mut plan);
    leave_folders(&leaving_folders(retired), retired.ledger, seen, &mut plan);
    if retired.ledger.claims.contains_key(retired.path) {
        let path = retired.path.to_owned();
        plan.actions.push(Action::Unclaim { path });
    }
    plan.actions.sort_by_key(Action::rank);
    plan.reports.sort();
    plan
}

fn leaving_files(retired: Retired<'_>) -> BTreeSet<&str> {
    let mut files = retired.ledger.files_below(retired.path);
    files.retain(|file| !retired.remaining.iter().any(|path| covers(path, file)));
    files
}

/// Folders at, below and above the binding that no remaining binding needs.
fn leaving_folders(retired: Retired<'_>) -> BTreeSet<String> {
    let near = |folder: &str| {
        covers(retired.path, folder) || ancestors(retired.path).any(|above| above == folder)
    };
    let needed = |folder: &str| {
        let touches = |path: &String| covers(path, folder) || covers(folder, path);
        retired.remaining.iter().any(touches)
    };
    let folders = retired.ledger.folders.keys();
    folders
        .filter(|folder| near(folder) && !needed(folder))
        .cloned()
        .collect()
}

/// Which of the files `leaving` must be read, because their stamps do not tell.
pub(super) fn leaving_to_read<'a>(
    leaving: impl Iterator<Item = &'a str>,
    ledger: &Ledger,
    seen: &Seen,
) -> impl Iterator<Item = String> {
    leaving
        .filter(|path| {
            seen.file(path).is_some_and(|file| {
                let entry = ledger.files.get(*path);
                entry.and_then(|entry| entry.stamp) != Some(file.stamp)
            })
        })
        .map(str::to_owned)
}

/// Removes what is as we put it there, leaves and forgets the rest.
pub(super) fn leave_files(leaving: &[&str], ledger: &Ledger, seen: &Seen, plan: &mut BindingPlan) {
    for path in leaving {
        let noted = ledger.files.contains_key(*path);
        let path = (*path).to_owned();
        let Some(found) = seen.disk.get(&path) else {
            if noted {
                plan.actions.push(Action::ForgetFile { path });
            }
            continue;
        };
        if let Found::File(file) = found
            && ledger.ours(&path, file).is_some()
        {
            plan.actions.extend(moved_note(ledger, &path, file));
            let stamp = file.stamp;
            plan.actions.push(Action::RemoveFile { path, stamp });
        } else if noted {
            plan.reports.push(Report::LeftBehind(path.clone()));
            plan.actions.push(Action::ForgetFile { path });
        }
    }
}

/// Removes folders in which nothing remains, deepest first; forgets the others.
pub(super) fn leave_folders(
    leaving: &BTreeSet<String>,
    ledger: &Ledger,
    seen: &Seen,
    plan: &mut BindingPlan,
) {
    let mut going: BTreeSet<String> = plan
        .actions
        .iter()
        .filter(|action| matches!(action, Action::RemoveFile { .. }))
        .map(|action| action.path().to_owned())
        .collect();
    going.extend(ledger.pending.keys().map(|path| temporary_path(path)));
    for folder in leaving.iter().rev() {
        let path = folder.clone();
        let empties = match seen.disk.get(folder) {
            Some(Found::Folder(Some(names))) => names
                .iter()
                .all(|name| going.contains(&format!("{folder}/{name}"))),
            _ => false,
        };
        if empties {
            going.insert(path.clone());
            plan.actions.push(Action::RemoveFolder { path });
        } else {
            plan.actions.push(Action::ForgetFolder { path });
        }
    }
}

/// Where the temporary file of `path` lies.
fn temporary_path(path: &str) -> String {
    let name = temporary_name(path);
    match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name,
    }
}
