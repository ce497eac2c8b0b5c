//! `nfs.yaml`: `path: <absolute folder>`.

use super::shape::{NFS, NFS_PATH};
use super::{Nfs, all_or_nothing, paths};
use crate::diagnostic::Diagnostics;
use crate::source::{FileId, Sources};
use crate::yaml;

/// Reads `nfs.yaml`.
pub fn parse_nfs(sources: &Sources, file: FileId, out: &mut Diagnostics) -> Option<Nfs> {
    all_or_nothing(out, |out| {
        let root = yaml::parse(sources, file, out)?;
        let path = NFS.read(&root, out)?.text(&NFS_PATH, out)?;
        match paths::nfs_root(&path.value) {
            Ok(clean) => Some(Nfs {
                path: path.with(clean),
            }),
            Err(why) => {
                out.push(why.at("path", &path));
                None
            }
        }
    })
}
