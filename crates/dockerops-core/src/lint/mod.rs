//! What works but is probably not meant: the warnings that `dockerops validate` adds.
//!
//! Each lint is a small function with the name of its code; [`crate::codes::lints`]
//! lists them, `lints.yaml` turns them off. Nothing else of DockerOps runs them.
//!
//! **Invariants**
//!
//! - A lint speaks only of files that were read without an error, so that one
//!   mistake does not bring others.
//! - No message, and no quoted line, holds a value that looks like a secret. Where a
//!   file has errors, and so is not looked at in full, [`secret_in`] says it by the line.

mod bindings;
mod clear;
mod deploy;
mod hidden;
mod images;
mod line;
mod off;
mod paths;
mod ports;
mod rollout;
#[cfg(test)]
mod tests;
mod unused;
mod written;

use std::collections::BTreeSet;

use crate::compose::Compose;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::manifest::{Manifest, SecretEntry};
use crate::names::StackName;
use crate::source::Sources;
use crate::spec::StackSpec;

pub use hidden::Hidden;
pub use line::secret_in;
pub use off::without;

/// What the lints look at.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The texts.
    pub sources: &'a Sources,
    /// The files at the root of the repository; `None` for compose files given by hand.
    pub manifest: Option<&'a Manifest>,
    /// The paths of bindings at which the repository has nothing.
    pub absent: &'a BTreeSet<String>,
    /// The stacks whose compose files could be read.
    pub stacks: &'a [Stack<'a>],
}

/// One stack.
#[derive(Debug, Clone, Copy)]
pub struct Stack<'a> {
    /// Its name.
    pub name: &'a StackName,
    /// Its compose file.
    pub compose: &'a Compose,
    /// What it asks for; `None` when something is wrong with it.
    pub spec: Option<&'a StackSpec>,
    /// Its `secrets.yaml`.
    pub secrets: &'a [SecretEntry],
}

/// A warning, and the stack that it is about; `None`: the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The stack.
    pub stack: Option<StackName>,
    /// The warning.
    pub diagnostic: Diagnostic,
}

/// What the lints found.
#[derive(Debug, Default)]
pub struct Linted {
    /// The warnings, each place once.
    pub findings: Vec<Finding>,
    /// The values that look like secrets, for everybody who quotes these files.
    pub hidden: Hidden,
}

type OfStack = fn(&Input<'_>, &Stack<'_>, &mut Diagnostics);

/// The lints that need to see one stack only.
const OF_STACK: [OfStack; 9] = [
    unused::secrets,
    unused::declarations,
    clear::files,
    paths::secrets,
    images::latest,
    rollout::without_healthcheck,
    rollout::host_port,
    deploy::labels,
    deploy::reservations,
];

/// Runs every lint.
pub fn lint(input: &Input<'_>) -> Linted {
    let mut linted = Linted::default();
    linted.add(None, unused::volumes(input));
    linted.add(None, bindings::without_files(input));
    for stack in input.stacks {
        let mut out = clear::values(input, stack, &mut linted.hidden);
        for lint in OF_STACK {
            lint(input, stack, &mut out);
        }
        linted.add(Some(stack.name), out);
    }
    for (stack, found) in ports::published_twice(input) {
        linted.add(Some(stack), found);
    }
    let mut said = BTreeSet::new();
    linted.findings.retain(|Finding { diagnostic, .. }| {
        diagnostic.span.is_none() || said.insert((diagnostic.span, diagnostic.code))
    });
    linted
}

impl Linted {
    fn add(&mut self, stack: Option<&StackName>, found: Diagnostics) {
        let finding = |diagnostic| Finding {
            stack: stack.cloned(),
            diagnostic,
        };
        self.findings.extend(found.0.into_iter().map(finding));
    }
}
