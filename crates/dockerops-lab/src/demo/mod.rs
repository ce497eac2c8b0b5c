//! The story of DockerOps on a throwaway Swarm, each claim checked.
//!
//! Every line after a `$` is what a person would type on a manager; what follows it is the real
//! answer. A claim that does not hold ends the demo with an error.

mod sample;
mod terminal;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dockerops_lab::{Lab, LabError, Repository};
use sample::{DB_PASSWORD, STORAGE, api, files};
use terminal::Terminal;

/// What each service's version index was, by service.
type Versions = BTreeMap<String, u64>;

/// Tells the story on `lab`; with `Ending::Keep` the stacks stay.
pub(crate) fn tell(lab: &Lab, ending: Ending) -> Result<(), LabError> {
    let stage = Stage::prepare(lab)?;
    let mut terminal = Terminal::new(lab, &stage.folder.join("home"));
    let here = stage.folder.as_path();

    terminal.step("A Git repository, as in the documentation");
    terminal.run(
        here,
        &format!("git clone -q {} repo", stage.repository.loopback_url()),
    )?;
    let clone = here.join("repo");
    terminal.run(&clone, "git ls-files")?;
    terminal.run(
        &clone,
        "head -n 20 stacks.yaml volumes.yaml nfs.yaml api-stack/secrets.yaml",
    )?;
    terminal.run(&clone, "dockerops validate --strict")?;

    terminal.step("It becomes a running Swarm");
    terminal.run(
        here,
        &format!("sudo dockerops watch {}", stage.repository.loopback_url()),
    )?;
    lab.wait_until_running("web-stack_web", 1)?;
    lab.wait_until_running("api-stack_api", 2)?;
    terminal.run(here, "docker stack ls")?;
    terminal.run(here, "docker service ls")?;

    terminal.step("Bindings arrived, secrets too");
    let page = terminal.run(here, "curl -s http://127.0.0.1:8081/index.html")?;
    claim(
        "the web server shows the page of the repository",
        page.contains("Deployed by DockerOps"),
    )?;
    claim(
        "the API got its password",
        environment(lab)?.contains(&format!("DB_PASSWORD={DB_PASSWORD}")),
    )?;

    terminal.step("Nothing changed: nothing is done");
    let before = versions(lab)?;
    terminal.run(here, "sudo dockerops reconcile")?;
    claim("no service was touched", versions(lab)? == before)?;

    terminal.step("A commit changes one service");
    write(
        &clone.join("api-stack/docker-compose.yml"),
        &api(&lab.registry(), "debug"),
    )?;
    terminal.run(&clone, "git diff -U0")?;
    terminal.run(&clone, "git commit -q -a -m 'api: log more'")?;
    terminal.run(&clone, "git push -q")?;
    terminal.run(here, "sudo dockerops reconcile")?;
    lab.wait_until_running("api-stack_api", 2)?;
    let moved = moved(&before, &versions(lab)?);
    claim("only api-stack_api was updated", moved == ["api-stack_api"])?;
    claim(
        "the API logs more",
        environment(lab)?.contains("LOG_LEVEL=debug"),
    )?;
    claim(
        "no secret was printed",
        !terminal.shown().contains(DB_PASSWORD),
    )?;
    terminal.run(here, "docker service ls")?;

    if ending == Ending::Keep {
        return Ok(());
    }
    terminal.step("And away with it");
    terminal.run(here, "sudo dockerops stop --yes")?;
    let left = terminal.run(here, "docker service ls -q")?;
    claim("no service is left", left.trim().is_empty())
}

/// What becomes of the stacks at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// They are stopped.
    Stop,
    /// They stay.
    Keep,
}

/// Everything that is there before the story starts.
struct Stage {
    folder: PathBuf,
    repository: Repository,
}

impl Stage {
    fn prepare(lab: &Lab) -> Result<Self, LabError> {
        let folder = lab.layout().folder.join("demo");
        let storage = folder.join(STORAGE);
        make_folder(&folder.join("home"))?;
        make_folder(&storage.join("secret"))?;
        write(
            &storage.join("secret/db_password"),
            &format!("{DB_PASSWORD}\n"),
        )?;
        write(&storage.join("secret/jwt_secret"), "not-so-secret\n")?;
        let identity = "[user]\n\tname = Demo\n\temail = demo@example.org\n";
        write(&folder.join("home/.gitconfig"), identity)?;
        lab.push_image("web", "1", "web")?;
        lab.push_image("api", "1", "api")?;
        let repository = lab.repository("my-dockerops-repo")?;
        let files = files(&lab.registry(), &storage.to_string_lossy());
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        repository.commit(&files, "two stacks")?;
        Ok(Self { folder, repository })
    }
}

fn versions(lab: &Lab) -> Result<Versions, LabError> {
    let mut all = Versions::new();
    for stack in ["web-stack", "api-stack"] {
        for name in lab.services(stack)?.into_keys() {
            let version = lab.version(&name)?;
            all.insert(name, version);
        }
    }
    Ok(all)
}

/// The services whose version is another than before.
fn moved(before: &Versions, after: &Versions) -> Vec<String> {
    after
        .iter()
        .filter(|(name, version)| before.get(*name) != Some(version))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The environment that the API service has on the Swarm, as JSON text.
fn environment(lab: &Lab) -> Result<String, LabError> {
    let service = lab.engine_get("/services/api-stack_api")?;
    Ok(service
        .pointer("/Spec/TaskTemplate/ContainerSpec/Env")
        .map(ToString::to_string)
        .unwrap_or_default())
}

fn claim(what: &str, holds: bool) -> Result<(), LabError> {
    if holds {
        println!("\x1b[32m✓ {what}\x1b[0m");
        return Ok(());
    }
    Err(LabError::Claim(what.to_owned()))
}

fn make_folder(path: &Path) -> Result<(), LabError> {
    fs::create_dir_all(path).map_err(|source| LabError::Io {
        doing: format!("cannot make `{}`", path.display()),
        source,
    })
}

fn write(path: &Path, text: &str) -> Result<(), LabError> {
    fs::write(path, text).map_err(|source| LabError::Io {
        doing: format!("cannot write `{}`", path.display()),
        source,
    })
}
