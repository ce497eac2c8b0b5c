//! Bindings of a run: checked before any plan, copied just before the services that mount them.
//!
//! A binding that several stacks mount is copied once. One that cannot be copied
//! fails the stacks that mount it before anything of them is written.

mod preview;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use dockerops_core::bindings::{Neighbour, binding_hash};
use dockerops_core::manifest::{Binding, Manifest, VolumeKind};
use dockerops_core::names::Owner;
use dockerops_core::plan::Adopt;
use dockerops_core::report::{BindingReport, Problem, Report};
use dockerops_core::source::Sources;
use futures_util::future::join_all;

use super::files::{Blobs, Files};
use super::problem::of_diagnostics;
use super::read::{Read, Repository};
use super::{Request, World};
use crate::host::{Neighbours, Nfs, Prepared, WantedBinding};

/// The bindings of all repositories of a run.
#[derive(Default)]
pub(super) struct Bindings(BTreeMap<Owner, Arc<Shelf>>);

/// The bindings of one repository.
#[derive(Default)]
struct Shelf {
    hashes: BTreeMap<String, String>,
    items: BTreeMap<String, Item>,
    retired: Vec<Prepared>,
    warnings: Vec<String>,
    /// What was done to files so far.
    written: Mutex<Vec<BindingReport>>,
    /// `None` when there is nothing to copy.
    place: Option<Place>,
}

/// From where to where.
struct Place {
    nfs: Nfs,
    files: Arc<dyn Files>,
}

/// One binding: what to do for it, or why it cannot be used.
type Item = Mutex<Result<Prepared, Problem>>;

/// Looks at every binding of every repository; writes nothing.
pub(super) async fn check(
    world: &World,
    request: &Request,
    repositories: &[Repository],
) -> Result<Bindings, Problem> {
    let adopt = request.policy.adopt == Adopt::Take;
    let watched = watched(world, repositories)?;
    let shelves = repositories.iter().filter_map(|repository| {
        let read = repository.read.as_ref().ok()?;
        let manifest = read.desired.manifest.as_ref()?;
        let nfs = PathBuf::from(&manifest.nfs.as_ref()?.path.value);
        let asked = Asked {
            owner: repository.owner.clone(),
            wanted: wanted(manifest),
            adopt,
            neighbours: Arc::new(neighbours(&repository.owner, &watched, repositories)),
        };
        let files = Arc::clone(read.files.as_ref()?);
        Some(async move {
            let owner = asked.owner.clone();
            let work = tokio::task::spawn_blocking(move || shelf(&nfs, files, asked));
            (owner, work.await.unwrap_or_default())
        })
    });
    let shelves = join_all(shelves).await.into_iter();
    Ok(Bindings(
        shelves
            .map(|(owner, shelf)| (owner, Arc::new(shelf)))
            .collect(),
    ))
}

/// What one repository asks of the shared storage.
struct Asked {
    owner: Owner,
    wanted: Vec<(String, Binding)>,
    adopt: bool,
    neighbours: Arc<Neighbours>,
}

/// All watched repositories, in the order watched; one that is being watched just now is the last.
fn watched(world: &World, repositories: &[Repository]) -> Result<Vec<Owner>, Problem> {
    let rows = world.store().repositories()?;
    let mut owners: Vec<Owner> = rows.iter().map(crate::store::Repository::owner).collect();
    for repository in repositories {
        if !owners.contains(&repository.owner) {
            owners.push(repository.owner.clone());
        }
    }
    Ok(owners)
}

fn neighbours(owner: &Owner, watched: &[Owner], repositories: &[Repository]) -> Neighbours {
    let mut before = true;
    let mut neighbours = Neighbours::new();
    for other in watched {
        if other == owner {
            before = false;
            continue;
        }
        let read = repositories.iter().find(|r| r.owner == *other);
        let manifest = read
            .and_then(|r| r.read.as_ref().ok())
            .and_then(|read| read.desired.manifest.as_ref());
        let lists = manifest.map(|manifest| {
            let wanted = wanted(manifest).into_iter();
            wanted.map(|(_, binding)| binding.path.value).collect()
        });
        neighbours.insert(other.clone(), Neighbour { lists, before });
    }
    neighbours
}

/// The bindings of `volumes.yaml`, by id.
fn wanted(manifest: &Manifest) -> Vec<(String, Binding)> {
    let bindings = manifest
        .volumes
        .iter()
        .filter_map(|(id, volume)| match &volume.kind {
            VolumeKind::Binding(binding) => Some((id.clone(), binding.clone())),
            VolumeKind::Volume { .. } => None,
        });
    bindings.collect()
}

fn shelf(nfs: &Path, source: Arc<dyn Files>, asked: Asked) -> Shelf {
    let mut shelf = Shelf::default();
    let mut ids = Vec::new();
    let mut wanted = Vec::new();
    for (id, binding) in asked.wanted {
        match source.wanted(&binding) {
            Ok(files) => {
                shelf
                    .hashes
                    .insert(id.clone(), binding_hash(&binding, &files));
                ids.push(id);
                wanted.push(WantedBinding { binding, files });
            }
            Err(problem) => drop(shelf.items.insert(id, Mutex::new(Err(problem)))),
        }
    }
    let Asked {
        owner,
        adopt,
        neighbours,
        ..
    } = asked;
    let checked = Nfs::open(nfs).and_then(|nfs| {
        let checked = nfs.check(&owner, &wanted, adopt, &neighbours, &Blobs(&*source))?;
        Ok((checked, nfs))
    });
    match checked {
        Ok((checked, nfs)) => {
            // A binding whose files cannot be listed is still wanted: what is there of it stays.
            let complete = shelf.items.is_empty();
            shelf.warnings = checked.warnings;
            shelf.retired = if complete {
                checked.retired
            } else {
                Vec::new()
            };
            let items = ids
                .into_iter()
                .zip(checked.bindings.into_iter().map(usable));
            shelf
                .items
                .extend(items.map(|(id, item)| (id, Mutex::new(item))));
            shelf.place = Some(Place { nfs, files: source });
        }
        Err(error) => {
            let problem = Problem::from(error);
            let failed = |id| (id, Mutex::new(Err(problem.clone())));
            shelf.items.extend(ids.into_iter().map(failed));
        }
    }
    shelf
}

fn usable(prepared: Prepared) -> Result<Prepared, Problem> {
    if prepared.plan.errors.has_errors() {
        let what = format!("binding `{}`", prepared.plan.path);
        return Err(of_diagnostics(
            &what,
            &prepared.plan.errors,
            &Sources::default(),
        ));
    }
    Ok(prepared)
}

impl Bindings {
    /// By id: the hash of the binding's files.
    pub(super) fn hashes(&self, owner: &Owner) -> BTreeMap<String, String> {
        self.0
            .get(owner)
            .map(|shelf| shelf.hashes.clone())
            .unwrap_or_default()
    }

    /// Why the binding `id` cannot be used, if so.
    pub(super) fn usable(&self, owner: &Owner, id: &str) -> Result<(), Problem> {
        let Some(item) = self.0.get(owner).and_then(|shelf| shelf.items.get(id)) else {
            return Ok(());
        };
        item.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(drop)
            .map_err(Clone::clone)
    }

    /// Copies the bindings `ids`; returns what a person should know. Repeating it costs nothing.
    pub(super) async fn copy(
        &self,
        owner: &Owner,
        ids: BTreeSet<String>,
    ) -> Result<Vec<String>, Problem> {
        let Some(mine) = self.0.get(owner).cloned() else {
            return Ok(Vec::new());
        };
        let work = move || {
            let mut said = Vec::new();
            for item in ids.iter().filter_map(|id| mine.items.get(id)) {
                let mut prepared = item.lock().unwrap_or_else(PoisonError::into_inner);
                said.extend(mine.copy(&mut prepared)?);
            }
            Ok(said)
        };
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|_| Err(cut_short()))
    }

    /// Tells which files were written or removed.
    pub(super) fn tell(&self, repositories: &[Repository], report: &mut Report) {
        for (repository, outcome) in repositories.iter().zip(&mut report.repositories) {
            if let Some(mine) = self.0.get(&repository.owner) {
                let mut written = mine.written.lock().unwrap_or_else(PoisonError::into_inner);
                outcome.bindings.append(&mut written);
            }
        }
    }

    /// Copies what no stack mounts, of each repository whose stacks are all well.
    pub(super) async fn copy_unmounted(&self, repositories: &[Repository], report: &mut Report) {
        for (repository, outcome) in repositories.iter().zip(&mut report.repositories) {
            let Some(mine) = self.0.get(&repository.owner) else {
                continue;
            };
            outcome.warnings.extend(mine.warnings.iter().cloned());
            if outcome.failed() || repository.suspended.is_whole() {
                continue;
            }
            let ids = unmounted(repository.read.as_ref().ok(), mine);
            match self.copy(&repository.owner, ids).await {
                Ok(said) => outcome.warnings.extend(said),
                Err(problem) => report.problems.push(problem),
            }
        }
    }

    /// Takes away what left `volumes.yaml`: last, and only where nothing can mount it any more.
    ///
    /// Not of the repositories `kept`, of which stacks run that are not as they have it now.
    pub(super) async fn retire(
        &self,
        repositories: &[Repository],
        kept: &BTreeSet<Owner>,
        report: &mut Report,
    ) {
        if report.failed() {
            return;
        }
        for (repository, outcome) in repositories.iter().zip(&mut report.repositories) {
            let Some(mine) = self.0.get(&repository.owner).cloned() else {
                continue;
            };
            if kept.contains(&repository.owner) {
                continue;
            }
            let work = tokio::task::spawn_blocking(move || mine.retire());
            match work.await.unwrap_or_else(|_| Err(cut_short())) {
                Ok(said) => outcome.warnings.extend(said),
                Err(problem) => report.problems.push(problem),
            }
        }
    }
}

/// Bindings that no stack of the repository mounts.
fn unmounted(read: Option<&Read>, shelf: &Shelf) -> BTreeSet<String> {
    let stacks = read.into_iter().flat_map(|read| &read.desired.stacks);
    let services = stacks
        .filter_map(|stack| stack.spec.as_ref())
        .flat_map(|spec| &spec.services);
    let mounted: BTreeSet<_> = services.flat_map(|service| &service.bindings).collect();
    shelf
        .items
        .keys()
        .filter(|id| !mounted.contains(id))
        .cloned()
        .collect()
}

impl Shelf {
    fn copy(&self, item: &mut Result<Prepared, Problem>) -> Result<Vec<String>, Problem> {
        let prepared = item.as_mut().map_err(|problem| problem.clone())?;
        let mut said: Vec<String> = prepared
            .plan
            .reports
            .drain(..)
            .map(|report| report.to_string())
            .collect();
        if prepared.plan.actions.is_empty() {
            return Ok(said);
        }
        said.extend(self.apply(prepared)?);
        self.note(prepared);
        prepared.plan.actions.clear();
        Ok(said)
    }

    fn retire(&self) -> Result<Vec<String>, Problem> {
        let mut said = Vec::new();
        for prepared in &self.retired {
            said.extend(prepared.plan.reports.iter().map(ToString::to_string));
            said.extend(self.apply(prepared)?);
            self.note(prepared);
        }
        Ok(said)
    }

    /// Remembers what was done to files; what else there is to say is said as a warning.
    fn note(&self, prepared: &Prepared) {
        let done = BindingReport::of(&prepared.plan).filter(|done| !done.files.is_empty());
        let done = done.map(|done| BindingReport {
            notes: Vec::new(),
            ..done
        });
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.extend(done);
    }

    fn apply(&self, prepared: &Prepared) -> Result<Vec<String>, Problem> {
        let Some(place) = &self.place else {
            return Ok(Vec::new());
        };
        let applied = place.nfs.apply(prepared, &Blobs(&*place.files))?;
        Ok(applied.reports.iter().map(ToString::to_string).collect())
    }
}

fn cut_short() -> Problem {
    Problem::new(
        "copying bindings was cut short",
        Some("Run `dockerops reconcile` again.".to_owned()),
    )
}
