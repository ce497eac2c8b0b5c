//! `volumes` of a service: short forms (`cli/internal/volumespec`) and long ones.
//!
//! Sources of bind mounts are resolved here: by Docker's rules for bare files,
//! refused for a repository unless absolute, because there is no checkout.

use super::load::Loading;
use super::model::Mount;
use super::path::Path;
use super::section::{Section, text};
use super::{Origin, paths};
use crate::diagnostic::Diagnostic;
use crate::field::{Field, Text};
use crate::yaml::{Node, Value};

/// Reads the `volumes` of the service.
pub(super) fn mounts(service: &Section<'_, '_>, loading: &mut Loading<'_>) -> Vec<Mount> {
    let list = service.path.key("volumes");
    let mut all = Vec::new();
    for (index, item) in service.items("volumes").iter().enumerate() {
        let path = list.item(index);
        let mount = match &item.value {
            Value::Map(_) => long(&Section::new(item, path), loading),
            Value::Text(_) => short(item, path, loading),
            _ => None,
        };
        all.extend(mount.map(|mount| resolved(mount, path, loading)));
    }
    all
}

fn long(mount: &Section<'_, '_>, loading: &mut Loading<'_>) -> Option<Mount> {
    // A missing type was reported.
    let kind = text(mount.node("type")?)?;
    let Some(target) = mount.text("target") else {
        let message = format!("`{}` needs the key `target`", mount.path);
        loading.out.push(
            Diagnostic::error("missing-key", mount.span(), message)
                .hint("Add `target:`, the path in the container."),
        );
        return None;
    };
    let mut read = empty(mount.span(), kind, target);
    read.source = mount.text("source");
    read.read_only = mount.flag("read_only");
    read.consistency = mount.text("consistency");
    if let Some(bind) = mount.section("bind") {
        read.has_bind = true;
        read.bind_propagation = bind.text("propagation");
    }
    if let Some(volume) = mount.section("volume") {
        read.has_volume = true;
        read.volume_nocopy = volume.flag("nocopy");
        read.volume_subpath = volume.text("subpath");
    }
    if let Some(tmpfs) = mount.section("tmpfs") {
        read.has_tmpfs = true;
        read.tmpfs_size = tmpfs.size("size", loading.out);
        if read.tmpfs_size.as_ref().is_some_and(|size| size.value < 0) {
            let message = format!("`{}.tmpfs.size` must not be negative", mount.path);
            loading.out.push(
                Diagnostic::error("invalid-value", tmpfs.span(), message)
                    .hint("Write a number of bytes."),
            );
        }
    }
    Some(read)
}

fn empty(span: crate::source::Span, kind: Text, target: Text) -> Mount {
    Mount {
        span,
        kind,
        source: None,
        target,
        read_only: None,
        consistency: None,
        bind_propagation: None,
        volume_nocopy: None,
        volume_subpath: None,
        has_bind: false,
        has_volume: false,
        tmpfs_size: None,
        has_tmpfs: false,
        has_cluster: false,
        has_image: false,
        image_subpath: None,
    }
}

fn short(node: &Node, path: Path<'_>, loading: &mut Loading<'_>) -> Option<Mount> {
    let spec = text(node)?;
    let sections = match sections(&spec.value) {
        Ok(sections) => sections,
        Err(what) => {
            let message = format!("`{path}` is not a volume: {what}");
            loading.out.push(
                Diagnostic::error("invalid-volume", node.span, message)
                    .hint("Write `source:target`, with `:ro` behind it when it is read-only."),
            );
            return None;
        }
    };
    let (source, target, options) = match sections.as_slice() {
        [target] => (None, target, None),
        [source, target] => (Some(source), target, None),
        [source, target, options, ..] => (Some(source), target, Some(options)),
        [] => return None,
    };
    let kind = if source.is_some_and(|source| paths::is_file_path(source)) {
        "bind"
    } else {
        "volume"
    };
    let kind = Field::new(kind.to_owned(), node.span);
    let mut mount = empty(node.span, kind, spec.with(target.clone()));
    mount.source = source.map(|source| spec.with(source.clone()));
    for option in options.map(String::as_str).unwrap_or_default().split(',') {
        apply(option, &spec, &mut mount);
    }
    Some(mount)
}

/// Unknown options are ignored, as Docker does.
fn apply(option: &str, spec: &Text, mount: &mut Mount) {
    match option {
        "ro" => mount.read_only = Some(spec.with(true)),
        "rw" => mount.read_only = None,
        "nocopy" => {
            mount.has_volume = true;
            mount.volume_nocopy = Some(spec.with(true));
        }
        "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" => {
            mount.has_bind = true;
            mount.bind_propagation = Some(spec.with(option.to_owned()));
        }
        _ => {}
    }
}

/// Splits at colons, but for the one of a Windows drive.
fn sections(spec: &str) -> Result<Vec<String>, &'static str> {
    match spec.len() {
        0 => return Err("it is empty"),
        1 | 2 => return Ok(vec![spec.to_owned()]),
        _ => {}
    }
    let mut sections = Vec::new();
    let mut section = String::new();
    for c in spec.chars() {
        if c != ':' || is_drive(&section) {
            section.push(c);
            continue;
        }
        if section.is_empty() {
            return Err("nothing stands between two colons");
        }
        sections.push(std::mem::take(&mut section));
        if sections.len() == 3 {
            return Err("it has too many colons");
        }
    }
    if section.is_empty() {
        return Err("nothing stands behind the last colon");
    }
    sections.push(section);
    Ok(sections)
}

fn is_drive(section: &str) -> bool {
    let mut chars = section.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

/// Resolves the source of a bind mount.
fn resolved(mut mount: Mount, path: Path<'_>, loading: &mut Loading<'_>) -> Mount {
    if mount.kind.value != "bind" {
        return mount;
    }
    let Some(source) = mount.source.take() else {
        let message = format!("`{path}` is a bind mount without a source");
        loading.out.push(
            Diagnostic::error("missing-key", mount.span, message)
                .hint("Add `source:`, a path on the node."),
        );
        return mount;
    };
    mount.source = Some(match loading.request.origin.clone() {
        Origin::Repository => in_repository(source, path, loading),
        Origin::Bare { working_dir } => bare(source, &working_dir, loading),
    });
    mount
}

fn in_repository(source: Text, path: Path<'_>, loading: &mut Loading<'_>) -> Text {
    if !paths::is_absolute(&source.value) {
        let message =
            format!("`{path}` binds a path relative to the compose file, but there is no checkout");
        loading.out.push(
            Diagnostic::error("relative-bind", source.span, message)
                .hint("Define a `binding` for it in `volumes.yaml` and mount its id, or write an absolute path."),
        );
    }
    source
}

fn bare(mut source: Text, working_dir: &str, loading: &mut Loading<'_>) -> Text {
    if let Some(rest) = source.value.strip_prefix('~') {
        if let Some(home) = loading.variable("HOME", source.span) {
            let value = format!("{}{rest}", home.value);
            source.secrets.extend(&home.secrets);
            source.value = value;
        } else {
            let message = "cannot expand `~`, because the environment lacks `HOME`";
            loading.out.push(
                Diagnostic::warning("no-home", source.span, message).hint("Write the whole path."),
            );
        }
    }
    if !paths::is_absolute(&source.value) {
        source.value = paths::join(working_dir, &source.value);
    }
    source
}
