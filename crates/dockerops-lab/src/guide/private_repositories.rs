//! docs/guide/private-repositories.md: tokens and keys, where they must be, and only there.

use dockerops_lab::{Behaviour, LabError, Repository};

use super::walk::Walk;
use super::world::{World, over_ssh, website};

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    let settings = |walk: &Walk<'_>, heading: &str| {
        let files = walk.page.files(heading)?.into_iter();
        Ok::<_, LabError>(files.map(|(_, text)| text).collect::<String>())
    };

    private(world, "github.com/you/stacks", "ghp_your_token")?;
    world.refuses(
        "sudo dockerops watch https://github.com/you/stacks",
        "remote authentication required",
    )?;
    world.will_write(&settings(&walk, "A token")?)?;
    walk.run("sudo mkdir -p /etc/dockerops")?;
    walk.run("sudo dockerops watch")?;

    private(world, "github.com/you/stacks", "ghp_your_token")?;
    walk.run("export GITHUB_TOKEN")?;

    private(world, "git.example.org/you/stacks", "your_token")?;
    let others = settings(&walk, "GitHub Enterprise, Gitea, GitLab and others")?;
    world.types(
        "sudo install -D -m 600 /dev/stdin /etc/dockerops/dockerops.env",
        &others,
    )?;
    world.does("sudo dockerops watch https://git.example.org/you/stacks")?;

    let repository = private(world, "github.com/you/stacks", "another")?;
    let watch = format!("sudo dockerops watch {}", over_ssh(&repository));
    walk.run("sudo ssh-keygen")?;
    world.refuses(&watch, "is not known")?;
    walk.run("ssh-keyscan")?;
    world.refuses(&watch, "accepts none of the SSH keys")?;
    world.add_deploy_key()?;
    world.does(&watch)?;
    walk.end()
}

/// A new machine, and a repository that wants a token.
fn private(world: &World<'_>, address: &str, token: &str) -> Result<Repository, LabError> {
    world.anew()?;
    let repository = world.repository(address, &website("1.27"))?;
    repository.behave(&Behaviour {
        token: Some(token.to_owned()),
        ..Behaviour::default()
    })?;
    Ok(repository)
}
