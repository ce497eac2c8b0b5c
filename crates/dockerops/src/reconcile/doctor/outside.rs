//! What lies outside of this host: repositories, registries, and the time there.

use std::collections::BTreeMap;

use dockerops_core::checkup::{self, Check};
use dockerops_core::image::ImageRef;
use dockerops_core::names::label;
use dockerops_core::observed::Observed;
use dockerops_core::report::Problem;
use dockerops_core::repository_url::RepositoryUrl;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::timeout;

use super::PATIENCE;
use crate::reconcile::World;

/// Git itself, and whether each watched repository can be read; without `urls` it is not known
/// which these are.
pub(super) async fn repositories(
    world: &World,
    urls: Option<&[(String, Option<RepositoryUrl>)]>,
) -> Vec<Check> {
    let git = match world.git.version().await {
        Ok(version) => Check::ok("git", format!("Git {version}")),
        Err(error) => {
            let problem = Problem::from(error);
            return vec![Check::fail("git", problem.message, problem.hint)];
        }
    };
    let asked = urls.into_iter().flatten().map(|(given, url)| async move {
        let Some(url) = url else {
            let fix = format!(
                "Run `dockerops unwatch --keep-stacks '{given}'`, then `watch` its address as Git knows it, without credentials."
            );
            return Check::fail("repository", format!("`{given}` is no address"), Some(fix));
        };
        match timeout(PATIENCE, world.git.remote_head(url)).await {
            Ok(Ok(_)) => Check::ok(
                "repository",
                format!("{given} can be read{}", token(world, url)),
            ),
            Ok(Err(error)) => {
                let problem = Problem::from(error);
                Check::fail("repository", problem.message, problem.hint)
            }
            Err(_) => {
                let fix = "Look at the server and the network between.".to_owned();
                Check::fail("repository", format!("{given} does not answer"), Some(fix))
            }
        }
    });
    let mut checks = vec![git];
    checks.extend(join_all(asked).await);
    if urls.is_some_and(<[_]>::is_empty) {
        let fix = "Run `dockerops watch <url>`, or set `DOCKEROPS_DB_PATH` to the right database.";
        checks.push(Check::warn("repository", "no repository is watched", fix));
    }
    checks
}

/// Whether the token goes there.
fn token(world: &World, url: &RepositoryUrl) -> &'static str {
    let may = url.may_receive_token(&world.settings.token_hosts);
    match (&world.settings.token, may) {
        (Some(_), true) => ", with `GITHUB_TOKEN`",
        (None, true) => ", without a token",
        (_, false) => "",
    }
}

/// Each registry that our services come from, by one of its images; and the clock there.
pub(super) async fn registries(world: &World, observed: &Observed) -> Vec<Check> {
    let images = images(observed);
    let asked = images.values().map(|image| async move {
        let answer = timeout(PATIENCE, registry(world, image)).await;
        answer.unwrap_or_else(|_| {
            let fix = "Look at the registry and the network between.".to_owned();
            let message = format!("`{}` does not answer", image.registry());
            Check::fail("registry", message, Some(fix))
        })
    });
    let mut checks = join_all(asked).await;
    for image in images.values() {
        if let Some(clock) = clock(world, image).await {
            checks.push(clock);
            break;
        }
    }
    checks
}

/// One image of each registry.
fn images(observed: &Observed) -> BTreeMap<String, ImageRef> {
    let services = observed.services.iter();
    let ours = services.filter(|service| service.label(label::REPOSITORY).is_some());
    let images = ours.filter_map(|service| {
        let text = service.spec["TaskTemplate"]["ContainerSpec"]["Image"].as_str()?;
        ImageRef::parse(text).ok()
    });
    images
        .map(|image| (image.registry().to_owned(), image))
        .collect()
}

async fn registry(world: &World, image: &ImageRef) -> Check {
    let name = image.registry();
    let login = match world.registry.credential(image).await {
        Ok(Some(_)) => "with a login",
        Ok(None) => "without a login",
        Err(error) => {
            let problem = Problem::from(error);
            return Check::fail("registry", problem.message, problem.hint);
        }
    };
    match world.registry.resolve(image, None).await {
        Ok(_) => Check::ok("registry", format!("`{name}` answers, {login}")),
        Err(error) if error.is_not_found() => {
            let message = format!(
                "`{name}` answers, {login}, but has no `{}` any more",
                image.familiar()
            );
            Check::warn(
                "registry",
                message,
                "Push the image again: a node that lacks it cannot run it.",
            )
        }
        Err(error) => {
            let problem = Problem::from(error);
            Check::fail("registry", problem.message, problem.hint)
        }
    }
}

/// How far our clock is from the registry's; `None` when it does not tell.
async fn clock(world: &World, image: &ImageRef) -> Option<Check> {
    let asked = Timestamp::now();
    let date = timeout(PATIENCE, world.registry.date(image))
        .await
        .ok()?
        .ok()??;
    let answered = Timestamp::now();
    // `GMT` is how RFC 9110 writes what RFC 2822 calls an obsolete zone.
    let there = jiff::fmt::rfc2822::parse(&date).ok()?.timestamp();
    // The server's clock was read somewhere between.
    let nearest = there.clamp(asked, answered);
    let skew = nearest.duration_since(there).unsigned_abs();
    Some(checkup::clock(
        &format!("the registry `{}`", image.registry()),
        skew,
    ))
}
