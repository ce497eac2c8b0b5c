//! `volumes.yaml`: a list of `- id, type: volume|binding, path`.

use std::collections::BTreeMap;

use super::{Binding, Seen, VolumeEntry, VolumeKind, all_or_nothing, paths};
use crate::decode;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::source::{FileId, Sources};
use crate::yaml::{self, Mapping, Node, Value};

const SHAPE: &str = "`- id: app_data`, with `type: volume` or `type: binding` and a `path` below";
const KEYS: [&str; 5] = ["id", "type", "path", "owner", "mode"];

/// Reads `volumes.yaml`. The same path behind two ids, or one path above another, is fine.
pub fn parse_volumes(
    sources: &Sources,
    file: FileId,
    out: &mut Diagnostics,
) -> Option<BTreeMap<String, VolumeEntry>> {
    all_or_nothing(out, |out| {
        let root = yaml::parse(sources, file, out)?;
        let items: &[Node] = match root.value {
            Value::Null => &[],
            _ => decode::list(&root, "`volumes.yaml`", SHAPE, out)?,
        };
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
    let map = decode::map(item, "a volume", SHAPE, out)?;
    decode::known_keys(map, &KEYS, "a volume", out);
    let mut text = |key: &str| {
        let node = decode::required(map, item.span, key, "a volume", out)?;
        decode::text(node, &format!("`{key}`"), out)
    };
    let (id, kind, path) = (text("id"), text("type"), text("path"));
    let id = id.filter(|id| is_volume_name(id, "id", 1, out));
    let kind = match kind?.value.as_str() {
        "volume" => volume(map, path?, out),
        "binding" => binding(map, path, out),
        _ => {
            let span = map.get("type").map(|node| node.span);
            let message = "`type` must be `volume` or `binding`";
            out.push(Diagnostic::error("bad-volume-type", span, message).hint(
                "Write `volume` for a Docker volume, `binding` for files of the repository.",
            ));
            None
        }
    };
    Some(VolumeEntry {
        id: id?,
        kind: kind?,
    })
}

fn volume(map: &Mapping, path: Text, out: &mut Diagnostics) -> Option<VolumeKind> {
    for key in ["owner", "mode"] {
        if let Some(node) = map.get(key) {
            let message = format!("`{key}` is for `type: binding` only");
            out.push(
                Diagnostic::error("binding-only", node.span, message)
                    .hint("Remove it: Docker decides over the content of a volume."),
            );
        }
    }
    is_volume_name(&path, "path", 2, out).then_some(VolumeKind::Volume { name: path })
}

fn binding(map: &Mapping, path: Option<Text>, out: &mut Diagnostics) -> Option<VolumeKind> {
    let owner = map.get("owner").map(|node| owner(node, out));
    let mode = map.get("mode").map(|node| preserve(node, out));
    let path = path?;
    match paths::binding(&path.value) {
        Ok(clean) => Some(VolumeKind::Binding(Binding {
            path: path.with(clean),
            owner: owner.flatten(),
            preserve_mode: mode.is_some(),
        })),
        Err(why) => {
            out.push(why.at("path", &path));
            None
        }
    }
}

/// `uid:gid`, both numbers: names mean something else on every machine.
fn owner(node: &Node, out: &mut Diagnostics) -> Option<(u32, u32)> {
    let text = decode::text(node, "`owner`", out)?;
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

fn preserve(node: &Node, out: &mut Diagnostics) {
    let Some(text) = decode::text(node, "`mode`", out) else {
        return;
    };
    if text.value != "preserve" {
        let problem = Diagnostic::error("bad-mode", text.span, "`mode` must be `preserve`");
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
