//! Releases, as they are published: binaries, units, and a checksum for everything.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

/// What this machine's releases are called.
pub(crate) const ASSET: &str = asset();

const fn asset() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "dockerops-linux-aarch64"
    } else {
        "dockerops-linux-x86_64"
    }
}

/// A program that does what the installer asks of one: it says which version it is.
pub(crate) fn program(version: &str) -> Vec<u8> {
    format!("#!/bin/sh\necho 'dockerops {version}'\n").into_bytes()
}

/// The files of a release, by name.
#[derive(Clone)]
pub(crate) struct Release {
    pub(crate) version: String,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Release {
    pub(crate) fn new(version: &str) -> Self {
        Self::holding(version, program(version))
    }

    /// A release of this machine's architecture, with the units, and a checksum for everything.
    pub(crate) fn holding(version: &str, binary: Vec<u8>) -> Self {
        Self::of(version, &[(ASSET, binary)])
    }

    pub(crate) fn of(version: &str, binaries: &[(&str, Vec<u8>)]) -> Self {
        let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
        let mut files = BTreeMap::new();
        for unit in ["dockerops.service", "dockerops.timer"] {
            files.insert(unit.to_owned(), fs::read(packaging.join(unit)).unwrap());
        }
        for (name, binary) in binaries {
            files.insert((*name).to_owned(), binary.clone());
        }
        let line = |(name, file): (&String, &Vec<u8>)| format!("{}  {name}\n", sha256(file));
        let sums: String = files.iter().map(line).collect();
        files.insert("SHA256SUMS".to_owned(), sums.into_bytes());
        Self {
            version: format!("v{version}"),
            files,
        }
    }

    /// Changed after it was released: its checksums are those from before.
    pub(crate) fn with(mut self, name: &str, file: &[u8]) -> Self {
        self.files.insert(name.to_owned(), file.to_owned());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.files.remove(name);
        self
    }

    pub(crate) fn write_to(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        for (name, file) in &self.files {
            fs::write(folder.join(name), file).unwrap();
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let digits = digest.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().concat()
}
