//! `volumes.yaml`: a list of `- id, type: volume|binding, path`.

use std::collections::BTreeMap;

use super::entry::Entry;
use super::shape::{self, VOLUME_ENTRY, VOLUMES};
use super::{Binding, Seen, VolumeEntry, VolumeKind, all_or_nothing, paths};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::source::{FileId, Sources};
use crate::yaml::{self, Node};

/// Reads `volumes.yaml`. The same path behind two ids, or one path above another, is fine.
pub fn parse_volumes(
    sources: &Sources,
    file: FileId,
    out: &mut Diagnostics,
) -> Option<BTreeMap<String, VolumeEntry>> {
    all_or_nothing(out, |out| {
        let root = yaml::parse(sources, file, out)?;
        let items = VOLUMES.items(&root, out)?;
        let entries: Vec<_> = items.iter().filter_map(|item| entry(item, out)).collect();
        let mut seen = Seen::default();
        for entry in &entries {
            seen.add(&entry.id, "id", out);
        }
        let by_id = entries
            .into_iter()
            .map(|entry| (entry.id.value.clone(), entry));
        Some(by_id.collect())
    })
}

fn entry(item: &Node, out: &mut Diagnostics) -> Option<VolumeEntry> {
    let entry = VOLUME_ENTRY.read(item, out)?;
    let id = entry.text(&shape::VOLUME_ID, out);
    let kind = entry.text(&shape::VOLUME_TYPE, out);
    let path = entry.text(&shape::VOLUME_PATH, out);
    let id = id.filter(|id| is_volume_name(id, "id", 1, out));
    let kind = kind?;
    let kind = match kind.value.as_str() {
        shape::VOLUME => volume(&entry, path?, out),
        shape::BINDING => binding(&entry, path, out),
        _ => {
            let message = format!("`type` must be {}", shape::VOLUME_TYPE.form.choice());
            let hint = "Write `volume` for a Docker volume, `binding` for files of the repository.";
            out.push(Diagnostic::error("bad-volume-type", kind.span, message).hint(hint));
            None
        }
    };
    Some(VolumeEntry {
        id: id?,
        kind: kind?,
    })
}

fn volume(entry: &Entry<'_>, path: Text, out: &mut Diagnostics) -> Option<VolumeKind> {
    for key in VOLUME_ENTRY.only_with(shape::BINDING) {
        if let Some(node) = entry.get(key) {
            let message = format!("`{}` is for `type: binding` only", key.name);
            out.push(
                Diagnostic::error("binding-only", node.span, message)
                    .hint("Remove it: Docker decides over the content of a volume."),
            );
        }
    }
    is_volume_name(&path, "path", 2, out).then_some(VolumeKind::Volume { name: path })
}

fn binding(entry: &Entry<'_>, path: Option<Text>, out: &mut Diagnostics) -> Option<VolumeKind> {
    let owner = entry.text(&shape::VOLUME_OWNER, out);
    let owner = owner.and_then(|owner| self::owner(&owner, out));
    let mode = entry.text(&shape::VOLUME_MODE, out);
    if let Some(mode) = &mode {
        check_mode(mode, out);
    }
    let path = path?;
    match paths::binding(&path.value) {
        Ok(clean) => Some(VolumeKind::Binding(Binding {
            path: path.with(clean),
            owner,
            preserve_mode: mode.is_some(),
        })),
        Err(why) => {
            out.push(why.at("path", &path));
            None
        }
    }
}

/// `uid:gid`, both numbers: names mean something else on every machine.
fn owner(text: &Text, out: &mut Diagnostics) -> Option<(u32, u32)> {
    let id = |part: &str| {
        let digits = part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let ids = text
        .value
        .split_once(':')
        .and_then(|(uid, gid)| Some((id(uid)?, id(gid)?)));
    if ids.is_none() {
        let message = "`owner` must be a user id and a group id";
        let problem = Diagnostic::error("bad-owner", text.span, message);
        out.push(problem.hint("Write numbers, as in `owner: \"1000:1000\"`."));
    }
    ids
}

fn check_mode(mode: &Text, out: &mut Diagnostics) {
    if mode.value != shape::PRESERVE {
        let message = format!("`mode` must be {}", shape::VOLUME_MODE.form.choice());
        let problem = Diagnostic::error("bad-mode", mode.span, message);
        out.push(problem.hint("Remove it for 755 folders and 644 files."));
    }
}

/// Docker's rule for volume names (`RestrictedNamePattern`), from `shortest` characters on.
fn is_volume_name(name: &Text, what: &str, shortest: usize, out: &mut Diagnostics) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let ok = name.value.len() >= shortest
        && name.value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.value.chars().all(inner);
    if !ok {
        let shown = name.value.escape_debug();
        let message = format!("the {what} `{shown}` is not a volume name");
        let hint = format!(
            "Use letters, digits, `_`, `.` and `-`, a letter or digit first, {}.",
            if shortest > 1 {
                "at least two of them"
            } else {
                "at least one"
            }
        );
        out.push(Diagnostic::error("bad-volume-name", name.span, message).hint(hint));
    }
    ok
}
