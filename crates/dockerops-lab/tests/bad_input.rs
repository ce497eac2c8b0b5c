//! What goes wrong on the way to the Swarm, beyond what needs no Swarm to be seen.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

use dockerops_lab::{Lab, Person, process, sleepers};

/// `dockerops` where the shared folder is a disk of its own, mounted with `options`.
///
/// The mount is in a namespace that ends with the command.
fn on_a_disk(person: &Person<'_>, options: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let inner = person.command(arguments).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c"]);
    command.arg("mount -t tmpfs -o \"$1\" none \"$0\" && shift && exec \"$@\"");
    command.arg(person.nfs()).arg(options);
    command.arg(inner.get_program()).args(inner.get_args());
    command.env_clear();
    let set = inner.get_envs();
    command.envs(set.filter_map(|(name, value)| Some((name, value?))));
    let output = process::run(&mut command).unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn a_full_or_read_only_nfs_says_so() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "nfsdisk").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
    let repository = person.repository().unwrap();
    let big = "x".repeat(300_000);
    let files = [
        ("stacks.yaml", format!("- name: {stack}\n")),
        ("nfs.yaml", person.nfs_yaml()),
        (
            "volumes.yaml",
            "- {id: conf, type: binding, path: conf}\n".to_owned(),
        ),
        ("conf/big", big),
        (
            &*format!("{stack}/compose.yaml"),
            sleepers(&[("web", &image, ", volumes: [\"conf:/conf\"]")]),
        ),
    ];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    repository.commit(&files, "first").unwrap();
    let watched = on_a_disk(&person, "size=64k", &["watch", &repository.url()]);
    let read_only = on_a_disk(&person, "ro", &["reconcile"]);
    let nfs = person.nfs().display().to_string();
    for ((code, text), words) in [
        (watched, "Free some space on the shared storage"),
        (read_only, "Mount the shared storage writable"),
    ] {
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(words) && text.contains(&nfs), "{text}");
    }
    assert!(lab.services(&stack).unwrap().is_empty());
    let ran = person.run(&["reconcile"]).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    assert_eq!(person.run(&["stop"]).unwrap().code, Some(0));
}
