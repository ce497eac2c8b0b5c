//! `lints.yaml`: a list of `- off: <lint>`, each perhaps for one stack only, with a reason.
//!
//! Only `validate` reads it.

use super::{LintOff, StackEntry, all_or_nothing};
use crate::codes;
use crate::decode::{self, did_you_mean};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::source::{FileId, Sources};
use crate::yaml::{self, Node, Value};

const SHAPE: &str = "`- off: latest-tag`, perhaps with `stack: web` and `reason: …` below";

/// Reads `lints.yaml`; `stacks` are those of `stacks.yaml`.
pub fn parse_lints(
    sources: &Sources,
    file: FileId,
    stacks: &[StackEntry],
    out: &mut Diagnostics,
) -> Option<Vec<LintOff>> {
    all_or_nothing(out, |out| {
        let root = yaml::parse(sources, file, out)?;
        let items: &[Node] = match root.value {
            Value::Null => &[],
            _ => decode::list(&root, "`lints.yaml`", SHAPE, out)?,
        };
        let entries = items.iter().filter_map(|item| entry(item, stacks, out));
        Some(entries.collect())
    })
}

fn entry(item: &Node, stacks: &[StackEntry], out: &mut Diagnostics) -> Option<LintOff> {
    let map = decode::map(item, "a lint", SHAPE, out)?;
    decode::known_keys(map, &["off", "stack", "reason"], "a lint", out);
    let mut optional = |key: &str| {
        let node = map.get(key)?;
        decode::text(node, &format!("`{key}`"), out)
    };
    // The reason is for people; here it only has to be text.
    let (stack, _) = (optional("stack"), optional("reason"));
    if let Some(stack) = &stack {
        warn_unknown(stack, stacks, out);
    }
    let off = decode::required(map, item.span, "off", "a lint", out)?;
    let lint = decode::text(off, "`off`", out)?;
    let known = codes::lints().find(|known| *known == lint.value);
    if known.is_none() {
        out.push(unknown(&lint));
    }
    Some(LintOff {
        lint: known?,
        stack,
    })
}

fn unknown(lint: &Text) -> Diagnostic {
    let message = format!("there is no lint `{}`", lint.value.escape_debug());
    let hint = did_you_mean(&lint.value, codes::lints(), || {
        let names: Vec<_> = codes::lints().map(|name| format!("`{name}`")).collect();
        format!("The lints are {}.", names.join(", "))
    });
    Diagnostic::error("unknown-lint", lint.span, message).hint(hint)
}

fn warn_unknown(stack: &Text, stacks: &[StackEntry], out: &mut Diagnostics) {
    let names = || stacks.iter().map(|entry| entry.name.value.as_str());
    if names().any(|name| name == stack.value) {
        return;
    }
    let message = format!(
        "`stacks.yaml` has no stack `{}`",
        stack.value.escape_debug()
    );
    let hint = did_you_mean(&stack.value, names(), || {
        "Remove the line: it turns nothing off.".to_owned()
    });
    out.push(Diagnostic::warning("unknown-stack", stack.span, message).hint(hint));
}
