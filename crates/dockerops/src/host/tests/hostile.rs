//! Names and symlinks that try to lead out of the shared folder.

use std::io::Write;
use std::os::unix::fs::symlink;

use super::*;
use crate::host::Content;

#[test]
fn names_that_lead_outside_are_refused_before_anything_is_written() {
    let shared = Shared::new();
    for (path, file) in [
        ("..", "../x=1"),
        ("conf", "conf/../../x=1"),
        ("conf", "other/x=1"),
        ("conf", "/etc/x=1"),
        ("secret", "secret/db=1"),
        (".dockerops", ".dockerops/x=1"),
        ("conf", "conf/.dockerops-1.tmp=1"),
        ("conf", "conf/x=1 conf/x=2"),
        ("conf", "conf/x=1 conf/x/y=2"),
    ] {
        let refused = shared.deploy(&[wanted(path, file)]).unwrap_err();
        assert!(
            refused.iter().all(|code| *code == "binding-path"),
            "{path} {file}"
        );
    }
    assert_eq!(shared.tree(), BTreeMap::new());
}

#[test]
fn a_symlink_at_or_above_a_target_is_refused_and_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x"), "1").unwrap();
    for link in ["conf", "conf/d", "conf/d/x"] {
        let shared = Shared::new();
        fs::create_dir_all(shared.path(link).parent().unwrap()).unwrap();
        let target = if link.ends_with('x') {
            outside.path().join("x")
        } else {
            outside.path().to_owned()
        };
        symlink(target, shared.path(link)).unwrap();
        let refused = shared.deploy(&[wanted("conf", "conf/d/x=1 conf/d/new=1")]);
        assert_eq!(refused, Err(vec!["binding-in-the-way"]), "{link}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_swapped_for_a_symlink_while_running_leads_nowhere() {
    struct Swap<'a>(&'a Shared, PathBuf);
    impl Content for Swap<'_> {
        fn copy(&self, id: &str, to: &mut dyn Write) -> io::Result<()> {
            if !self.0.path("conf/d.old").exists() {
                fs::rename(self.0.path("conf/d"), self.0.path("conf/d.old"))?;
                symlink(&self.1, self.0.path("conf/d"))?;
            }
            to.write_all(id.as_bytes())
        }
    }
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x"), "1").unwrap();
    let shared = Shared::new();
    shared
        .deploy(&[wanted("conf", "conf/d/x=1 conf/d/gone=1 conf/z/y=1")])
        .unwrap();
    fs::write(outside.path().join("gone"), "1").unwrap();
    let next = [wanted(
        "conf",
        "conf/a=2 conf/d/new=2 conf/d/x=2 conf/z/y=2",
    )];
    let checked = shared.check(&next).unwrap();
    let swap = Swap(&shared, outside.path().to_owned());
    let result = shared.nfs().apply(&checked.bindings[0], &swap);
    assert!(result.is_err(), "{result:?}");
    assert_eq!(fs::read_to_string(outside.path().join("x")).unwrap(), "1");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 2);
    assert_eq!(shared.deploy(&next), Err(vec!["binding-in-the-way"]));
}

#[test]
fn files_of_ours_below_a_symlink_are_forgotten_not_removed() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x"), "1").unwrap();
    let shared = Shared::new();
    shared
        .deploy(&[wanted("conf", "conf/d/x=1 conf/y=1")])
        .unwrap();
    fs::rename(shared.path("conf/d"), shared.path("moved")).unwrap();
    symlink(outside.path(), shared.path("conf/d")).unwrap();
    shared.deploy(&[wanted("conf", "conf/y=1")]).unwrap();
    shared.deploy(&[]).unwrap();
    assert!(outside.path().join("x").exists());
    assert!(shared.path("moved/x").exists());
}

#[test]
fn a_ledger_folder_that_is_a_symlink_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    let shared = Shared::new();
    symlink(outside.path(), shared.path(".dockerops")).unwrap();
    assert!(shared.check(&[wanted("conf", "conf/x=1")]).is_err());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn without_openat2_folders_are_opened_part_by_part_and_as_safely() {
    let outside = tempfile::tempdir().unwrap();
    let shared = Shared::new();
    fs::create_dir_all(shared.path("a/b/c")).unwrap();
    symlink(outside.path(), shared.path("a/out")).unwrap();
    symlink("b", shared.path("a/in")).unwrap();
    let nfs = shared.nfs();
    assert!(nfs.root.open_folder_by_parts("a/b/c").is_ok());
    for path in ["a/out", "a/in/c", "..", "a/../..", "a//b", "/etc"] {
        assert!(nfs.root.open_folder_by_parts(path).is_err(), "{path}");
    }
}

#[test]
fn a_folder_where_the_repository_has_a_file_is_never_replaced() {
    let shared = Shared::new();
    shared.deploy(&[wanted("conf", "conf/x/y=1")]).unwrap();
    let turned = shared.deploy(&[wanted("conf", "conf/x=1")]);
    assert_eq!(turned, Err(vec!["binding-in-the-way"]));
    assert_eq!(shared.text("conf/x/y"), "1");
}
