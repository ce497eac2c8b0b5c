//! `volumes.yaml` on a real Swarm: Docker volumes, and files of the repository on shared storage.
//!
//! Services want no task where files alone are at stake: such a run takes no time.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use dockerops_lab::{Change, Lab, Person, Ran, Repository, sleepers, wait_for};

/// A person with one repository and one stack in it.
struct Case {
    person: Person<'static>,
    repository: Repository,
    stack: String,
    image: String,
}

impl Case {
    fn new(topic: &str) -> Self {
        let person = Person::new(Lab::shared().unwrap(), topic).unwrap();
        let repository = person.repository().unwrap();
        let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
        let case = Self {
            person,
            repository,
            stack,
            image,
        };
        let list = format!("- name: {}\n", case.stack);
        let nfs = case.person.nfs_yaml();
        case.commit(&[("stacks.yaml", &list), ("nfs.yaml", &nfs)]);
        case
    }

    fn commit(&self, files: &[(&str, &str)]) {
        self.repository.commit(files, "files").unwrap();
    }

    /// Services `(name, volumes)` that want no task.
    fn idle(&self, services: &[(&str, &str)]) {
        let mut text = "services:\n".to_owned();
        for (name, volumes) in services {
            let image = &self.image;
            let _ = writeln!(
                text,
                "  {name}: {{image: '{image}', deploy: {{replicas: 0}}, volumes: [{volumes}]}}"
            );
        }
        self.compose(&text);
    }

    fn compose(&self, text: &str) {
        self.commit(&[(&format!("{}/docker-compose.yml", self.stack), text)]);
    }

    /// `volumes.yaml` with lines `id type path more`.
    fn volumes(&self, lines: &[&str]) {
        let entry = |line: &&str| {
            let mut words = line.splitn(4, ' ');
            let mut word = || words.next().unwrap_or_default();
            format!(
                "- {{id: '{}', type: {}, path: '{}'{}}}\n",
                word(),
                word(),
                word(),
                word()
            )
        };
        let text: String = lines.iter().map(entry).collect();
        self.commit(&[("volumes.yaml", &text)]);
    }

    fn watch(&self) -> Ran {
        self.person.run(&["watch", &self.repository.url()]).unwrap()
    }

    fn reconcile(&self) -> Ran {
        self.person.run(&["reconcile"]).unwrap()
    }

    fn nfs(&self, path: &str) -> PathBuf {
        self.person.nfs().join(path)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.nfs(path)).unwrap()
    }

    fn service(&self, name: &str) -> String {
        format!("{}_{name}", self.stack)
    }

    fn version(&self, name: &str) -> u64 {
        self.person.lab.version(&self.service(name)).unwrap()
    }

    /// The first mount of a service: source, target, whether read-only.
    fn mount(&self, name: &str) -> (String, String, bool) {
        let services = self.person.lab.services(&self.stack).unwrap();
        let mount =
            &services[&self.service(name)]["Spec"]["TaskTemplate"]["ContainerSpec"]["Mounts"][0];
        let text = |key: &str| mount[key].as_str().unwrap_or_default().to_owned();
        let read_only = mount["ReadOnly"].as_bool().unwrap_or_default();
        (text("Source"), text("Target"), read_only)
    }

    /// Runs a shell line in the container of a service.
    fn inside(&self, name: &str, line: &str) -> String {
        let label = format!("label=com.docker.swarm.service.name={}", self.service(name));
        let id = self.person.lab.docker(&["ps", "-q", "-f", &label]).unwrap();
        self.person
            .lab
            .docker(&["exec", id.trim(), "sh", "-c", line])
            .unwrap()
    }

    fn stop(&self) {
        assert!(ok(&self.person.run(&["stop"]).unwrap()));
    }
}

#[track_caller]
fn ok(ran: &Ran) -> bool {
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    true
}

#[track_caller]
fn says(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(ran.text().contains(word), "no `{word}` in:\n{}", ran.text());
    }
}

#[test]
fn a_volume_id_mounts_the_docker_volume_named_exactly() {
    let case = Case::new("volume");
    let name = case.person.named("data");
    case.volumes(&[&format!("app_data volume {name}")]);
    let compose = sleepers(&[("web", &case.image, ", volumes: ['app_data:/data']")]);
    case.compose(&compose);
    assert!(ok(&case.watch()));
    assert_eq!(case.mount("web"), (name.clone(), "/data".to_owned(), false));
    case.inside("web", "echo kept > /data/file");
    case.stop();
    let volumes = case.person.lab.docker(&["volume", "ls", "-q"]).unwrap();
    assert!(volumes.lines().any(|line| line == name), "{volumes}");
    let lab = case.person.lab;
    let free = || Ok(lab.docker(&["volume", "rm", "-f", &name]).is_ok());
    wait_for("the volume to be free", Duration::from_secs(30), free).unwrap();
}

#[test]
fn a_volume_that_is_left_behind_goes_with_prune_volumes_alone() {
    let case = Case::new("prune");
    let listed = case.person.named("listed");
    case.volumes(&[&format!("listed volume {listed}")]);
    let compose = |volumes: &str| {
        let web = format!(", volumes: ['listed:/listed'{volumes}]");
        sleepers(&[("web", &case.image, &web)])
    };
    let old = ("old", case.image.as_str(), ", volumes: ['old:/old']");
    let web = (
        "web",
        case.image.as_str(),
        ", volumes: ['listed:/listed', 'data:/data']",
    );
    case.compose(&(sleepers(&[web, old]) + "volumes: {data: {}, old: {}}\n"));
    assert!(ok(&case.watch()));
    let (data, gone) = (case.service("data"), case.service("old"));
    let lab = case.person.lab;
    let volumes = || lab.docker(&["volume", "ls", "-q"]).unwrap();
    let has = |name: &str| volumes().lines().any(|line| line == name);
    assert!(has(&data) && has(&gone) && has(&listed), "{}", volumes());

    case.compose(&(compose(", 'data:/data'") + "volumes: {data: {}}\n"));
    let kept = case.reconcile();
    assert!(ok(&kept) && has(&gone), "{}", kept.text());

    let plan = case.person.run(&["plan", "--prune-volumes"]).unwrap();
    says(
        &plan,
        &[&format!("- volume   {gone}"), "no longer declared"],
    );
    assert!(has(&gone), "a plan removes nothing");
    let pruned = case.person.run(&["reconcile", "--prune-volumes"]).unwrap();
    assert!(ok(&pruned));
    says(&pruned, &[&format!("- volume   {gone}")]);
    assert!(!has(&gone) && has(&data) && has(&listed), "{}", volumes());

    case.commit(&[("stacks.yaml", "[]\n")]);
    let left = case.person.run(&["reconcile", "--prune"]).unwrap();
    assert!(ok(&left));
    says(
        &left,
        &[&format!(
            "= {data}  volume, kept with its data; --prune-volumes removes it"
        )],
    );
    assert!(!left.text().contains(&listed), "{}", left.text());
    assert!(has(&data) && has(&listed), "{}", volumes());
    case.stop();
    let free = || Ok(lab.docker(&["volume", "rm", "-f", &data, &listed]).is_ok());
    wait_for("the volumes to be free", Duration::from_secs(30), free).unwrap();
}

#[test]
fn a_volume_never_changes_under_a_running_service_unless_allowed() {
    let case = Case::new("volchange");
    let (one, two) = (case.person.named("one"), case.person.named("two"));
    case.volumes(&[&format!("app_data volume {one}")]);
    case.idle(&[("web", "'app_data:/data'")]);
    assert!(ok(&case.watch()));
    case.volumes(&[&format!("app_data volume {two}")]);
    let refused = case.reconcile();
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    says(&refused, &[&one, &two, "--allow-volume-change"]);
    assert_eq!(case.mount("web").0, one);
    let allowed = case.person.run(&["reconcile", "--allow-volume-change"]);
    assert!(ok(&allowed.unwrap()));
    assert_eq!(case.mount("web").0, two);
    case.stop();
}

#[test]
fn a_binding_is_copied_and_mounted_from_nfs() {
    let case = Case::new("binding");
    case.volumes(&["conf binding conf/nginx", "motd binding motd.txt"]);
    case.commit(&[("conf/nginx/site/a.conf", "a"), ("motd.txt", "hello")]);
    let mounts = "'conf:/etc/nginx:ro'";
    let long = "{type: volume, source: motd, target: /etc/motd, read_only: true}";
    case.idle(&[("short", mounts), ("long", long)]);
    assert!(ok(&case.watch()));
    assert_eq!(case.text("conf/nginx/site/a.conf"), "a");
    assert_eq!(case.text("motd.txt"), "hello");
    let at = |path: &str| case.nfs(path).display().to_string();
    let short = (at("conf/nginx"), "/etc/nginx".to_owned(), true);
    assert_eq!(case.mount("short"), short);
    assert_eq!(
        case.mount("long"),
        (at("motd.txt"), "/etc/motd".to_owned(), true)
    );
    case.stop();
    assert_eq!(case.text("motd.txt"), "hello", "`stop` removes no data");

    // The same repository again, with other files.
    case.commit(&[("motd.txt", "hello again")]);
    assert!(ok(&case.watch()));
    assert_eq!(case.text("motd.txt"), "hello again");
    case.stop();
}

#[test]
fn bindings_get_documented_modes_and_owner() {
    let case = Case::new("modes");
    case.volumes(&[
        "plain binding plain",
        "owned binding owned , owner: '1000:1001', mode: preserve",
    ]);
    let changes = [
        Change::WriteExecutable("plain/bin/run", b"x"),
        Change::WriteExecutable("owned/run", b"x"),
        Change::Write("owned/text", b"x"),
    ];
    case.repository.commit_changes(&changes, "files").unwrap();
    case.idle(&[("web", "'plain:/p', 'owned:/o'")]);
    assert!(ok(&case.watch()));
    let look = |path: &str| {
        let found = fs::metadata(case.nfs(path)).unwrap();
        (
            found.permissions().mode() & 0o7777,
            found.uid(),
            found.gid(),
        )
    };
    assert_eq!(look("plain/bin"), (0o755, 0, 0));
    assert_eq!(look("plain/bin/run"), (0o644, 0, 0));
    assert_eq!(look("owned"), (0o755, 1000, 1001));
    assert_eq!(look("owned/run"), (0o755, 1000, 1001));
    assert_eq!(look("owned/text"), (0o644, 1000, 1001));
    case.stop();
}

#[test]
fn a_container_sees_new_files_in_the_folder_it_holds() {
    let case = Case::new("holds");
    case.volumes(&["conf binding conf"]);
    case.commit(&[("conf/a", "old")]);
    // A task of its own that nobody restarts holds the folder, as a container of another stack may.
    case.idle(&[("web", "'conf:/conf'")]);
    assert!(ok(&case.watch()));
    let mount = format!("{}:/conf", case.nfs("conf").display());
    let holder = case.person.named("holder");
    let start = [
        "run",
        "-d",
        "--rm",
        "--network",
        "none",
        "--name",
        &holder,
        "-v",
        &mount,
    ];
    let start = [&start[..], &[&case.image, "sleep", "1000"]].concat();
    case.person.lab.docker(&start).unwrap();
    let inode = fs::metadata(case.nfs("conf")).unwrap().ino();
    case.commit(&[("conf/a", "new"), ("conf/b", "more")]);
    assert!(ok(&case.reconcile()));
    assert_eq!(fs::metadata(case.nfs("conf")).unwrap().ino(), inode);
    let seen = ["exec", &holder, "cat", "/conf/a", "/conf/b"];
    assert_eq!(case.person.lab.docker(&seen).unwrap().trim(), "newmore");
    case.person.lab.docker(&["rm", "-f", &holder]).unwrap();
    case.stop();
}

#[test]
fn files_that_containers_wrote_stay() {
    let case = Case::new("written");
    case.volumes(&["data binding data"]);
    case.commit(&[("data/ours/a", "a"), ("data/b", "b")]);
    case.idle(&[("web", "'data:/data'")]);
    assert!(ok(&case.watch()));
    fs::write(case.nfs("data/ours/theirs"), "theirs").unwrap();
    let gone = [Change::Remove("data/ours"), Change::Write("data/c", b"c")];
    case.repository.commit_changes(&gone, "gone").unwrap();
    assert!(ok(&case.reconcile()));
    assert!(!case.nfs("data/ours/a").exists());
    assert_eq!(case.text("data/ours/theirs"), "theirs");

    // The binding itself goes: after what mounts it, and without what others wrote.
    case.volumes(&["other binding other"]);
    case.commit(&[("other", "o")]);
    case.idle(&[("web", "'other:/data'")]);
    assert!(ok(&case.reconcile()));
    assert!(!case.nfs("data/b").exists() && !case.nfs("data/c").exists());
    assert_eq!(case.text("data/ours/theirs"), "theirs");
    case.stop();
}

#[test]
fn a_foreign_file_on_nfs_is_refused_unless_adopted() {
    let case = Case::new("foreign");
    case.volumes(&["conf binding conf"]);
    case.commit(&[("conf/a", "ours"), ("conf/same", "same")]);
    case.idle(&[("web", "'conf:/conf'")]);
    fs::create_dir(case.nfs("conf")).unwrap();
    fs::write(case.nfs("conf/a"), "theirs").unwrap();
    fs::write(case.nfs("conf/same"), "same").unwrap();
    let refused = case.watch();
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    says(&refused, &["conf/a", "--adopt"]);
    assert_eq!(case.text("conf/a"), "theirs");
    assert!(case.person.lab.services(&case.stack).unwrap().is_empty());
    let adopted = case.person.run(&["reconcile", "--adopt"]).unwrap();
    assert!(ok(&adopted));
    assert_eq!(case.text("conf/a"), "ours");
    assert_eq!(case.text("conf/a.dockerops-saved"), "theirs");
    case.stop();
}

#[test]
fn a_file_changed_by_a_container_is_kept_beside() {
    let case = Case::new("changed");
    case.volumes(&["conf binding conf"]);
    case.commit(&[("conf/a", "one")]);
    case.idle(&[("web", "'conf:/conf'")]);
    assert!(ok(&case.watch()));
    fs::write(case.nfs("conf/a"), "by a container").unwrap();
    let left = case.reconcile();
    assert!(ok(&left));
    says(&left, &["conf/a"]);
    assert_eq!(case.text("conf/a"), "by a container");
    case.commit(&[("conf/a", "two")]);
    let saved = case.reconcile();
    assert!(ok(&saved));
    says(&saved, &["conf/a.dockerops-saved"]);
    assert_eq!(case.text("conf/a"), "two");
    assert_eq!(case.text("conf/a.dockerops-saved"), "by a container");
    case.stop();
}

#[test]
fn an_empty_folder_binding_is_created_with_a_warning() {
    let case = Case::new("empty");
    case.volumes(&["logs binding logs"]);
    case.idle(&[("web", "'logs:/logs'")]);
    let watched = case.watch();
    assert!(ok(&watched));
    says(&watched, &["logs", "empty"]);
    fs::write(case.nfs("logs/today"), "x").unwrap();
    assert!(ok(&case.reconcile()));
    assert_eq!(case.text("logs/today"), "x");

    // What had files once is missed when it has none.
    case.volumes(&["logs binding logs", "conf binding conf"]);
    case.commit(&[("conf/a", "a")]);
    case.idle(&[("web", "'logs:/logs', 'conf:/conf'")]);
    assert!(ok(&case.reconcile()));
    let gone = [Change::Remove("conf")];
    case.repository.commit_changes(&gone, "gone").unwrap();
    let missed = case.reconcile();
    assert_eq!(missed.code, Some(1), "{}", missed.text());
    says(&missed, &["`conf`"]);
    assert_eq!(case.text("conf/a"), "a");
    case.stop();
}

#[test]
fn a_changed_binding_restarts_exactly_its_services() {
    let case = Case::new("restart");
    case.volumes(&["conf binding conf", "other binding other"]);
    case.commit(&[("conf/a", "one"), ("other/x", "x")]);
    case.compose(&sleepers(&[
        ("web", &case.image, ", volumes: ['conf:/conf']"),
        ("api", &case.image, ", volumes: ['other:/other']"),
    ]));
    assert!(ok(&case.watch()));
    let before = ["web", "api"].map(|name| case.version(name));
    let written = fs::metadata(case.nfs("other/x")).unwrap();
    case.commit(&[("conf/a", "two")]);
    let ran = case.reconcile();
    assert!(ok(&ran));
    says(&ran, &["binding", "conf"]);
    let after = ["web", "api"].map(|name| case.version(name));
    assert!(
        after[0] > before[0] && after[1] == before[1],
        "{before:?} {after:?}"
    );
    assert_eq!(case.inside("web", "cat /conf/a").trim(), "two");

    let recorder = case.person.lab.recorder().unwrap();
    let ledgers = || fs::metadata(case.nfs(".dockerops")).unwrap().mtime_nsec();
    let ledger = ledgers();
    let mut again = case.person.command(&["reconcile"]).unwrap();
    let again = again.env("DOCKER_HOST", recorder.docker_host()).output();
    assert!(again.unwrap().status.success());
    assert!(recorder.writes().is_empty());
    assert_eq!(ledgers(), ledger, "an unchanged binding was written");
    let now = fs::metadata(case.nfs("other/x")).unwrap();
    assert_eq!(
        (now.ino(), now.ctime_nsec()),
        (written.ino(), written.ctime_nsec())
    );
    case.stop();
}

#[test]
fn hostile_binding_paths_are_refused() {
    let case = Case::new("hostile");
    case.idle(&[("web", "'x:/x'")]);
    for path in [
        "/etc",
        "../x",
        "a/../../x",
        ".",
        "secret",
        "secret/db",
        ".dockerops",
    ] {
        case.volumes(&[&format!("x binding {path}")]);
        let refused = case.watch();
        assert_eq!(refused.code, Some(1), "{path}: {}", refused.text());
        says(&refused, &["volumes.yaml:1:"]);
    }
    case.volumes(&["../x binding x"]);
    assert_eq!(case.watch().code, Some(1));
    assert_eq!(fs::read_dir(case.person.nfs()).unwrap().count(), 1);

    // Symlinks, on either side.
    let links = [
        Change::Link("out", "/etc"),
        Change::Link("conf/passwd", "../../../etc/passwd"),
    ];
    case.repository.commit_changes(&links, "links").unwrap();
    for path in ["out", "conf"] {
        case.volumes(&[&format!("x binding {path}")]);
        let refused = case.watch();
        assert_eq!(refused.code, Some(1), "{path}: {}", refused.text());
        assert!(!case.nfs(path).exists());
        case.person.run(&["stop"]).unwrap();
    }
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), case.nfs("real")).unwrap();
    case.volumes(&["x binding real"]);
    case.commit(&[("real/a", "a")]);
    let refused = case.watch();
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    says(&refused, &["symlink"]);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    case.stop();
}

#[test]
fn two_repositories_never_share_a_binding_path() {
    let case = Case::new("share");
    case.volumes(&["conf binding shared/conf"]);
    case.commit(&[("shared/conf/a", "a")]);
    case.idle(&[("web", "'conf:/conf'")]);
    assert!(ok(&case.watch()));

    let second = case.person.repository().unwrap();
    let stack = case.person.named("second");
    let compose = format!(
        "services: {{web: {{image: '{}', deploy: {{replicas: 0}}, volumes: ['all:/all']}}}}\n",
        case.image
    );
    let files = [
        ("stacks.yaml", format!("- name: {stack}\n")),
        ("nfs.yaml", case.person.nfs_yaml()),
        (
            "volumes.yaml",
            "- {id: all, type: binding, path: shared}\n".to_owned(),
        ),
        ("shared/conf/a", "a".to_owned()),
    ];
    let file = format!("{stack}/compose.yml");
    let mut files: Vec<_> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    files.push((&file, &compose));
    second.commit(&files, "second").unwrap();
    let refused = case.person.run(&["watch", &second.url()]).unwrap();
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    says(&refused, &["binding `shared/conf` of repository"]);
    assert!(case.person.lab.services(&stack).unwrap().is_empty());

    // Once the first lists it no more, the second has it, and its files stay.
    case.volumes(&[]);
    case.idle(&[("web", "")]);
    assert!(ok(&case.reconcile()));
    assert_eq!(case.text("shared/conf/a"), "a");
    assert_eq!(case.person.lab.services(&stack).unwrap().len(), 1);
    case.stop();
}

/// A file system of its own at a folder, gone when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn small(folder: PathBuf) -> Self {
        let options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs"];
        mount(Command::new("mount").args(options).arg(&folder));
        Self(folder)
    }

    fn read_only(&self) {
        let options = ["-o", "remount,ro"];
        mount(Command::new("mount").args(options).arg(&self.0));
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[track_caller]
fn mount(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

#[test]
fn shared_storage_that_is_full_or_read_only_says_so_and_leaves_the_stack() {
    let case = Case::new("full");
    let storage = Mounted::small(case.person.nfs());
    case.volumes(&["conf binding conf"]);
    case.commit(&[("conf/a", "one"), ("conf/b", "one")]);
    case.idle(&[("web", "'conf:/conf'")]);
    assert!(ok(&case.watch()));
    let before = case.version("web");

    case.commit(&[("conf/a", "two"), ("conf/b", &"x".repeat(400_000))]);
    let full = case.reconcile();
    assert_eq!(full.code, Some(1), "{}", full.text());
    says(
        &full,
        &["conf/b", "No space left on device", "Free some space"],
    );
    storage.read_only();
    let read_only = case.reconcile();
    assert_eq!(read_only.code, Some(1), "{}", read_only.text());
    says(&read_only, &["Read-only file system", "writable"]);
    assert_eq!(
        (case.text("conf/a"), case.version("web")),
        ("one".to_owned(), before)
    );
    assert_eq!(
        fs::read_dir(case.nfs("conf")).unwrap().count(),
        2,
        "a part is left"
    );
    case.stop();
}
