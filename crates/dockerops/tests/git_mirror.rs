//! Mirrors and trees over `file://`: what is fetched, kept, repaired and refused.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "shared with the tests over HTTP")]
mod git_server;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use dockerops::git::{Git, GitError, GitSettings, Kind, Tree, TreeError};
use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;
use git_server::Repository;

struct Bench {
    root: tempfile::TempDir,
    repository: Repository,
    git: Git,
}

impl Bench {
    fn new(repository: Repository) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut settings = GitSettings::new(root.path().join("mirrors"));
        settings
            .environment
            .insert("PATH".to_owned(), std::env::var_os("PATH").unwrap());
        Self {
            git: Git::new(settings),
            root,
            repository,
        }
    }

    fn with(files: &[(&str, &str)]) -> Self {
        Self::new(Repository::with(files))
    }

    fn url(&self) -> RepositoryUrl {
        RepositoryUrl::parse(&self.repository.url()).unwrap()
    }

    async fn fetch(&self) -> Result<Revision, GitError> {
        self.git.fetch(&self.url(), &|_| {}).await
    }

    async fn tree(&self) -> Tree {
        let revision = self.fetch().await.unwrap();
        self.git.tree(&self.url(), &revision).unwrap()
    }

    fn mirror(&self) -> PathBuf {
        let entries = fs::read_dir(self.root.path().join("mirrors"))
            .unwrap()
            .flatten();
        let mut paths = entries.map(|entry| entry.path());
        paths
            .find(|path| path.extension().is_some_and(|e| e == "git"))
            .unwrap()
    }
}

#[tokio::test]
async fn what_is_fetched_is_what_the_server_has() {
    let bench = Bench::with(&[("stacks.yaml", "- name: web\n")]);
    assert_eq!(bench.git.mirrored(&bench.url()), None);
    let first = bench.fetch().await.unwrap();
    assert_eq!(first, bench.git.remote_head(&bench.url()).await.unwrap());
    assert_eq!(bench.git.mirrored(&bench.url()), Some(first.clone()));
    bench
        .repository
        .commit(&[("web/compose.yml", "services: {}")]);
    let second = bench.fetch().await.unwrap();
    assert!(
        bench
            .git
            .is_ancestor(&bench.url(), &first, &second)
            .await
            .unwrap()
    );
    assert!(
        !bench
            .git
            .is_ancestor(&bench.url(), &second, &first)
            .await
            .unwrap()
    );
    let tree = bench.git.tree(&bench.url(), &second).unwrap();
    assert_eq!(
        tree.read("web/compose.yml", 100).unwrap().unwrap(),
        b"services: {}"
    );
    assert_eq!(tree.commit().author, "Ann <ann@example.org>");
    assert_eq!(tree.commit().subject, "a change");
    assert_eq!(tree.commit().committed_at, 1_700_000_000);
}

#[tokio::test]
async fn a_force_push_and_another_default_branch_are_followed() {
    let bench = Bench::with(&[("f", "one")]);
    let old = bench.fetch().await.unwrap();
    bench
        .repository
        .git(&["checkout", "--quiet", "--orphan", "other"]);
    bench.repository.commit(&[("f", "two")]);
    let new = bench.fetch().await.unwrap();
    assert_ne!(old, new);
    assert!(
        !bench
            .git
            .is_ancestor(&bench.url(), &old, &new)
            .await
            .unwrap()
    );
    let unknown = Revision::parse(&"a".repeat(40)).unwrap();
    assert!(
        !bench
            .git
            .is_ancestor(&bench.url(), &unknown, &new)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn what_a_killed_fetch_left_is_cleared_away() {
    let bench = Bench::with(&[("f", "one")]);
    bench.fetch().await.unwrap();
    let mirror = bench.mirror();
    fs::write(mirror.join("refs/dockerops/head.lock"), "").unwrap();
    fs::write(mirror.join("packed-refs.lock"), "").unwrap();
    fs::write(mirror.join("objects/pack/tmp_pack_x"), "half").unwrap();
    fs::create_dir_all(mirror.with_extension("new").join("objects")).unwrap();
    let head = bench.repository.commit(&[("f", "two")]);
    assert_eq!(bench.fetch().await.unwrap().as_str(), head);
    assert!(!mirror.join("objects/pack/tmp_pack_x").exists());
    assert!(!mirror.with_extension("new").exists());
}

#[tokio::test]
async fn a_broken_mirror_is_made_anew() {
    let bench = Bench::with(&[("f", "one")]);
    let head = bench.fetch().await.unwrap();
    let mirror = bench.mirror();
    for (file, content) in [
        ("refs/dockerops/head", ""),
        ("config", "[broken"),
        ("HEAD", ""),
    ] {
        fs::write(mirror.join(file), content).unwrap();
        assert_eq!(bench.fetch().await.unwrap(), head, "{file}");
        assert_eq!(
            bench.git.mirrored(&bench.url()),
            Some(head.clone()),
            "{file}"
        );
    }
    fs::remove_dir_all(mirror.join("objects")).unwrap();
    assert_eq!(bench.fetch().await.unwrap(), head);
}

#[tokio::test]
async fn lost_objects_are_damage_and_a_new_mirror_heals_it() {
    let bench = Bench::with(&[("f", "one")]);
    let head = bench.fetch().await.unwrap();
    let objects = bench.mirror().join("objects");
    fs::remove_dir_all(&objects).unwrap();
    fs::create_dir(&objects).unwrap();
    let error = bench.git.tree(&bench.url(), &head).unwrap_err();
    assert!(error.is_damage(), "{error:?}");
    assert_eq!(
        bench.git.fetch_anew(&bench.url(), &|_| {}).await.unwrap(),
        head
    );
    bench.git.tree(&bench.url(), &head).unwrap();
}

#[tokio::test]
async fn an_empty_repository_and_one_without_its_default_branch_say_so() {
    let bench = Bench::new(Repository::new());
    for result in [
        bench.git.remote_head(&bench.url()).await,
        bench.fetch().await,
    ] {
        assert!(matches!(result, Err(GitError::Empty { .. })), "{result:?}");
    }
    bench.repository.commit(&[("f", "x")]);
    bench
        .repository
        .git(&["symbolic-ref", "HEAD", "refs/heads/gone"]);
    for result in [
        bench.git.remote_head(&bench.url()).await,
        bench.fetch().await,
    ] {
        let error = result.unwrap_err();
        assert!(
            matches!(&error, GitError::NoDefaultBranch { branches, .. } if *branches == ["main"]),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_missing_repository_and_a_missing_git_are_told() {
    let bench = Bench::with(&[("f", "x")]);
    let url = RepositoryUrl::parse("file:///nowhere/at/all").unwrap();
    let error = bench.git.remote_head(&url).await.unwrap_err();
    assert!(matches!(error, GitError::NotFound { .. }), "{error:?}");
    let mut settings = GitSettings::new(bench.root.path().join("m2"));
    settings
        .environment
        .insert("PATH".to_owned(), "/nowhere".into());
    let error = Git::new(settings)
        .remote_head(&bench.url())
        .await
        .unwrap_err();
    assert!(matches!(error, GitError::Missing), "{error:?}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let bench = Bench::with(&[("f", "x")]);
    fs::write(bench.root.path().join("mirrors"), "a file in the way").unwrap();
    let error = bench.fetch().await.unwrap_err();
    assert!(matches!(error, GitError::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains("mirrors"), "{error}");
}

#[tokio::test]
async fn a_repository_of_another_user_is_fetched_over_file() {
    let bench = Bench::with(&[("f", "x")]);
    // Only root may give files away; anybody else has nothing to test here.
    if std::os::unix::fs::chown(bench.repository.path().join(".git"), Some(12345), None).is_ok() {
        std::os::unix::fs::chown(bench.repository.path(), Some(12345), None).unwrap();
        bench.fetch().await.unwrap();
    }
}

#[tokio::test]
async fn hooks_and_configuration_of_a_repository_never_run() {
    let bench = Bench::with(&[("f", "x")]);
    bench.fetch().await.unwrap();
    let pwned = bench.root.path().join("pwned");
    let hook = bench.mirror().join("hooks/reference-transaction");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", pwned.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    bench.repository.commit(&[("f", "y")]);
    bench.fetch().await.unwrap();
    assert!(!pwned.exists());
}

#[tokio::test]
async fn symlinks_are_followed_inside_the_tree_alone() {
    let repository = Repository::new();
    let at = |name: &str| repository.path().join(name);
    fs::create_dir_all(at("a/b")).unwrap();
    symlink("../shared/x", at("a/inside")).unwrap();
    symlink("b/../../shared", at("a/folder")).unwrap();
    symlink("../../etc/passwd", at("a/outside")).unwrap();
    symlink("/etc/passwd", at("a/absolute")).unwrap();
    symlink("loop", at("a/loop")).unwrap();
    symlink("gone", at("a/dangling")).unwrap();
    repository.commit(&[("shared/x", "content"), ("a/b/c", "c")]);
    let bench = Bench::new(repository);
    let tree = bench.tree().await;
    for path in [
        "shared/x",
        "a/inside",
        "a/folder/x",
        "a/../shared/x",
        "./a/b/../inside",
        "a/folder/../shared/x",
    ] {
        assert_eq!(tree.read(path, 100).unwrap().unwrap(), b"content", "{path}");
    }
    for path in [
        "a/outside",
        "a/absolute",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a/absolute/x",
    ] {
        assert!(
            matches!(tree.read(path, 100), Err(TreeError::Outside { .. })),
            "{path}"
        );
    }
    assert!(matches!(
        tree.read("a/loop", 100),
        Err(TreeError::Loop { .. })
    ));
    for path in ["a/dangling", "nothing", "shared/x/y"] {
        assert_eq!(tree.read(path, 100).unwrap(), None, "{path}");
    }
    assert!(matches!(
        tree.read("a", 100),
        Err(TreeError::NotAFile { .. })
    ));
    assert!(matches!(
        tree.read("shared/x", 6),
        Err(TreeError::TooLarge {
            size: 7,
            limit: 6,
            ..
        })
    ));
    assert_eq!(tree.read("shared/x", 7).unwrap().unwrap(), b"content");
}

#[tokio::test]
async fn a_folder_is_listed_with_modes_and_sizes() {
    let repository = Repository::new();
    fs::create_dir(repository.path().join("d")).unwrap();
    symlink("run.sh", repository.path().join("d/link")).unwrap();
    fs::write(repository.path().join("d/run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(
        repository.path().join("d/run.sh"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    repository.commit(&[("d/e/f.txt", "four"), ("top", "")]);
    let commit = repository.head();
    repository.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{commit},d/sub"),
    ]);
    repository.git(&["commit", "--quiet", "--message", "submodule"]);
    let bench = Bench::new(repository);
    let tree = bench.tree().await;
    let entries = tree.entries("d").unwrap().unwrap();
    let shown: Vec<String> = entries
        .iter()
        .map(|entry| format!("{} {:?} {}", entry.path.display(), entry.kind, entry.size))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    e/f.txt File { executable: false } 4
    link Symlink 6
    run.sh File { executable: true } 10
    sub Submodule 0
    ");
    let mut full: &mut [u8] = &mut [0; 2];
    let failed = tree.write_blob(&entries[2].oid, &mut full);
    assert!(
        failed.is_err(),
        "and what comes next is read right all the same"
    );
    let mut copied = Vec::new();
    assert_eq!(tree.write_blob(&entries[0].oid, &mut copied).unwrap(), 4);
    assert_eq!(copied, b"four");
    assert_eq!(tree.kind("d/e").unwrap(), Some(Kind::Folder));
    assert_eq!(tree.entries("nothing").unwrap(), None);
    assert!(matches!(
        tree.entries("top"),
        Err(TreeError::NotAFolder { .. })
    ));
    assert!(matches!(
        tree.read("d/sub/x", 1),
        Err(TreeError::Submodule { .. })
    ));
    assert_eq!(tree.entries(Path::new("")).unwrap().unwrap().len(), 5);
}

#[tokio::test]
async fn a_thousand_files_are_listed_and_read_by_few_processes() {
    let repository = Repository::new();
    let names: Vec<String> = (0..1200).map(|n| format!("d/{}/{n}", n % 7)).collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), name.as_str()))
        .collect();
    repository.commit(&files);
    let bench = Bench::new(repository);
    let tree = bench.tree().await;
    let entries = tree.entries("d").unwrap().unwrap();
    assert_eq!(entries.len(), 1200);
    for entry in entries {
        let content = tree.read_blob(&entry.oid, 100).unwrap();
        assert_eq!(
            String::from_utf8(content).unwrap(),
            format!("d/{}", entry.path.display())
        );
    }
}

#[tokio::test]
async fn two_fetches_of_one_repository_at_once_both_succeed() {
    let bench = Bench::with(&[("f", "x")]);
    let (one, two) = tokio::join!(bench.fetch(), bench.fetch());
    assert_eq!(one.unwrap(), two.unwrap());
}

#[tokio::test]
async fn a_forgotten_repository_leaves_no_mirror() {
    let bench = Bench::with(&[("f", "x")]);
    bench.fetch().await.unwrap();
    let mirror = bench.mirror();
    bench.git.forget(&bench.url()).await.unwrap();
    assert!(!mirror.exists());
    bench.git.forget(&bench.url()).await.unwrap();
}
