//! Images: which digest a text stands for, what is pulled here, what may go.
//!
//! A registry that does not answer never drops a pin: an image that only
//! *might* have moved keeps the pin in use, and one that is needed anew fails the
//! stacks that name it before anything of them is written.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dockerops_core::image::ImageRef;
use dockerops_core::image_counts::{self, Counts};
use dockerops_core::manifest::StackOptions;
use dockerops_core::names::Owner;
use dockerops_core::observed::Observed;
use dockerops_core::plan::{
    Action, Adopt, ImageNeed, NeedWhy, Ownership, PullPolicy, Resolution, images_needed, owner_of,
};
use dockerops_core::report::{Problem, Report};
use dockerops_core::secret::Secret;
use dockerops_core::spec::StackSpec;
use futures_util::stream::{self, StreamExt};

use super::progress::Event;
use super::read::Repository;
use super::source::FILE;
use super::{Mode, Request, World, platforms, problem};
use crate::engine::{ImageRemoval, LocalImage};
use crate::registry::Resolved;
use crate::store::{ImageUses, Store, StoreError};

/// How many images are asked for at once.
const AT_ONCE: usize = 8;

/// How often `stop` looks whether an image is released, and the pause between: 5 s together.
const RELEASE_LOOKS: usize = 20;
const RELEASE_PAUSE: Duration = Duration::from_millis(250);

/// What the images of this run stand for.
#[derive(Debug, Default)]
pub(super) struct Images {
    /// By image text.
    pub(super) resolved: BTreeMap<String, Resolution>,
    /// By image text: why a stack that names it cannot be planned.
    pub(super) failed: BTreeMap<String, Problem>,
    /// By image text: what a person should know.
    pub(super) warnings: BTreeMap<String, String>,
}

/// Asks once for each distinct image that needs a digest.
pub(super) async fn resolve(
    world: &World,
    request: &Request,
    repositories: &[Repository],
    observed: &Observed,
) -> Images {
    let needs = needs(request, repositories, observed);
    let answers: Vec<_> = stream::iter(needs.into_values())
        .map(|need| async move { (answer(world, request, &need).await, need) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut images = Images::default();
    for (answer, need) in answers {
        images.take(need, answer);
    }
    // A saved plan has them, or did without.
    if request.agreed.is_none() {
        platforms::complete(&world.registry, &mut images.resolved).await;
    }
    images
}

/// Each image text once, with the most pressing reason.
fn needs(
    request: &Request,
    repositories: &[Repository],
    observed: &Observed,
) -> BTreeMap<String, ImageNeed> {
    let mut needs = BTreeMap::<String, ImageNeed>::new();
    for (spec, options) in to_deploy(repositories) {
        if !request.includes(&spec.name) || !may_deploy(spec, request, observed) {
            continue;
        }
        let ignored = &options.ignore_drift;
        for need in images_needed(spec, observed, ignored, request.policy.pull) {
            let known = needs
                .entry(need.image.clone())
                .or_insert_with(|| need.clone());
            known.why = known.why.min(need.why);
        }
    }
    needs
}

/// Whether it is worth asking for the images of compose files: not when somebody else has
/// the stack, which its plan is then refused for.
fn may_deploy(spec: &StackSpec, request: &Request, observed: &Observed) -> bool {
    let file = Owner(FILE.to_owned());
    request.keeps_records()
        || request.policy.adopt != Adopt::Refuse
        || matches!(owner_of(observed, &spec.name), Ownership::Nobody)
        || owner_of(observed, &spec.name).includes(&file)
}

/// The specs of all stacks that could be read and are not suspended, and how they are kept.
fn to_deploy(repositories: &[Repository]) -> impl Iterator<Item = (&StackSpec, &StackOptions)> {
    repositories.iter().flat_map(|repository| {
        let stacks = repository.read.iter().flat_map(|read| &read.desired.stacks);
        stacks
            .filter(|stack| repository.suspended.of(&stack.name).is_none())
            .filter_map(|stack| Some((stack.spec.as_ref()?, &stack.options)))
    })
}

struct Answer {
    resolution: Result<Resolution, Problem>,
    warning: Option<String>,
}

impl Images {
    /// What images stood for at an earlier deploy goes before what they stand for now.
    pub(super) fn prefer(&mut self, pins: &BTreeMap<String, Resolution>) {
        for (text, pin) in pins {
            self.resolved.insert(text.clone(), pin.clone());
            self.failed.remove(text);
        }
    }

    fn take(&mut self, need: ImageNeed, answer: Answer) {
        if let Some(warning) = answer.warning {
            self.warnings.insert(need.image.clone(), warning);
        }
        match answer.resolution {
            Ok(resolution) => drop(self.resolved.insert(need.image, resolution)),
            Err(problem) if need.why == NeedWhy::Always => {
                let warning = format!(
                    "image `{}` keeps its digest: {}",
                    need.image, problem.message
                );
                self.warnings.insert(need.image, warning);
            }
            Err(problem) => drop(self.failed.insert(need.image, problem)),
        }
    }
}

async fn answer(world: &World, request: &Request, need: &ImageNeed) -> Answer {
    let image = match ImageRef::parse(&need.image) {
        Ok(image) => image,
        Err(error) => return Answer::failed(problem(&error, error.hint())),
    };
    if let Some(agreed) = &request.agreed {
        return match agreed.pin(&need.image) {
            Ok(resolution) => {
                let warning = pull_agreed(world, request, need, &image, &resolution).await;
                Answer {
                    resolution: Ok(resolution),
                    warning,
                }
            }
            // The digest in use was kept then, and is now.
            Err(_) if need.why == NeedWhy::Always => Answer::resolved(Resolution::Unknown),
            Err(problem) => Answer::failed(problem),
        };
    }
    // Nodes will have to pull it, whatever is asked for here.
    if need.why != NeedWhy::Always
        && let Err(error) = world.registry.credential(&image).await
    {
        return Answer::failed(error.into());
    }
    if request.policy.pull == PullPolicy::Never {
        return Answer::resolved(Resolution::Unknown);
    }
    let local = world.engine.find_image(&need.image).await.ok().flatten();
    if request.policy.pull == PullPolicy::IfNotPresent
        && let Some(digest) = local.as_ref().and_then(|local| local_digest(local, &image))
    {
        // The platforms are asked for when all digests are known.
        return Answer::resolved(Resolution::Pinned {
            digest,
            platforms: Vec::new(),
        });
    }
    match world.registry.resolve(&image, None).await {
        Ok(resolved) => pinned(world, request, need, &image, local.as_ref(), resolved).await,
        // The plan warns of it.
        Err(error) if error.is_not_found() && local.is_some() => {
            Answer::resolved(Resolution::Local)
        }
        Err(error) => Answer::failed(error.into()),
    }
}

impl Answer {
    fn resolved(resolution: Resolution) -> Self {
        Self {
            resolution: Ok(resolution),
            warning: None,
        }
    }

    fn failed(problem: Problem) -> Self {
        Self {
            resolution: Err(problem),
            warning: None,
        }
    }
}

/// The digest by which the image's own repository knows the local image.
fn local_digest(local: &LocalImage, image: &ImageRef) -> Option<String> {
    let same = |digest: &&String| {
        ImageRef::parse(digest).is_ok_and(|known| {
            known.registry() == image.registry() && known.repository() == image.repository()
        })
    };
    local
        .digests
        .iter()
        .find(same)?
        .split_once('@')
        .map(|(_, digest)| digest.to_owned())
}

/// Pulls what this node does not have, and pins it.
async fn pinned(
    world: &World,
    request: &Request,
    need: &ImageNeed,
    image: &ImageRef,
    local: Option<&LocalImage>,
    resolved: Resolved,
) -> Answer {
    let here = local
        .and_then(|local| local_digest(local, image))
        .is_some_and(|digest| digest == resolved.digest);
    let warning = if here || request.mode == Mode::Preview {
        None
    } else {
        pull(world, &need.image, image).await
    };
    let platforms = resolved.platforms.unwrap_or_default();
    Answer {
        resolution: Ok(Resolution::Pinned {
            digest: resolved.digest,
            platforms,
        }),
        warning,
    }
}

/// Pulls the very digest that a saved plan has, unless it is here.
async fn pull_agreed(
    world: &World,
    request: &Request,
    need: &ImageNeed,
    image: &ImageRef,
    resolution: &Resolution,
) -> Option<String> {
    let Resolution::Pinned { digest, .. } = resolution else {
        return None;
    };
    let image = image.with_digest(digest).ok()?;
    let here = world.engine.find_image(&image.familiar()).await;
    if request.mode == Mode::Preview || here.is_ok_and(|found| found.is_some()) {
        return None;
    }
    pull(world, &need.image, &image).await
}

/// Pulls onto this node. A failure is a warning: other nodes may well run the image.
async fn pull(world: &World, text: &str, image: &ImageRef) -> Option<String> {
    world.progress.event(Event::Pulling {
        image: text.to_owned(),
    });
    let pulled = match auth(world, image).await {
        Ok(auth) => {
            let pulled = world
                .engine
                .pull(&image.familiar(), auth.as_ref(), &|_| ())
                .await;
            pulled.map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    world.progress.event(Event::Pulled {
        image: text.to_owned(),
    });
    Some(format!(
        "image `{text}` was not pulled onto this node: {}",
        pulled.err()?.message
    ))
}

/// The value of `X-Registry-Auth` for the registry of `image`, when Docker's configuration has one.
async fn auth(world: &World, image: &ImageRef) -> Result<Option<Secret>, Problem> {
    let credential = world.registry.credential(image).await?;
    Ok(credential.map(|credential| credential.x_registry_auth()))
}

/// The same for `action`, which writes a service. An update goes on without: nodes then keep
/// the credentials that they have, and what it needs to be pulled anew was asked for before.
pub(super) async fn auth_to_write(
    world: &World,
    image: &ImageRef,
    action: &Action,
) -> Result<Option<Secret>, Problem> {
    match (auth(world, image).await, action) {
        // The end of the run warns of it.
        (Err(_), Action::UpdateService { .. }) => Ok(None),
        (auth, _) => auth,
    }
}

/// Counts the images over all watched repositories and removes what nothing counts.
pub(super) async fn clean(world: &World, repositories: &[Repository], report: &mut Report) {
    match clean_up(world, repositories).await {
        Ok(removed) => report.images_removed = removed,
        Err(problem) => report.problems.push(problem),
    }
}

/// Counts the images anew when a repository is gone, and removes what nothing counts any
/// more; its containers may go a little later.
pub(super) async fn recount(world: &World) -> Result<Vec<String>, Problem> {
    let (recorded, now) = count(world, &[])?;
    let observed = world.engine.observe().await?;
    let unused = image_counts::removable(&recorded, &now, &observed);
    let removed = remove_released(world, unused).await?;
    for image in &removed {
        let forgotten = world.store().remove_image(image);
        forgotten?;
    }
    Ok(removed)
}

async fn clean_up(world: &World, repositories: &[Repository]) -> Result<Vec<String>, Problem> {
    let (recorded, now) = count(world, repositories)?;
    let complete = repositories
        .iter()
        .all(|repository| matches!(&repository.read, Ok(read) if read.desired.manifest.is_some()));
    let observed = if recorded.keys().any(|image| !now.contains_key(image)) && complete {
        world.engine.observe().await?
    } else {
        return Ok(Vec::new());
    };
    let removed = remove_unused(world, image_counts::removable(&recorded, &now, &observed)).await?;
    for image in &removed {
        world.store().remove_image(image)?;
    }
    Ok(removed)
}

/// Removes those of `images` that no container on this node uses; returns which are gone.
pub(super) async fn remove_unused(
    world: &World,
    images: Vec<String>,
) -> Result<Vec<String>, Problem> {
    let in_use = world.engine.images_in_use().await?;
    let mut removed = Vec::new();
    for image in images {
        if !used_by_container(world, &image, &in_use).await && gone(world, &image).await {
            removed.push(image);
        }
    }
    Ok(removed)
}

/// The same, again while some are still in use: containers of stacks just removed go after their tasks.
pub(super) async fn remove_released(
    world: &World,
    mut images: Vec<String>,
) -> Result<Vec<String>, Problem> {
    let mut removed = Vec::new();
    for _ in 0..RELEASE_LOOKS {
        removed.extend(remove_unused(world, images.clone()).await?);
        images.retain(|image| !removed.contains(image));
        if images.is_empty() {
            break;
        }
        tokio::time::sleep(RELEASE_PAUSE).await;
    }
    Ok(removed)
}

/// Writes how often each image is named now; returns what was recorded before and what counts now.
fn count(world: &World, repositories: &[Repository]) -> Result<(Counts, Counts), Problem> {
    let mut store = world.store();
    let before = counts(&store)?;
    let uses = uses(&store, repositories)?;
    store.record_images(&uses)?;
    let mut now = counts(&store)?;
    now.retain(|_, count| *count > 0);
    Ok((before, now))
}

fn counts(store: &Store) -> Result<Counts, StoreError> {
    let images = store.images()?.into_iter();
    Ok(images
        .map(|image| (image.name, u64::from(image.reference_count)))
        .collect())
}

/// What every stack of every watched repository uses; `None` for those that this run did not read.
fn uses(store: &Store, repositories: &[Repository]) -> Result<Vec<ImageUses>, StoreError> {
    let mut uses = BTreeMap::new();
    for row in store.stacks()? {
        uses.insert((row.owner(), row.name), None);
    }
    for repository in repositories {
        let Ok(read) = &repository.read else { continue };
        if read.desired.manifest.is_some() {
            uses.retain(|(owner, _), _| *owner != repository.owner);
        }
        for stack in &read.desired.stacks {
            let spec = stack.spec.as_ref();
            let images = spec.map(|spec| {
                image_counts::count(spec.services.iter().map(|s| s.image.value.as_str()))
            });
            uses.insert((repository.owner.clone(), stack.name.to_string()), images);
        }
    }
    let narrow = |counts: Counts| {
        counts
            .into_iter()
            .map(|(image, n)| (image, u32::try_from(n).unwrap_or(u32::MAX)))
            .collect()
    };
    let uses = uses.into_iter().map(|((owner, stack), counts)| ImageUses {
        owner,
        stack,
        counts: counts.map(narrow),
    });
    Ok(uses.collect())
}

async fn used_by_container(world: &World, image: &str, in_use: &BTreeSet<String>) -> bool {
    let local = world.engine.find_image(image).await.ok().flatten();
    in_use.contains(image) || local.is_some_and(|local| in_use.contains(&local.id))
}

/// Whether the image is gone from this node; what Docker refuses stays and is tried again later.
async fn gone(world: &World, image: &str) -> bool {
    matches!(
        world.engine.remove_image(image).await,
        Ok(ImageRemoval::Removed | ImageRemoval::Absent)
    )
}
