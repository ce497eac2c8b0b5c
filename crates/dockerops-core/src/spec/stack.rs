//! What every part of the converter needs: the project, its name, and labels.

use std::collections::BTreeMap;

use super::Input;
use crate::body::Body;
use crate::compose::model::Labels;
use crate::compose::{Compose, Origin};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::names::label;

pub(super) use crate::decode::did_you_mean;

/// One stack on its way from compose words to Swarm words.
#[derive(Clone, Copy)]
pub(super) struct Stack<'a> {
    pub(super) compose: &'a Compose,
    pub(super) input: &'a Input<'a>,
}

impl Stack<'_> {
    /// Docker's name for `key`: `stack_key`.
    pub(super) fn scoped(&self, key: &str) -> String {
        self.input.stack.scoped(key)
    }

    /// The name on the Swarm of an object: its `name:`, else its key when external, else `stack_key`.
    pub(super) fn object_name(&self, key: &str, name: Option<&Text>, external: bool) -> String {
        match name {
            Some(name) => name.value.clone(),
            None if external => key.to_owned(),
            None => self.scoped(key),
        }
    }

    /// `labels` with Docker's label of the stack, which wins over one written by hand.
    pub(super) fn labels(&self, labels: &Labels) -> BTreeMap<String, Body> {
        let mut all: BTreeMap<String, Body> = labels
            .iter()
            .map(|(key, value)| (key.clone(), Body::from(value.clone())))
            .collect();
        let stack = self.input.stack.as_str();
        all.insert(label::NAMESPACE.to_owned(), Body::from(stack));
        all
    }

    /// Refuses labels that are ours to set.
    pub(super) fn check_labels(&self, labels: &Labels, out: &mut Diagnostics) {
        if self.input.origin != Origin::Repository {
            return;
        }
        for (key, value) in labels {
            if key.starts_with(label::PREFIX) && key != label::PRUNE {
                out.push(reserved(key, value));
            }
        }
    }
}

fn reserved(key: &str, value: &Text) -> Diagnostic {
    Diagnostic::error(
        "reserved-label",
        value.span,
        format!("label `{key}` is set by DockerOps itself"),
    )
    .hint(format!(
        "Remove it, or choose a name that does not start with `{}`.",
        label::PREFIX
    ))
}

/// Whether a name may be shown; one into which a secret flowed is refused, as names are everywhere.
pub(super) fn is_open(name: Option<&Text>, out: &mut Diagnostics) -> bool {
    let Some(name) = name.filter(|name| name.secrets.is_secret()) else {
        return true;
    };
    out.push(
        Diagnostic::error("secret-in-name", name.span, "a name holds a secret")
            .hint("Write the name without a variable that carries a secret."),
    );
    false
}
