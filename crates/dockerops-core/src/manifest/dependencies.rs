//! Which stack waits for which: only for others of the same list, and never in a circle.

use super::StackEntry;
use crate::cycle;
use crate::decode::did_you_mean;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::{Field, Text};
use crate::names::StackName;

/// Checks what `entries` depend on; `names` are those that the list has, also wrong ones.
pub(super) fn check(entries: &[StackEntry], names: &[Text], out: &mut Diagnostics) {
    for entry in entries {
        for wanted in &entry.options.depends_on {
            if !names.iter().any(|name| name.value == wanted.value.as_str()) {
                out.push(unknown(wanted, entry, names));
            }
        }
    }
    let after = |name: &str| {
        let entry = entries.iter().find(|e| e.name.value.as_str() == name);
        let wanted = entry.into_iter().flat_map(|e| &e.options.depends_on);
        wanted.map(|wanted| wanted.value.as_str()).collect()
    };
    let all = entries.iter().map(|entry| entry.name.value.as_str());
    for circle in cycle::all(all, after) {
        out.push(refused(&circle, entries));
    }
}

fn unknown(wanted: &Field<StackName>, entry: &StackEntry, names: &[Text]) -> Diagnostic {
    let message = format!("`stacks.yaml` has no stack `{}`", wanted.value);
    let own = entry.name.value.as_str();
    let others = names.iter().map(|name| name.value.as_str());
    let others = others.filter(|name| *name != own);
    let hint = did_you_mean(wanted.value.as_str(), others, || {
        "Name a stack of this file: others are not waited for.".to_owned()
    });
    Diagnostic::error("unknown-stack", wanted.span, message).hint(hint)
}

/// The error, at the place where the circle's first stack names the next one.
fn refused(circle: &[&str], entries: &[StackEntry]) -> Diagnostic {
    let (first, second) = (circle.first(), circle.get(1));
    let entry = entries
        .iter()
        .find(|entry| Some(&entry.name.value.as_str()) == first);
    let wanted = entry.and_then(|entry| {
        let mut wanted = entry.options.depends_on.iter();
        wanted.find(|wanted| Some(&wanted.value.as_str()) == second)
    });
    let message = format!("stacks wait for each other: {}", cycle::shown(circle));
    Diagnostic::error("stack-cycle", wanted.map(|wanted| wanted.span), message)
        .hint("Take one of them out of `depends_on`.")
}
