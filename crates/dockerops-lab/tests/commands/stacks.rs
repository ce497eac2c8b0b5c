//! What the tests of commands share: repositories of stacks, and what is seen of them.

use dockerops_lab::{Lab, Person, Ran, Repository};
use serde_json::Value;

/// `stacks.yaml` for these stacks.
pub(crate) fn list(stacks: &[&str]) -> String {
    if stacks.is_empty() {
        return "[]\n".to_owned();
    }
    let mut text = String::new();
    for name in stacks {
        text += &format!("- name: {name}\n");
    }
    text
}

/// Commits `stacks.yaml` and a compose file for each stack.
pub(crate) fn commit(repository: &Repository, stacks: &[(&str, &str)]) {
    let names: Vec<_> = stacks.iter().map(|(name, _)| *name).collect();
    let listed = list(&names);
    let paths: Vec<_> = names.iter().map(|name| compose_path(name)).collect();
    let mut files = vec![("stacks.yaml", listed.as_str())];
    files.extend(
        paths
            .iter()
            .zip(stacks)
            .map(|(path, (_, text))| (path.as_str(), *text)),
    );
    repository.commit(&files, "change").unwrap();
}

/// Where a stack's compose file lies.
pub(crate) fn compose_path(stack: &str) -> String {
    format!("{stack}/docker-compose.yml")
}

/// Runs a command that must succeed.
pub(crate) fn ok(person: &Person<'_>, arguments: &[&str]) -> Ran {
    let ran = person.run(arguments).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    ran
}

/// Runs a command that must fail with exit 1.
pub(crate) fn fails(person: &Person<'_>, arguments: &[&str]) -> Ran {
    let ran = person.run(arguments).unwrap();
    assert_eq!(ran.code, Some(1), "{}", ran.text());
    ran
}

/// The ids of a service's tasks, also of those that ended.
pub(crate) fn task_ids(lab: &Lab, service: &str) -> Vec<String> {
    let tasks = lab.tasks(service).unwrap();
    let mut ids: Vec<_> = tasks.iter().map(|task| text(task, "/ID")).collect();
    ids.sort();
    ids
}

/// The names of a stack's services.
pub(crate) fn services(lab: &Lab, stack: &str) -> Vec<String> {
    lab.services(stack).unwrap().into_keys().collect()
}

/// A string of `value`, empty when it is none.
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Deploys a stack with Docker's own client.
pub(crate) fn deploy_with_docker(person: &Person<'_>, stack: &str, compose: &str) {
    let file = person.home().join(format!("{stack}.yml"));
    std::fs::write(&file, format!("version: '3.8'\n{compose}")).unwrap();
    let file = file.display().to_string();
    person
        .lab
        .docker(&["stack", "deploy", "-c", &file, stack])
        .unwrap();
    for service in services(person.lab, stack) {
        person.lab.wait_until_running(&service, 1).unwrap();
    }
}

/// Every file below the shared folder, with its inode and times.
pub(crate) fn stamps(person: &Person<'_>) -> Vec<String> {
    let folder = person.nfs().display().to_string();
    let output = std::process::Command::new("find")
        .args([&folder, "-printf", "%p %i %T@ %C@\n"])
        .output()
        .unwrap();
    let mut lines: Vec<_> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines
}
