//! Configs and secrets: names, versions, labels, what goes.

use super::world::{With, World, file, lines, service};
use crate::fingerprint::FingerprintKey;

fn world() -> World {
    let mut world = World::new(vec![
        service("api").config("app_conf"),
        service("db").secret("app_key"),
    ]);
    world.desired.configs = vec![file("app_conf", "one")];
    world.desired.secrets = vec![file("app_key", "hunter2")];
    world
}

#[test]
fn changed_content_gets_a_new_object_and_the_old_one_goes() {
    let mut world = world();
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    + network app_default [Missing]
    + Config app_conf [Missing]
    + Secret app_key [Missing]
    + app_api [Missing]
    + app_db [Missing]
    ");
    assert_eq!(world.plan().changes, []);
    world.desired.configs = vec![file("app_conf", "two")];
    insta::assert_snapshot!(lines(&world.deploy()), @r#"
    + Config app_conf_3fc4ccfe7458 [FileChanged("app_conf")]
    ~ app_api (restarts) [FileChanged("app_conf")]
        configs: app_conf:app_conf → app_conf_3fc4ccfe7458:app_conf
    - Config app_conf [Outdated]
      app_db UpToDate
    "#);
    assert_eq!(world.plan().changes, []);
    world.desired.secrets = vec![file("app_key", "hunter3")];
    insta::assert_snapshot!(lines(&world.deploy()), @r#"
    + Secret app_key_177b6dd521f9 [FileChanged("app_key")]
    ~ app_db (restarts) [FileChanged("app_key")]
        secrets: app_key:app_key → app_key_177b6dd521f9:app_key
    - Secret app_key [Outdated]
      app_api UpToDate
    "#);
    assert_eq!(world.plan().changes, []);
    world.desired.configs = vec![file("app_conf", "three")];
    insta::assert_snapshot!(lines(&world.deploy()), @r#"
    + Config app_conf [FileChanged("app_conf")]
    ~ app_api (restarts) [FileChanged("app_conf")]
        configs: app_conf_3fc4ccfe7458:app_conf → app_conf:app_conf
    - Config app_conf_3fc4ccfe7458 [Outdated]
      app_db UpToDate
    "#);
    assert_eq!(world.plan().changes, []);
}

#[test]
fn a_changed_label_is_written_in_place() {
    let mut world = world();
    world.deploy();
    world.desired.configs[0]
        .body
        .get_mut("Labels")
        .unwrap()
        .set("team", "x");
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    ~ Config app_conf [Differs]
        labels.team: ∅ → x
      app_api UpToDate
      app_db UpToDate
    ");
    assert_eq!(world.plan().changes, []);
}

#[test]
fn a_secret_that_cannot_be_compared_is_kept_until_it_is_rotated() {
    let mut world = world();
    world.deploy();
    world.key = FingerprintKey::new([2; 32]);
    let mut rotated = world.clone();
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    ~ Secret app_key [Differs]
        labels.dockerops.fingerprint: [not shown] → cccbb210:f072
      app_api UpToDate
      app_db UpToDate
    ! secret `app_key`: content could not be compared, kept; `--rotate app_key` replaces it
    ");
    assert_eq!(world.plan().changes, []);
    rotated.rotate.insert("app_key".to_owned());
    insta::assert_snapshot!(lines(&rotated.deploy()), @r#"
    + Secret app_key_f0728ae89766 [FileChanged("app_key")]
    ~ app_db (restarts) [FileChanged("app_key")]
        secrets: app_key:app_key → app_key_f0728ae89766:app_key
    - Secret app_key [Outdated]
      app_api UpToDate
    "#);
    assert_eq!(rotated.plan().changes, []);
}

#[test]
fn an_object_of_somebody_else_is_never_used_nor_changed() {
    let mut world = world();
    world.deploy();
    let theirs = world.swarm.observed.configs[0].clone();
    let mut world = self::world();
    world.swarm.observed.configs.push(theirs.clone());
    world.swarm.observed.configs[0]
        .labels
        .insert("com.docker.stack.namespace".to_owned(), "other".to_owned());
    let before = world.swarm.observed.configs[0].clone();
    let plan = world.deploy();
    assert!(
        lines(&plan).contains("+ Config app_conf_"),
        "{}",
        lines(&plan)
    );
    assert_eq!(world.swarm.observed.configs[0], before);
    assert_eq!(world.plan().changes, []);
}

#[test]
fn an_explicit_name_gets_the_suffix_with_a_warning() {
    let mut world = world();
    world.desired.configs[0].explicit_name = true;
    world.deploy();
    world.desired.configs[0] = crate::spec::FileSpec {
        explicit_name: true,
        ..file("app_conf", "two")
    };
    insta::assert_snapshot!(world.plan().warnings.join("\n"), @"config `app_conf` is taken with other content; this stack uses `app_conf_3fc4ccfe7458`");
}

#[test]
fn a_long_name_is_cut_to_leave_room() {
    let name = "n".repeat(64);
    let mut world = World::new(vec![service("api").config(&name)]);
    world.desired.configs = vec![file(&name, "one")];
    world.deploy();
    world.desired.configs = vec![file(&name, "two")];
    world.deploy();
    assert_eq!(world.swarm.observed.configs.len(), 1);
    assert_eq!(world.swarm.observed.configs[0].name.len(), 64);
    assert_eq!(world.plan().changes, []);
}

#[test]
fn a_credential_spec_follows_its_config_to_the_new_object() {
    let api = || {
        let spec = serde_json::json!({"Config": "app_conf"});
        service("api")
            .config("app_conf")
            .container("Privileges", serde_json::json!({"CredentialSpec": spec}))
    };
    let mut world = World::new(vec![api()]);
    world.desired.configs = vec![file("app_conf", "one")];
    world.deploy();
    world.desired.configs = vec![file("app_conf", "two")];
    world.deploy();
    let name = world.swarm.observed.configs[0].name.clone();
    assert_ne!(name, "app_conf");
    let container = &world.live("api").spec["TaskTemplate"]["ContainerSpec"];
    assert_eq!(container["Privileges"]["CredentialSpec"]["Config"], name);
}
