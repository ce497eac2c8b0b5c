//! What would be done to the files of bindings, for a plan that is only shown.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::PoisonError;

use dockerops_core::bindings::{Action, BindingPlan};
use dockerops_core::report::BindingReport;

use super::super::diff::{LARGEST, diff};
use super::super::read::Repository;
use super::super::{Request, Texts};
use super::{Bindings, Place, Shelf, unmounted};

impl Bindings {
    /// The bindings of `repository` whose files would change, of the stacks that `request` is about.
    pub(in super::super) async fn preview(
        &self,
        request: &Request,
        repository: &Repository,
    ) -> Vec<BindingReport> {
        let Some(mine) = self.0.get(&repository.owner).cloned() else {
            return Vec::new();
        };
        let ids = mounted(request, repository, &mine);
        let (whole, texts) = (request.only.is_empty(), request.texts);
        let work = tokio::task::spawn_blocking(move || mine.preview(&ids, whole, texts));
        work.await.unwrap_or_default()
    }
}

/// Bindings that the stacks of the run mount; of a whole run, those that nobody mounts too.
fn mounted(request: &Request, repository: &Repository, shelf: &Shelf) -> BTreeSet<String> {
    let read = repository.read.as_ref().ok();
    let stacks = read.into_iter().flat_map(|read| &read.desired.stacks);
    let specs = stacks.filter_map(|stack| stack.spec.as_ref());
    let mut ids: BTreeSet<String> = specs
        .filter(|spec| request.includes(&spec.name))
        .flat_map(|spec| &spec.services)
        .flat_map(|service| service.bindings.iter().cloned())
        .collect();
    if request.only.is_empty() {
        ids.extend(unmounted(read, shelf));
    }
    ids
}

impl Shelf {
    fn preview(&self, ids: &BTreeSet<String>, whole: bool, texts: Texts) -> Vec<BindingReport> {
        let mut reports = Vec::new();
        for item in ids.iter().filter_map(|id| self.items.get(id)) {
            let item = item.lock().unwrap_or_else(PoisonError::into_inner);
            if let Ok(prepared) = &*item {
                reports.extend(self.report(&prepared.plan, texts));
            }
        }
        if whole {
            let retired = self.retired.iter();
            reports.extend(retired.filter_map(|prepared| self.report(&prepared.plan, texts)));
        }
        reports
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
