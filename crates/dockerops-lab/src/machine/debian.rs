//! The Debian that a machine boots: what is written into its folder before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{PATH, USER};
use crate::error::{Doing, LabError};
use crate::layout::{HUB, INTERNET, Layout};
use crate::process::output;

/// Its name, and that of its node.
const HOSTNAME: &str = "node-1";
/// Under cgroups of version 1, a container may not write to them before this.
const DOCKER_UNIT: &str = r"[Service]
ExecStartPre=/bin/sh -c 'for group in /sys/fs/cgroup/*; do mount -o remount,bind,rw $group 2>/dev/null || true; done'
";

/// A file of ours in its folder: it has been booted before.
const MARK: &str = "etc/sudoers.d/lab";

/// The folder, if it is none that anybody uses.
pub(super) fn fresh(debian: &Path) -> Result<PathBuf, LabError> {
    let folder = debian.canonicalize();
    let folder = folder.doing(|| format!("cannot find `{}`", debian.display()))?;
    if folder == Path::new("/") || folder.join(MARK).exists() {
        let what = format!("`{}`, for a fresh Debian,", folder.display());
        return Err(LabError::Unreadable { what });
    }
    Ok(folder)
}

/// What is written into its folder before it boots.
pub(super) fn prepare(layout: &Layout, debian: &Path) -> Result<(), LabError> {
    let names = INTERNET.join(" ");
    let hosts = format!("127.0.0.1 localhost {HOSTNAME} manager\n{HUB} {names}\n");
    let certificate = fs::read_to_string(layout.certificate());
    let certificate = certificate.doing(|| "cannot read the lab's certificate".to_owned())?;
    let docker = format!(
        "{{\"cgroup-parent\": \"{}\", \"exec-opts\": [\"native.cgroupdriver=cgroupfs\"]}}\n",
        layout.name()
    );
    let files = [
        ("etc/hostname", format!("{HOSTNAME}\n")),
        ("etc/hosts", hosts),
        ("etc/docker/daemon.json", docker),
        (
            "etc/systemd/system/docker.service.d/lab.conf",
            DOCKER_UNIT.to_owned(),
        ),
        ("usr/local/share/ca-certificates/lab.crt", certificate),
        (
            MARK,
            format!("{USER} ALL=(ALL) NOPASSWD: ALL\nDefaults env_keep += SYSTEMD_PAGER\n"),
        ),
    ];
    for (path, content) in files {
        write(&debian.join(path), &content)?;
    }
    let inside = |program: &str, args: &[&str]| {
        let mut chroot = Command::new("chroot");
        chroot.arg(debian).arg(program).args(args);
        chroot.env_clear().env("PATH", PATH);
        output(&mut chroot).map(|_| ())
    };
    inside("/usr/sbin/update-ca-certificates", &[])?;
    let user = [
        "--create-home",
        "--shell",
        "/bin/bash",
        "--groups",
        "docker",
        USER,
    ];
    inside("/usr/sbin/useradd", &user)
}

fn write(path: &Path, content: &str) -> Result<(), LabError> {
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, content))
        .doing(|| format!("cannot write `{}`", path.display()))
}
