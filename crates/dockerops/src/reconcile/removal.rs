//! Stacks that left their repository: removed last, when everything else went well.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dockerops_core::departed::{Departed, Listing, departed as decide};
use dockerops_core::names::{Owner, StackName};
use dockerops_core::observed::Observed;
use dockerops_core::order;
use dockerops_core::plan::{Adopt, Change, Ownership, Plan, owner_of, removal};
use dockerops_core::report::{ChangeReport, Outcome, Problem, Report, StackReport};
use dockerops_core::source::Sources;

use super::problem::of_diagnostics;
use super::progress::Event;
use super::read::{Read, Repository};
use super::stack::Stacks;
use super::volumes::{self, Left};
use super::{Request, Seen, World};
use crate::engine::{Applied, EngineError};

/// How long the tasks and networks of a removed stack may take to go.
pub(super) const REMOVAL_TIMEOUT: Duration = Duration::from_secs(120);

/// Removes the stacks that left, of every repository that was read completely.
///
/// Nothing is removed when anything of the run failed. Returns the repositories of
/// which something runs that is not as they have it now: kept, or suspended.
pub(super) async fn departed(
    world: &World,
    request: &Request,
    seen: &Seen,
    repositories: &[Repository],
    report: &mut Report,
) -> BTreeSet<Owner> {
    let mut kept = BTreeSet::new();
    if report.failed() {
        return kept;
    }
    // The Swarm is read again only when something goes: the run has changed it meanwhile.
    let fresh = match fresh(world, request, repositories, &seen.observed).await {
        Ok(fresh) => fresh,
        Err(error) => {
            report.problems.push(error.into());
            return kept;
        }
    };
    let observed = fresh.as_ref().unwrap_or(&seen.observed);
    for (index, repository) in repositories.iter().enumerate() {
        let Ok(read) = &repository.read else { continue };
        let departed = decide_for(world, request, repositories, repository, read, observed);
        let Some(target) = report.repositories.get_mut(index) else {
            continue;
        };
        let departed = match departed {
            Ok(departed) => departed,
            Err(problem) => {
                target.problem = Some(problem);
                continue;
            }
        };
        if !departed.keep.is_empty() || repository.suspended.any() {
            kept.insert(repository.owner.clone());
        }
        for (stack, why) in departed.keep {
            target.warnings.push(kept_sentence(&stack, &why));
        }
        let going = departed.remove.into_iter().collect();
        let orders = orders(world);
        for stack in order::stacks_to_remove(&going, &orders, observed)
            .into_iter()
            .flatten()
        {
            let left = Left::by(&stack, observed, request, repositories);
            let leaver = Leaver {
                stack: &stack,
                owner: &repository.owner,
                adopt: Adopt::Refuse,
                volumes: &left.going,
            };
            let mut removed = leaver.leave(world, request, observed).await;
            left.tell(&mut removed);
            let told = volumes::elsewhere(&stack, request, &seen.nodes);
            removed.warnings.extend(told);
            target.stacks.push(removed);
        }
    }
    kept
}

/// What stacks depended on. Without the database they go in any order.
pub(super) fn orders(world: &World) -> order::Orders {
    world.store().orders().unwrap_or_default()
}

/// Decides about the stacks that left `repository`, as the Swarm was seen. Nothing is
/// said of compose files, nor of a checkout whose repository is not known.
pub(super) fn leaving(
    stacks: &Stacks<'_>,
    repository: &Repository,
    read: &Read,
) -> Result<Departed, Problem> {
    if !read.may_tell_leavers() {
        return Ok(Departed::default());
    }
    let Stacks {
        world,
        request,
        seen,
        repositories,
        ..
    } = stacks;
    decide_for(
        world,
        request,
        repositories,
        repository,
        read,
        &seen.observed,
    )
}

/// That a stack which left stays, and why.
pub(super) fn kept_sentence(stack: &StackName, why: &str) -> String {
    format!("stack `{stack}` left `stacks.yaml` and is kept: {why}")
}

fn anything_goes(
    world: &World,
    request: &Request,
    repositories: &[Repository],
    observed: &Observed,
) -> bool {
    repositories.iter().any(|repository| {
        let read = repository.read.as_ref();
        read.is_ok_and(|read| {
            let departed = decide_for(world, request, repositories, repository, read, observed);
            departed.is_ok_and(|departed| !departed.remove.is_empty())
        })
    })
}

fn decide_for(
    world: &World,
    request: &Request,
    repositories: &[Repository],
    repository: &Repository,
    read: &Read,
    observed: &Observed,
) -> Result<Departed, Problem> {
    let stacks = read.desired.stacks.iter();
    let listed: BTreeSet<StackName> = stacks.map(|stack| stack.name.clone()).collect();
    let recorded = recorded(world, &repository.owner)?;
    let listing = Listing {
        owner: &repository.owner,
        listed: &listed,
        history: read.history,
        recorded: &recorded,
        insist: request.insist,
    };
    let elsewhere = listed_elsewhere(repositories, &repository.owner);
    let mut departed = decide(listing, observed, &elsewhere);
    // Of these nothing but a row and perhaps networks remains: a removal that was cut
    // short, or somebody else's.
    let half_removed = recorded.into_iter().filter(|name| {
        !listed.contains(name)
            && !elsewhere.contains_key(name)
            && owner_of(observed, name) == Ownership::Nobody
    });
    departed.remove.extend(half_removed);
    for stack in std::mem::take(&mut departed.remove) {
        match repository.suspended.of(&stack) {
            Some(why) => departed.keep.push((stack.clone(), why.sentence(&stack))),
            None => departed.remove.push(stack),
        }
    }
    Ok(departed)
}

/// The stacks that the database has of `owner`.
fn recorded(world: &World, owner: &Owner) -> Result<BTreeSet<StackName>, Problem> {
    let rows = world.store().stacks()?;
    let mine = rows.iter().filter(|row| row.owner() == *owner);
    Ok(mine
        .filter_map(|row| StackName::parse(&row.name).ok())
        .collect())
}

/// The stacks that the other repositories of this run list.
pub(super) fn listed_elsewhere(
    repositories: &[Repository],
    owner: &Owner,
) -> BTreeMap<StackName, Owner> {
    let others = repositories.iter().filter(|other| other.owner != *owner);
    others
        .filter_map(|other| Some((other, other.read.as_ref().ok()?)))
        .flat_map(|(other, read)| {
            read.desired
                .stacks
                .iter()
                .map(|stack| (stack.name.clone(), other.owner.clone()))
        })
        .collect()
}

/// The Swarm as it is by now, when anything goes.
async fn fresh(
    world: &World,
    request: &Request,
    repositories: &[Repository],
    observed: &Observed,
) -> Result<Option<Observed>, EngineError> {
    if !anything_goes(world, request, repositories, observed) {
        return Ok(None);
    }
    let left = volumes::of_leavers(world, request);
    let (observed, volumes) = tokio::try_join!(world.engine.observe(), left)?;
    Ok(Some(Observed {
        volumes,
        ..observed
    }))
}

/// A whole stack that goes.
#[derive(Clone, Copy)]
pub(super) struct Leaver<'a> {
    pub(super) stack: &'a StackName,
    pub(super) owner: &'a Owner,
    pub(super) adopt: Adopt,
    /// The removals of its volumes, for when the rest is gone.
    pub(super) volumes: &'a [Change],
}

impl Leaver<'_> {
    /// Removes it, if that was agreed to; says how it went.
    async fn leave(&self, world: &World, request: &Request, observed: &Observed) -> StackReport {
        let removed = match self.agreed_to(world, request, observed) {
            Ok(()) => self.remove(world, observed, REMOVAL_TIMEOUT).await,
            Err(problem) => Err(problem),
        };
        removed.unwrap_or_else(|problem| StackReport::failed(self.stack.clone(), problem))
    }

    /// Refuses a removal that a saved plan, if there is one, did not say.
    fn agreed_to(
        &self,
        world: &World,
        request: &Request,
        observed: &Observed,
    ) -> Result<(), Problem> {
        let Some(agreed) = &request.agreed else {
            return Ok(());
        };
        agreed.check(&self.plan(observed)?, &world.key)
    }

    /// How it goes.
    pub(super) fn plan(&self, observed: &Observed) -> Result<Plan, Problem> {
        let stack = self.stack;
        let plan = removal(stack, self.owner, observed, self.adopt);
        let mut plan = plan.map_err(|refused| {
            of_diagnostics(&format!("stack `{stack}`"), &refused, &Sources::default())
        })?;
        plan.changes.extend_from_slice(self.volumes);
        Ok(plan)
    }

    /// Removes it and waits `within` until it is gone.
    pub(super) async fn remove(
        &self,
        world: &World,
        observed: &Observed,
        within: Duration,
    ) -> Result<StackReport, Problem> {
        // Those that used its networks may be gone by now.
        let fresh = if order::shares_networks(self.stack, observed) {
            let fresh = world.engine.observe().await;
            Some(fresh?)
        } else {
            None
        };
        let observed = fresh.as_ref().unwrap_or(observed);
        let plan = self.plan(observed)?;
        let mut report = StackReport::of_plan(&plan, Outcome::Removed, observed);
        let (rest, volumes) = plan
            .changes
            .split_at(plan.changes.len() - self.volumes.len());
        for change in rest {
            self.apply(world, change).await?;
        }
        let gone = world
            .engine
            .wait_removed(std::slice::from_ref(self.stack), within)
            .await;
        world.progress.event(Event::Finished {
            stack: self.stack.clone(),
            services: Vec::new(),
        });
        gone?;
        for change in volumes {
            if let Applied::StillInUse { message } = self.apply(world, change).await? {
                report.not_done(change);
                report.warnings.push(message);
            }
        }
        Ok(report)
    }

    async fn apply(&self, world: &World, change: &Change) -> Result<Applied, Problem> {
        let what = ChangeReport::from(change).to_string();
        world.progress.event(Event::Applying {
            stack: self.stack.clone(),
            what,
        });
        let applied = world.engine.apply(&change.action, None).await;
        applied.map_err(Problem::from)
    }
}
