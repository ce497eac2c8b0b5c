//! Reads the documentation as a new user would, at a machine of their own, and types whatever it tells them to type.
//!
//! Each page that is walked through has a module; it says what the page takes for granted, and names each block that a
//! reader would type, in order. A block that is not named there ends the walk with an error, so a new one in a page is
//! run from the start. Of the guide and the README the English pages only: a test of the book holds that the French ones
//! have the same blocks.

mod ci;
mod examples;
mod first_stack;
mod install;
mod migration;
mod operating;
mod outside;
mod page;
mod plan;
mod private_repositories;
mod readme;
mod reference;
mod repository;
mod rollback;
mod screen;
mod several_nodes;
mod shop;
mod troubleshooting;
mod walk;
mod world;

use std::fs;
use std::path::PathBuf;

use clap::Args;
use dockerops_lab::{Lab, LabError};
use page::{Block, Page};
use world::World;

/// What to read, and where.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder of a fresh Debian with systemd, Docker and sudo; its files change, so it can be used once
    debian: PathBuf,
    /// The folder of a release
    release: PathBuf,
    /// Only this page
    #[arg(long)]
    only: Option<String>,
}

/// A page, by its path, and the walk through it.
type Scene = (&'static str, fn(&World<'_>, &str) -> Result<(), LabError>);

/// In an order that a reader might take.
const SCENES: &[Scene] = &[
    ("README.md", readme::walk),
    ("docs/guide/first-stack.md", first_stack::walk),
    ("docs/guide/install.md", install::walk),
    (
        "docs/guide/private-repositories.md",
        private_repositories::walk,
    ),
    ("docs/guide/several-nodes.md", several_nodes::walk),
    ("docs/guide/examples.md", examples::walk),
    ("docs/guide/repository.md", repository::walk),
    ("docs/guide/plan.md", plan::walk),
    ("docs/guide/rollback.md", rollback::walk),
    ("docs/guide/operating.md", operating::walk),
    ("docs/guide/ci.md", ci::walk),
    ("docs/guide/migration.md", migration::walk),
    ("docs/guide/troubleshooting.md", troubleshooting::walk),
    ("docs/reference/json.md", reference::json),
    ("docs/reference/schemas.md", reference::schemas),
    ("docs/fr/reference.md", reference::french),
];

/// Walks through the pages; the first thing that does not work as written is the error.
pub(crate) fn run(lab: &Lab, options: &Options) -> Result<(), LabError> {
    every_page_has_a_walk()?;
    let is_wanted = |page: &str| options.only.as_ref().is_none_or(|only| page.contains(only));
    let scenes: Vec<_> = SCENES.iter().filter(|(page, _)| is_wanted(page)).collect();
    if scenes.is_empty() {
        return Err(LabError::Claim(
            "a page that is walked through has such a name".to_owned(),
        ));
    }
    let world = World::make(lab, &options.debian, &options.release)?;
    scenes
        .into_iter()
        .try_for_each(|(page, walk)| walk(&world, page))
}

/// A page with something to type and no walk is an error.
fn every_page_has_a_walk() -> Result<(), LabError> {
    for folder in ["docs", "docs/guide", "docs/reference", "docs/fr"] {
        let entries = fs::read_dir(folder).map_err(io("cannot list the pages"))?;
        let paths = entries.flatten().map(|entry| entry.path());
        for path in paths.filter(|path| path.extension().is_some_and(|end| end == "md")) {
            let path = path.to_string_lossy();
            let is_walked = SCENES.iter().any(|(page, _)| *page == path);
            if !is_walked && Page::read(&path)?.blocks.iter().any(Block::is_typed) {
                return Err(LabError::Claim(format!(
                    "`{path}` is walked through, as it has something to type"
                )));
            }
        }
    }
    Ok(())
}

fn io(doing: &str) -> impl FnOnce(std::io::Error) -> LabError {
    let doing = doing.to_owned();
    move |source| LabError::Io { doing, source }
}
