//! A plan in a file: written by `plan --out`, applied by `reconcile --plan`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use dockerops_core::names::StackName;
use dockerops_core::report::{Problem, Report};
use dockerops_core::saved_plan::{NotSaved, SavedPlan};

use super::session::Session;
use crate::reconcile::{self, Agreed, Mode, Request, Target, all_moved, problem, read_plan};

/// Keeps what `report` says of `request` in `file`, which only its owner can read.
pub(super) fn write(
    file: &Path,
    session: &Session,
    request: &Request,
    report: &Report,
) -> Result<(), Problem> {
    let saved = plan_of(report, session, request)
        .map_err(|error| problem(&error, Some("Mend what the plan names first.".to_owned())))?;
    let text = serde_json::to_vec_pretty(&saved).unwrap_or_default();
    replace(file, &text).map_err(|error| {
        Problem::new(
            format!("`{}` cannot be written: {error}", file.display()),
            Some("Name a file in a folder that exists and is writable.".to_owned()),
        )
    })
}

fn plan_of(report: &Report, session: &Session, request: &Request) -> Result<SavedPlan, NotSaved> {
    let Request {
        policy,
        insist,
        only,
        rotate,
        ..
    } = request;
    SavedPlan::new(report, *policy, *insist, only, rotate, &session.world.key)
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
    if !saved.is_sealed(&session.world.key) {
        return Err(edited(file));
    }
    let urls = saved
        .repositories
        .iter()
        .map(|repository| repository.url.as_str());
    let targets: Vec<_> = urls.map(Target::parse).collect();
    // Which other repositories there are decides which stacks are handed over.
    let owners = |targets: &[Target]| targets.iter().map(Target::owner).collect::<Vec<_>>();
    if owners(&targets) != owners(&session.watched()?) {
        let sentence = "the watched repositories are not those that it was made for";
        return Err(all_moved(vec![sentence.to_owned()]));
    }
    let request = Request {
        repositories: targets,
        only: names(&saved)?,
        rotate: saved.rotate.clone(),
        policy: saved.policy,
        insist: saved.insist,
        agreed: Some(Arc::new(Agreed::new(&saved)?)),
        ..request
    };
    check(&saved, session, &request).await?;
    Ok(request)
}

fn edited(file: &Path) -> Problem {
    Problem::new(
        format!(
            "`{}` is not as `dockerops plan --out` wrote it on this host",
            file.display()
        ),
        Some("Make the plan again, and apply it on the host that made it.".to_owned()),
    )
}

fn names(saved: &SavedPlan) -> Result<BTreeSet<StackName>, Problem> {
    let names = saved.only.iter().map(|name| StackName::parse(name));
    let names = names.collect::<Result<_, _>>();
    names.map_err(|error| problem(&error, Some("Make the plan again.".to_owned())))
}

/// Makes the plan again and refuses it when anything moved.
async fn check(saved: &SavedPlan, session: &Session, request: &Request) -> Result<(), Problem> {
    let preview = Request {
        mode: Mode::Preview,
        ..request.clone()
    };
    let report = reconcile::run(&session.world, &preview).await?;
    session.shown.clear();
    let moved = match plan_of(&report, session, request) {
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
    let stacks = report.stacks().filter_map(|stack| stack.problem.as_ref());
    let repositories = report
        .repositories
        .iter()
        .filter_map(|r| r.problem.as_ref());
    let problems = report.problems.iter().chain(repositories).chain(stacks);
    problems.flat_map(lines).collect()
}

fn lines(problem: &Problem) -> Vec<String> {
    let details = problem
        .details
        .iter()
        .flat_map(|detail| detail.trim_end().lines());
    let hint = problem.hint.iter().map(|hint| format!("  hint: {hint}"));
    let message = std::iter::once(problem.message.clone());
    message
        .chain(details.map(str::to_owned))
        .chain(hint)
        .collect()
}
