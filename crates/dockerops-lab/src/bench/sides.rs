//! The two sides of the benchmark: DockerOps, and the script that people put into cron.
//!
//! Each has a lab of its own with the same repositories, so neither sees the other's services.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use dockerops_lab::{Lab, LabError, Repository, program};

const REPOSITORIES: usize = 20;
const STACKS: usize = 3;
const SERVICES: usize = 3;
/// The repository and stack in which one service changes.
const CHANGED: (usize, usize) = (7, 1);

const SCRIPT: &str = r#"for repository in "$@"; do
  git -C "$repository" pull -q
  for stack in "$repository"/*/; do
    docker stack deploy --prune --with-registry-auth -c "$stack/docker-compose.yml" "$(basename "$stack")"
  done
done"#;

const ONE_STACK: &str = r#"git -C "$1" pull -q
docker stack deploy --prune --with-registry-auth -c "$1/$2/docker-compose.yml" "$2""#;

const LS_REMOTE: &str = r#"for url in "$@"; do git ls-remote "$url" HEAD & done; wait"#;

/// A lab with the twenty repositories, and a home folder.
pub(super) struct Side<'a> {
    lab: &'a Lab,
    repositories: Vec<Repository>,
    folder: PathBuf,
}

impl<'a> Side<'a> {
    pub(super) fn prepare(lab: &'a Lab) -> Result<Self, LabError> {
        let folder = lab.layout().folder.join("bench");
        fs::create_dir_all(&folder).map_err(|source| LabError::Io {
            doing: format!("cannot make `{}`", folder.display()),
            source,
        })?;
        lab.push_image("bench", "1", "bench")?;
        let repositories = (0..REPOSITORIES)
            .map(|index| fill(lab, index))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            lab,
            repositories,
            folder,
        })
    }

    /// Commits a change to one service of one stack.
    pub(super) fn change_one_service(&self, round: usize) -> Result<(), LabError> {
        let (index, stack) = CHANGED;
        let path = format!("{}/docker-compose.yml", stack_name(index, stack));
        let text = compose(&self.lab.registry(), &format!("round-{round}"));
        self.changed_repository()?
            .commit(&[(&path, &text)], "change one service")
            .map(|_| ())
    }

    /// `dockerops` with these arguments.
    pub(super) fn dockerops(&self, args: &[&str]) -> Result<Command, LabError> {
        let mut command = self.lab.dockerops(&self.folder)?;
        command.args(args);
        Ok(command)
    }

    /// The URLs of the repositories.
    pub(super) fn urls(&self) -> Vec<String> {
        self.repositories
            .iter()
            .map(Repository::loopback_url)
            .collect()
    }

    /// Clones every repository, as the script expects them.
    pub(super) fn clone_all(&self) -> Result<(), LabError> {
        for (url, target) in self.urls().iter().zip(self.clones()) {
            dockerops_lab::process::output(
                self.lab
                    .command("git")
                    .args(["clone", "-q", url])
                    .arg(target),
            )?;
        }
        Ok(())
    }

    /// The whole cron script.
    pub(super) fn script(&self) -> Command {
        let mut command = self.shell(SCRIPT);
        command.args(self.clones());
        command
    }

    /// The part of the script that the changed stack needs.
    pub(super) fn script_of_one_stack(&self) -> Command {
        let (index, stack) = CHANGED;
        let mut command = self.shell(ONE_STACK);
        command
            .args(self.clones().get(index))
            .arg(stack_name(index, stack));
        command
    }

    /// Asking every repository for its head, all at once: what cannot be avoided.
    pub(super) fn ls_remote(&self) -> Command {
        let mut command = self.shell(LS_REMOTE);
        command.args(self.urls());
        command
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = self.lab.command("sh");
        command.args(["-c", script, "sh"]).env("HOME", &self.folder);
        command
    }

    fn clones(&self) -> Vec<PathBuf> {
        (0..REPOSITORIES)
            .map(|index| self.folder.join(format!("clone{index}")))
            .collect()
    }

    fn changed_repository(&self) -> Result<&Repository, LabError> {
        self.repositories.get(CHANGED.0).ok_or(LabError::Stopped)
    }
}

/// What is measured, for the heading.
pub(super) fn description() -> String {
    let docker = Command::new("docker")
        .arg("--version")
        .output()
        .map(|out| out.stdout)
        .unwrap_or_default();
    let binary = program("dockerops")
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    format!(
        "{REPOSITORIES} repositories × {STACKS} stacks × {SERVICES} services, `replicas: 0`; {binary}; {}",
        String::from_utf8_lossy(&docker).trim()
    )
}

fn fill(lab: &Lab, index: usize) -> Result<Repository, LabError> {
    let repository = lab.repository(&format!("bench{index}"))?;
    let names: Vec<String> = (0..STACKS).map(|stack| stack_name(index, stack)).collect();
    let list = names.join(
        "
- name: ",
    );
    let list = format!(
        "- name: {list}
"
    );
    let text = compose(&lab.registry(), "first");
    let paths: Vec<String> = names
        .iter()
        .map(|name| format!("{name}/docker-compose.yml"))
        .collect();
    let mut files: Vec<(&str, &str)> = paths
        .iter()
        .map(|path| (path.as_str(), text.as_str()))
        .collect();
    files.push(("stacks.yaml", &list));
    repository.commit(&files, "first")?;
    Ok(repository)
}

fn stack_name(repository: usize, stack: usize) -> String {
    format!("bench{repository}-{stack}")
}

/// A compose file; `mark` is in the environment of its first service.
fn compose(registry: &str, mark: &str) -> String {
    let service = |index: usize| {
        let mark = if index == 0 { mark } else { "same" };
        format!(
            "  s{index}:\n    image: {registry}/bench:1\n    environment: {{MARK: {mark}}}\n    deploy: {{replicas: 0}}\n"
        )
    };
    let services: String = (0..SERVICES).map(service).collect();
    format!("version: '3.8'\nservices:\n{services}")
}
