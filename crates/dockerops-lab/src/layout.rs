//! Where everything of a lab is: addresses, names and paths.
//!
//! Addresses are the same in every lab, because each has namespaces of its own; only the
//! folder and the names of the namespaces differ, by the lab's number. Paths stay short:
//! that of a unix socket may have 107 bytes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The address of the hub: registries and Git servers.
pub const HUB: &str = "10.99.0.1";
/// Port of the registry that asks for nothing, at the hub and on every node's loopback.
pub const REGISTRY_PORT: u16 = 5000;
/// Port of the registry that wants basic authentication.
pub const PRIVATE_REGISTRY_PORT: u16 = 5001;
/// Port of the registry that wants basic authentication over TLS.
pub const TLS_REGISTRY_PORT: u16 = 5002;
/// Port of the registry that wants a token of the token server.
pub const TOKEN_REGISTRY_PORT: u16 = 5003;
/// Port of the token server.
pub const TOKEN_PORT: u16 = 5004;
/// Port of the Git server over TLS.
pub const TLS_GIT_PORT: u16 = 8443;
/// Port of the Git server.
pub const GIT_PORT: u16 = 8080;
/// Port of what the hosts of the internet hold besides images, plain; by name and TLS it is 443.
pub const INTERNET_PORT: u16 = 8081;
/// The hosts of the internet that the hub stands for. They hold what the documentation names.
pub(crate) const INTERNET: [&str; 5] = [
    DOCKER_HUB,
    LOGIN_REGISTRY,
    "github.com",
    "raw.githubusercontent.com",
    "git.example.org",
];
/// Where Docker takes `nginx` from: the open registry.
pub(crate) const DOCKER_HUB: &str = "registry-1.docker.io";
/// The registry that wants a login.
pub(crate) const LOGIN_REGISTRY: &str = "registry.example.org";
/// The user of the private registries.
pub const REGISTRY_USER: &str = "lab";
/// The password of the private registries: a throwaway one, the same in every lab.
pub const REGISTRY_PASSWORD: &str = "lab-password";

/// One lab's folder, and with it its names.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Layout {
    /// The folder that holds everything of the lab.
    pub folder: PathBuf,
    /// How many nodes it has.
    pub nodes: usize,
}

impl Layout {
    /// The lab's name: that of its folder, of its cgroup, and the start of its namespaces' names.
    pub fn name(&self) -> String {
        self.folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// The hub's network namespace.
    pub fn hub_namespace(&self) -> String {
        format!("{}-hub", self.name())
    }

    /// The network namespace of node `index` (from 1).
    pub fn node_namespace(&self, index: usize) -> String {
        format!("{}-n{index}", self.name())
    }

    /// Every network namespace of the lab.
    pub fn namespaces(&self) -> Vec<String> {
        let nodes = (1..=self.nodes).map(|index| self.node_namespace(index));
        std::iter::once(self.hub_namespace()).chain(nodes).collect()
    }

    /// The folder of node `index`: its engine's data, socket and log.
    pub fn node_folder(&self, index: usize) -> PathBuf {
        self.folder.join(format!("n{index}"))
    }

    /// The socket of node `index`'s engine.
    pub fn engine_socket(&self, index: usize) -> PathBuf {
        self.node_folder(index).join("d.sock")
    }

    /// The address of node `index`.
    pub fn node_address(index: usize) -> String {
        format!("10.99.0.{}", 10 + index)
    }

    /// The folder of bare Git repositories.
    pub fn git_folder(&self) -> PathBuf {
        self.folder.join("git")
    }

    /// The log of the Git server: a JSON object a line.
    pub fn git_log(&self) -> PathBuf {
        self.folder.join("git.log")
    }

    /// What the servers of other hosts hold: `<host>/<path>` (see [`crate::serve::internet`]).
    pub fn internet_folder(&self) -> PathBuf {
        self.folder.join("internet")
    }

    /// A socket that leads to the open registry, for use from outside of the namespaces.
    pub fn registry_socket(&self) -> PathBuf {
        self.folder.join("registry.sock")
    }

    /// The throwaway SSH keys and the server's configuration.
    pub fn ssh_folder(&self) -> PathBuf {
        self.folder.join("ssh")
    }

    /// The certificate of the servers that speak TLS, signed by itself, for the hub's address, for
    /// loopback, and for the hosts that the hub stands for.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("tls.pem")
    }

    /// The key of that certificate.
    pub fn certificate_key(&self) -> PathBuf {
        self.folder.join("tls.key")
    }

    /// The certificate, signed by itself, against which the registry checks tokens.
    pub fn token_certificate(&self) -> PathBuf {
        self.folder.join("token.pem")
    }

    /// The key that signs tokens.
    pub fn token_key(&self) -> PathBuf {
        self.folder.join("token.key")
    }

    /// The file that says that the lab is up.
    pub fn description(&self) -> PathBuf {
        self.folder.join("lab.json")
    }

    /// The file whose lock the lab's keeper holds as long as it lives; it holds the keeper's pid.
    pub fn lock(folder: &Path) -> PathBuf {
        folder.join("keeper")
    }
}

/// The file of a network namespace.
pub fn namespace_file(namespace: &str) -> PathBuf {
    Path::new("/run/netns").join(namespace)
}
