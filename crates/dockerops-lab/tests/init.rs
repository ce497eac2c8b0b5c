//! What `dockerops init` writes, on a real Swarm.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use dockerops_lab::{Lab, Person, Ran};

/// A stub in the place of `image`: the lab has no internet. It answers the same health check.
fn stand_in(compose: &Path, image: &str, stub: &str, command: &str) {
    let asked = format!("image: {image}\n");
    let text = fs::read_to_string(compose).unwrap();
    assert!(text.contains(&asked), "{text}");
    let given = format!("image: {stub}\n    command: [sh, -c, \"{command}\"]\n");
    fs::write(compose, text.replace(&asked, &given)).unwrap();
}

#[track_caller]
fn ok(ran: Ran) -> Ran {
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    ran
}

/// Runs a shell line in a container of a service.
fn inside(lab: &Lab, service: &str, line: &str) -> String {
    let label = format!("label=com.docker.swarm.service.name={service}");
    let ids = lab.docker(&["ps", "-q", "-f", &label]).unwrap();
    let id = ids.lines().next().unwrap();
    lab.docker(&["exec", id, "sh", "-c", line]).unwrap()
}

#[test]
fn what_init_writes_deploys_as_it_is() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "init").unwrap();
    let folder = person.home().join("stacks");
    ok(person.run(&["init", folder.to_str().unwrap()]).unwrap());

    let httpd = "exec httpd -f -p 80 -h /usr/share/nginx/html";
    let website = folder.join("website/docker-compose.yml");
    stand_in(
        &website,
        "nginx:1.27-alpine",
        &person.image("web", "a").unwrap(),
        httpd,
    );
    let postgres =
        "printf '#!/bin/sh' > /bin/pg_isready; chmod 755 /bin/pg_isready; exec sleep 100000";
    let database = folder.join("database/docker-compose.yml");
    stand_in(
        &database,
        "postgres:17-alpine",
        &person.image("db", "a").unwrap(),
        postgres,
    );
    fs::write(folder.join("nfs.yaml"), person.nfs_yaml()).unwrap();
    person.secret("postgres_password", "hunter2\n").unwrap();

    let repository = person.repository().unwrap();
    repository.commit_folder(&folder, "init").unwrap();
    let watched = ok(person
        .run(&["watch", &repository.url(), "-o", "json"])
        .unwrap());
    assert_eq!(watched.json()["ok"], true);
    lab.wait_until_running("website_nginx", 2).unwrap();
    let page = inside(lab, "website_nginx", "wget -qO- http://127.0.0.1/");
    assert!(page.contains("<h1>It runs</h1>"), "{page}");
    let password = inside(lab, "database_postgres", "echo $POSTGRES_PASSWORD");
    assert_eq!(password, "hunter2\n");

    let again = ok(person.run(&["reconcile"]).unwrap());
    assert!(
        again.stdout.contains("0 stacks changed, 2 unchanged"),
        "{}",
        again.text()
    );
    ok(person.run(&["stop", "--yes"]).unwrap());
    lab.docker(&["volume", "rm", "-f", "database_data"])
        .unwrap();
}
