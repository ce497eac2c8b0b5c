//! A binding of 1,000 files and 100 MB, against `cp -r` of the same files.
//!
//! The files are in the repository before the binding is, so that what is measured is the copy and
//! not the fetch.

use std::fs;
use std::path::Path;
use std::process::Command;

use dockerops_lab::{Lab, LabError, Repository};

use super::measure::measure;
use super::{Rows, add};

const FILES: usize = 1000;
const FILE_BYTES: usize = 100_000;

/// What a copy must do that is to know its own files again, and to survive a power cut.
const SAFE_COPY: &str =
    r#"cp -r "$1" "$2" && find "$2" -type f -exec sha256sum {} + >/dev/null && sync -f "$2""#;

/// Measures copying, copying with `cp -r`, and looking at what is there already.
pub(super) fn measure_all(lab: &Lab, rounds: usize, rows: &mut Rows) -> Result<(), LabError> {
    lab.push_image("bench", "1", "bench")?;
    for round in 0..rounds {
        let folder = lab.layout().folder.join(format!("binding{round}"));
        let source = folder.join("source");
        write_files(&source.join("data"))?;
        let repository = lab.repository(&format!("binding{round}"))?;
        let stack = format!("binding{round}");
        write_manifest(lab, &source, &stack, &folder.join("nfs"), Binding::Absent)?;
        repository.commit_folder(&source, "the files")?;
        run(lab, &folder, &["watch", &repository.loopback_url()])?;

        write_manifest(lab, &source, &stack, &folder.join("nfs"), Binding::Present)?;
        repository.commit_folder(&source, "the binding")?;
        let mut dockerops = |name| -> Result<(), LabError> {
            add(
                rows,
                name,
                measure(lab.dockerops(&folder.join("home"))?.arg("reconcile"))?,
            );
            Ok(())
        };
        dockerops("c2 reconcile that copies the binding")?;
        dockerops("c3 reconcile, nothing changed")?;
        let mut copy = Command::new("cp");
        copy.arg("-r")
            .arg(source.join("data"))
            .arg(folder.join("copy"));
        add(rows, "c1 cp -r of 1,000 files, 100 MB", measure(&mut copy)?);
        let mut safe = Command::new("sh");
        safe.args(["-c", SAFE_COPY, "sh"])
            .arg(source.join("data"))
            .arg(folder.join("safe"));
        add(
            rows,
            "c1s the same, hashed and on the disk",
            measure(&mut safe)?,
        );
        clean_up(&folder, &repository)?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Binding {
    Present,
    Absent,
}

fn write_manifest(
    lab: &Lab,
    source: &Path,
    stack: &str,
    nfs: &Path,
    binding: Binding,
) -> Result<(), LabError> {
    let mounts = if binding == Binding::Present {
        "volumes: ['data:/data']"
    } else {
        ""
    };
    let compose = format!(
        "version: '3.8'\nservices:\n  web:\n    image: {}/bench:1\n    deploy: {{replicas: 0}}\n    {mounts}\n",
        lab.registry()
    );
    let volumes = "- id: data\n  type: binding\n  path: data\n";
    let volumes = if binding == Binding::Present {
        volumes
    } else {
        "[]\n"
    };
    make_folder(&source.join(stack))?;
    make_folder(nfs)?;
    write(
        &source.join("stacks.yaml"),
        format!("- name: {stack}\n").as_bytes(),
    )?;
    write(&source.join("volumes.yaml"), volumes.as_bytes())?;
    write(
        &source.join("nfs.yaml"),
        format!("path: {}\n", nfs.display()).as_bytes(),
    )?;
    write(
        &source.join(stack).join("docker-compose.yml"),
        compose.as_bytes(),
    )
}

/// Files that differ from each other and do not compress.
fn write_files(folder: &Path) -> Result<(), LabError> {
    make_folder(folder)?;
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for index in 0..FILES {
        let mut content = Vec::with_capacity(FILE_BYTES + 8);
        while content.len() < FILE_BYTES {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            content.extend_from_slice(&state.to_le_bytes());
        }
        write(&folder.join(format!("file{index:04}")), &content)?;
    }
    Ok(())
}

fn run(lab: &Lab, folder: &Path, args: &[&str]) -> Result<(), LabError> {
    make_folder(&folder.join("home"))?;
    measure(lab.dockerops(&folder.join("home"))?.args(args)).map(|_| ())
}

fn clean_up(folder: &Path, repository: &Repository) -> Result<(), LabError> {
    for folder in [folder, repository.folder()] {
        fs::remove_dir_all(folder).map_err(|source| io("remove", folder, source))?;
    }
    Ok(())
}

fn make_folder(path: &Path) -> Result<(), LabError> {
    fs::create_dir_all(path).map_err(|source| io("make", path, source))
}

fn write(path: &Path, content: &[u8]) -> Result<(), LabError> {
    fs::write(path, content).map_err(|source| io("write", path, source))
}

fn io(verb: &str, path: &Path, source: std::io::Error) -> LabError {
    LabError::Io {
        doing: format!("cannot {verb} `{}`", path.display()),
        source,
    }
}
