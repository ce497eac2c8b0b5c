//! What the tests share: one stack of a person, in revisions.

use std::collections::BTreeMap;
use std::fs;

use dockerops_lab::{Lab, Person, Ran, Repository};
use serde_json::Value;

/// The command of a service that stays.
pub(crate) const SLEEPS: &str = "sleep 100000";
/// The command of a service that ends at once, with exit code 1.
pub(crate) const FAILS: &str = "\"false\"";

/// A compose file of these services.
pub(crate) fn file(services: &[String]) -> String {
    format!(
        "services:\n{}networks: {{host: {{external: true}}}}\n",
        services.concat()
    )
}

/// A person with a stack.
pub(crate) struct Site<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) person: Person<'a>,
    pub(crate) stack: String,
    pub(crate) image: String,
    pub(crate) repository: Repository,
}

impl<'a> Site<'a> {
    pub(crate) fn new(lab: &'a Lab, topic: &str) -> Self {
        let person = Person::new(lab, topic).unwrap();
        let stack = person.named("app");
        let image = person.image("web", "one").unwrap();
        let repository = person.repository().unwrap();
        Self {
            lab,
            person,
            stack,
            image,
            repository,
        }
    }

    /// Commits a compose file, with `options` for the stack's entry, and more files of its folder.
    pub(crate) fn commit(&self, compose: &str, options: &str, more: &[(&str, &str)]) -> String {
        let stack = &self.stack;
        let list = format!("- {{name: {stack}{options}}}\n");
        let path = format!("{stack}/compose.yml");
        let named: Vec<_> = more
            .iter()
            .map(|(name, text)| (format!("{stack}/{name}"), *text))
            .collect();
        let mut files = vec![("stacks.yaml", list.as_str()), (&path, compose)];
        files.extend(named.iter().map(|(name, text)| (name.as_str(), *text)));
        self.repository.commit(&files, "change").unwrap()
    }

    /// One service on the host's network with `mark` in its environment; `more` is further
    /// YAML flow: `, configs: [page]`.
    pub(crate) fn service(&self, name: &str, mark: &str, command: &str, more: &str) -> String {
        let image = &self.image;
        format!(
            "  {name}: {{image: \"{image}\", command: {command}, environment: [MARK={mark}], stop_grace_period: 0s, \
             networks: [host], deploy: {{update_config: {{monitor: 500ms}}, restart_policy: {{delay: 500ms}}}}{more}}}\n"
        )
    }

    /// Services that sleep, each with `mark` in its environment; `broken` ends at once.
    pub(crate) fn compose(&self, services: &[&str], mark: &str, broken: Option<&str>) -> String {
        let service = |name: &&str| {
            let ends = broken == Some(*name);
            self.service(name, mark, if ends { FAILS } else { SLEEPS }, "")
        };
        file(&services.iter().map(service).collect::<Vec<_>>())
    }

    pub(crate) fn watch(&self) -> Ran {
        self.ok(&["watch", &self.repository.url()])
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = self.person.run(arguments).unwrap();
        assert_eq!(ran.code, Some(0), "{}", ran.text());
        ran
    }

    pub(crate) fn fails(&self, arguments: &[&str]) -> Ran {
        let ran = self.person.run(arguments).unwrap();
        assert_eq!(ran.code, Some(1), "{}", ran.text());
        ran
    }

    /// The specs of the stack's services, by name.
    pub(crate) fn specs(&self) -> BTreeMap<String, Value> {
        let services = self.lab.services(&self.stack).unwrap().into_iter();
        services
            .map(|(name, service)| (name, service["Spec"].clone()))
            .collect()
    }

    /// The names of the stack's objects of a kind: `config` or `secret`.
    pub(crate) fn objects(&self, kind: &str) -> Vec<String> {
        let label = format!("label=com.docker.stack.namespace={}", self.stack);
        let list = [kind, "ls", "--filter", &label, "--format", "{{.Name}}"];
        let listed = self.lab.docker(&list).unwrap();
        let mut names: Vec<_> = listed.lines().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// A file on the shared folder.
    pub(crate) fn shared(&self, path: &str) -> String {
        fs::read_to_string(self.person.nfs().join(path)).unwrap()
    }

    /// The tasks of a service that are to run.
    pub(crate) fn tasks(&self, service: &str) -> Vec<String> {
        let tasks = self
            .lab
            .tasks(&format!("{}_{service}", self.stack))
            .unwrap();
        let running = tasks.iter().filter(|t| t["DesiredState"] == "running");
        running
            .map(|task| task["ID"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}
