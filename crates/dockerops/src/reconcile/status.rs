//! `status`: what every repository, stack and task is, and nothing written.
//!
//! What repositories ask for is asked once, as a plan asks it; what runs can be read again
//! and again, cheaply.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::departed::owned_stacks;
use dockerops_core::names::{Owner, StackName};
use dockerops_core::observed::{Observed, Service};
use dockerops_core::report::{Problem, Report, RepositoryReport};
use dockerops_core::spec::StackSpec;
use dockerops_core::status::{LastRun, Reading, RepositoryStatus, StackStatus};

use super::complaint::mask;
use super::read::Repository;
use super::source::FILE;
use super::{Request, World, planned};
use crate::engine::{self, TaskFilter};
use crate::store::{Run, Store, StoreError};

/// What repositories ask for, and what of it would be changed.
pub struct Look {
    report: Report,
    owners: Vec<Owner>,
    /// By stack: what it asks for, which knows the secrets in it.
    specs: BTreeMap<StackName, StackSpec>,
}

impl Look {
    /// Reads what `request`, which only looks, is about.
    pub async fn take(world: &World, request: &Request) -> Result<Self, Problem> {
        let (report, repositories) = planned(world, request).await?;
        Ok(Self {
            report,
            owners: repositories.iter().map(|r| r.owner.clone()).collect(),
            specs: specs(repositories),
        })
    }

    /// What all of it is now; `only` one stack, if one is named.
    pub async fn now(
        &self,
        world: &World,
        only: Option<&StackName>,
    ) -> Result<Vec<RepositoryStatus>, Problem> {
        let current = TaskFilter {
            up_to_date: true,
            ..TaskFilter::default()
        };
        let all = TaskFilter::default();
        let read = tokio::try_join!(
            world.engine.services(),
            world.engine.tasks(&all),
            world.engine.tasks(&current),
            world.engine.nodes()
        );
        let (services, tasks, current, nodes) = read?;
        let reading = Reading {
            services: &services,
            tasks: &tasks,
            current: &current,
            nodes: &nodes,
            now: engine::now(),
        };
        let store = world.store();
        let told = self.told(&store, reading, only);
        told.map_err(Problem::from)
    }

    fn told(
        &self,
        store: &Store,
        reading: Reading<'_>,
        only: Option<&StackName>,
    ) -> Result<Vec<RepositoryStatus>, StoreError> {
        let observed = Observed {
            services: reading.services.to_vec(),
            ..Observed::default()
        };
        let mut all = Vec::new();
        for (owner, report) in self.owners.iter().zip(&self.report.repositories) {
            all.push(self.repository(store, owner, report, reading, &observed)?);
        }
        let by_hand = Owner(FILE.to_owned());
        if !owned_stacks(&observed, &by_hand).is_empty() {
            let report = RepositoryReport {
                url: FILE.to_owned(),
                ..RepositoryReport::default()
            };
            all.push(self.repository(store, &by_hand, &report, reading, &observed)?);
        }
        if let Some(only) = only {
            for repository in &mut all {
                repository.stacks.retain(|stack| stack.name == *only);
            }
            all.retain(|repository| !repository.stacks.is_empty() || repository.problem.is_some());
        }
        Ok(all)
    }

    fn repository(
        &self,
        store: &Store,
        owner: &Owner,
        report: &RepositoryReport,
        reading: Reading<'_>,
        observed: &Observed,
    ) -> Result<RepositoryStatus, StoreError> {
        let row = store.repositories()?;
        let row = row.into_iter().find(|row| row.owner() == *owner);
        let suspended = store.suspensions()?;
        let mut suspended = suspended.into_iter();
        let whole = suspended.find(|s| s.repository == *owner && s.stack.is_none());
        let mut status = RepositoryStatus {
            url: report.url.clone(),
            commit: report.commit.clone(),
            last_watch: row.map(|row| row.last_watch),
            suspended: whole.map(|whole| whole.since),
            problem: report.problem.clone(),
            outdated_files: report.bindings.iter().map(|b| b.files.len()).sum(),
            stacks: Vec::new(),
        };
        for name in names(store, owner, report, observed)? {
            let planned = report.stacks.iter().find(|stack| stack.name == name);
            let mut stack = StackStatus::of(&name, planned, reading);
            let newest = store.newest_run(owner, name.as_str())?;
            stack.last_run = newest.map(last_run);
            if stack.held.is_some() {
                stack.held_since = store.hold(owner, name.as_str())?.map(|hold| hold.since);
            }
            self.reword(&mut stack, reading.services);
            status.stacks.push(stack);
        }
        Ok(status)
    }

    /// A sentence of the engine may quote a secret.
    fn reword(&self, stack: &mut StackStatus, services: &[Service]) {
        let spec = self.specs.get(&stack.name);
        for status in &mut stack.services {
            let name = status.name.clone();
            let live = services.iter().find(|service| service.name == status.name);
            status.reword(|text| {
                let text = spec.map_or_else(|| text.to_owned(), |spec| mask(spec, &name, text));
                live.map_or(text.clone(), |live| engine::mask_live(&text, live))
            });
        }
    }
}

fn specs(repositories: Vec<Repository>) -> BTreeMap<StackName, StackSpec> {
    let read = repositories.into_iter().filter_map(|r| r.read.ok());
    let stacks = read.flat_map(|read| read.desired.stacks);
    let specs = stacks.filter_map(|stack| stack.spec);
    specs.map(|spec| (spec.name.clone(), spec)).collect()
}

/// The stacks of a repository: those it lists in its order, then what else is its own.
fn names(
    store: &Store,
    owner: &Owner,
    report: &RepositoryReport,
    observed: &Observed,
) -> Result<Vec<StackName>, StoreError> {
    let listed = report.stacks.iter().map(|stack| stack.name.clone());
    let mut names: Vec<_> = listed.collect();
    let rows = store
        .stacks()?
        .into_iter()
        .filter(|row| row.owner() == *owner);
    let mut others = owned_stacks(observed, owner);
    others.extend(rows.filter_map(|row| StackName::parse(&row.name).ok()));
    let known: BTreeSet<_> = names.iter().cloned().collect();
    names.extend(others.difference(&known).cloned());
    Ok(names)
}

fn last_run(run: Run) -> LastRun {
    LastRun {
        id: run.id,
        outcome: run.ended.outcome,
        revision: run.ended.commit.map(|commit| commit.revision),
        ended_at: run.repeated_at.unwrap_or(run.ended.ended_at),
    }
}
