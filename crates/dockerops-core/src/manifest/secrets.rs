//! `secrets.yaml` of a stack: a list of `- id, env`.
//!
//! The file holds ids, never values.

use super::shape::{SECRET, SECRET_ENV, SECRET_ID, SECRETS};
use super::{SecretEntry, Seen, all_or_nothing, paths, variables};
use crate::diagnostic::Diagnostics;
use crate::field::Text;
use crate::source::{FileId, Sources};
use crate::yaml::{self, Node};

/// Reads a `secrets.yaml`.
pub fn parse_secrets(
    sources: &Sources,
    file: FileId,
    out: &mut Diagnostics,
) -> Option<Vec<SecretEntry>> {
    all_or_nothing(out, |out| {
        let root = yaml::parse(sources, file, out)?;
        let items = SECRETS.items(&root, out)?;
        let entries: Vec<_> = items.iter().filter_map(|item| entry(item, out)).collect();
        let (mut ids, mut variables) = (Seen::default(), Seen::default());
        for entry in &entries {
            ids.add(&entry.id, "id", out);
            variables.add_exact(&entry.env, "env", out);
        }
        Some(entries)
    })
}

fn entry(item: &Node, out: &mut Diagnostics) -> Option<SecretEntry> {
    let entry = SECRET.read(item, out)?;
    let (id, env) = (entry.text(&SECRET_ID, out), entry.text(&SECRET_ENV, out));
    let id = id.filter(|id| is_file_name(id, out));
    let env = env.filter(|env| variables::is_name(env, out));
    Some(SecretEntry { id: id?, env: env? })
}

fn is_file_name(id: &Text, out: &mut Diagnostics) -> bool {
    let checked = paths::file_name(&id.value);
    if let Err(why) = &checked {
        out.push(why.at("id", id));
    }
    checked.is_ok()
}
