//! What a plan that is only shown tells beyond its stacks: which commit, which files,
//! how texts change, and which stacks would go.

use std::collections::BTreeMap;

use dockerops_core::names::StackName;
use dockerops_core::plan::{Adopt, Sealed, config_before};
use dockerops_core::report::{Outcome, Report, RepositoryReport, StackReport, Verb};
use futures_util::future::join_all;

use super::diff::diff;
use super::read::{Read, Repository};
use super::removal::{kept_sentence, leaving};
use super::stack::{Stacks, commit_report};
use super::{Target, Texts};

/// Adds to `report` what only a reader of a plan wants to know.
pub(super) async fn complete(stacks: &Stacks<'_>, report: &mut Report) {
    let targets = stacks.request.repositories.iter();
    let repositories = targets
        .zip(stacks.repositories)
        .zip(&mut report.repositories);
    let completed = repositories.map(|((target, repository), report)| async move {
        if let Ok(read) = &repository.read {
            commits(stacks, target, read, report).await;
            report.bindings = stacks.bindings.preview(stacks.request, repository).await;
            texts(stacks, read, report);
        }
    });
    join_all(completed).await;
    if stacks.request.only.is_empty() {
        departed(stacks, report);
    }
}

/// The commit behind each change that the repository brought about.
async fn commits(stacks: &Stacks<'_>, target: &Target, read: &Read, report: &mut RepositoryReport) {
    let (Some(url), Some(head)) = (target.url(), &read.commit) else {
        return;
    };
    let git = &stacks.world.git;
    let named = report.stacks.iter_mut().filter(|stack| stack.asks_anew());
    let named = named.map(|stack| async move {
        let folder = stack.name.as_str();
        let found = git.last_change(url, &head.revision, folder).await;
        let commit = found.ok().flatten();
        stack.commit = Some(commit_report(commit.as_ref().unwrap_or(head)));
    });
    join_all(named).await;
}

/// How the texts of configs change.
fn texts(stacks: &Stacks<'_>, read: &Read, report: &mut RepositoryReport) {
    if stacks.request.texts == Texts::Named {
        return;
    }
    for stack in &mut report.stacks {
        let wanted = read.desired.stacks.iter().find(|s| s.name == stack.name);
        let Some(spec) = wanted.and_then(|wanted| wanted.spec.as_ref()) else {
            continue;
        };
        let created = |change: &&mut dockerops_core::report::ChangeReport| {
            change.kind == "config" && change.verb == Verb::Create
        };
        for change in stack.changes.iter_mut().filter(created) {
            let observed = &stacks.seen.observed;
            change.diff =
                config_before(&change.name, spec, observed).and_then(|(old, new)| diff(old, new));
        }
    }
}

/// Stacks that left their repository, as the run after this one would treat them.
fn departed(stacks: &Stacks<'_>, report: &mut Report) {
    let blocked = report.failed();
    let repositories = stacks.repositories.iter().zip(&mut report.repositories);
    for (repository, report) in repositories {
        let Ok(read) = &repository.read else { continue };
        match leaving(stacks, repository, read) {
            Ok(departed) => {
                let kept = departed.keep.iter();
                let kept = kept.map(|(stack, why)| kept_sentence(stack, why));
                report.warnings.extend(kept);
                let gone = departed.remove.iter();
                report
                    .stacks
                    .extend(gone.map(|stack| removed(stacks, repository, stack, blocked)));
            }
            Err(problem) => report.problem = Some(problem),
        }
    }
}

fn removed(
    stacks: &Stacks<'_>,
    repository: &Repository,
    stack: &StackName,
    blocked: bool,
) -> StackReport {
    let observed = &stacks.seen.observed;
    let mut report = super::removal::plan(stack, &repository.owner, observed, Adopt::Refuse)
        .map_or_else(
            |problem| StackReport::failed(stack.clone(), problem),
            |plan| {
                let sealed = Sealed::new(&plan, &stacks.world.key, BTreeMap::new());
                let mut report = StackReport::of_plan(&plan, Outcome::Removed, observed);
                report.sealed = Some(sealed);
                report
            },
        );
    if blocked {
        report
            .warnings
            .push("stays for now: nothing is removed while anything above fails".to_owned());
    }
    report
}
