//! The bare mirror of a repository: kept up to date, and replaced when damaged.
//!
//! Its folder is ours. Under the mirror's lock, whatever an interrupted Git left
//! in it is rubbish. A new mirror is built beside the old one and takes its
//! place only when it is complete.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use dockerops_core::hex::hex;
use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;
use sha2::{Digest, Sha256};

use super::{Git, GitError, OnProgress};

/// What the server's `HEAD` was when we last fetched.
const HEAD: &str = "refs/dockerops/head";
/// Each fetch adds a pack; more than this and they become one.
const MOST_PACKS: usize = 50;

impl Git {
    /// Brings the mirror of `url` up to date and returns its newest revision.
    ///
    /// The history is fetched once, what is new after that. A mirror that Git
    /// cannot use is replaced by a new one.
    pub async fn fetch(
        &self,
        url: &RepositoryUrl,
        progress: OnProgress<'_>,
    ) -> Result<Revision, GitError> {
        let mirror = self.mirror(url);
        self.prepare().await?;
        let lock = mirror.lock(self.settings.stall).await?;
        mirror.remove_leftovers();
        if mirror.folder.is_dir() {
            match self
                .fetch_into(&mirror, &mirror.folder, url, progress, &lock)
                .await
            {
                Ok(revision) => {
                    self.tidy(&mirror).await?;
                    return Ok(revision);
                }
                Err(error) if !error.may_be_the_mirror() => return Err(error),
                Err(_) => {}
            }
        }
        self.clone_anew(&mirror, url, progress, &lock).await
    }

    /// Replaces the mirror: for one whose objects turned out to be damaged.
    pub async fn fetch_anew(
        &self,
        url: &RepositoryUrl,
        progress: OnProgress<'_>,
    ) -> Result<Revision, GitError> {
        let mirror = self.mirror(url);
        self.prepare().await?;
        let lock = mirror.lock(self.settings.stall).await?;
        mirror.remove_leftovers();
        self.clone_anew(&mirror, url, progress, &lock).await
    }

    /// Removes the mirror of a repository that is no longer watched.
    pub async fn forget(&self, url: &RepositoryUrl) -> Result<(), GitError> {
        let mirror = self.mirror(url);
        if !mirror.folder.exists() {
            return Ok(());
        }
        let _lock = mirror.lock(self.settings.stall).await?;
        mirror.remove_leftovers();
        fs::remove_dir_all(&mirror.folder)
            .map_err(|source| GitError::folder(mirror.folder.clone(), source))
    }

    pub(super) fn mirror(&self, url: &RepositoryUrl) -> Mirror {
        Mirror::of(&self.settings.root, url)
    }

    async fn clone_anew(
        &self,
        mirror: &Mirror,
        url: &RepositoryUrl,
        progress: OnProgress<'_>,
        lock: &File,
    ) -> Result<Revision, GitError> {
        let building = mirror.beside("new");
        let mut init = self.bare_command();
        init.args(["init", "--quiet", "--bare", "--template=", "--"])
            .arg(&building);
        self.talk(init, url, None).await?;
        let result = self
            .fetch_into(mirror, &building, url, progress, lock)
            .await;
        let placed = result.and_then(|revision| {
            mirror.replace_by(&building)?;
            Ok(revision)
        });
        if placed.is_err() {
            // What cannot be removed now goes with the next fetch's leftovers.
            let _ = fs::remove_dir_all(&building);
        }
        placed
    }

    async fn fetch_into(
        &self,
        mirror: &Mirror,
        folder: &Path,
        url: &RepositoryUrl,
        progress: OnProgress<'_>,
        lock: &File,
    ) -> Result<Revision, GitError> {
        let mut command = self.network(url).await?;
        // Git inherits the lock: when we are killed and it lives on, nobody else
        // takes its files for leftovers.
        let inherited = lock
            .try_clone()
            .map_err(|source| GitError::folder(mirror.folder.clone(), source))?;
        command.stdin(Stdio::from(inherited));
        command.arg("--git-dir").arg(folder);
        command.args(["fetch", "--progress", "--no-tags", "--force", "--"]);
        command.arg(url.fetch_url()).arg(format!("+HEAD:{HEAD}"));
        match self.talk(command, url, Some(progress)).await {
            Err(GitError::Failed { detail, .. }) if detail.contains("find remote ref HEAD") => {
                return Err(self.why_no_head(url, None).await);
            }
            other => other?,
        };
        read_ref(folder).ok_or_else(|| GitError::Failed {
            url: url.as_given().to_owned(),
            detail: format!("the mirror has no {HEAD} after fetching"),
        })
    }

    /// Joins packs when there are many. Revisions that a force-push left behind stay.
    async fn tidy(&self, mirror: &Mirror) -> Result<(), GitError> {
        let packs = fs::read_dir(mirror.folder.join("objects/pack")).map_or(0, Iterator::count);
        if packs <= MOST_PACKS * 2 {
            return Ok(());
        }
        let mut command = self.local(&mirror.folder).await?;
        command.args(["repack", "-a", "-d", "-k", "-q"]);
        // Failing costs speed alone; what is really wrong shows at the next fetch.
        let _ = self.run(command, None, self.settings.stall * 10).await?;
        Ok(())
    }
}

/// Where the mirror of one repository lies.
#[derive(Debug)]
pub(super) struct Mirror {
    folder: PathBuf,
}

impl Mirror {
    /// `<root>/<last part of the path>-<12 hex of the normalised URL's hash>.git`
    fn of(root: &Path, url: &RepositoryUrl) -> Self {
        let normalised = url.normalised().0;
        let hash = Sha256::digest(normalised.as_bytes());
        let hash = hex(hash.get(..6).unwrap_or_default());
        let name: String = normalised
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .take(40)
            .collect();
        Self {
            folder: root.join(format!("{name}-{hash}.git")),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn head(&self) -> Option<Revision> {
        read_ref(&self.folder)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.folder.with_extension(ending)
    }

    /// Keeps other processes out until the file is dropped; waits for them up to `patience`.
    async fn lock(&self, patience: Duration) -> Result<File, GitError> {
        let path = self.beside("lock");
        let failed = |source| GitError::folder(path.clone(), source);
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        let since = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if since.elapsed() < patience => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(GitError::Busy {
                        path: self.folder.clone(),
                        seconds: since.elapsed().as_secs(),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }

    /// Removes what an interrupted Git left. Only under the lock. What cannot be
    /// removed is left to Git to complain about.
    fn remove_leftovers(&self) {
        for ending in ["new", "old"] {
            let _ = fs::remove_dir_all(self.beside(ending));
        }
        for folder in ["", "objects/info"] {
            remove_files(&self.folder.join(folder), &is_lock);
        }
        remove_locks_below(&self.folder.join("refs"));
        remove_files(&self.folder.join("objects/pack"), &|name| {
            name.starts_with("tmp_") || is_lock(name)
        });
    }

    fn replace_by(&self, building: &Path) -> Result<(), GitError> {
        let old = self.beside("old");
        let swap = || {
            if self.folder.exists() {
                fs::rename(&self.folder, &old)?;
            }
            fs::rename(building, &self.folder)
        };
        swap().map_err(|source| GitError::folder(self.folder.clone(), source))?;
        let _ = fs::remove_dir_all(&old);
        Ok(())
    }
}

fn remove_files(folder: &Path, rubbish: &dyn Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(rubbish) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_lock(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| ending == "lock")
}

fn remove_locks_below(folder: &Path) {
    remove_files(folder, &is_lock);
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_locks_below(&entry.path());
        }
    }
}

/// [`HEAD`] of the mirror in `folder`, loose or packed.
fn read_ref(folder: &Path) -> Option<Revision> {
    match fs::read_to_string(folder.join(HEAD)) {
        Ok(text) => Revision::parse(text.trim()).ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let packed = fs::read_to_string(folder.join("packed-refs")).ok()?;
            let line = packed.lines().find_map(|line| line.strip_suffix(HEAD))?;
            Revision::parse(line.trim()).ok()
        }
        Err(_) => None,
    }
}
