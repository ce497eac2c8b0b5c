//! What would be done to the files of bindings, for a plan that is only shown.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::PoisonError;

use dockerops_core::bindings::{Action, BindingPlan};
use dockerops_core::report::{BindingReport, Outcome, Problem, RepositoryReport};
use dockerops_core::spec::StackSpec;

use super::super::diff::{LARGEST, diff};
use super::super::read::Repository;
use super::super::{Request, Texts};
use super::{Bindings, Place, Shelf, unmounted};

/// What a plan tells of the bindings of one repository.
#[derive(Default)]
pub(in super::super) struct Previewed {
    /// Those whose files would change.
    pub(in super::super) bindings: Vec<BindingReport>,
    /// What a person should know of the shared storage.
    pub(in super::super) warnings: Vec<String>,
    /// Why those that no stack mounts cannot be used: no stack tells it.
    pub(in super::super) problems: Vec<Problem>,
}

impl Bindings {
    /// The bindings of `repository`, of the stacks that `request` is about and that `report`
    /// does not refuse.
    pub(in super::super) async fn preview(
        &self,
        request: &Request,
        repository: &Repository,
        report: &RepositoryReport,
    ) -> Previewed {
        let Some(mine) = self.0.get(&repository.owner).cloned() else {
            return Previewed::default();
        };
        let mounted = mounted(repository, report);
        let whole = request.only.is_empty() && !report.failed();
        let goes_too = whole && !repository.suspended.any();
        let whole = whole && !repository.suspended.is_whole();
        let rest = whole.then(|| unmounted(repository.read.as_ref().ok(), &mine));
        let texts = request.texts;
        let work = tokio::task::spawn_blocking(move || {
            let mut told = Previewed::default();
            mine.preview(&mounted, texts, &mut told);
            if let Some(rest) = rest {
                mine.preview_rest(&rest, texts, &mut told);
            }
            if goes_too {
                let retired = mine.retired.iter();
                let retired = retired.filter_map(|prepared| mine.report(&prepared.plan, texts));
                told.bindings.extend(retired);
            }
            told
        });
        work.await.unwrap_or_default()
    }
}

/// Bindings that the stacks of the run mount. Of one that is refused or suspended nothing is written.
fn mounted(repository: &Repository, report: &RepositoryReport) -> BTreeSet<String> {
    let goes_on = |spec: &&StackSpec| {
        let mut stacks = report.stacks.iter();
        let done = |outcome| !matches!(outcome, Outcome::Failed | Outcome::Suspended);
        stacks.any(|stack| stack.name == spec.name && done(stack.outcome))
    };
    let read = repository.read.as_ref().ok().into_iter();
    let stacks = read.flat_map(|read| &read.desired.stacks);
    let specs = stacks.filter_map(|stack| stack.spec.as_ref());
    specs
        .filter(goes_on)
        .flat_map(|spec| &spec.services)
        .flat_map(|service| service.bindings.iter().cloned())
        .collect()
}

impl Shelf {
    /// Tells of the bindings `ids`; the stacks that mount one say why it cannot be used.
    fn preview(&self, ids: &BTreeSet<String>, texts: Texts, told: &mut Previewed) {
        for item in ids.iter().filter_map(|id| self.items.get(id)) {
            let item = item.lock().unwrap_or_else(PoisonError::into_inner);
            if let Ok(prepared) = &*item {
                told.bindings.extend(self.report(&prepared.plan, texts));
            }
        }
    }

    /// What only a whole run does: the bindings `unmounted`, and what there is to say of all.
    fn preview_rest(&self, unmounted: &BTreeSet<String>, texts: Texts, told: &mut Previewed) {
        self.preview(unmounted, texts, told);
        for item in unmounted.iter().filter_map(|id| self.items.get(id)) {
            let item = item.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(problem) = &*item
                && !told.problems.contains(problem)
            {
                told.problems.push(problem.clone());
            }
        }
        told.warnings.extend(self.warnings.iter().cloned());
    }

    fn report(&self, plan: &BindingPlan, texts: Texts) -> Option<BindingReport> {
        let mut report = BindingReport::of(plan)?;
        let Some(place) = self.place.as_ref().filter(|_| texts == Texts::Compared) else {
            return Some(report);
        };
        for file in &mut report.files {
            let action = plan
                .actions
                .iter()
                .rev()
                .find(|action| action.path() == file.path);
            file.diff = action.and_then(|action| place.diff(action));
        }
        Some(report)
    }
}

impl Place {
    /// How the text of a file changes; `None` when it is no text, or too long.
    fn diff(&self, action: &Action) -> Option<String> {
        let (old, new) = match action {
            Action::Write {
                path,
                content,
                replaces,
                ..
            } => {
                let old = match replaces {
                    Some(_) => self.nfs.read(path, LARGEST).ok()??,
                    None => Vec::new(),
                };
                (old, self.content(content)?)
            }
            Action::RemoveFile { path, .. } => (self.nfs.read(path, LARGEST).ok()??, Vec::new()),
            _ => return None,
        };
        diff(&old, &new)
    }

    fn content(&self, id: &str) -> Option<Vec<u8>> {
        let mut bounded = Bounded(Vec::new());
        self.files.copy(id, &mut bounded).ok()?;
        Some(bounded.0)
    }
}

/// Takes no more than can be shown.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
