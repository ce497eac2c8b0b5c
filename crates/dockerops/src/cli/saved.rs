//! A plan in a file: written by `plan --out`, applied by `reconcile --plan`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use dockerops_core::names::StackName;
use dockerops_core::report::{Problem, Report};
use dockerops_core::saved_plan::SavedPlan;

use super::session::Session;
use crate::reconcile::{self, Agreed, Mode, Request, Target, all_moved, problem, read_plan};

/// Keeps what `report` says of `request` in `file`, which only its owner can read.
pub(super) fn write(file: &Path, request: &Request, report: &Report) -> Result<(), Problem> {
    let saved = SavedPlan::new(report, request.policy, request.insist, &request.only)
        .map_err(|error| problem(&error, Some("Mend what the plan names first.".to_owned())))?;
    let text = serde_json::to_vec_pretty(&saved).unwrap_or_default();
    replace(file, &text).map_err(|error| {
        Problem::new(
            format!("`{}` cannot be written: {error}", file.display()),
            Some("Name a file in a folder that exists and is writable.".to_owned()),
        )
    })
}

/// Whole or not at all, with mode 0600, which is that of temporary files.
fn replace(file: &Path, text: &[u8]) -> io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    new.write_all(text)?;
    new.as_file().sync_all()?;
    if fs::symlink_metadata(file).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("something is there that is no file"));
    }
    new.persist(file)?;
    Ok(())
}

/// The request that the plan in `file` was made by, held to that plan; refused when
/// anything moved since.
pub(super) async fn agreed(
    file: &Path,
    session: &Session,
    request: Request,
) -> Result<Request, Problem> {
    let saved = read_plan(file)?;
    let watched = session.watched()?;
    let repositories = saved.repositories.iter().map(|repository| {
        let target = Target::parse(&repository.url);
        let known = watched.iter().any(|w| owner(w) == owner(&target));
        if known {
            Ok(target)
        } else {
            Err(unwatched(&repository.url))
        }
    });
    let request = Request {
        repositories: repositories.collect::<Result<_, _>>()?,
        only: saved
            .only
            .iter()
            .filter_map(|n| StackName::parse(n).ok())
            .collect(),
        policy: saved.policy,
        insist: saved.insist,
        agreed: Some(Arc::new(Agreed::new(&saved)?)),
        ..request
    };
    check(&saved, session, &request).await?;
    Ok(request)
}

fn owner(target: &Target) -> Option<dockerops_core::names::Owner> {
    Some(target.url()?.normalised())
}

fn unwatched(url: &str) -> Problem {
    Problem::new(
        format!("the plan is about `{url}`, which is not watched"),
        Some(format!("Run `dockerops watch {url}` first.")),
    )
}

/// Makes the plan again and refuses it when anything moved.
async fn check(saved: &SavedPlan, session: &Session, request: &Request) -> Result<(), Problem> {
    let preview = Request {
        mode: Mode::Preview,
        ..request.clone()
    };
    let report = reconcile::run(&session.world, &preview).await?;
    session.shown.clear();
    let now = SavedPlan::new(&report, request.policy, request.insist, &request.only);
    let moved = match now {
        Ok(now) => saved.moved(&now),
        Err(_) => refusals(&report),
    };
    if moved.is_empty() {
        Ok(())
    } else {
        Err(all_moved(moved))
    }
}

/// Why the plan cannot even be made again.
fn refusals(report: &Report) -> Vec<String> {
    let repositories = report.repositories.iter();
    let problems = repositories.flat_map(|repository| {
        let stacks = repository.stacks.iter().filter_map(|s| s.problem.as_ref());
        repository.problem.iter().chain(stacks)
    });
    problems.map(|problem| problem.message.clone()).collect()
}
