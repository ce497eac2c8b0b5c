//! [`Compose`] → [`StackSpec`]: the bodies that Docker's
//! `stack deploy` would send, before any decision that needs the Swarm.
//!
//! Names, labels, defaults and sort orders are those of `cli/compose/convert` of
//! Docker's client 28. What depends on what runs (pins, ids, content-hash names,
//! the `dockerops.*` labels) is added by [`crate::plan`].

mod check;
mod container;
mod cpus;
mod deploy;
mod files;
mod mounts;
mod networks;
mod object;
mod ports;
pub mod render;
mod service;
mod stack;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::body::Body;
use crate::compose::model::Condition;
use crate::compose::{Compose, Origin};
use crate::diagnostic::Diagnostics;
use crate::field::Text;
use crate::manifest::VolumeEntry;
use crate::names::StackName;
use crate::secret::Secret;
use crate::source::Span;

pub(crate) use cpus::nano_cpus;
pub(crate) use ports::{is_ingress, protocol, published};

use files::Kind;
use stack::Stack;

/// What the converter needs beside the compose model.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// The stack's name.
    pub stack: &'a StackName,
    /// `volumes.yaml`, by id; empty for bare files.
    pub volumes: &'a BTreeMap<String, VolumeEntry>,
    /// `path` of `nfs.yaml`: absolute.
    pub nfs: Option<&'a str>,
    /// Where the compose files come from.
    pub origin: Origin,
}

/// Converts a project; `None` when anything is wrong with it, and then all of it is in `out`.
pub fn convert(compose: &Compose, input: &Input<'_>, out: &mut Diagnostics) -> Option<StackSpec> {
    let stack = &Stack { compose, input };
    let mut found = Diagnostics::default();
    check::check(stack, &mut found);
    mounts::check_definitions(stack, &mut found);
    let (networks, external_networks) = networks::networks(stack, &mut found);
    let mut spec = StackSpec {
        name: input.stack.clone(),
        networks,
        external_networks,
        configs: files::objects(stack, Kind::Config, &mut found),
        secrets: files::objects(stack, Kind::Secret, &mut found),
        external_configs: files::external(stack, Kind::Config),
        external_secrets: files::external(stack, Kind::Secret),
        volumes: mounts::kept_volumes(stack),
        services: service::services(stack, &mut found),
    };
    check::check_order(stack, &spec.services, &mut found);
    crate::order::break_circles(&mut spec);
    let failed = found.has_errors();
    out.extend(found);
    (!failed).then_some(spec)
}

/// Everything one stack asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct StackSpec {
    /// The stack.
    pub name: StackName,
    /// Networks to exist, by Docker's name; sorted.
    pub networks: Vec<NetworkSpec>,
    /// Names of networks that must exist already, with where they are written; sorted.
    pub external_networks: Vec<External>,
    /// Configs to exist; sorted by name.
    pub configs: Vec<FileSpec>,
    /// Secrets to exist; sorted by name.
    pub secrets: Vec<FileSpec>,
    /// Names of configs that must exist already.
    pub external_configs: Vec<External>,
    /// Names of secrets that must exist already.
    pub external_secrets: Vec<External>,
    /// Names of volumes that are declared, here or in `volumes.yaml`, mounted or not.
    pub volumes: BTreeSet<String>,
    /// Services; sorted by name.
    pub services: Vec<ServiceSpec>,
}

/// Something that the stack uses and somebody else made.
#[derive(Debug, Clone, PartialEq)]
pub struct External {
    /// Its name on the Swarm.
    pub name: String,
    /// Where the compose file names it.
    pub span: Option<Span>,
}

/// A network to create when missing.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSpec {
    /// Docker's name: `stack_key`, or the explicit `name`.
    pub name: String,
    /// The body of `POST /networks/create`, `Name` included.
    pub body: Body,
}

/// A config or a secret.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSpec {
    /// Docker's plain name: `stack_key`, or the explicit `name`.
    pub name: String,
    /// Whether the compose file gave the name itself.
    pub explicit_name: bool,
    /// Where it is defined.
    pub span: Option<Span>,
    /// The content; empty with a driver. Of a config it is shown, of a secret never.
    pub data: Secret,
    /// The body of `POST /configs/create` or `/secrets/create`, `Name` included, `Data` left out.
    pub body: Body,
}

/// A service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceSpec {
    /// Docker's name: `stack_key`.
    pub name: String,
    /// The key in the compose file.
    pub key: String,
    /// Where the key stands.
    pub span: Span,
    /// The image as written, after interpolation.
    pub image: Text,
    /// The body of `POST /services/create`. Networks are named by their Swarm name
    /// in `Target`; configs and secrets by plain name in `ConfigName` and
    /// `SecretName`, without `ConfigID` and `SecretID`; so does `CredentialSpec.Config`.
    pub body: Body,
    /// Ids of `volumes.yaml` bindings that it mounts; sorted.
    pub bindings: Vec<String>,
    /// Names of environment variables that hold a secret; sorted.
    pub secret_env: Vec<String>,
    /// Whether it is a job (`replicated-job`, `global-job`).
    pub is_job: bool,
    /// Services of the stack that it waits for, by Docker's name, and until when; sorted. Docker
    /// knows nothing of it: [`crate::order`] does.
    pub depends_on: Vec<(String, Condition)>,
}
