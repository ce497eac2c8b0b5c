//! Which paths a repository may name.
//!
//! The NFS root and everything below it is written by root, so a path that
//! leads elsewhere would be a way to overwrite the machine. Symlinks are the
//! business of whoever opens the files.

use crate::diagnostic::Diagnostic;
use crate::field::Text;

/// Why a path is refused, and the way out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    why: &'static str,
    hint: &'static str,
}

impl Refused {
    fn new(why: &'static str, hint: &'static str) -> Self {
        Self { why, hint }
    }

    /// The error at the place of `path`; `what` is `path` or `id`.
    pub(super) fn at(&self, what: &str, path: &Text) -> Diagnostic {
        let message = format!("the {what} `{}` {}", path.value.escape_debug(), self.why);
        Diagnostic::error("bad-path", path.span, message).hint(self.hint)
    }
}

/// The NFS root without trailing slashes: absolute and clean, never `/` itself.
pub(super) fn nfs_root(path: &str) -> Result<String, Refused> {
    refuse_control(path)?;
    let Some(below) = path.strip_prefix('/') else {
        let hint = "Start it with `/`, as in `/mnt/nfs`.";
        return Err(Refused::new("is not absolute", hint));
    };
    let parts = parts(below)?;
    if below.split('/').any(|part| part == ".") {
        return Err(Refused::new("contains `.`", "Write the path without `.`."));
    }
    if parts.is_empty() {
        let hint = "Name a folder of its own, as in `/mnt/nfs`.";
        return Err(Refused::new("is the root of the machine", hint));
    }
    Ok(format!("/{}", parts.join("/")))
}

/// A file or folder of the repository: relative, clean, and not where DockerOps keeps its own.
pub(super) fn binding(path: &str) -> Result<String, Refused> {
    refuse_control(path)?;
    let parts = parts(path)?;
    // `./~` too: what it is cleaned to must itself be a path that is accepted.
    if path.starts_with('/') || parts.first().is_some_and(|part| part.starts_with('~')) {
        let hint = "Name a file or folder of the repository, as in `config/app.conf`.";
        return Err(Refused::new("does not lie in the repository", hint));
    }
    match parts.first() {
        None => {
            let hint = "Name a file or folder within the repository.";
            return Err(Refused::new("is the whole repository", hint));
        }
        Some(&"secret") => {
            let hint = "Move it to another folder: `secret` holds the secrets of the NFS root.";
            return Err(Refused::new("lies in the folder of the secrets", hint));
        }
        Some(_) => {}
    }
    if parts.iter().any(|part| part.starts_with(".dockerops")) {
        let hint = "Rename it: names that start with `.dockerops` are kept for DockerOps.";
        return Err(Refused::new("has a name that is kept for DockerOps", hint));
    }
    Ok(parts.join("/"))
}

/// The folder of a stack: relative and clean; `""` is the root of the repository.
pub(super) fn folder(path: &str) -> Result<String, Refused> {
    refuse_control(path)?;
    let parts = parts(path)?;
    let home = parts.first().is_some_and(|part| part.starts_with('~'));
    if path.is_empty() || path.starts_with('/') || home {
        let hint = "Name a folder of the repository, as in `sites/web`; `.` is its root.";
        return Err(Refused::new("does not lie in the repository", hint));
    }
    Ok(parts.join("/"))
}

/// A file that is named from a folder of the repository; where `..` leads is not looked at.
pub(super) fn beside(path: &str) -> Result<(), Refused> {
    refuse_control(path)?;
    if path.is_empty() || path.starts_with(['/', '~']) {
        let hint = "Name a file of the repository, from the stack's folder, as in `../common.env`.";
        return Err(Refused::new("does not lie in the repository", hint));
    }
    Ok(())
}

/// One file name below `{nfs.path}/secret/`.
pub(super) fn file_name(name: &str) -> Result<(), Refused> {
    let hint = "Write a plain file name, as in `db_password`.";
    refuse_control(name)?;
    if name.contains('/') || name.contains('\\') {
        return Err(Refused::new("is more than one file name", hint));
    }
    if name.is_empty() || name.starts_with('.') {
        return Err(Refused::new("is empty or starts with a `.`", hint));
    }
    Ok(())
}

/// The parts between slashes, without empty ones and `.`; `..` is refused.
fn parts(path: &str) -> Result<Vec<&str>, Refused> {
    let parts: Vec<_> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        let hint = "Write the path without `..`.";
        return Err(Refused::new("contains `..`", hint));
    }
    Ok(parts)
}

fn refuse_control(path: &str) -> Result<(), Refused> {
    if path.chars().any(char::is_control) {
        let hint = "Remove line breaks, tabs and the like.";
        return Err(Refused::new("contains a control character", hint));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_nfs_root_is_absolute_and_clean() {
        assert_eq!(nfs_root("/mnt/nfs/"), Ok("/mnt/nfs".to_owned()));
        assert_eq!(nfs_root("//mnt///nfs"), Ok("/mnt/nfs".to_owned()));
        for path in [
            "",
            "mnt",
            "/",
            "//",
            "/..",
            "/mnt/../etc",
            "/mnt/./x",
            "/.",
            "/a\nb",
            "~/x",
        ] {
            assert!(nfs_root(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_binding_stays_within_the_repository_and_off_our_own_folders() {
        assert_eq!(binding("config/app.conf"), Ok("config/app.conf".to_owned()));
        assert_eq!(binding("./config//logs/"), Ok("config/logs".to_owned()));
        assert_eq!(binding("secrets/x"), Ok("secrets/x".to_owned()));
        assert_eq!(binding("a/secret"), Ok("a/secret".to_owned()));
        for path in [
            "",
            ".",
            "./",
            "/etc",
            "~/x",
            "./~",
            "..",
            "a/..",
            "../a",
            "a/../../b",
            "secret",
            "./secret/db",
            "secret/",
            ".dockerops",
            "a/.dockerops-x/b",
            "a\0b",
            "a\nb",
        ] {
            assert!(binding(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_stack_lies_in_a_folder_of_the_repository_or_in_its_root() {
        assert_eq!(folder("./sites//web/"), Ok("sites/web".to_owned()));
        assert_eq!(folder("secret"), Ok("secret".to_owned()));
        assert_eq!(folder("."), Ok(String::new()));
        for path in ["", "/", "/etc", "~/x", "./~", "..", "a/../b", "a\n"] {
            assert!(folder(path).is_err(), "{path:?}");
        }
        assert_eq!(beside("../common.env"), Ok(()));
        for path in ["", "/etc/passwd", "~/x", "a\0"] {
            assert!(beside(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_secret_is_one_plain_file_name() {
        assert_eq!(file_name("db_password.v2"), Ok(()));
        for name in ["", ".", "..", ".hidden", "a/b", "/a", "a\\b", "a\n"] {
            assert!(file_name(name).is_err(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_binding_never_leads_outside(path in "[./~a\\\\-]{0,12}|.*") {
            if let Ok(clean) = binding(&path) {
                let parts: Vec<_> = clean.split('/').collect();
                prop_assert!(!clean.starts_with('/'));
                prop_assert!(parts.iter().all(|part| !matches!(*part, "" | "." | "..")));
                prop_assert_eq!(binding(&clean), Ok(clean.clone()));
            }
        }
    }
}
