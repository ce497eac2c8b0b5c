//! The keeper: brings a lab up, and takes it down when its owner is done or dead.
//!
//! The owner holds the other end of the keeper's standard input and never writes to it, so the
//! end of the owner, however it comes, is an end of file here. A keeper that is killed itself
//! takes every process of its lab along (see [`crate::anchor`]); what it leaves behind
//! (namespaces, a folder, empty cgroups) is removed by the next lab or by `clean`.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::anchor::Anchor;
use crate::claim::{claim, folders, is_kept};
use crate::error::{Doing, LabError};
use crate::layout::Layout;
use crate::process::wait_for;
use crate::{hub, network, node};

/// What ends a lab that is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The end of standard input, or a signal.
    OwnerEnds,
    /// A signal only.
    Signal,
}

/// Keeps a lab of `nodes` nodes; prints its folder on standard output when it is up.
pub fn keep(nodes: usize, until: Until) -> Result<(), LabError> {
    clean();
    let claim = claim()?;
    let layout = Layout {
        folder: claim.folder.clone(),
        nodes,
    };
    let end = watch_for_the_end(until)?;
    let program = std::env::current_exe().doing(|| "cannot find this program".to_owned())?;
    let result = start(&layout, &program).and_then(|(anchor, mut engines)| {
        let up = finish(&layout, &mut engines, &end);
        if up.is_ok() {
            let _ = end.recv();
        }
        anchor.kill();
        up
    });
    remove(&layout.folder);
    result
}

fn start(layout: &Layout, program: &PathBuf) -> Result<(Anchor, Vec<Child>), LabError> {
    network::up(layout)?;
    let anchor = Anchor::start(layout, program)?;
    let started = (1..=layout.nodes)
        .map(|index| node::start_engine(layout, &anchor, index))
        .collect::<Result<Vec<_>, _>>()
        .and_then(|engines| hub::start(layout, &anchor, program).map(|()| engines));
    match started {
        Ok(engines) => Ok((anchor, engines)),
        Err(error) => {
            anchor.kill();
            Err(error)
        }
    }
}

fn finish(
    layout: &Layout,
    engines: &mut [Child],
    end: &std::sync::mpsc::Receiver<()>,
) -> Result<(), LabError> {
    let still_wanted = || match end.try_recv() {
        Err(std::sync::mpsc::TryRecvError::Empty) => Ok(()),
        _ => Err(LabError::Stopped),
    };
    node::wait_for_engines(layout, engines)?;
    still_wanted()?;
    node::form_swarm(layout)?;
    hub::wait_for_servers(layout)?;
    still_wanted()?;
    let text = serde_json::to_vec_pretty(layout).map_err(|_| LabError::Unreadable {
        what: "the lab's description".to_owned(),
    })?;
    fs::write(layout.description(), text)
        .doing(|| "cannot write the lab's description".to_owned())?;
    let mut answer = std::io::stdout();
    writeln!(answer, "{}", layout.folder.display())
        .doing(|| "cannot tell that the lab is up".to_owned())
}

/// A channel that gets a message when the lab is to end.
fn watch_for_the_end(until: Until) -> Result<std::sync::mpsc::Receiver<()>, LabError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .doing(|| "cannot start a runtime".to_owned())?;
    let on_signal = sender.clone();
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || runtime.block_on(wait_for_signal(&ready, &on_signal)));
    let _ = is_ready.recv();
    if until == Until::OwnerEnds {
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let _ = sender.send(());
        });
    }
    Ok(receiver)
}

async fn wait_for_signal(ready: &std::sync::mpsc::Sender<()>, end: &std::sync::mpsc::Sender<()>) {
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return;
    };
    let _ = ready.send(());
    loop {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        let _ = end.send(());
    }
}

/// Removes what labs left whose keeper was killed; gives their folders.
pub fn clean() -> Vec<PathBuf> {
    let dead: Vec<PathBuf> = folders()
        .into_iter()
        .filter(|folder| !is_kept(folder))
        .collect();
    for folder in &dead {
        remove(folder);
    }
    dead
}

/// Removes a lab's namespaces, cgroups and folder; its processes are dead by now.
fn remove(folder: &Path) {
    let Some(name) = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
    else {
        return;
    };
    network::down(&name);
    let _ = wait_for(
        "the end of the lab's cgroups",
        Duration::from_secs(5),
        || Ok(remove_cgroups(Path::new("/sys/fs/cgroup"), &name, 6)),
    );
    let _ = wait_for(
        "the end of the lab's folder",
        Duration::from_secs(5),
        || Ok(fs::remove_dir_all(folder).is_ok() || !folder.exists()),
    );
}

/// Removes every cgroup called `name` below `folder`; whether all went.
fn remove_cgroups(folder: &Path, name: &str, depth: usize) -> bool {
    let mut gone = true;
    for child in subfolders(folder) {
        if child.file_name().is_some_and(|found| found == name) {
            gone &= remove_tree(&child);
        } else if depth > 0 {
            gone &= remove_cgroups(&child, name, depth - 1);
        }
    }
    gone
}

/// A cgroup's files cannot be removed, its folders can, from the leaves up.
pub(crate) fn remove_tree(folder: &Path) -> bool {
    let children = subfolders(folder);
    children.iter().all(|child| remove_tree(child)) && fs::remove_dir(folder).is_ok()
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}
