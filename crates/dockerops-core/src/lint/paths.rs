//! Files that a program is told to read.

use super::{Input, Stack};
use crate::compose::model::{FileMount, Service};
use crate::decode::did_you_mean;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;

/// Where Docker puts secrets.
const FOLDER: &str = "/run/secrets/";

/// `secret-path-not-mounted`: values that are exactly such a path.
pub(super) fn secrets(_: &Input<'_>, stack: &Stack<'_>, out: &mut Diagnostics) {
    for service in stack.compose.services.values() {
        let mounted = mounted(service);
        for value in service.environment.values().flatten() {
            if let Some(name) = secret_name(value).filter(|_| !mounts_folder(service))
                && !mounted.contains(&value.value)
            {
                out.push(not_mounted(service, value, name, &mounted));
            }
        }
    }
}

fn secret_name(value: &Text) -> Option<&str> {
    let name = value.value.strip_prefix(FOLDER)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let public = !value.secrets.is_secret();
    (public && !name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// The paths of the secrets and configs that a service gets.
fn mounted(service: &Service) -> Vec<String> {
    let path = |mount: &FileMount, folder: &str| {
        let target = mount.target.as_ref().unwrap_or(&mount.source);
        let folder = if target.value.starts_with('/') {
            ""
        } else {
            folder
        };
        format!("{folder}{}", target.value)
    };
    let secrets = service.secrets.iter().map(|mount| path(mount, FOLDER));
    secrets
        .chain(service.configs.iter().map(|mount| path(mount, "/")))
        .collect()
}

/// A volume or bind there may bring any file.
fn mounts_folder(service: &Service) -> bool {
    let mut targets = service
        .volumes
        .iter()
        .map(|mount| mount.target.value.as_str());
    targets
        .any(|target| target.starts_with("/run/secrets") || target.trim_end_matches('/') == "/run")
}

fn not_mounted(service: &Service, value: &Text, name: &str, mounted: &[String]) -> Diagnostic {
    let message = format!("service `{}` does not mount `{FOLDER}{name}`", service.name);
    let paths = mounted.iter().map(String::as_str);
    let hint = did_you_mean(&value.value, paths, || {
        format!("Add `{name}` to the `secrets` of the service.")
    });
    Diagnostic::warning("secret-path-not-mounted", value.span, message).hint(hint)
}
