//! Which version runs.

use super::{Input, Stack};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::image::ImageRef;
use crate::source::Sources;

/// `latest-tag`.
pub(super) fn latest(input: &Input<'_>, stack: &Stack<'_>, out: &mut Diagnostics) {
    for image in stack
        .compose
        .services
        .values()
        .filter_map(|s| s.image.as_ref())
    {
        let Ok(parsed) = ImageRef::parse(&image.value) else {
            continue;
        };
        let floats = parsed.tag() == Some("latest") && parsed.digest().is_none();
        if !floats || image.secrets.is_secret() || comes_from_outside(image, input.sources) {
            continue;
        }
        let name = parsed.familiar_name();
        let message = format!("which version of `{name}` runs is up to the tag `latest`");
        let hint = "Write a version, as in `nginx:1.28`, or a digest.";
        out.push(Diagnostic::warning("latest-tag", image.span, message).hint(hint));
    }
}

/// Whether a variable may bring the tag: what this machine has for it says nothing.
fn comes_from_outside(image: &Text, sources: &Sources) -> bool {
    let written = sources.marked(image.span).unwrap_or_default();
    let last = written.rsplit('/').next().unwrap_or_default();
    last.contains(['$', '}'])
}
