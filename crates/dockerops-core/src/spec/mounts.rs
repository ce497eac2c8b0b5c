//! Mounts: volumes, binds, tmpfs and the rest, and the ids of `volumes.yaml`.
//!
//! Rules: docker/cli `compose/convert/volume.go`. What is ours: a source that is an
//! id of `volumes.yaml` becomes the Docker volume or the file on NFS behind it.

use std::collections::BTreeSet;

use super::object::Object;
use super::stack::{Stack, did_you_mean, is_open};
use crate::body::Body;
use crate::compose::model::{Mount, Service, Volume};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::manifest::VolumeKind;

/// The mounts of a service, in the order written, and the bindings among them.
pub(super) struct Mounts {
    pub(super) body: Body,
    /// Ids of `volumes.yaml`; sorted, each once.
    pub(super) bindings: Vec<String>,
}

/// Converts the mounts of `service`.
pub(super) fn mounts(stack: &Stack<'_>, service: &Service, out: &mut Diagnostics) -> Mounts {
    let mut bindings = Vec::new();
    let mut list = Vec::new();
    for mount in &service.volumes {
        let source = mount.source.as_ref().filter(|s| !s.value.is_empty());
        check_options(mount, out);
        let body = match (mount.kind.value.as_str(), source) {
            ("volume" | "", None) => Some(plain(mount)),
            ("volume" | "", Some(source)) => named(stack, mount, source, &mut bindings, out),
            ("bind" | "npipe", Some(_)) => Some(bind(mount)),
            ("tmpfs", None) => Some(tmpfs(mount)),
            ("image", Some(_)) => Some(image(mount)),
            ("cluster", Some(source)) => cluster(stack, mount, source, out),
            ("tmpfs", Some(source)) => refuse(mount, source, "a tmpfs has no source", out),
            (_, None) => refuse(mount, &mount.kind, "the mount has no source", out),
            (_, Some(_)) => refuse(mount, &mount.kind, "unknown type of mount", out),
        };
        list.extend(body.map(Body::from));
    }
    bindings.sort();
    bindings.dedup();
    Mounts {
        body: Body::List(list),
        bindings,
    }
}

/// Checks the definitions of volumes against `volumes.yaml`.
pub(super) fn check_definitions(stack: &Stack<'_>, out: &mut Diagnostics) {
    for (key, volume) in &stack.compose.volumes {
        is_open(volume.name.as_ref(), out);
        stack.check_labels(&volume.labels, out);
        match stack.input.volumes.get(key).map(|entry| &entry.kind) {
            Some(VolumeKind::Volume { name }) => check_name(key, volume, name, out),
            Some(VolumeKind::Binding(_)) => warn_unused(key, volume, out),
            None => {}
        }
        if let Some(span) = volume.cluster_spec {
            out.push(
                Diagnostic::warning("cluster-spec", span, "`x-cluster-spec` is not used")
                    .hint("Create the volume with `docker volume create` beforehand."),
            );
        }
    }
}

/// The names of all volumes that are declared, mounted or not.
pub(super) fn kept_volumes(stack: &Stack<'_>) -> BTreeSet<String> {
    let defined = stack.compose.volumes.iter();
    let defined =
        defined.map(|(key, volume)| stack.object_name(key, volume.name.as_ref(), volume.external));
    let listed = stack.input.volumes.values();
    let listed = listed.filter_map(|entry| match &entry.kind {
        VolumeKind::Volume { name } => Some(name.value.clone()),
        VolumeKind::Binding(_) => None,
    });
    defined.chain(listed).collect()
}

fn plain(mount: &Mount) -> Object {
    with_source(mount, mount.source.clone().map(Body::from))
}

fn with_source(mount: &Mount, source: Option<Body>) -> Object {
    typed(mount, mount.kind.clone().into(), source)
}

fn typed(mount: &Mount, kind: Body, source: Option<Body>) -> Object {
    Object::new()
        .filled("Type", kind)
        .filled("Source", source)
        .filled("Target", mount.target.clone())
        .filled("ReadOnly", mount.read_only.clone())
        .filled("Consistency", mount.consistency.clone())
}

/// A volume with a name: an id of `volumes.yaml`, or a definition of the compose file.
fn named(
    stack: &Stack<'_>,
    mount: &Mount,
    source: &Text,
    bindings: &mut Vec<String>,
    out: &mut Diagnostics,
) -> Option<Object> {
    let implied = Volume::default();
    let defined = stack.compose.volumes.get(&source.value);
    match stack.input.volumes.get(&source.value).map(|e| &e.kind) {
        Some(VolumeKind::Volume { name }) => {
            let volume = defined.unwrap_or(&implied);
            Some(volume_mount(stack, mount, volume, name.clone().into()))
        }
        Some(VolumeKind::Binding(binding)) => {
            bindings.push(source.value.clone());
            binding_mount(stack, mount, &binding.path, out)
        }
        None => {
            let Some(volume) = defined else {
                out.push(undefined(stack, source));
                return None;
            };
            let name = stack.object_name(&source.value, volume.name.as_ref(), volume.external);
            Some(volume_mount(stack, mount, volume, name.into()))
        }
    }
}

fn volume_mount(stack: &Stack<'_>, mount: &Mount, volume: &Volume, name: Body) -> Object {
    let mut options = Object::new()
        .filled("NoCopy", mount.volume_nocopy.clone())
        .filled("Subpath", mount.volume_subpath.clone());
    if !volume.external {
        let driver = volume.driver.as_ref().filter(|d| !d.value.is_empty());
        let has_driver = driver.is_some() || volume.driver_opts.is_some();
        let driver = Object::new()
            .filled("Name", driver.cloned())
            .filled("Options", volume.driver_opts.clone());
        options = options
            .filled("Labels", stack.labels(&volume.labels))
            .some("DriverConfig", has_driver.then_some(driver));
    }
    with_source(mount, Some(name)).always("VolumeOptions", options)
}

/// A bind of the file or folder that the repository keeps on NFS.
fn binding_mount(
    stack: &Stack<'_>,
    mount: &Mount,
    path: &Text,
    out: &mut Diagnostics,
) -> Option<Object> {
    let Some(nfs) = stack.input.nfs else {
        out.push(
            Diagnostic::error("missing-nfs", mount.span, "a binding needs `nfs.yaml`")
                .hint("Add `nfs.yaml` with `path: <absolute folder>` at the root."),
        );
        return None;
    };
    if let Some(subpath) = &mount.volume_subpath {
        let message = "`subpath` does not go with a binding";
        out.push(
            Diagnostic::error("binding-option", subpath.span, message)
                .hint("Give the path below the binding an entry of its own in `volumes.yaml`."),
        );
        return None;
    }
    let source = format!("{}/{}", nfs.trim_end_matches('/'), path.value);
    Some(typed(mount, "bind".into(), Some(source.into())))
}

fn bind(mount: &Mount) -> Object {
    let options = Object::new().filled("Propagation", mount.bind_propagation.clone());
    plain(mount).some("BindOptions", mount.has_bind.then_some(options))
}

fn tmpfs(mount: &Mount) -> Object {
    let options = Object::new().filled("SizeBytes", mount.tmpfs_size.clone());
    plain(mount).some("TmpfsOptions", mount.has_tmpfs.then_some(options))
}

fn image(mount: &Mount) -> Object {
    let options = Object::new().filled("Subpath", mount.image_subpath.clone());
    plain(mount).some("ImageOptions", mount.has_image.then_some(options))
}

/// A CSI volume; `group:` names a group of them, which has no definition.
fn cluster(
    stack: &Stack<'_>,
    mount: &Mount,
    source: &Text,
    out: &mut Diagnostics,
) -> Option<Object> {
    let name = if source.value.starts_with("group:") {
        source.clone().into()
    } else if let Some(volume) = stack.compose.volumes.get(&source.value) {
        let name = stack.object_name(&source.value, volume.name.as_ref(), volume.external);
        Body::from(name)
    } else {
        out.push(undefined(stack, source));
        return None;
    };
    Some(with_source(mount, Some(name)).always("ClusterOptions", Object::new()))
}

/// Sections that do not go with the type of the mount, as in Docker's converter.
fn check_options(mount: &Mount, out: &mut Diagnostics) {
    let allowed: &[&str] = match mount.kind.value.as_str() {
        "volume" | "" => &["volume"],
        "bind" => &["bind"],
        "npipe" => &["bind", "cluster"],
        "tmpfs" => &["tmpfs"],
        "image" => &["image"],
        "cluster" => &["cluster", "image"],
        _ => return,
    };
    let written = [
        ("bind", mount.has_bind),
        ("volume", mount.has_volume),
        ("tmpfs", mount.has_tmpfs),
        ("cluster", mount.has_cluster),
        ("image", mount.has_image),
    ];
    for (section, _) in written.iter().filter(|(_, written)| *written) {
        if !allowed.contains(section) {
            let kind = match mount.kind.value.as_str() {
                "" => "volume",
                kind => kind,
            };
            let message = format!("`{section}` does not go with a mount of type `{kind}`");
            out.push(
                Diagnostic::error("mount-options", mount.span, message)
                    .hint(format!("Remove `{section}`, or change the `type`.")),
            );
        }
    }
}

fn refuse(mount: &Mount, at: &Text, message: &str, out: &mut Diagnostics) -> Option<Object> {
    let hint = match mount.kind.value.as_str() {
        "tmpfs" => "Remove the `source`.",
        "bind" | "npipe" | "image" | "cluster" => "Add a `source`.",
        _ => "Use `volume`, `bind`, `tmpfs`, `npipe`, `image` or `cluster` as `type`.",
    };
    out.push(Diagnostic::error("invalid-mount", at.span, message).hint(hint));
    None
}

fn undefined(stack: &Stack<'_>, source: &Text) -> Diagnostic {
    if source.secrets.is_secret() {
        let message = "a volume is named by a variable that carries a secret";
        return Diagnostic::error("secret-in-name", source.span, message)
            .hint("Write the name without that variable.");
    }
    let key = &source.value;
    let known = stack
        .compose
        .volumes
        .keys()
        .chain(stack.input.volumes.keys());
    Diagnostic::error(
        "undefined-volume",
        source.span,
        format!("volume `{key}` is not defined"),
    )
    .hint(did_you_mean(key, known.map(String::as_str), || {
        format!("Define `{key}` in `volumes.yaml`, or under the top-level `volumes:`.")
    }))
}

/// An external volume without a name of its own has its key as name, which says nothing.
fn check_name(key: &str, volume: &Volume, path: &Text, out: &mut Diagnostics) {
    let Some(name) = &volume.name else { return };
    if name.value == path.value || (volume.external && name.value == key) {
        return;
    }
    out.push(
        Diagnostic::error(
            "volume-name",
            name.span,
            format!("volume `{key}` has another name here than in `volumes.yaml`"),
        )
        .hint(format!(
            "Write `name: {}`, or remove `name`.",
            path.value.escape_debug()
        )),
    );
}

fn warn_unused(key: &str, volume: &Volume, out: &mut Diagnostics) {
    if volume.driver.is_none() && volume.driver_opts.is_none() && !volume.external {
        return;
    }
    let message =
        format!("volume `{key}` is a binding in `volumes.yaml`: its options are not used");
    out.push(
        Diagnostic::warning("unused-definition", volume.span, message)
            .hint("Remove the definition, or use another id."),
    );
}
