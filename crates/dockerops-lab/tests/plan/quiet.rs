//! Looking writes nothing: not to Docker, to shared storage, to the database; and needs no lock.

use std::fs;
use std::process::Command;
use std::time::Duration;

use dockerops_lab::{sleepers, wait_for};

use crate::site::Site;
use crate::stacks::{ok, services, stamps};

#[test]
fn plan_and_diff_write_nothing_anywhere() {
    let site = Site::new("quiet");
    let image = site.person.image("web", "a").unwrap();
    let compose = |mark: &str| {
        let more =
            format!(", environment: [MARK={mark}], configs: [page], volumes: ['site:/site']");
        sleepers(&[("web", &image, &more)]) + "configs: {page: {file: page.txt}}\n"
    };
    site.storage("site");
    site.files(&[("page.txt", "one"), ("site/a", "one")], "files");
    site.compose(&compose("one"), "first");
    site.watch();
    site.files(&[("page.txt", "two"), ("site/a", "two")], "files");
    site.compose(&compose("two"), "second");

    site.recorder.clear();
    let before = (database(&site), stamps(&site.person), home(&site));
    let url = site.repository.url();
    for looking in [
        vec!["plan"],
        vec!["plan", "--full", "-o", "json"],
        vec!["plan", "--repo", &url],
        vec!["diff", &site.stack],
    ] {
        let ran = ok(&site.person, &looking);
        assert!(ran.stdout.contains("environment.MARK"), "{}", ran.text());
    }
    assert_eq!(site.recorder.writes(), []);
    assert_eq!(before, (database(&site), stamps(&site.person), home(&site)));
    ok(&site.person, &["stop"]);
}

#[test]
fn a_plan_on_a_fresh_home_makes_neither_database_nor_key() {
    let site = Site::new("fresh");
    let image = site.person.image("web", "a").unwrap();
    let compose = sleepers(&[("web", &image, "")]);
    site.compose(&compose, "first");
    let file = site.path("compose.yml");
    fs::write(&file, &compose).unwrap();

    let url = site.repository.url();
    for looking in [
        ["plan", "--repo", &url].as_slice(),
        &["plan", "-c", &file, &site.stack],
    ] {
        let ran = ok(&site.person, looking);
        assert!(
            ran.stdout.contains("+ service  ") && ran.stdout.contains("starts 1 task"),
            "{}",
            ran.text()
        );
    }
    assert_eq!(site.recorder.writes(), []);
    let kept = home(&site);
    assert!(!kept.iter().any(|path| path.ends_with("key")), "{kept:?}");
    assert!(!kept.iter().any(|path| path.contains(".db")), "{kept:?}");
}

#[test]
fn a_plan_needs_no_lock() {
    let site = Site::new("nolock");
    let image = site.person.image("web", "a").unwrap();
    // It is never well, so that the run is busy until it is killed.
    let sick = ", healthcheck: {test: 'false', interval: 1s, retries: 100}";
    site.compose(&sleepers(&[("web", &image, sick)]), "first");
    let mut command = site
        .person
        .command(&["watch", &site.repository.url()])
        .unwrap();
    let mut busy = command.spawn().unwrap();
    let begun = || Ok(!services(site.lab, &site.stack).is_empty());
    wait_for("the first service", Duration::from_secs(30), begun).unwrap();

    let held = site.run(&["reconcile"]);
    assert_eq!(held.code, Some(1), "{}", held.text());
    for looking in [["plan"].as_slice(), &["diff", &site.stack]] {
        let ran = ok(&site.person, looking);
        assert!(ran.stdout.contains("no change"), "{}", ran.text());
    }
    busy.kill().unwrap();
    busy.wait().unwrap();
    ok(&site.person, &["stop"]);
}

/// The database to the byte, and what SQLite keeps beside it.
fn database(site: &Site<'_>) -> Vec<(String, Vec<u8>)> {
    let folder = site.person.home().join(".dockerops");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.path().is_file());
    let mut files: Vec<_> = files
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Every file of the home but for the mirrors of repositories, which a plan fetches.
fn home(site: &Site<'_>) -> Vec<String> {
    let output = Command::new("find")
        .arg(site.person.home())
        .args(["-name", "mirrors", "-prune", "-o", "-type", "f", "-print"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}
