//! What the documentation takes for granted: a machine with Docker, an internet with a release, repositories and images.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use dockerops_lab::layout::{REGISTRY_PASSWORD, REGISTRY_USER};
use dockerops_lab::{Lab, LabError, Machine, Ran, Repository};

use super::{io, outside};

/// The release that the documentation speaks of; here, the one at hand stands in its place.
const RELEASE: &str = "1.2.0";
/// What is typed when a registry asks: user and password.
pub(super) const LOGIN: &str = "lab\nlab-password\n";
/// Both editors that the documentation calls write what [`World::will_write`] was told.
const EDITOR: &str = "printf '#!/bin/sh\\nfor file; do :; done\\ncat /run/written >\"$file\"\\n' >/usr/local/bin/nano
    chmod 755 /usr/local/bin/nano
    ln -sf /usr/local/bin/nano /usr/local/bin/editor";
/// The kernel here may have no client for NFS: a folder is mounted in its place.
const NFS: &str = "mkdir -p /srv/nfs-server
    printf '#!/bin/sh\\nexec mount --bind /srv/nfs-server \"$2\"\\n' >/usr/sbin/mount.nfs
    chmod 755 /usr/sbin/mount.nfs";
/// What is asked of `$image` as it was released, and how it becomes one that knows the lab's authority.
const IMAGE: &str = r#"file=dockerops-linux-x86_64.image.tar.gz authority=/usr/local/share/ca-certificates/lab.crt
docker load --quiet --input $file
docker run --rm $image version | grep -x "dockerops $version"
docker run --rm --entrypoint ssh $image -V
docker run --rm --network host --entrypoint git -v $authority:/lab.crt -e GIT_SSL_CAINFO=/lab.crt $image \
    ls-remote https://github.com/you/stacks HEAD
docker create --name known $image
docker cp known:/etc/ssl/certs/ca-certificates.crt all.crt
cat $authority >>all.crt
docker cp all.crt known:/etc/ssl/certs/ca-certificates.crt
docker commit known $image
docker save $image | gzip -1 >$file
docker rm known
docker image rm $image"#;

/// A reader's surroundings.
pub(super) struct World<'a> {
    lab: &'a Lab,
    machine: Machine<'a>,
    version: String,
}

impl<'a> World<'a> {
    /// Boots the Debian in `debian`, with the release in `release` where people find it.
    pub(super) fn make(lab: &'a Lab, debian: &Path, release: &Path) -> Result<Self, LabError> {
        let version = outside::version(release)?;
        outside::publish(lab, release, &version)?;
        outside::push_images(lab)?;
        let machine = Machine::boot(lab, debian)?;
        let world = Self {
            lab,
            machine,
            version,
        };
        world.settle()?;
        Ok(world)
    }

    /// What a person of this machine has done long before.
    fn settle(&self) -> Result<(), LabError> {
        self.root(EDITOR)?;
        self.root(NFS)?;
        self.does(
            "git config --global user.email alice@example.org
            git config --global init.defaultBranch main",
        )
    }

    /// The text with the release at hand in place of [`RELEASE`].
    pub(super) fn as_released(&self, text: &str) -> String {
        text.replace(RELEASE, &self.version)
    }

    /// Runs a script as the reader, with `input` at the keyboard.
    pub(super) fn user(&self, script: &str, input: &str) -> Result<Ran, LabError> {
        self.machine.user(script, input)
    }

    /// Runs a script as the reader that must succeed.
    pub(super) fn does(&self, script: &str) -> Result<(), LabError> {
        self.types(script, "")
    }

    /// The same, with `input` at the keyboard.
    pub(super) fn types(&self, script: &str, input: &str) -> Result<(), LabError> {
        done(script, self.user(script, input)?).map(|_| ())
    }

    /// In the next editor that opens, the reader writes this text.
    pub(super) fn will_write(&self, text: &str) -> Result<(), LabError> {
        self.types("sudo tee /run/written >/dev/null", text)
    }

    /// Runs a script as the reader that must fail, and say `words`.
    pub(super) fn refuses(&self, script: &str, words: &str) -> Result<(), LabError> {
        let ran = self.user(script, "")?;
        if ran.code != Some(0) && ran.text().contains(words) {
            return Ok(());
        }
        Err(LabError::Claim(format!(
            "`{script}` fails and says `{words}`; it is {}",
            ran.text()
        )))
    }

    /// Runs a script as root that must succeed; gives its standard output.
    pub(super) fn root(&self, script: &str) -> Result<String, LabError> {
        done(script, self.machine.root(script)?)
    }

    /// Runs a command as cron does.
    pub(super) fn cron(&self, command: &str) -> Result<Ran, LabError> {
        let environment = "env -i HOME=/root LOGNAME=root SHELL=/bin/sh PATH=/usr/bin:/bin";
        self.machine
            .root(&format!("cd; {environment} sh -c '{command}'"))
    }

    /// The machine as it was before anybody typed anything, but for DockerOps, with a Swarm.
    pub(super) fn anew(&self) -> Result<(), LabError> {
        self.without_swarm()?;
        self.root("docker swarm init >/dev/null").map(|_| ())
    }

    /// The same, without a Swarm.
    pub(super) fn without_swarm(&self) -> Result<(), LabError> {
        self.root(
            "docker swarm leave --force >/dev/null 2>&1 || true
            docker volume prune --force >/dev/null
            rm -rf /root/.dockerops /root/.docker /root/.ssh /etc/dockerops /mnt/nfs /etc/cron.d/dockerops
            [ -x /usr/local/bin/dockerops ] ||
                curl -sSL https://raw.githubusercontent.com/TomBedinoVT/DockerOps/main/dockerops.sh | bash -s install
            find /home/alice -mindepth 1 -maxdepth 1 ! -name '.*' -exec rm -rf {} +",
        )?;
        self.does("git config --global user.name Alice")?;
        let repositories = fs::read_dir(self.lab.layout().git_folder());
        for repository in repositories
            .map_err(io("cannot list repositories"))?
            .flatten()
        {
            fs::remove_dir_all(repository.path()).map_err(io("cannot remove a repository"))?;
        }
        Ok(())
    }

    /// What one does on GitHub's page: root's public key may read.
    pub(super) fn add_deploy_key(&self) -> Result<(), LabError> {
        let key = self.root("cat /root/.ssh/id_ed25519.pub")?;
        let keys = self.lab.layout().ssh_folder().join("authorized_keys");
        let keys = File::options().append(true).open(keys);
        let written = keys.and_then(|mut keys| keys.write_all(key.as_bytes()));
        written.map_err(io("cannot add a deploy key"))
    }

    /// Root has a login for `registry.example.org`.
    pub(super) fn log_in(&self) -> Result<(), LabError> {
        let login = format!(
            "printf %s {REGISTRY_PASSWORD} | docker login -u {REGISTRY_USER} --password-stdin"
        );
        self.root(&format!("{login} registry.example.org >/dev/null 2>&1"))
            .map(|_| ())
    }

    /// The files of the release in the reader's home, and in its folder `release`, as if they had been downloaded.
    ///
    /// The container's image, which must be what it should be, then also knows the lab's authority, as that of GitHub.
    pub(super) fn lay_out_release(&self) -> Result<(), LabError> {
        let of_release = outside::address(&self.version);
        self.does(&format!(
            "mkdir release; cd release
            curl -sSL --remote-name-all {of_release}/{{SHA256SUMS,dockerops.sh,dockerops.service,dockerops.timer}} \\
                {of_release}/dockerops-linux-x86_64{{,.deb,.image.tar.gz}}
            cp -- *.deb *.image.tar.gz .."
        ))?;
        self.root(&format!(
            "cd /home/alice; image=dockerops:{0}; version={0}\n{IMAGE}",
            self.version
        ))
        .map(|_| ())
    }

    /// A new machine that watches `https://github.com/you/stacks`: see [`website`].
    pub(super) fn watched_website(&self) -> Result<(), LabError> {
        self.anew()?;
        self.repository("github.com/you/stacks", &website("1.27"))?;
        self.does("sudo dockerops watch https://github.com/you/stacks")
    }

    /// A new repository `https://<host>/you/stacks` by its path, with these files, cloned into the reader's home.
    pub(super) fn repository(
        &self,
        address: &str,
        files: &[(String, String)],
    ) -> Result<Repository, LabError> {
        let (_, path) = address.split_once('/').unwrap_or_default();
        let repository = self.lab.repository(&path.replace('/', "-"))?;
        let (_, folder) = path.rsplit_once('/').unwrap_or(("", path));
        self.does(&format!("git clone -q https://{address} 2>/dev/null"))?;
        if !files.is_empty() {
            self.push(folder, files, "first")?;
        }
        Ok(repository)
    }

    /// Writes files into a clone in the reader's home, commits and pushes.
    pub(super) fn push(
        &self,
        folder: &str,
        files: &[(String, String)],
        message: &str,
    ) -> Result<(), LabError> {
        self.commit(folder, files, message)?;
        self.does(&format!("cd {folder}; git push -q"))
    }

    /// Writes files into a clone in the reader's home, and commits.
    pub(super) fn commit(
        &self,
        folder: &str,
        files: &[(String, String)],
        message: &str,
    ) -> Result<(), LabError> {
        self.write(folder, files)?;
        let script = format!("cd {folder}; git add -A; git commit -q -m '{message}'");
        self.does(&script)
    }

    /// Writes files into a folder of the reader's home.
    pub(super) fn write(&self, folder: &str, files: &[(String, String)]) -> Result<(), LabError> {
        for (path, content) in files {
            let script = format!("mkdir -p \"$(dirname {folder}/{path})\"; cat >{folder}/{path}");
            self.types(&script, content)?;
        }
        Ok(())
    }
}

/// What a script said that must have succeeded.
fn done(script: &str, ran: Ran) -> Result<String, LabError> {
    match ran.code {
        Some(0) => Ok(ran.stdout),
        _ => Err(LabError::Claim(format!(
            "`{script}` succeeds; it is {}",
            ran.text()
        ))),
    }
}

/// The address of a repository at GitHub's SSH server.
pub(super) fn over_ssh(repository: &Repository) -> String {
    format!("ssh://root@github.com{}", repository.folder().display())
}

/// The script, to be run at a terminal; long answers are not paged there.
pub(super) fn at_terminal(script: &str) -> String {
    format!(
        "export SYSTEMD_PAGER=cat TYPED=$(cat <<'END'\n{}\nEND\n)\n\
         script -qec 'bash -euo pipefail -c \"$TYPED\"' /dev/null",
        script.trim_end()
    )
}

/// The files of a repository with one stack, `web`, whose service `nginx` runs that image of this tag.
pub(super) fn website(tag: &str) -> Vec<(String, String)> {
    let compose = format!("version: \"3.8\"\nservices: {{nginx: {{image: \"nginx:{tag}\"}}}}\n");
    files(&[
        ("stacks.yaml", "- name: web\n"),
        ("web/compose.yml", &compose),
    ])
}

/// Files by path, of texts.
pub(super) fn files(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let files = files.iter();
    files
        .map(|(path, content)| ((*path).to_owned(), (*content).to_owned()))
        .collect()
}
