//! Releases that are signed, with the real minisign.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::machine::{Machine, Ran};
use super::release::Release;
use super::server::Server;

/// A pair of keys.
struct Signer {
    folder: tempfile::TempDir,
}

impl Signer {
    fn new() -> Self {
        let signer = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let (secret, public) = (signer.file("secret"), signer.file("public"));
        let mut minisign = Command::new("minisign");
        minisign
            .args(["-G", "-W", "-f", "-s"])
            .arg(secret)
            .arg("-p")
            .arg(public);
        let made = minisign.output().unwrap();
        assert!(made.status.success(), "{made:?}");
        signer
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn public(&self) -> String {
        let text = fs::read_to_string(self.file("public")).unwrap();
        text.lines().nth(1).unwrap().to_owned()
    }

    fn signed(&self, release: Release) -> Release {
        let file = self.file("SHA256SUMS");
        fs::write(&file, &release.files["SHA256SUMS"]).unwrap();
        let mut minisign = Command::new("minisign");
        minisign
            .arg("-Sm")
            .arg(&file)
            .arg("-s")
            .arg(self.file("secret"));
        assert!(minisign.output().unwrap().status.success());
        let signature = fs::read(self.file("SHA256SUMS.minisig")).unwrap();
        release.with("SHA256SUMS.minisig", &signature)
    }
}

fn install(machine: &Machine, key: &str) -> Ran {
    let mut script = machine.script(&["install"]);
    Ran::of(script.env("DOCKEROPS_RELEASE_KEY", key))
}

#[test]
fn a_signed_release_is_installed_and_any_other_is_not() {
    let (ours, theirs) = (Signer::new(), Signer::new());
    let server = Server::with(&[theirs.signed(Release::new("1.0.0"))]);
    let machine = Machine::beside(&server);
    install(&machine, &ours.public())
        .failed_saying(&["not signed with the key", "nothing was replaced"]);
    server.add(&Release::new("1.1.0"));
    install(&machine, &ours.public()).failed_saying(&["SHA256SUMS.minisig", "404"]);
    let other = Release::new("1.2.1").files["SHA256SUMS"].clone();
    server.add(
        &ours
            .signed(Release::new("1.2.0"))
            .with("SHA256SUMS", &other),
    );
    install(&machine, &ours.public()).failed_saying(&["not signed with the key"]);
    assert_eq!(machine.programs(), Vec::<String>::new());
    server.add(&ours.signed(Release::new("1.3.0")));
    install(&machine, &ours.public())
        .succeeded_saying(&["signature: good", "installed: dockerops 1.3.0"]);
}

#[test]
fn a_signature_that_cannot_be_checked_is_told() {
    let server = Server::with(&[Signer::new().signed(Release::new("1.0.0"))]);
    let mut machine = Machine::beside(&server);
    machine
        .run(&["install"])
        .succeeded_saying(&["signature: not checked, as no key"]);
    machine.remove_command("minisign");
    let ran = install(&machine, &Signer::new().public());
    ran.succeeded_saying(&["signature: not checked, as minisign is not installed"]);
}
