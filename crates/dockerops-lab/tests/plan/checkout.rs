//! `plan DIR`: a checkout, with what is not committed yet, compared with what runs.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use dockerops_lab::process;

use crate::site::Site;
use crate::stacks::{compose_path, fails, list, ok};

#[test]
fn a_checkout_is_compared_with_what_is_not_committed_its_bindings_and_what_leaves() {
    let site = Site::new("checkout");
    let other = site.person.named("other");
    let image = site.person.image("web", "a").unwrap();
    let idle = |mark: &str| {
        format!(
            "services: {{web: {{image: '{image}', environment: [MARK={mark}], volumes: ['site:/site'], networks: [host], \
             deploy: {{replicas: 0}}}}}}\nnetworks: {{host: {{external: true}}}}\n"
        )
    };
    site.storage("site");
    site.files(&[("site/page", "one\n")], "files");
    site.compose(&idle("a"), "first");
    let (both, path) = (list(&[&site.stack, &other]), compose_path(&other));
    let more = [("stacks.yaml", both.as_str()), (&path, &idle("a"))];
    site.repository.commit(&more, "another stack").unwrap();
    site.watch();
    site.recorder.clear();

    let folder = clone(&site);
    let plan = ["plan", folder.to_str().unwrap(), "--full", "--exit-code"];
    let same = ok(&site.person, &plan);
    assert!(same.stdout.ends_with("No changes.\n"), "{}", same.text());
    fs::write(folder.join("stacks.yaml"), list(&[&site.stack])).unwrap();
    fs::write(folder.join(compose_path(&site.stack)), idle("b")).unwrap();
    fs::write(folder.join(&site.stack).join("site/page"), "two\n").unwrap();
    let edited = site.run(&plan);

    assert_eq!(edited.code, Some(2), "{}", edited.text());
    insta::assert_snapshot!(site.tidy(&edited.stdout).replace(&other, "other"), @r"
    HOME/checkout
    app  changes
      ~ service  app_web  changed since the last deploy; files of binding site changed
          environment.MARK: a → b
          (no restart)
    other  left the repository: goes, its volumes stay
      - service  other_web
          (stops 0 tasks)
    binding app/site
      ~ app/site/page
          @@ -1 +1 @@
          -one
          +two
    Plan: 0 to create, 1 to update, 0 to replace, 1 to remove, 1 file of bindings to write or remove.
    ");
    assert_eq!(site.recorder.writes(), []);
    let page = site.person.nfs().join(&site.stack).join("site/page");
    assert_eq!(fs::read_to_string(page).unwrap(), "one\n");
    ok(&site.person, &["stop"]);
}

#[test]
fn a_folder_that_is_no_repository_is_refused_with_a_way_out() {
    let site = Site::new("nofolder");
    let empty = site.path("empty");
    fs::create_dir(&empty).unwrap();
    let mut seen = String::new();
    for folder in [&empty, &site.path("absent")] {
        let ran = fails(&site.person, &["plan", folder]);
        seen += &site.tidy(&(ran.stdout + &ran.stderr));
    }
    insta::assert_snapshot!(seen, @r"
    HOME/empty
      error: the repository has no `stacks.yaml` at its root
        hint: Add `stacks.yaml` with a list of `- name: <stack>`, one per folder.
    No changes, 1 not read (repository).
    HOME/absent
      error: cannot open the folder `HOME/absent`: No such file or directory (os error 2)
        hint: Name a folder that has a `stacks.yaml`.
    No changes, 1 not read (repository).
    ");
}

/// A checkout as a person has it.
fn clone(site: &Site<'_>) -> PathBuf {
    let folder = site.person.home().join("checkout");
    let mut git = Command::new("git");
    git.args(["clone", "-q"])
        .arg(site.repository.folder())
        .arg(&folder);
    process::output(&mut git).unwrap();
    let mut origin = Command::new("git");
    origin.arg("-C").arg(&folder);
    origin.args(["remote", "set-url", "origin", &site.repository.url()]);
    process::output(&mut origin).unwrap();
    folder
}
