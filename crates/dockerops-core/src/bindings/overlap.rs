//! Two bindings at the same place.

use super::action::BindingPlan;
use super::path::covers;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::manifest::{Binding, Manifest};

/// Which of the bindings `before` in the same repository `binding` overlaps with.
///
/// The same path twice, or a path inside another, is fine as long as owner and mode
/// agree: the files are the same. Otherwise they would be set back and forth.
pub fn overlapping(binding: &Binding, before: &[&Binding]) -> Option<Diagnostic> {
    let path = &binding.path.value;
    let clash = before.iter().find(|other| {
        let touches = covers(&other.path.value, path) || covers(path, &other.path.value);
        let same = other.owner == binding.owner && other.preserve_mode == binding.preserve_mode;
        touches && !same
    })?;
    let message = format!(
        "bindings `{}` and `{path}` overlap, but ask for different owners or modes",
        clash.path.value
    );
    let error = Diagnostic::error("binding-overlap", binding.path.span, message);
    Some(error.hint("Give both the same `owner` and `mode`."))
}

/// All clashes of one repository, for who only looks at it.
pub fn overlaps(manifest: &Manifest) -> Diagnostics {
    let mut out = Diagnostics::default();
    let mut before = Vec::new();
    for (_, binding) in manifest.bindings() {
        out.0.extend(overlapping(binding, &before));
        before.push(binding);
    }
    out
}

impl BindingPlan {
    /// Does nothing, because of `error`.
    pub fn refuse(&mut self, error: Option<Diagnostic>) {
        if let Some(error) = error {
            self.errors.push(error);
            self.actions.clear();
        }
    }

    /// Does nothing, because another repository claimed the path, or one above or below it, first.
    pub fn refuse_claimed(&mut self, binding: &Binding, other: &str, claim: &str) {
        let path = &binding.path.value;
        let message = if claim == path {
            format!("the path `{path}` belongs to a binding of repository `{other}`")
        } else {
            format!("the path `{path}` overlaps with the binding `{claim}` of repository `{other}`")
        };
        let error = Diagnostic::error("binding-claimed", binding.path.span, message)
            .hint("Use another path, or take it out of the other repository's `volumes.yaml`.");
        self.refuse(Some(error));
    }
}
