//! The algorithm: fetch, read, desire, observe, resolve, plan, apply, wait, recover, remove, renew, record.
//!
//! [`run`] is that list. Every decision is the core's; every touch is an
//! adapter's. One broken repository or stack never stops the others, and a run
//! ends in exactly one [`Report`].

mod after;
mod agreed;
mod before;
mod begun;
mod bindings;
mod by_hand;
mod complaint;
mod credentials;
mod diff;
mod doctor;
mod draft;
mod files;
mod folder;
mod gates;
mod held;
mod history;
mod images;
mod limits;
mod platforms;
mod preview;
mod problem;
pub mod progress;
mod read;
mod record;
mod recover;
mod removal;
mod request;
mod restoring;
mod returning;
mod rollout;
mod seen;
mod settle;
mod shared;
mod source;
mod stack;
mod status;
mod stop;
mod suspended;
mod unwatch;
mod volumes;
mod wait;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dockerops_core::fingerprint::FingerprintKey;
use dockerops_core::report::{Problem, Report};
use jiff::Timestamp;

pub use agreed::{Agreed, all_moved, read_plan};
pub use by_hand::{Earlier, earlier, roll_back};
pub use doctor::doctor;
pub use limits::Limits;
pub(crate) use problem::not_a_folder;
pub use problem::problem;
pub(crate) use read::read_secret;
pub use request::{Mode, Request, Texts, Trigger, Wait};
pub(crate) use seen::Seen;
pub use source::{BareFiles, Source, Target};
pub use status::Look;
pub use stop::{Managed, managed, stop};
pub use unwatch::{forget, managed_by, unwatch};
pub use wait::wait;

use crate::engine::Engine;
use crate::git::Git;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::store::Store;
use progress::Progress;
use seen::{observe, observe_for};

/// Everything that a run reaches.
pub struct World {
    /// The Swarm.
    pub engine: Arc<dyn Engine>,
    /// Git mirrors.
    pub git: Arc<Git>,
    /// Registries.
    pub registry: Registry,
    /// The database.
    pub store: Mutex<Store>,
    /// The key for fingerprints of secrets.
    pub key: FingerprintKey,
    /// What the environment says.
    pub settings: Arc<Settings>,
    /// Who is told how far it is.
    pub progress: Arc<dyn Progress>,
}

/// One run over all repositories of `request`.
///
/// An error is returned only when nothing at all could be done, because the
/// Swarm could not be read.
pub async fn run(world: &World, request: &Request) -> Result<Report, Problem> {
    Ok(planned(world, request).await?.0)
}

/// The same, with what was read.
async fn planned(
    world: &World,
    request: &Request,
) -> Result<(Report, Vec<read::Repository>), Problem> {
    let started = Timestamp::now();
    let (seen, mut repositories) = tokio::join!(
        observe_for(world, request),
        read::repositories(world, request)
    );
    let seen = seen?;
    source::settle_owners(&mut repositories, &seen.observed);
    suspended::mark(world, &mut repositories, &seen.observed)?;
    if request.mode == Mode::Watch {
        record::remember(world, request, &repositories)?;
    }
    let images = images::resolve(world, request, &repositories, &seen.observed).await;
    let bindings = bindings::check(world, request, &repositories).await?;
    let stacks = stack::Stacks {
        world,
        request,
        seen: &seen,
        repositories: &repositories,
        images: &images,
        bindings: &bindings,
    };
    let mut report = stacks.reconcile().await;
    if request.mode == Mode::Preview {
        preview::complete(&stacks, &mut report).await;
    } else if request.keeps_records() {
        if request.only.is_empty() {
            bindings.copy_unmounted(&repositories, &mut report).await;
            let kept = removal::departed(world, request, &seen, &repositories, &mut report).await;
            bindings.retire(&repositories, &kept, &mut report).await;
        }
        bindings.tell(&repositories, &mut report);
        images::clean(world, &repositories, &mut report).await;
        credentials::renew(world, request, &seen, &repositories, &mut report).await;
        record::record(&stacks, started, &mut report);
    } else {
        record::only_runs(&stacks, started, &mut report);
    }
    Ok((report, repositories))
}

impl World {
    /// The database, also when another thread panicked while it had it.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
