//! What the manifest files ask of each other.

use super::{Manifest, VolumeKind};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Bindings and secrets need `nfs.yaml`; Docker volumes alone do not.
///
/// `any_secrets`: whether a `secrets.yaml` of any stack lists one.
pub fn check_nfs(manifest: &Manifest, any_secrets: bool, out: &mut Diagnostics) {
    if manifest.nfs.is_some() {
        return;
    }
    let hint = "Add `nfs.yaml` beside `stacks.yaml`, with a line such as `path: /mnt/nfs`.";
    for entry in manifest.volumes.values() {
        if let VolumeKind::Binding(binding) = &entry.kind {
            let id = &entry.id.value;
            let message = format!("the binding `{id}` needs the file `nfs.yaml`");
            out.push(Diagnostic::error("nfs-missing", binding.path.span, message).hint(hint));
        }
    }
    if any_secrets {
        let message = "secrets need the file `nfs.yaml`";
        out.push(Diagnostic::error("nfs-missing", None, message).hint(hint));
    }
}
