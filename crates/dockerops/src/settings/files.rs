//! The files that settings come from: reading them, and what is suspicious about them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{NAMES, SettingsError, env_file};

pub(super) fn read_settings_file(
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<Option<String>, SettingsError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            warnings.extend(loose_mode(path, &text));
            Ok(Some(text))
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        // It is for root alone, as it should be; whoever is not root is told so next.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && !is_root() => {
            let path = path.display();
            warnings.push(format!(
                "`{path}` is not yours to read: its settings do not count"
            ));
            Ok(None)
        }
        Err(source) => Err(SettingsError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A warning when others may change the file, or read a token in it.
pub(super) fn loose_mode(path: &Path, text: &str) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).ok()?.permissions().mode();
    let secret = env_file::names(text).any(|name| name == "GITHUB_TOKEN");
    let problem = match mode {
        mode if mode & 0o022 != 0 => "can be changed by other users",
        mode if mode & 0o044 != 0 && secret => "holds a token and can be read by other users",
        _ => return None,
    };
    let path = path.display();
    Some(format!(
        "`{path}` {problem} (mode {:04o}): run `chmod 600 {path}`",
        mode & 0o7777
    ))
}

pub(super) fn passwd_home() -> Option<PathBuf> {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    home_in(&passwd, &uid)
}

/// `name:x:uid:gid:comment:home:shell`
pub(super) fn home_in(passwd: &str, uid: &str) -> Option<PathBuf> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':').skip(2);
        let found = fields.next() == Some(uid);
        let home = fields.nth(2).filter(|home| home.starts_with('/'));
        home.filter(|_| found).map(PathBuf::from)
    })
}

/// A misspelt setting in a file would otherwise be ignored silently.
pub(super) fn unknown_names(files: &[(String, String)]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (file, text) in files {
        for name in env_file::names(text) {
            if name.starts_with("DOCKEROPS_") && !NAMES.contains(&name) {
                warnings.push(format!(
                    "`{file}` sets `{name}`, which DockerOps does not know"
                ));
            }
        }
    }
    warnings
}
