//! The commands for labs by hand, and `run`, which gives a command a lab of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use crate::demo;
use dockerops_lab::layout::{Layout, namespace_file};
use dockerops_lab::{Lab, LabError, LabOptions, SHARED, claim, keeper, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// Brings a lab up that stays, and says how to use it.
pub(crate) fn up(nodes: usize) -> Result<(), LabError> {
    describe(&up_to_stay(nodes)?);
    Ok(())
}

fn up_to_stay(nodes: usize) -> Result<Lab, LabError> {
    let program = std::env::current_exe().map_err(io("cannot find this program"))?;
    let mut keeper = Command::new(program)
        .args(["keep", "--detached", "--nodes", &nodes.to_string()])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // Not ours: it outlives us, and who reads ours would wait for its end.
        .stderr(Stdio::piped())
        .spawn()
        .map_err(io("cannot start the lab's keeper"))?;
    let mut folder = String::new();
    if let Some(stdout) = keeper.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut folder)
            .map_err(io("cannot read from the lab's keeper"))?;
    }
    match folder.trim() {
        "" => {
            let mut said = String::new();
            if let Some(mut stderr) = keeper.stderr.take() {
                let _ = stderr.read_to_string(&mut said);
            }
            eprint!("{said}");
            Err(LabError::Stopped)
        }
        folder => Lab::attach(Path::new(folder)),
    }
}

/// Tells the story on the lab that `DOCKEROPS_LAB` names, or on one that stays.
pub(crate) fn demo(keep: bool) -> Result<(), LabError> {
    if !keep {
        return demo::tell(&named_lab()?, demo::Ending::Stop);
    }
    let lab = up_to_stay(1)?;
    let told = demo::tell(&lab, demo::Ending::Keep);
    describe(&lab);
    told
}

fn describe(lab: &Lab) {
    let layout = lab.layout();
    println!(
        "lab {} is up: {} node(s)",
        layout.folder.display(),
        layout.nodes
    );
    println!("  export DOCKEROPS_LAB={}", layout.folder.display());
    println!("  export DOCKER_HOST=unix://{}", lab.socket().display());
    println!(
        "  registry {} (plain), {} (lab / lab-password)",
        lab.registry(),
        lab.private_registry()
    );
    let namespace = namespace_file(&layout.node_namespace(1));
    println!(
        "  nsenter --net={} COMMAND     runs COMMAND on node 1",
        namespace.display()
    );
    println!(
        "  ./dev lab down {}     takes it down",
        layout.folder.display()
    );
}

/// Shows the labs of this machine.
pub(crate) fn status() {
    for folder in claim::folders() {
        match Lab::attach(&folder) {
            Ok(lab) => describe(&lab),
            Err(_) if claim::is_kept(&folder) => {
                println!("lab {} is coming up or going down", folder.display());
            }
            Err(_) => println!(
                "lab {} is dead: `./dev lab clean` removes it",
                folder.display()
            ),
        }
    }
}

/// Takes the lab in `folder` down, or all.
pub(crate) fn down(folder: Option<PathBuf>) -> Result<(), LabError> {
    let folders = folder.map_or_else(claim::folders, |folder| vec![folder]);
    for folder in folders.iter().filter(|folder| claim::is_kept(folder)) {
        let pid =
            fs::read_to_string(Layout::lock(folder)).map_err(io("cannot read the keeper's id"))?;
        if let Some(pid) = pid.trim().parse().ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)
                .map_err(|errno| io("cannot stop the keeper")(errno.into()))?;
        }
        wait_for("the end of the lab", Duration::from_secs(30), || {
            Ok(!folder.exists())
        })?;
        println!("lab {} is gone", folder.display());
    }
    clean();
    Ok(())
}

/// Removes what dead labs left.
pub(crate) fn clean() {
    for folder in keeper::clean() {
        println!(
            "lab {} was dead, what was left of it is gone",
            folder.display()
        );
    }
}

/// Pushes a stub image.
pub(crate) fn push(name: &str, tag: &str, marker: &str) -> Result<(), LabError> {
    let lab = named_lab()?;
    println!(
        "{}/{name}:{tag}@{}",
        lab.registry(),
        lab.push_image(name, tag, marker)?
    );
    Ok(())
}

/// Commits the files of `folder`, and only those, as the next revision of a repository.
pub(crate) fn repository(name: &str, folder: &Path) -> Result<(), LabError> {
    let lab = named_lab()?;
    let known = lab.open_repository(name);
    let repository = if known.folder().exists() {
        known
    } else {
        lab.repository(name)?
    };
    println!(
        "{} {}",
        repository.loopback_url(),
        repository.commit_folder(folder, "from a folder")?
    );
    Ok(())
}

/// The lab that `DOCKEROPS_LAB` names.
pub(crate) fn named_lab() -> Result<Lab, LabError> {
    Lab::attach(Path::new(&std::env::var_os(SHARED).unwrap_or_default()))
}

/// Runs a command with a lab of its own; ends as the command did, after the lab is gone.
pub(crate) fn run(nodes: usize, words: &[String]) -> Result<ExitCode, LabError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(io("cannot start a runtime"))?;
    runtime.block_on(async {
        let mut int = signal(SignalKind::interrupt()).map_err(io("cannot watch for Ctrl-C"))?;
        let mut term = signal(SignalKind::terminate()).map_err(io("cannot watch for signals"))?;
        let lab = Lab::up(LabOptions { nodes })?;
        let mut child = tokio::process::Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "--"]) // so that it ends with us, even when we are killed
            .args(words)
            .env(SHARED, &lab.layout().folder)
            .kill_on_drop(true)
            .spawn()
            .map_err(io("cannot run the command"))?;
        let status = tokio::select! {
            status = child.wait() => Some(status.map_err(io("cannot wait for the command"))?),
            _ = int.recv() => None,
            _ = term.recv() => None,
        };
        if status.is_none() {
            let _ = child.kill().await;
        }
        lab.down();
        Ok(match status.and_then(|status| status.code()) {
            Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
            None => ExitCode::from(130),
        })
    })
}

fn io(doing: &str) -> impl FnOnce(std::io::Error) -> LabError {
    let doing = doing.to_owned();
    move |source| LabError::Io { doing, source }
}
