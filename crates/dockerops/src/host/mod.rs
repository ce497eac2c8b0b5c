//! What lies on this host: bindings copied onto shared storage, values of secrets.
//!
//! [`Nfs::check`] reads, [`dockerops_core::bindings`] decides, [`Nfs::apply`]
//! carries out. Everything here is blocking.
//!
//! **Invariants**
//!
//! - Nothing outside `nfs.path` is touched: below it no symlink is followed, also
//!   not one that is put there meanwhile.
//! - An unchanged binding costs one look per file and writes nothing.
//! - A reader sees the old file or the new one, never a part.
//! - A failing or killed run leaves no file half written; the next run ends where it would have.

mod apply;
mod content;
mod error;
mod ledgers;
mod probe;
mod replace;
mod root;
mod secret;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use dockerops_core::bindings::{
    Action, BindingPlan, Ledger, Looking, Neighbour, Report, Request, Retired, Seen, Unread,
    WantedFile, covers, overlapping, plan_binding, plan_retired, retired_to_look_at,
    retired_to_read, to_look_at, to_read,
};
use dockerops_core::manifest::Binding;
use dockerops_core::names::Owner;

pub use content::Content;
pub use error::HostError;
pub use probe::{space, storage};
pub use secret::{SecretError, read_secret};

use apply::Run;
use root::Root;

/// One apply at a time in this process: repositories share the storage, and two
/// that claim the same path must not both be first.
static APPLYING: Mutex<()> = Mutex::new(());

/// The shared storage: the folder `nfs.path`.
#[derive(Debug)]
pub struct Nfs {
    root: Root,
}

/// A binding with the files that the revision has for it (none: it is absent).
#[derive(Debug, Clone, PartialEq)]
pub struct WantedBinding {
    /// The binding.
    pub binding: Binding,
    /// Its files, at any depth.
    pub files: Vec<WantedFile>,
}

/// The other watched repositories. What any other repository claims does not hold.
pub type Neighbours = BTreeMap<Owner, Neighbour>;

/// What to do for all bindings of a repository.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// One for each binding, in the order given.
    pub bindings: Vec<Prepared>,
    /// Bindings that left `volumes.yaml`: to apply last, when nothing mounts them any more.
    pub retired: Vec<Prepared>,
    /// Ledgers of other repositories that could not be read, so that their claims are unknown.
    pub warnings: Vec<String>,
}

/// A plan with what it was made from, so that [`Nfs::apply`] can tell whether it still holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// What to do.
    pub plan: BindingPlan,
    repository: Owner,
    subject: Subject,
}

#[derive(Debug, Clone, PartialEq)]
enum Subject {
    Wanted {
        wanted: WantedBinding,
        adopt: bool,
        neighbours: Arc<Neighbours>,
    },
    Retired {
        remaining: Vec<String>,
    },
}

/// What was done for one binding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Files written.
    pub written: usize,
    /// Files removed.
    pub removed: usize,
    /// What came to light meanwhile; the plan's own reports are not repeated.
    pub reports: Vec<Report>,
}

impl Nfs {
    /// Opens `nfs.path`. Symlinks on the way to it are the administrator's and are followed.
    pub fn open(path: &Path) -> Result<Self, HostError> {
        Ok(Self {
            root: Root::open(path)?,
        })
    }

    /// The content of the file at `path`; `None` when there is none, or more than `limit` bytes.
    pub fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, HostError> {
        self.root.folders().content(path, limit)
    }

    /// Decides for all bindings of `repository`; writes nothing.
    ///
    /// `content` is read only where a file on disk is not known and may be the wanted one.
    pub fn check(
        &self,
        repository: &Owner,
        bindings: &[WantedBinding],
        adopt: bool,
        neighbours: &Arc<Neighbours>,
        content: &dyn Content,
    ) -> Result<Checked, HostError> {
        let ledger = ledgers::read(&self.root, repository)?;
        let (others, warnings) = ledgers::others(&self.root, repository)?;
        let all: Vec<&Binding> = bindings.iter().map(|wanted| &wanted.binding).collect();
        let mut checked = Checked {
            bindings: Vec::new(),
            retired: Vec::new(),
            warnings,
        };
        for (index, wanted) in bindings.iter().enumerate() {
            let wanted = wanted.clone();
            let subject = Subject::Wanted {
                wanted,
                adopt,
                neighbours: Arc::clone(neighbours),
            };
            let mut prepared = self.prepare(repository, subject, &ledger, &others, content)?;
            let before = all.get(..index).unwrap_or_default();
            if let (Some(binding), true) = (all.get(index), prepared.plan.errors.0.is_empty()) {
                prepared.plan.refuse(overlapping(binding, before));
            }
            checked.bindings.push(prepared);
        }
        let remaining: Vec<String> = all.iter().map(|b| b.path.value.clone()).collect();
        for path in ledger
            .claims
            .keys()
            .filter(|path| !remaining.contains(path))
        {
            let plan = self.plan_retired(path, &remaining, &ledger, &others)?;
            checked.retired.push(Prepared {
                plan,
                repository: repository.clone(),
                subject: Subject::Retired {
                    remaining: remaining.clone(),
                },
            });
        }
        Ok(checked)
    }

    /// Carries out one plan.
    ///
    /// Looks again first: what was done meanwhile is skipped; what would have to be
    /// done otherwise is [`HostError::Stale`], and nothing is done.
    pub fn apply(&self, prepared: &Prepared, content: &dyn Content) -> Result<Applied, HostError> {
        if prepared.plan.actions.is_empty() {
            return Ok(Applied::default());
        }
        let _one = APPLYING.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = ledgers::read(&self.root, &prepared.repository)?;
        let fresh = self.plan_again(prepared, &ledger, content)?;
        if !holds(&prepared.plan, &fresh) {
            return Err(HostError::Stale {
                path: prepared.plan.path.clone(),
            });
        }
        Run::new(&self.root, ledger, content).carry_out(&fresh)
    }

    fn plan_again(
        &self,
        prepared: &Prepared,
        ledger: &Ledger,
        content: &dyn Content,
    ) -> Result<BindingPlan, HostError> {
        let (others, _) = ledgers::others(&self.root, &prepared.repository)?;
        match &prepared.subject {
            Subject::Retired { remaining } => {
                self.plan_retired(&prepared.plan.path, remaining, ledger, &others)
            }
            subject @ Subject::Wanted { .. } => {
                let owner = &prepared.repository;
                let fresh = self.prepare(owner, subject.clone(), ledger, &others, content)?;
                Ok(fresh.plan)
            }
        }
    }

    fn prepare(
        &self,
        repository: &Owner,
        subject: Subject,
        ledger: &Ledger,
        others: &[Ledger],
        content: &dyn Content,
    ) -> Result<Prepared, HostError> {
        let plan = match &subject {
            Subject::Wanted {
                wanted,
                adopt,
                neighbours,
            } => {
                let request = Request {
                    binding: &wanted.binding,
                    files: &wanted.files,
                    ledger,
                    adopt: *adopt,
                };
                self.plan_wanted(request, neighbours, others, content)?
            }
            Subject::Retired { .. } => BindingPlan::default(),
        };
        Ok(Prepared {
            plan,
            repository: repository.clone(),
            subject,
        })
    }

    fn plan_wanted(
        &self,
        request: Request<'_>,
        neighbours: &Neighbours,
        others: &[Ledger],
        content: &dyn Content,
    ) -> Result<BindingPlan, HostError> {
        let mut seen = self.look(&to_look_at(request))?;
        self.read_unread(&to_read(request, &seen), content, &mut seen)?;
        let mut plan = plan_binding(request, &seen);
        let path = &request.binding.path.value;
        for (owner, neighbour) in neighbours {
            let theirs = others.iter().find(|other| other.repository == owner.0);
            if let Some(claim) = neighbour.holds(path, request.ledger, theirs) {
                plan.refuse_claimed(request.binding, &owner.0, claim);
            }
        }
        Ok(plan)
    }

    /// What another repository has claimed meanwhile is its own from then on, and stays.
    fn plan_retired(
        &self,
        path: &str,
        remaining: &[String],
        ledger: &Ledger,
        others: &[Ledger],
    ) -> Result<BindingPlan, HostError> {
        let claimed = others.iter().flat_map(|other| other.claims.keys());
        let remaining: Vec<String> = remaining.iter().chain(claimed).cloned().collect();
        let retired = Retired {
            path,
            remaining: &remaining,
            ledger,
        };
        let mut seen = self.look(&retired_to_look_at(retired))?;
        self.read_unread(
            &retired_to_read(retired, &seen),
            &content::Nothing,
            &mut seen,
        )?;
        Ok(plan_retired(retired, &seen))
    }

    fn look(&self, looking: &Looking) -> Result<Seen, HostError> {
        let mut seen = Seen::default();
        let mut folders = self.root.folders();
        let mut missing: Option<&str> = None;
        for path in &looking.paths {
            // Below nothing there is nothing: a first copy need not ask for each file.
            if missing.is_some_and(|above| covers(above, path)) {
                continue;
            }
            let names = looking.leaving_folders.contains(path);
            if let Some(found) = folders.look(path, names)? {
                seen.disk.insert(path.clone(), found);
            } else {
                missing = Some(path);
            }
        }
        Ok(seen)
    }

    fn read_unread(
        &self,
        unread: &Unread,
        content: &dyn Content,
        seen: &mut Seen,
    ) -> Result<(), HostError> {
        let mut folders = self.root.folders();
        for path in &unread.files {
            folders.hash_into(path, seen)?;
        }
        for id in &unread.contents {
            let sha256 = content::hash(content, id)?;
            seen.contents.insert(id.clone(), sha256);
        }
        Ok(())
    }
}

/// Whether carrying out `fresh` does nothing that `planned` did not announce.
fn holds(planned: &BindingPlan, fresh: &BindingPlan) -> bool {
    let mut planned = planned.actions.iter();
    let announced = |action: &Action| action.only_notes() || planned.any(|p| p == action);
    fresh.errors.0.is_empty() && fresh.actions.iter().all(announced)
}
