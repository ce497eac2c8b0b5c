//! `stacks.yaml`: a list of `- name: <stack>`.

use super::shape::{STACK, STACK_NAME, STACKS};
use super::{Seen, StackEntry, StackOptions, all_or_nothing};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::names::StackName;
use crate::source::{FileId, Sources};
use crate::yaml::{self, Node};

/// Reads `stacks.yaml`. An empty list is allowed, with a warning.
pub fn parse_stacks(
    sources: &Sources,
    file: FileId,
    out: &mut Diagnostics,
) -> Option<Vec<StackEntry>> {
    all_or_nothing(out, |out| {
        let root = yaml::parse(sources, file, out)?;
        let items = STACKS.items(&root, out)?;
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
    STACK.read(item, out)?.text(&STACK_NAME, out)
}

fn entry(name: &Text, out: &mut Diagnostics) -> Option<StackEntry> {
    match StackName::parse(&name.value) {
        Ok(parsed) => Some(StackEntry {
            name: name.with(parsed),
            options: StackOptions::default(),
        }),
        Err(error) => {
            let problem = Diagnostic::error("bad-stack-name", name.span, error.to_string());
            out.push(problem.hint("Name the stack and its folder alike, such as `web`."));
            None
        }
    }
}
