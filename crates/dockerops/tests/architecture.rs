//! The import rules of ARCHITECTURE.md, checked against the source.
//!
//! Each folder of `src` may use only the folders named for it here. Reading the
//! text is enough: modules are always named `crate::<folder>`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Who may import whom, inside the crate `dockerops`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("registry", &[]),
    ("git", &[]),
    ("host", &[]),
    ("init", &[]),
    ("store", &[]),
    ("settings", &[]),
    ("lock", &[]),
    ("mistakes", &[]),
    ("moment", &[]),
    ("desire", &["git", "host"]),
    (
        "reconcile",
        &[
            "desire", "engine", "git", "host", "lock", "mistakes", "moment", "registry",
            "settings", "store",
        ],
    ),
    (
        "cli",
        &[
            "desire",
            "engine",
            "git",
            "host",
            "init",
            "lock",
            "mistakes",
            "moment",
            "reconcile",
            "registry",
            "settings",
            "store",
        ],
    ),
];

#[test]
fn adapters_never_import_each_other_and_only_the_command_line_sees_everything() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = Vec::new();
    for (module, allowed) in MAY_USE {
        for file in rust_files(&source, module) {
            let used = imports(&fs::read_to_string(&file).unwrap());
            let foreign = used
                .iter()
                .filter(|u| *u != module && !allowed.contains(&u.as_str()));
            broken.extend(foreign.map(|u| format!("{} may not import `{u}`", file.display())));
        }
    }
    assert_eq!(broken, Vec::<String>::new(), "see ARCHITECTURE.md, Imports");
}

#[test]
fn every_module_of_the_crate_has_a_rule() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let modules = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let ruled: BTreeSet<_> = MAY_USE.iter().map(|(module, _)| *module).collect();
    let unruled: Vec<_> = modules.filter(|module| !ruled.contains(module)).collect();
    assert_eq!(unruled, Vec::<&str>::new());
}

#[test]
fn only_the_command_line_prints() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let prints = ["println!", "eprintln!", "print!(", "stdout()", "stderr()"];
    for (module, _) in MAY_USE.iter().filter(|(module, _)| *module != "cli") {
        // Git reads the answer of its askpass program on standard output.
        for file in rust_files(&source, module)
            .iter()
            .filter(|file| !file.ends_with("git/askpass.rs"))
        {
            let text = fs::read_to_string(file).unwrap();
            let found = prints.iter().find(|p| text.contains(**p));
            assert_eq!(found, None, "{} prints", file.display());
        }
    }
}

/// All files of a module: `module.rs` or everything below `module/`.
fn rust_files(source: &Path, module: &str) -> Vec<std::path::PathBuf> {
    let single = source.join(format!("{module}.rs"));
    let mut files: Vec<_> = single.exists().then_some(single).into_iter().collect();
    let mut folders = vec![source.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "no such module: {module}");
    files
}

fn imports(text: &str) -> BTreeSet<String> {
    text.split("crate::")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}
