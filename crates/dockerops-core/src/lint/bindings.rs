//! Bindings and the files that they stand for.

use super::Input;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::manifest::Manifest;

/// `binding-without-files`.
pub(super) fn without_files(input: &Input<'_>) -> Diagnostics {
    let mut out = Diagnostics::default();
    let bindings = input.manifest.into_iter().flat_map(Manifest::bindings);
    for (id, binding) in bindings {
        let path = &binding.path;
        if input.absent.contains(&path.value) {
            let message = format!(
                "the repository has nothing at `{}`, the path of `{id}`",
                path.value.escape_debug()
            );
            out.push(
                Diagnostic::warning("binding-without-files", path.span, message).hint(
                    "Correct the path, or add the files; `.gitkeep` does for an empty folder.",
                ),
            );
        }
    }
    out
}
