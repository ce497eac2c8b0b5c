//! What a plan that is only shown tells beyond its stacks: which commit, which files,
//! how texts change, and which stacks would go.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::manifest::Manifest;
use dockerops_core::names::StackName;
use dockerops_core::plan::{Adopt, Sealed, config_before};
use dockerops_core::report::{Outcome, Report, RepositoryReport, StackReport, Verb};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::diff::diff;
use super::read::{Read, Repository};
use super::removal::{Leaver, kept_sentence, leaving};
use super::stack::{Stacks, commit_report};
use super::volumes::{self, Left};
use super::{Target, Texts};

/// How many questions about the history are asked at once: each is a process.
const AT_ONCE: usize = 8;

/// Somebody else's stack could be the one that is compared.
const UNKNOWN_ORIGIN: &str = "where the folder was cloned from is not known, so it is compared with \
     whatever runs under the names of its stacks";

/// Adds to `report` what only a reader of a plan wants to know.
pub(super) async fn complete(stacks: &Stacks<'_>, report: &mut Report) {
    let targets = stacks.request.repositories.iter();
    let repositories = targets
        .zip(stacks.repositories)
        .zip(&mut report.repositories);
    let asking = &Semaphore::new(AT_ONCE);
    let completed = repositories.map(|((target, repository), report)| async move {
        let Ok(read) = &repository.read else {
            return Vec::new();
        };
        let unknown = read.checkout.as_ref().is_some_and(|c| c.origin.is_none());
        if unknown && read.desired.manifest.is_some() {
            report.warnings.push(UNKNOWN_ORIGIN.to_owned());
        }
        commits(stacks, target, read, report, asking).await;
        texts(stacks, read, report).await;
        let previewed = stacks
            .bindings
            .preview(stacks.request, repository, report)
            .await;
        report.bindings = previewed.bindings;
        report.warnings.extend(previewed.warnings);
        previewed.problems
    });
    let problems = join_all(completed).await;
    report.problems.extend(problems.into_iter().flatten());
    if stacks.request.only.is_empty() {
        departed(stacks, report);
    }
}

/// The commit behind each change that the repository brought about.
///
/// None is better than another one: where Git cannot say, nothing is told.
async fn commits(
    stacks: &Stacks<'_>,
    target: &Target,
    read: &Read,
    report: &mut RepositoryReport,
    asking: &Semaphore,
) {
    let (Some(url), Some(head)) = (target.url(), &read.commit) else {
        return;
    };
    let git = &stacks.world.git;
    let named = report.stacks.iter_mut().filter(|stack| stack.asks_anew());
    let named = named.map(|stack| async move {
        let Ok(_turn) = asking.acquire().await else {
            return;
        };
        let paths = origins(read, stack);
        let found = git.last_change(url, &head.revision, &paths).await;
        stack.commit = found.ok().flatten().as_ref().map(commit_report);
    });
    join_all(named).await;
}

/// The paths that a change of the stack may have come from.
fn origins(read: &Read, report: &StackReport) -> BTreeSet<String> {
    let mut paths = BTreeSet::from(["volumes.yaml", "nfs.yaml"].map(str::to_owned));
    if report.changes.iter().all(|c| c.verb == Verb::Create) {
        // Its files may be old, and only its place on the list new.
        paths.insert("stacks.yaml".to_owned());
    }
    let stack = read.stack(&report.name);
    if let Some(stack) = stack {
        paths.extend(stack.paths.iter().cloned());
    }
    let ids = stack.and_then(|stack| stack.spec.as_ref()).into_iter();
    let ids: BTreeSet<_> = ids
        .flat_map(|spec| &spec.services)
        .flat_map(|service| service.bindings.iter().map(String::as_str))
        .collect();
    let manifest = read.desired.manifest.iter();
    let bindings = manifest.flat_map(Manifest::bindings);
    let mounted = bindings.filter(|(id, _)| ids.contains(id));
    paths.extend(mounted.map(|(_, binding)| binding.path.value.clone()));
    paths
}

/// How the texts of configs change.
async fn texts(stacks: &Stacks<'_>, read: &Read, report: &mut RepositoryReport) {
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
            let before = config_before(&change.name, spec, &stacks.seen.observed);
            let Some((old, new)) = before.map(|(old, new)| (old.to_vec(), new.to_vec())) else {
                continue;
            };
            let work = tokio::task::spawn_blocking(move || diff(&old, &new));
            change.diff = work.await.ok().flatten();
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
    let left = Left::by(stack, observed, stacks.request, stacks.repositories);
    let leaver = Leaver {
        stack,
        owner: &repository.owner,
        adopt: Adopt::Refuse,
        volumes: &left.going,
    };
    let mut report = leaver.plan(observed).map_or_else(
        |problem| StackReport::failed(stack.clone(), problem),
        |plan| {
            let sealed = Sealed::new(&plan, &stacks.world.key, BTreeMap::new());
            let mut report = StackReport::of_plan(&plan, Outcome::Removed, observed);
            report.sealed = Some(sealed);
            report
        },
    );
    let told = volumes::elsewhere(stack, stacks.request, &stacks.seen.nodes);
    report.warnings.extend(told);
    if blocked {
        report
            .warnings
            .push("stays for now: nothing is removed while anything above fails".to_owned());
    }
    report
}
