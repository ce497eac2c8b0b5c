//! Paths as Docker's client judges them: of Unix and of Windows, on whatever system it runs.

/// Whether the first section of a short volume is a path, not the name of a volume.
///
/// `cli/internal/volumespec`.
pub(super) fn is_file_path(source: &str) -> bool {
    if source.starts_with(['.', '/', '~']) || source.starts_with(r"\\") {
        return true;
    }
    let mut chars = source.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next() == Some(':')
}

/// Whether the path starts at a root: `/x`, `C:\x`, `\\server\share\x`.
pub(super) fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || starts_at_drive(path) || starts_at_share(path)
}

fn starts_at_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

/// `\\server\share\…`, by the rules of Go's `path/filepath` on Windows.
fn starts_at_share(path: &str) -> bool {
    let Some(rest) = path.strip_prefix(r"\\") else {
        return false;
    };
    let mut parts = rest.splitn(3, ['\\', '/']);
    let (server, share, inside) = (parts.next(), parts.next(), parts.next());
    let named =
        |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && !part.starts_with('.'));
    named(server) && named(share) && inside.is_some()
}

/// `path` from `folder`, with `.`, `..` and doubled slashes resolved (Go's `filepath.Join`).
pub(super) fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// How `path` is shown, which is relative to the file `beside`.
pub(super) fn beside(beside: &str, path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    match beside.rsplit_once('/') {
        Some((folder, _)) if !path.starts_with('/') => format!("{folder}/{path}"),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_paths_from_names() {
        for path in [
            "./a",
            "../a",
            "/a",
            "~",
            "~/a",
            r"\\.\pipe\x",
            r"c:\a",
            "C:",
            "é:x",
        ] {
            assert!(is_file_path(path), "{path}");
        }
        for name in ["a", "data", "config_files", "a.b", "é", "ab:c"] {
            assert!(!is_file_path(name), "{name}");
        }
    }

    #[test]
    fn knows_the_roots_of_both_systems() {
        for path in ["/", "/a", r"c:\a", "c:/a", r"\\server\share\a"] {
            assert!(is_absolute(path), "{path}");
        }
        for path in [
            "",
            "a",
            "./a",
            "~/a",
            "c:a",
            "c:",
            r"\\server\share",
            r"\\.\pipe\x",
            r"\a",
        ] {
            assert!(!is_absolute(path), "{path}");
        }
    }

    #[test]
    fn joins_and_cleans() {
        for (path, joined) in [
            ("a", "/w/x/a"),
            ("./a//b/", "/w/x/a/b"),
            ("../../../a", "/a"),
            (".", "/w/x"),
        ] {
            assert_eq!(join("/w/x", path), joined, "{path}");
        }
    }
}
