//! The database as people and earlier versions know it, on a real Swarm.

use std::fs;

use dockerops_lab::{Lab, Person, sleepers};
use rusqlite::Connection;

use crate::stacks::{
    commit, compose_path, deploy_with_docker, fails, list, ok, services, task_ids,
};

/// The first column of all rows of `query`.
pub(crate) fn strings(connection: &Connection, query: &str) -> Vec<String> {
    let mut statement = connection.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn hash_and_status(person: &Person<'_>, stack: &str) -> Vec<String> {
    let connection = Connection::open(person.database()).unwrap();
    let query = format!("SELECT status || ' ' || hash FROM stacks WHERE name = '{stack}'");
    strings(&connection, &query)
}

#[test]
fn the_documented_tables_have_exactly_their_columns() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "columns").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stack, &sleepers(&[("web", &image, "")]))]);
    ok(&person, &["watch", &repository.url()]);
    let connection = Connection::open(person.database()).unwrap();
    for (table, columns) in [
        ("images", "id name reference_count"),
        ("stacks", "id name repository_url compose_path hash status"),
        ("repository_cache", "id url last_watch"),
    ] {
        let query = format!("SELECT name FROM pragma_table_info('{table}')");
        assert_eq!(strings(&connection, &query).join(" "), columns);
    }
    let row =
        "SELECT name || ' ' || repository_url || ' ' || compose_path || ' ' || status FROM stacks";
    let wanted = format!(
        "{stack} {} {} deployed",
        repository.url(),
        compose_path(&stack)
    );
    assert_eq!(strings(&connection, row), [wanted]);
    assert_eq!(
        strings(
            &connection,
            "SELECT name || ' ' || reference_count FROM images"
        ),
        [format!("{image} 1")]
    );
    ok(&person, &["stop"]);
}

#[test]
fn a_database_of_the_earlier_version_goes_on_working() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "earlier").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let compose = sleepers(&[("web", &image, "")]);
    deploy_with_docker(&person, &stack, &compose);
    let before = task_ids(lab, &format!("{stack}_web"));
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stack, &compose)]);
    write_earlier(&person, &repository.url(), &stack, &image);
    let ran = ok(&person, &["reconcile"]);
    assert!(ran.stdout.contains("taken over"), "{}", ran.text());
    ok(&person, &["reconcile"]);
    assert_eq!(
        task_ids(lab, &format!("{stack}_web")),
        before,
        "a task was restarted"
    );
    fails(&person, &["watch", &repository.url()]);
    ok(&person, &["stop"]);
    assert_eq!(services(lab, &stack), [""; 0]);
}

#[test]
fn stop_removes_what_an_earlier_database_lists_as_deployed() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "earlierstop").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    deploy_with_docker(&person, &stack, &sleepers(&[("web", &image, "")]));
    write_earlier(
        &person,
        "http://127.0.0.1:8080/unreachable.git",
        &stack,
        &image,
    );
    ok(&person, &["stop"]);
    assert_eq!(services(lab, &stack), [""; 0]);
}

/// A database with one repository, stack and image, in the earlier version's own schema.
fn write_earlier(person: &Person<'_>, url: &str, stack: &str, image: &str) {
    let path = person.database();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let schema = include_str!("../../earlier.sql");
    let rows = format!(
        "INSERT INTO images VALUES (1, '{image}', 1);
         INSERT INTO stacks VALUES (1, '{stack}', '{url}', '{stack}/docker-compose.yml', '0123456789abcdef', 'deployed');
         INSERT INTO repository_cache VALUES (1, '{url}', '2025-07-21T00:00:48.123456789+00:00');"
    );
    Connection::open(path)
        .unwrap()
        .execute_batch(&(schema.to_owned() + &rows))
        .unwrap();
}

#[test]
fn a_failed_stack_is_recorded_as_error_without_its_hash() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "errors").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let compose = sleepers(&[("web", &image, "")]);
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stack, "services: {web: {imag: x}}\n")]);
    fails(&person, &["watch", &repository.url()]);
    assert_eq!(hash_and_status(&person, &stack), ["error "]);
    commit(&repository, &[(&stack, &compose)]);
    ok(&person, &["reconcile"]);
    let deployed = hash_and_status(&person, &stack);
    assert!(
        deployed[0].starts_with("deployed ") && deployed[0].len() > 70,
        "{deployed:?}"
    );
    let crashing = compose.replace("sleep 100000", "'false'");
    commit(&repository, &[(&stack, &crashing)]);
    fails(&person, &["reconcile", "--timeout", "3s"]);
    assert_eq!(
        hash_and_status(&person, &stack),
        [deployed[0].replace("deployed", "error")]
    );
    ok(&person, &["stop"]);
}

#[test]
fn the_hash_covers_compose_files_bindings_secrets_and_digests() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "hash").unwrap();
    person.set("DOCKEROPS_IMAGE_PULL_POLICY", "always");
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    person.secret("pw", "first").unwrap();
    let more =
        ", environment: [PW], configs: [conf], volumes: ['site:/site:ro'], deploy: {replicas: 0}";
    let compose = format!(
        "services: {{web: {{image: '{image}', command: sleep 100000, networks: [host]{more}}}}}\n\
         networks: {{host: {{external: true}}}}\nconfigs: {{conf: {{file: ./conf.txt}}}}\n"
    );
    let at = |file: &str| format!("{stack}/{file}");
    let repository = person.repository().unwrap();
    repository
        .commit(
            &[
                ("nfs.yaml", &person.nfs_yaml()),
                (
                    "volumes.yaml",
                    &format!("- {{id: site, type: binding, path: {}}}\n", at("site")),
                ),
                (&at("secrets.yaml"), "- {id: pw, env: PW}\n"),
                (&at("conf.txt"), "one"),
                (&at("site/index.html"), "one"),
            ],
            "files",
        )
        .unwrap();
    commit(&repository, &[(&stack, &compose)]);
    ok(&person, &["watch", &repository.url()]);
    let mut seen = vec![hash_and_status(&person, &stack)];
    let mut changed = |what: &str| {
        ok(&person, &["reconcile"]);
        let now = hash_and_status(&person, &stack);
        assert!(!seen.contains(&now), "{what} is not in the hash: {now:?}");
        ok(&person, &["reconcile"]);
        assert_eq!(
            now,
            hash_and_status(&person, &stack),
            "{what}: a second run changed the hash"
        );
        seen.push(now);
    };
    repository
        .commit(&[(&at("conf.txt"), "two")], "config")
        .unwrap();
    changed("a config's content");
    repository
        .commit(&[(&at("site/index.html"), "two")], "binding")
        .unwrap();
    changed("a binding's file");
    person.secret("pw", "second").unwrap();
    changed("a secret's value");
    person.image("web", "b").unwrap();
    changed("an image's digest");
    commit(
        &repository,
        &[(&stack, &compose.replace("sleep 100000", "sleep 200000"))],
    );
    changed("the compose file");
    ok(&person, &["stop"]);
}

#[test]
fn a_lost_database_is_rebuilt_without_restarting_a_task() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "lost").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let repository = person.repository().unwrap();
    commit(
        &repository,
        &[(
            &stack,
            &sleepers(&[("web", &image, ""), ("api", &image, "")]),
        )],
    );
    ok(&person, &["watch", &repository.url()]);
    let state = || {
        let service = |name: &str| format!("{stack}_{name}");
        ["web", "api"].map(|name| {
            (
                task_ids(lab, &service(name)),
                lab.version(&service(name)).unwrap(),
            )
        })
    };
    let (before, hash) = (state(), hash_and_status(&person, &stack));
    fs::remove_file(person.database()).unwrap();
    let ran = ok(&person, &["watch", &repository.url()]);
    assert!(
        ran.stdout.contains("0 stacks changed, 1 unchanged"),
        "{}",
        ran.text()
    );
    assert_eq!(state(), before);
    assert_eq!(hash_and_status(&person, &stack), hash);
    ok(&person, &["stop"]);
}

#[test]
fn a_lost_database_removes_no_stack_without_prune() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "lostleft").unwrap();
    let image = person.image("web", "a").unwrap();
    let (stays, leaves) = (person.named("stays"), person.named("leaves"));
    let compose = sleepers(&[("web", &image, "")]);
    let repository = person.repository().unwrap();
    commit(&repository, &[(&stays, &compose), (&leaves, &compose)]);
    ok(&person, &["watch", &repository.url()]);
    fs::remove_file(person.database()).unwrap();
    let (listed, path) = (list(&[&stays]), compose_path(&stays));
    let files = [("stacks.yaml", listed.as_str()), (&path, &compose)];
    repository.rewrite(&files, "rewritten").unwrap();

    for arguments in [&["watch", &repository.url()] as &[&str], &["reconcile"]] {
        let ran = ok(&person, arguments);
        let said = format!("stack `{leaves}` left `stacks.yaml` and is kept");
        assert!(ran.text().contains(&said), "{}", ran.text());
        assert!(ran.text().contains("`--prune`"), "{}", ran.text());
        assert_eq!(services(lab, &leaves).len(), 1, "{}", ran.text());
    }
    ok(&person, &["reconcile", "--prune"]);
    assert_eq!(services(lab, &leaves), [""; 0]);
    assert_eq!(services(lab, &stays).len(), 1);
    ok(&person, &["stop"]);
}
