//! Somebody whose repository has one stack, and what is seen of both.

use std::collections::BTreeMap;

use dockerops_lab::{Lab, Person, Ran, Recorder, Repository};

use crate::stacks::{compose_path, list, ok};

/// A person, their repository with one stack, and a recording socket before the engine.
pub(crate) struct Site<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) person: Person<'a>,
    pub(crate) repository: Repository,
    pub(crate) recorder: Recorder,
    /// The stack's name.
    pub(crate) stack: String,
}

impl Site<'_> {
    /// An empty repository that lists the stack.
    pub(crate) fn new(topic: &str) -> Self {
        let lab = Lab::shared().unwrap();
        let mut person = Person::new(lab, topic).unwrap();
        let recorder = lab.recorder().unwrap();
        person.set("DOCKER_HOST", recorder.docker_host());
        let repository = person.repository().unwrap();
        let stack = person.named("app");
        let listed = list(&[&stack]);
        repository
            .commit(&[("stacks.yaml", &listed)], "list")
            .unwrap();
        Self {
            lab,
            person,
            repository,
            recorder,
            stack,
        }
    }

    /// Commits the stack's compose file; gives the revision.
    pub(crate) fn compose(&self, text: &str, message: &str) -> String {
        self.files(&[("docker-compose.yml", text)], message)
    }

    /// Commits files of the stack's folder; gives the revision.
    pub(crate) fn files(&self, files: &[(&str, &str)], message: &str) -> String {
        let path = |name: &str| match name {
            "docker-compose.yml" => compose_path(&self.stack),
            name => format!("{}/{name}", self.stack),
        };
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (path(name), *text))
            .collect();
        let files = files.iter().map(|(path, text)| (path.as_str(), *text));
        self.repository
            .commit(&files.collect::<Vec<_>>(), message)
            .unwrap()
    }

    /// Commits `nfs.yaml` and a binding, which is the folder `id` of the stack's folder.
    pub(crate) fn storage(&self, id: &str) {
        let nfs = self.person.nfs_yaml();
        let volumes = format!("- {{id: {id}, type: binding, path: {}/{id}}}\n", self.stack);
        let files = [("nfs.yaml", nfs.as_str()), ("volumes.yaml", &volumes)];
        self.repository.commit(&files, "storage").unwrap();
    }

    /// Watches the repository, which deploys it.
    pub(crate) fn watch(&self) {
        ok(&self.person, &["watch", &self.repository.url()]);
    }

    /// Runs a command, whatever comes of it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.person.run(arguments).unwrap()
    }

    /// A path in the person's home.
    pub(crate) fn path(&self, name: &str) -> String {
        self.person.home().join(name).display().to_string()
    }

    /// The version index of each service of the stack.
    pub(crate) fn versions(&self) -> BTreeMap<String, u64> {
        let services = self.lab.services(&self.stack).unwrap().into_iter();
        services
            .map(|(name, service)| (name, service["Version"]["Index"].as_u64().unwrap()))
            .collect()
    }

    /// `text` with what differs from run to run left out: the stack is `app`, the newest
    /// revision `HEAD`, other ids `…`.
    pub(crate) fn tidy(&self, text: &str) -> String {
        let head = self.repository.revision().unwrap();
        let text = text
            .replace(&head[..12], "HEAD")
            .replace(&self.stack, "app")
            .replace(&self.person.home().display().to_string(), "HOME")
            .replace(&self.repository.url(), "URL")
            .replace(
                &format!("{}/{}-", self.lab.registry(), self.person.name),
                "",
            );
        without_ids(&text)
    }
}

/// Runs of 12 and more hexadecimal digits are ids.
fn without_ids(text: &str) -> String {
    let (mut out, mut run) = (String::new(), String::new());
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() >= 12 { "…" } else { &run });
        run.clear();
        out.push(c);
    }
    out.pop();
    out.replace("……", "…")
}
