//! What users are promised of bindings and secret values.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;

use dockerops_core::bindings::Neighbour;

use super::*;
use crate::host::{SecretError, read_secret};

#[test]
fn files_are_copied_with_modes_and_an_unchanged_binding_writes_nothing() {
    let shared = Shared::new();
    let conf = [wanted("a/conf", "a/conf/x=1 *a/conf/d/run=22")];
    assert_eq!(shared.deploy(&conf), Ok(vec![]));
    insta::assert_debug_snapshot!(shared.tree(), @r#"
    {
        "a/": "755",
        "a/conf/": "755",
        "a/conf/d/": "755",
        "a/conf/d/run": "644 22",
        "a/conf/x": "644 1",
    }
    "#);
    let before = stamps(&shared);
    let checked = shared.check(&conf).unwrap();
    assert_eq!(checked.bindings[0].plan.actions, []);
    assert_eq!(shared.deploy(&conf), Ok(vec![]));
    assert_eq!(stamps(&shared), before);
}

/// Inode and ctime of everything, the ledger included: any write shows.
fn stamps(shared: &Shared) -> Vec<(u64, i64, i64)> {
    let mut stamps = Vec::new();
    let mut folders = vec![shared.dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        let mut all = vec![folder.clone()];
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.push(path);
            }
        }
        all.sort();
        for path in all {
            let meta = fs::symlink_metadata(path).unwrap();
            stamps.push((meta.ino(), meta.ctime(), meta.ctime_nsec()));
        }
    }
    stamps
}

#[test]
fn an_unchanged_check_reads_no_content() {
    let shared = Shared::new();
    let conf = [wanted("conf", "conf/x=1 conf/y=2")];
    shared.deploy(&conf).unwrap();
    let nothing = |_: &str| Err(io::Error::other("read"));
    let checked = shared.nfs().check(
        &shared.repository,
        &conf,
        false,
        &shared.neighbours,
        &nothing,
    );
    assert_eq!(checked.unwrap().bindings[0].plan.actions, []);
}

#[test]
fn mode_preserve_keeps_the_executable_bit_and_turning_it_on_later_does_too() {
    let shared = Shared::new();
    let mut conf = [wanted("conf", "*conf/run=1")];
    shared.deploy(&conf).unwrap();
    conf[0].binding.preserve_mode = true;
    shared.deploy(&conf).unwrap();
    assert_eq!(shared.tree()["conf/run"], "755 1");
    assert_eq!(shared.check(&conf).unwrap().bindings[0].plan.actions, []);
}

#[test]
fn a_file_can_be_a_binding_of_its_own() {
    let shared = Shared::new();
    shared.deploy(&[wanted("a/x.conf", "a/x.conf=1")]).unwrap();
    shared.deploy(&[wanted("a/x.conf", "a/x.conf=2")]).unwrap();
    assert_eq!(shared.text("a/x.conf"), "2");
}

#[test]
fn files_that_left_go_and_files_that_containers_wrote_stay() {
    let shared = Shared::new();
    shared
        .deploy(&[wanted("conf", "conf/x=1 conf/d/y=2 conf/e/z=3")])
        .unwrap();
    shared.put("conf/d/data", "container's");
    shared.deploy(&[wanted("conf", "conf/x=1")]).unwrap();
    let tree: Vec<String> = shared.tree().into_keys().collect();
    assert_eq!(tree, ["conf/", "conf/d/", "conf/d/data", "conf/x"]);
}

#[test]
fn a_container_s_change_is_left_until_the_repository_changes_too_and_then_kept_beside() {
    let shared = Shared::new();
    shared.deploy(&[wanted("conf", "conf/x=1")]).unwrap();
    shared.put("conf/x", "mine");
    let changed = Report::Changed("conf/x".to_owned());
    assert_eq!(
        shared.deploy(&[wanted("conf", "conf/x=1")]),
        Ok(vec![changed])
    );
    assert_eq!(shared.text("conf/x"), "mine");

    let saved = Report::Saved("conf/x".to_owned());
    assert_eq!(
        shared.deploy(&[wanted("conf", "conf/x=2")]),
        Ok(vec![saved])
    );
    assert_eq!(shared.text("conf/x"), "2");
    assert_eq!(shared.text("conf/x.dockerops-saved"), "mine");

    shared.put("conf/x", "again");
    shared.deploy(&[wanted("conf", "conf/x=3")]).unwrap();
    assert_eq!(shared.text("conf/x.dockerops-saved"), "mine");
    assert_eq!(shared.text("conf/x.dockerops-saved-2"), "again");
}

#[test]
fn a_change_of_the_same_size_is_noticed() {
    let shared = Shared::new();
    shared.deploy(&[wanted("conf", "conf/x=1")]).unwrap();
    shared.put("conf/x", "9");
    let changed = Report::Changed("conf/x".to_owned());
    assert_eq!(
        shared.deploy(&[wanted("conf", "conf/x=1")]),
        Ok(vec![changed])
    );
}

#[test]
fn a_touched_file_is_read_once_and_then_known_again() {
    let shared = Shared::new();
    let conf = [wanted("conf", "conf/x=1")];
    shared.deploy(&conf).unwrap();
    shared.put("conf/x", "1");
    assert_eq!(shared.deploy(&conf), Ok(vec![]));
    assert_eq!(shared.check(&conf).unwrap().bindings[0].plan.actions, []);
}

#[test]
fn a_foreign_file_is_taken_over_when_identical_and_refused_when_not() {
    let mut shared = Shared::new();
    shared.put("conf/same", "1");
    assert_eq!(
        shared.deploy(&[wanted("conf", "conf/same=1")]),
        Ok(vec![Report::TakenOver("conf/same".to_owned())])
    );
    shared.put("conf/other", "theirs");
    let conf = [wanted("conf", "conf/same=2 conf/other=1")];
    assert_eq!(shared.deploy(&conf), Err(vec!["binding-foreign-file"]));
    assert_eq!(shared.text("conf/other"), "theirs");
    assert_eq!(shared.text("conf/same"), "1");

    shared.adopt = true;
    shared.deploy(&conf).unwrap();
    assert_eq!(shared.text("conf/other"), "1");
    assert_eq!(shared.text("conf/other.dockerops-saved"), "theirs");
}

#[test]
fn a_binding_that_never_existed_is_an_empty_folder_and_one_that_vanished_an_error() {
    let shared = Shared::new();
    let empty = Report::CreatedEmpty("app/logs".to_owned());
    assert_eq!(shared.deploy(&[wanted("app/logs", "")]), Ok(vec![empty]));
    shared.put("app/logs/log", "container's");
    assert_eq!(shared.deploy(&[wanted("app/logs", "")]), Ok(vec![]));
    assert_eq!(shared.text("app/logs/log"), "container's");

    shared
        .deploy(&[wanted("app/logs", "app/logs/x=1")])
        .unwrap();
    assert_eq!(
        shared.deploy(&[wanted("app/logs", "")]),
        Err(vec!["binding-gone"])
    );
    assert_eq!(shared.text("app/logs/x"), "1");
}

#[test]
fn a_binding_that_left_volumes_yaml_takes_only_its_own_files_along() {
    let shared = Shared::new();
    let (one, two) = (wanted("a/one", "a/one/x=1"), wanted("a/two", "a/two/x=1"));
    shared.deploy(&[one.clone(), two.clone()]).unwrap();
    shared.put("a/two/data", "container's");
    shared.deploy(std::slice::from_ref(&one)).unwrap();
    let tree: Vec<String> = shared.tree().into_keys().collect();
    assert_eq!(tree, ["a/", "a/one/", "a/one/x", "a/two/", "a/two/data"]);
    assert_eq!(shared.check(&[one]).unwrap().retired, []);
}

#[test]
fn a_binding_inside_another_leaves_it_whole_when_it_goes() {
    let shared = Shared::new();
    let outer = wanted("app", "app/x=1 app/conf/y=2");
    let inner = wanted("app/conf", "app/conf/y=2");
    shared.deploy(&[inner.clone(), outer.clone()]).unwrap();
    assert_eq!(shared.deploy(std::slice::from_ref(&outer)), Ok(vec![]));
    assert_eq!(shared.text("app/conf/y"), "2");
    let mut other = inner;
    other.binding.owner = Some((4, 4));
    assert_eq!(shared.deploy(&[outer, other]), Err(vec!["binding-overlap"]));
}

/// The second repository beside the first, which lists these paths.
fn second(shared: &mut Shared, lists: Option<&[&str]>) {
    shared.repository = Owner("https://git.test/two".to_owned());
    let first = Neighbour {
        lists: lists.map(|lists| lists.iter().map(|&path| path.to_owned()).collect()),
        before: true,
    };
    let first = (Owner("https://git.test/one".to_owned()), first);
    shared.neighbours = Arc::new(Neighbours::from([first]));
}

#[test]
fn a_path_that_another_repository_claimed_is_refused() {
    let mut shared = Shared::new();
    shared.deploy(&[wanted("a/conf", "a/conf/x=1")]).unwrap();
    for lists in [None, Some(&["a/conf"][..])] {
        second(&mut shared, lists);
        for (path, file) in [
            ("a/conf", "a/conf/x=1"),
            ("a", "a/x=1"),
            ("a/conf/x", "a/conf/x=1"),
        ] {
            assert_eq!(
                shared.deploy(&[wanted(path, file)]),
                Err(vec!["binding-claimed"]),
                "{path}"
            );
        }
    }
}

#[test]
fn a_claim_of_who_lists_or_is_watched_no_more_blocks_nobody_and_loses_no_file() {
    for watched in [true, false] {
        let mut shared = Shared::new();
        let conf = [wanted("conf", "conf/x=1")];
        shared.deploy(&conf).unwrap();
        let one = shared.repository.clone();
        second(&mut shared, Some(&[]));
        if !watched {
            shared.neighbours = Arc::default();
        }
        let theirs = shared.deploy(&[wanted("conf", "conf/x=2")]);
        assert_eq!(theirs, Err(vec!["binding-foreign-file"]));
        let taken = Report::TakenOver("conf/x".to_owned());
        assert_eq!(shared.deploy(&conf), Ok(vec![taken]));

        shared.repository = one;
        shared.neighbours = Arc::default();
        assert_eq!(shared.deploy(&[]), Ok(vec![]), "what left is not removed");
        assert_eq!(shared.text("conf/x"), "1");
        assert_eq!(shared.check(&[]).unwrap().retired, []);
    }
}

#[test]
fn a_lost_ledger_takes_identical_files_over_and_a_damaged_one_changes_nothing() {
    let shared = Shared::new();
    let conf = [wanted("conf", "conf/x=1")];
    shared.deploy(&conf).unwrap();
    let ledger = fs::read_dir(shared.path(".dockerops"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::write(&ledger, "{\"schema\":1,").unwrap();
    let error = shared.check(&[wanted("conf", "conf/x=2")]).unwrap_err();
    assert!(matches!(error, HostError::Ledger { .. }), "{error:?}");
    assert_eq!(shared.text("conf/x"), "1");

    fs::remove_file(ledger).unwrap();
    let taken = Report::TakenOver("conf/x".to_owned());
    assert_eq!(shared.deploy(&conf), Ok(vec![taken]));
    shared.deploy(&[wanted("conf", "conf/x=2")]).unwrap();
    assert_eq!(shared.text("conf/x"), "2");
}

#[test]
fn a_container_s_open_folder_sees_the_update_and_its_open_file_stays_whole() {
    let shared = Shared::new();
    shared.deploy(&[wanted("conf", "conf/x=old")]).unwrap();
    let before = fs::metadata(shared.path("conf")).unwrap().ino();
    let folder = fs::File::open(shared.path("conf")).unwrap();
    let mut open = fs::File::open(shared.path("conf/x")).unwrap();
    shared
        .deploy(&[wanted("conf", "conf/x=new-and-longer")])
        .unwrap();
    assert_eq!(fs::metadata(shared.path("conf")).unwrap().ino(), before);
    let mut text = String::new();
    open.read_to_string(&mut text).unwrap();
    assert_eq!(text, "old");
    let flags = rustix::fs::OFlags::RDONLY;
    let file = rustix::fs::openat(&folder, "x", flags, rustix::fs::Mode::empty()).unwrap();
    assert_eq!(
        io::read_to_string(fs::File::from(file)).unwrap(),
        "new-and-longer"
    );
}

#[test]
fn a_reader_never_sees_a_half_written_file() {
    struct Slow<'a>(&'a Shared);
    impl crate::host::Content for Slow<'_> {
        fn copy(&self, id: &str, to: &mut dyn Write) -> io::Result<()> {
            for byte in id.bytes() {
                to.write_all(&[byte])?;
                to.flush()?;
                assert_eq!(self.0.text("conf/x"), "old");
            }
            Ok(())
        }
    }
    let shared = Shared::new();
    shared.deploy(&[wanted("conf", "conf/x=old")]).unwrap();
    let checked = shared.check(&[wanted("conf", "conf/x=quite-new")]).unwrap();
    shared
        .nfs()
        .apply(&checked.bindings[0], &Slow(&shared))
        .unwrap();
    assert_eq!(shared.text("conf/x"), "quite-new");
}

#[test]
fn a_failing_content_leaves_every_file_and_no_temporary_name() {
    let shared = Shared::new();
    shared
        .deploy(&[wanted("conf", "conf/x=1 conf/y=1")])
        .unwrap();
    let before = shared.tree();
    let next = [wanted("conf", "conf/x=2 conf/y=broken conf/z=3")];
    let checked = shared.check(&next).unwrap();
    let broken = |id: &str| match id {
        "broken" => Err(io::Error::other("mirror gone")),
        id => content(id),
    };
    let error = shared
        .nfs()
        .apply(&checked.bindings[0], &broken)
        .unwrap_err();
    assert!(matches!(error, HostError::Content { .. }), "{error:?}");
    assert_eq!(shared.tree(), before);
    let short = |id: &str| content(id.get(1..).unwrap_or_default());
    let error = shared
        .nfs()
        .apply(&checked.bindings[0], &short)
        .unwrap_err();
    assert!(matches!(error, HostError::ContentSize { .. }), "{error:?}");
    assert_eq!(shared.tree(), before);
    assert_eq!(shared.deploy(&next), Ok(vec![]));
}

#[test]
fn a_change_between_plan_and_apply_is_stale_and_left() {
    let shared = Shared::new();
    shared.deploy(&[wanted("conf", "conf/x=1")]).unwrap();
    let checked = shared.check(&[wanted("conf", "conf/x=2")]).unwrap();
    shared.put("conf/x", "mine");
    let error = shared
        .nfs()
        .apply(&checked.bindings[0], &content)
        .unwrap_err();
    assert!(matches!(error, HostError::Stale { .. }), "{error:?}");
    assert_eq!(shared.text("conf/x"), "mine");
}

#[test]
fn a_plan_applied_twice_does_nothing_the_second_time() {
    let shared = Shared::new();
    let checked = shared.check(&[wanted("conf", "conf/x=1")]).unwrap();
    assert_eq!(
        shared
            .nfs()
            .apply(&checked.bindings[0], &content)
            .unwrap()
            .written,
        1
    );
    let again = shared.nfs().apply(&checked.bindings[0], &content).unwrap();
    assert_eq!(again, Applied::default());
}

#[test]
fn a_missing_shared_folder_and_a_file_in_its_place_are_told_apart() {
    let shared = Shared::new();
    shared.put("file", "");
    let missing = Nfs::open(&shared.path("missing")).unwrap_err();
    assert!(matches!(missing, HostError::Missing { .. }) && missing.hint().is_some());
    let file = Nfs::open(&shared.path("file")).unwrap_err();
    assert!(matches!(file, HostError::NotAFolder { .. }) && file.hint().is_some());
}

#[test]
fn a_secret_s_value_is_its_file_without_the_trailing_newline() {
    let shared = Shared::new();
    for (file, value) in [
        ("a\n", "a"),
        ("a\n\n", "a\n"),
        ("a", "a"),
        ("", ""),
        (" a \r\n", " a "),
    ] {
        shared.put("secret/db", file);
        let secret = read_secret(shared.dir.path(), "db").unwrap();
        assert_eq!(secret.expose(), value.as_bytes(), "{file:?}");
    }
}

#[test]
fn a_secret_without_usable_file_names_its_id_and_the_path_expected() {
    let shared = Shared::new();
    let error = read_secret(shared.dir.path(), "db").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`db`") && text.contains(&*shared.path("secret/db").to_string_lossy()));
    shared.put("outside", "x");
    fs::create_dir_all(shared.path("secret/folder")).unwrap();
    std::os::unix::fs::symlink(shared.path("outside"), shared.path("secret/link")).unwrap();
    for id in ["folder", "link"] {
        let error = read_secret(shared.dir.path(), id).unwrap_err();
        assert!(matches!(error, SecretError::NotAFile { .. }), "{error:?}");
    }
    for id in ["", ".", "..", "../outside", "a/b", "a\0"] {
        let error = read_secret(shared.dir.path(), id).unwrap_err();
        assert!(matches!(error, SecretError::Id { .. }), "{id:?} {error:?}");
    }
}

#[test]
fn folders_of_others_keep_their_mode() {
    let shared = Shared::new();
    fs::create_dir(shared.path("conf")).unwrap();
    fs::set_permissions(shared.path("conf"), fs::Permissions::from_mode(0o700)).unwrap();
    shared.deploy(&[wanted("conf", "conf/x=1")]).unwrap();
    assert_eq!(shared.tree()["conf/"], "700");
    shared.deploy(&[]).unwrap();
    assert_eq!(shared.tree().into_keys().collect::<Vec<_>>(), ["conf/"]);
}

#[test]
fn another_owner_is_set_once_or_refused_once() {
    let shared = Shared::new();
    let mut conf = [wanted("conf", "conf/d/x=1")];
    shared.deploy(&conf).unwrap();
    conf[0].binding.owner = Some((4321, 4321));
    let reports = shared.deploy(&conf).unwrap();
    assert_eq!(shared.check(&conf).unwrap().bindings[0].plan.actions, []);
    for path in ["conf", "conf/d", "conf/d/x"] {
        let meta = fs::metadata(shared.path(path)).unwrap();
        let set = (meta.uid(), meta.gid()) == (4321, 4321);
        let refused = reports == [Report::OwnerRefused("conf".to_owned())];
        assert!(set != refused, "{path} {reports:?}");
    }
}

#[test]
fn a_version_that_cannot_be_kept_beside_is_not_replaced() {
    let shared = Shared::new();
    let path = format!("conf/{}", "n".repeat(250));
    shared
        .deploy(&[wanted("conf", &format!("{path}=1 conf/a=1"))])
        .unwrap();
    shared.put(&path, "mine");
    let before = shared.tree();
    let next = [wanted("conf", &format!("{path}=2 conf/a=2"))];
    let checked = shared.check(&next).unwrap();
    let error = shared
        .nfs()
        .apply(&checked.bindings[0], &content)
        .unwrap_err();
    assert!(matches!(error, HostError::Io { .. }), "{error:?}");
    assert_eq!(shared.tree(), before);
}
