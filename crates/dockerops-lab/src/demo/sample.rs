//! The sample repository of the demo: the specification's full example, with a second stack.
//!
//! A web server stands in for nginx and for the API: the lab has no internet. It serves what the
//! bindings brought, so the demo can show that a file arrived.

/// Where the demo's shared storage is, inside of the demo's folder.
pub(super) const STORAGE: &str = "nfs";

/// The secret's value; the demo checks that it is printed nowhere.
pub(super) const DB_PASSWORD: &str = "correct-horse-battery";

const VOLUMES: &str = "\
- id: app_data
  type: volume
  path: app_data_volume
- id: config_files
  type: binding
  path: config
- id: static_files
  type: binding
  path: static
- id: logs
  type: binding
  path: logs
";

const SECRETS: &str = "\
- id: db_password
  env: DB_PASSWORD
- id: jwt_secret
  env: JWT_SECRET
";

/// The files of the first commit; `registry` is where images come from, `storage` the NFS root.
pub(super) fn files(registry: &str, storage: &str) -> Vec<(&'static str, String)> {
    vec![
        (
            "stacks.yaml",
            "- name: web-stack\n- name: api-stack\n".to_owned(),
        ),
        ("volumes.yaml", VOLUMES.to_owned()),
        ("nfs.yaml", format!("path: {storage}\n")),
        ("config/app.conf", "greeting = hello\n".to_owned()),
        (
            "static/index.html",
            "<h1>Deployed by DockerOps</h1>\n".to_owned(),
        ),
        ("static/style.css", "h1 { color: teal }\n".to_owned()),
        ("logs/.gitkeep", String::new()),
        ("web-stack/docker-compose.yml", web(registry)),
        ("api-stack/docker-compose.yml", api(registry, "info")),
        ("api-stack/secrets.yaml", SECRETS.to_owned()),
    ]
}

fn web(registry: &str) -> String {
    format!(
        "\
version: '3.8'
services:
  web:
    image: {registry}/web:1
    command: [httpd, -f, -p, '8081', -h, /usr/share/web]
    volumes:
      - config_files:/etc/web:ro
      - static_files:/usr/share/web:ro
      - logs:/var/log/web
      - app_data:/data
    networks: [host]
    deploy:
      replicas: 1
networks:
  host:
    external: true
"
    )
}

/// The second stack's compose file with this log level.
pub(super) fn api(registry: &str, log_level: &str) -> String {
    format!(
        "\
version: '3.8'
services:
  api:
    image: {registry}/api:1
    environment:
      LOG_LEVEL: {log_level}
      DB_PASSWORD:
      JWT_SECRET:
    networks: [host]
    deploy:
      replicas: 2
  worker:
    image: {registry}/api:1
    environment:
      QUEUE: mail
    networks: [host]
networks:
  host:
    external: true
"
    )
}
