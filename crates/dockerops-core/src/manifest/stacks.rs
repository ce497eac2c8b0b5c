//! `stacks.yaml`: a list of `- name: <stack>`.

use super::{Seen, StackEntry, all_or_nothing};
use crate::decode;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::names::StackName;
use crate::source::{FileId, Sources};
use crate::yaml::{self, Node, Value};

/// Reads `stacks.yaml`. An empty list is allowed, with a warning.
pub fn parse_stacks(
    sources: &Sources,
    file: FileId,
    out: &mut Diagnostics,
) -> Option<Vec<StackEntry>> {
    all_or_nothing(out, |out| {
        let root = yaml::parse(sources, file, out)?;
        let items: &[Node] = match root.value {
            Value::Null => &[],
            _ => decode::list(
                &root,
                "`stacks.yaml`",
                "`- name: web`, a line for each stack",
                out,
            )?,
        };
        if items.is_empty() {
            let message = "`stacks.yaml` lists no stack";
            out.push(
                Diagnostic::warning("no-stacks", root.span, message)
                    .hint("Add `- name: web` for a stack in the folder `web`."),
            );
        }
        let names: Vec<Text> = items.iter().filter_map(|item| name(item, out)).collect();
        let mut seen = Seen::default();
        for name in &names {
            seen.add(name, "name", out);
        }
        Some(names.iter().filter_map(|name| entry(name, out)).collect())
    })
}

fn name(item: &Node, out: &mut Diagnostics) -> Option<Text> {
    let map = decode::map(item, "a stack", "`- name: web`", out)?;
    decode::known_keys(map, &["name"], "a stack", out);
    let name = decode::required(map, item.span, "name", "a stack", out)?;
    decode::text(name, "`name`", out)
}

fn entry(name: &Text, out: &mut Diagnostics) -> Option<StackEntry> {
    match StackName::parse(&name.value) {
        Ok(parsed) => Some(StackEntry {
            name: name.with(parsed),
        }),
        Err(error) => {
            let problem = Diagnostic::error("bad-stack-name", name.span, error.to_string());
            out.push(problem.hint("Name the stack and its folder alike, such as `web`."));
            None
        }
    }
}
