//! How a release is made: what must hold before one is built. `packaging/check-release.sh` uses what was built.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn script(name: &str, arguments: &[&str]) -> Output {
    let script = root().join("packaging").join(name);
    Command::new(script).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_owned()).unwrap()
}

/// The workflows, each with its name.
fn workflows() -> Vec<(String, String)> {
    let files = fs::read_dir(root().join(".github/workflows")).unwrap();
    let read = |path: PathBuf| {
        (
            path.display().to_string(),
            fs::read_to_string(path).unwrap(),
        )
    };
    files.map(|file| read(file.unwrap().path())).collect()
}

#[test]
fn the_version_of_a_release_is_that_of_the_program() {
    assert_eq!(
        text(&script("version.sh", &[]).stdout).trim(),
        env!("CARGO_PKG_VERSION")
    );
    let other = script("release.sh", &["99.0.0"]);
    let said = text(&other.stderr);
    assert!(!other.status.success());
    assert!(
        said.contains("Cargo.toml says version") && said.contains("RELEASE.md"),
        "{said}"
    );
}

#[test]
fn the_notes_of_a_release_are_its_section_of_the_changelog() {
    let folder = tempfile::tempdir().unwrap();
    let changelog = folder.path().join("CHANGELOG.md");
    let sections = "# Changelog\n\n## Unreleased\n\n## 1.2.0 - 2026-01-01\n\n- b\n\n## [1.1.0]\n\n- a\n\n## 1.1\n- no\n";
    fs::write(&changelog, sections).unwrap();
    let notes = |version| script("notes.sh", &[version, changelog.to_str().unwrap()]);
    assert_eq!(text(&notes("v1.2.0").stdout), "\n- b\n");
    assert_eq!(text(&notes("1.1.0").stdout), "\n- a\n");
    let missing = notes("2.0.0");
    assert!(!missing.status.success());
    assert!(text(&missing.stderr).contains("has no section `## 2.0.0`"));
    assert!(!notes("Unreleased").status.success(), "nothing is in it");
}

#[test]
fn workflows_run_what_a_person_can_run_and_pin_their_actions() {
    let workflows = workflows();
    assert_eq!(workflows.len(), 2);
    for (name, text) in workflows {
        let ours = ["run: .ci/run", "run: ./dev release"];
        assert!(ours.iter().any(|line| text.contains(line)), "{name}");
        let actions: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: "))
            .collect();
        assert!(!actions.is_empty(), "{name}");
        for action in actions {
            let commit = action.split_once('@').unwrap().1.split(' ').next().unwrap();
            assert!(
                commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()),
                "{name}: {action}"
            );
        }
    }
}

#[test]
fn a_signed_release_is_one_that_the_installer_takes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("SHA256SUMS"), "sums\n").unwrap();
    let (public, secret) = (path("key.pub"), path("key"));
    let made = Command::new("minisign")
        .args(["-G", "-W", "-p"])
        .arg(&public)
        .arg("-s")
        .arg(&secret)
        .output();
    assert!(made.unwrap().status.success());
    let sign = |name: &str, value: &str| {
        let script = root().join("packaging/sign.sh");
        Command::new(script)
            .arg(folder.path())
            .env(name, value)
            .output()
            .unwrap()
    };
    for (name, value) in [
        ("DOCKEROPS_SIGNING_KEY", secret.display().to_string()),
        ("MINISIGN_KEY", fs::read_to_string(&secret).unwrap()),
    ] {
        let _first = fs::remove_file(path("SHA256SUMS.minisig"));
        let signed = sign(name, &value);
        assert!(signed.status.success(), "{}", text(&signed.stderr));
        let key = fs::read_to_string(&public).unwrap();
        let mut verify = Command::new("minisign");
        verify
            .arg("-Vqm")
            .arg(path("SHA256SUMS"))
            .args(["-P", key.lines().nth(1).unwrap()]);
        assert!(verify.output().unwrap().status.success(), "{name}");
    }
    assert!(!sign("NO_KEY", "").status.success());
}
