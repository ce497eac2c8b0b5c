//! Networks, configs and secrets of a [`MemorySwarm`](super::MemorySwarm).

use std::collections::BTreeMap;

use dockerops_core::observed::FileObject;
use dockerops_core::plan::FileKind;
use serde_json::Value;

use super::super::names::{Referent, network_difference, referents};
use super::super::{Applied, EngineError};
use super::{State, defaults};

impl State {
    pub(super) fn create_network(
        &mut self,
        name: &str,
        body: &Value,
    ) -> Result<Applied, EngineError> {
        let taken = self.networks.values().find(|n| n.name == name);
        if let Some(taken) = taken {
            return match network_difference(body, &taken.raw) {
                None => Ok(Applied::AlreadyThere {
                    id: taken.id.clone(),
                }),
                Some(difference) => Err(EngineError::NetworkDiffers {
                    name: name.to_owned(),
                    difference,
                }),
            };
        }
        let id = self.new_id("net");
        let network = defaults::network(&id, name, "swarm", body);
        self.networks.insert(id.clone(), network);
        Ok(created(id))
    }

    pub(super) fn create_file(
        &mut self,
        kind: FileKind,
        name: &str,
        spec: Value,
        data: &[u8],
    ) -> Result<Applied, EngineError> {
        if self.files(kind).values().any(|file| file.name == name) {
            return Err(EngineError::NameConflict {
                name: name.to_owned(),
                message: "name conflicts with an existing object".to_owned(),
            });
        }
        let id = self.new_id("file");
        let file = FileObject {
            id: id.clone(),
            version: self.index,
            name: name.to_owned(),
            labels: defaults::labels(&spec),
            data: (kind == FileKind::Config).then(|| data.to_vec()),
            spec,
        };
        self.files(kind).insert(id.clone(), file);
        Ok(created(id))
    }

    pub(super) fn relabel_file(
        &mut self,
        kind: FileKind,
        id: &str,
        version: u64,
        name: &str,
        spec: Value,
    ) -> Result<Applied, EngineError> {
        let now = self.bump();
        let Some(file) = self.files(kind).get_mut(id) else {
            return Err(EngineError::NotFound {
                what: Referent::from(kind).word(),
                name: name.to_owned(),
            });
        };
        if file.version != version {
            let name = name.to_owned();
            return Err(EngineError::OutOfSequence { name });
        }
        file.version = now;
        file.labels = defaults::labels(&spec);
        file.spec = spec;
        Ok(Applied::Updated {
            warnings: Vec::new(),
        })
    }

    pub(super) fn remove_file(&mut self, kind: FileKind, id: &str) -> Applied {
        let Some(name) = self.files(kind).get(id).map(|file| file.name.clone()) else {
            return Applied::Removed;
        };
        if let Some(user) = self.user_of(kind.into(), &name) {
            let message = format!("'{name}' is in use by the following service: {user}");
            return Applied::StillInUse { message };
        }
        self.files(kind).remove(id);
        Applied::Removed
    }

    pub(super) fn remove_network(&mut self, id: &str) -> Applied {
        if let Some(user) = self.user_of(Referent::Network, id) {
            let message = format!("network {id} is in use by service {user}");
            return Applied::StillInUse { message };
        }
        self.networks.remove(id);
        Applied::Removed
    }

    pub(super) fn remove_volume(&mut self, name: &str) -> Applied {
        let mounts = |service: &dockerops_core::observed::Service| {
            let mounts = &service.spec["TaskTemplate"]["ContainerSpec"]["Mounts"];
            let mut mounts = mounts.as_array().into_iter().flatten();
            mounts.any(|mount| mount["Source"] == name)
        };
        if self.services.values().any(mounts) {
            let message = format!("remove {name}: volume is in use");
            return Applied::StillInUse { message };
        }
        self.volumes.remove(name);
        Applied::Removed
    }

    fn files(&mut self, kind: FileKind) -> &mut BTreeMap<String, FileObject> {
        match kind {
            FileKind::Config => &mut self.configs,
            FileKind::Secret => &mut self.secrets,
        }
    }

    /// The service whose current spec refers to it. A previous spec holds nothing.
    fn user_of(&self, kind: Referent, name: &str) -> Option<String> {
        let uses = |spec: &Value| referents(spec).iter().any(|r| r.0 == kind && r.1 == name);
        let mut services = self.services.values();
        services.find(|s| uses(&s.spec)).map(|s| s.name.clone())
    }
}

pub(super) fn created(id: String) -> Applied {
    Applied::Created {
        id,
        warnings: Vec::new(),
    }
}
