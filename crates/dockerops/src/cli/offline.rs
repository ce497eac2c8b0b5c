//! What the commands share that need neither Docker nor root.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use dockerops_core::report::Problem;

use super::output::Output;
use crate::desire::DiskTree;
use crate::reconcile::{not_a_folder, problem};
use crate::settings::{Environment, Settings, Sources};

/// The checkout of a repository.
pub(super) fn checkout(folder: &Path) -> Result<DiskTree, Problem> {
    DiskTree::open(folder).map_err(|error| not_a_folder(folder, &error))
}

/// Settings that this user may not read do not keep him from looking at files.
pub(super) fn settings(out: &mut Output) -> Result<Settings, Problem> {
    Settings::read().or_else(|error| {
        out.warn(&problem(&error, None).message);
        let sources = Sources {
            process: Environment(process_environment(Some)),
            files: Vec::new(),
            passwd_home: Some(PathBuf::from("/")),
        };
        Settings::decide(&sources).map_err(Problem::from)
    })
}

/// Our whole environment, as compose files given by hand see it.
pub(super) fn environment() -> BTreeMap<String, String> {
    process_environment(|value| value.into_string().ok())
}

fn process_environment<T>(value: impl Fn(OsString) -> Option<T>) -> BTreeMap<String, T> {
    let named = |(name, content): (OsString, _)| Some((name.into_string().ok()?, value(content)?));
    std::env::vars_os().filter_map(named).collect()
}
