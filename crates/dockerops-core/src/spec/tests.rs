//! What the converter promises beyond parity, which `dockerops/tests/parity.rs` holds.

use super::*;
use crate::compose::{self, Compat, FileError, Files, Request, Variables};
use crate::field::Field;
use crate::manifest::{Binding, VolumeKind};
use crate::secret::Provenance;
use crate::source::Sources;

/// Files by their name: `big` is too large for a secret, `empty` is empty, `sub/x` and all else say so.
struct Folder;

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        match path {
            "big" => Ok(vec![b'x'; 500 * 1024]),
            "empty" => Ok(Vec::new()),
            other => Ok(other.as_bytes().to_vec()),
        }
    }
}

fn volumes() -> BTreeMap<String, VolumeEntry> {
    let file = Sources::default().add("volumes.yaml", "");
    let text = |text: &str| Field::new(text.to_owned(), Span::start_of(file));
    let volume = VolumeKind::Volume {
        name: text("app_data_volume"),
    };
    let binding = VolumeKind::Binding(Binding {
        path: text("conf/nginx"),
        owner: None,
        preserve_mode: false,
    });
    [("app_data", volume), ("conf", binding)]
        .into_iter()
        .map(|(id, kind)| (id.to_owned(), VolumeEntry { id: text(id), kind }))
        .collect()
}

fn convert_as(origin: Origin, text: &str) -> (Option<StackSpec>, String) {
    let mut sources = Sources::default();
    let file = sources.add("web.yml", text);
    let mut variables = Variables::new(Compat::Specification);
    variables.set("PASSWORD", "hunter2", Provenance::secret("db"));
    let mut out = Diagnostics::default();
    let request = Request {
        files: &[file],
        variables: &variables,
        read: &Folder,
        origin: origin.clone(),
        compat: Compat::Specification,
    };
    let compose = compose::load(&request, &mut sources, &mut out);
    let compose = compose.unwrap_or_else(|| panic!("{out:?}"));
    let input = Input {
        stack: &StackName::parse("web").unwrap(),
        volumes: &volumes(),
        nfs: Some("/srv/nfs/"),
        origin,
    };
    let spec = convert(&compose, &input, &mut out);
    let line = |d: &crate::diagnostic::Diagnostic| {
        let place = d.span.map_or("-".to_owned(), |span| sources.place(span));
        let hint = d.hint.as_deref().unwrap_or("NO HINT");
        format!("{place} {}: {} | {hint}", d.code, d.message)
    };
    (spec, out.0.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn repository(text: &str) -> (Option<StackSpec>, String) {
    convert_as(Origin::Repository, text)
}

fn good(text: &str) -> StackSpec {
    let (spec, problems) = repository(text);
    spec.unwrap_or_else(|| panic!("{problems}"))
}

fn bad(text: &str) -> String {
    let (spec, problems) = repository(text);
    assert_eq!(spec, None);
    problems
}

fn mounts(spec: &StackSpec) -> String {
    let mounts = spec.services[0]
        .body
        .at(&["TaskTemplate", "ContainerSpec", "Mounts"]);
    let Some(Body::List(mounts)) = mounts else {
        panic!("no mounts");
    };
    mounts
        .iter()
        .map(|mount| format!("{mount:?}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn an_id_of_volumes_yaml_is_the_volume_named_so_or_a_bind_from_nfs() {
    let spec = good(
        "
services:
  a:
    image: nginx
    volumes:
      - app_data:/data
      - conf:/etc/nginx:ro
      - {type: volume, source: conf, target: /again, read_only: true, consistency: cached}
      - own:/own
volumes: {own: , app_data: {driver: local, driver_opts: {type: nfs}}}
",
    );
    insta::assert_snapshot!(mounts(&spec), @r#"
    {"Source":"app_data_volume","Target":"/data","Type":"volume","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"nfs"}},"Labels":{"com.docker.stack.namespace":"web"}}}
    {"ReadOnly":true,"Source":"/srv/nfs/conf/nginx","Target":"/etc/nginx","Type":"bind"}
    {"Consistency":"cached","ReadOnly":true,"Source":"/srv/nfs/conf/nginx","Target":"/again","Type":"bind"}
    {"Source":"web_own","Target":"/own","Type":"volume","VolumeOptions":{"Labels":{"com.docker.stack.namespace":"web"}}}
    "#);
    assert_eq!(spec.services[0].bindings, ["conf"]);
}

#[test]
fn a_definition_that_contradicts_volumes_yaml_is_refused() {
    insta::assert_snapshot!(bad("
services: {a: {image: nginx, volumes: ['app_data:/data', {type: volume, source: conf, target: /c, volume: {subpath: x}}]}}
volumes: {app_data: {name: other}, conf: {driver: local}}
"), @r"
web.yml:3:28 volume-name: volume `app_data` has another name here than in `volumes.yaml` | Write `name: app_data_volume`, or remove `name`.
web.yml:3:36 unused-definition: volume `conf` is a binding in `volumes.yaml`: its options are not used | Remove the definition, or use another id.
web.yml:2:117 binding-option: `subpath` does not go with a binding | Give the path below the binding an entry of its own in `volumes.yaml`.
");
}

#[test]
fn everything_undefined_is_named_at_once_with_what_was_meant() {
    insta::assert_snapshot!(bad("
services:
  a:
    image: nginx
    networks: [frnt]
    volumes: ['app_dat:/x', 'nothing:/y']
    configs: [{source: cnf}]
    secrets: [tokn]
    credential_spec: {config: nope}
    depends_on: [b]
networks: {front: }
configs: {conf: {file: x}}
secrets: {token: {file: x}}
"), @r"
web.yml:10:18 undefined-dependency: service `b` is not defined | Remove it from `depends_on`, or define it.
web.yml:6:15 undefined-volume: volume `app_dat` is not defined | Did you mean `app_data`?
web.yml:6:29 undefined-volume: volume `nothing` is not defined | Define `nothing` in `volumes.yaml`, or under the top-level `volumes:`.
web.yml:8:15 undefined-secret: secret `tokn` is not defined | Did you mean `token`?
web.yml:7:24 undefined-config: config `cnf` is not defined | Did you mean `conf`?
web.yml:9:31 undefined-config: config `nope` is not defined | Define `nope` under the top-level `configs:`.
web.yml:5:16 undefined-network: network `frnt` is not defined | Did you mean `front`?
");
}

#[test]
fn what_a_service_waits_for_is_known_and_in_no_body() {
    let text = |waits: &str| {
        format!(
            "services:\n  web: {{image: nginx{waits}}}\n  db: {{image: postgres}}\n  \
             migrate: {{image: app, deploy: {{mode: replicated-job}}}}\n  \
             once: {{image: app, deploy: {{restart_policy: {{condition: on-failure}}}}}}\n"
        )
    };
    let waits = ", depends_on: {migrate: {condition: service_completed_successfully}, \
                 once: {condition: service_completed_successfully}, \
                 db: {condition: service_healthy}, nowhere: {condition: service_started}}";
    let spec = convert_as(Origin::Repository, &text(waits)).0.unwrap();
    let web = spec.services.iter().find(|s| s.key == "web").unwrap();
    let conditions: Vec<_> = web
        .depends_on
        .iter()
        .map(|(name, c)| (name.as_str(), *c))
        .collect();
    assert_eq!(
        conditions,
        [
            ("web_db", Condition::Healthy),
            ("web_migrate", Condition::Completed),
            ("web_once", Condition::Completed)
        ]
    );
    let without = convert_as(Origin::Repository, &text("")).0.unwrap();
    let bodies = |spec: &StackSpec| {
        spec.services
            .iter()
            .map(|s| s.body.expose())
            .collect::<Vec<_>>()
    };
    assert_eq!(bodies(&spec), bodies(&without));
    assert_eq!(crate::order::waves(&spec).len(), 2);
}

#[test]
fn services_in_a_circle_and_the_end_of_what_never_ends_are_refused() {
    insta::assert_snapshot!(bad("
services:
  a: {image: x, depends_on: [b]}
  b: {image: x, depends_on: {c: {condition: service_completed_successfully}}}
  c: {image: x, depends_on: [a]}
  d: {image: x, depends_on: [d]}
"), @r"
    web.yml:3:30 service-cycle: services wait for each other: a → b → c → a | Take one of them out of `depends_on`.
    web.yml:6:30 service-cycle: services wait for each other: d → d | Take one of them out of `depends_on`.
    web.yml:4:30 never-completes: service `c` never completes: Swarm starts it anew when it ends | Give `c` the `deploy.mode: replicated-job`, or wait for `service_started`.
    ");
}

#[test]
fn a_circle_in_files_given_by_hand_is_no_order() {
    let bare = Origin::Bare {
        working_dir: "/".to_owned(),
    };
    let text = "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}, \
                c: {image: x, depends_on: [a]}, d: {image: x}}";
    let (spec, told) = convert_as(bare, text);
    insta::assert_snapshot!(told, @"web.yml:1:39 service-cycle: services wait for each other, so in no order: a → b → a | Take one of them out of `depends_on`.");
    let spec = spec.unwrap();
    assert!(
        spec.services
            .iter()
            .all(|service| service.depends_on.is_empty())
    );
}

#[test]
fn labels_of_ours_are_refused_in_a_repository_but_for_the_documented_one() {
    let text = "
services: {a: {image: nginx, labels: {dockerops.x: y}, deploy: {labels: {dockerops.pin: z, dockerops.prune: 'false'}}}}
";
    insta::assert_snapshot!(bad(text), @r"
    web.yml:2:52 reserved-label: label `dockerops.x` is set by DockerOps itself | Remove it, or choose a name that does not start with `dockerops.`.
    web.yml:2:89 reserved-label: label `dockerops.pin` is set by DockerOps itself | Remove it, or choose a name that does not start with `dockerops.`.
    ");
    let bare = Origin::Bare {
        working_dir: "/".to_owned(),
    };
    assert!(convert_as(bare, text).0.is_some());
}

#[test]
fn what_the_engine_would_refuse_is_refused_before_the_first_write() {
    let name = "n".repeat(60);
    insta::assert_snapshot!(bad(&format!("
services:
  {name}: {{image: nginx}}
  web:
    image: Nginx
    ports: ['80:80', '80:81', '90:90/udp']
    volumes: ['/a:/x', '/b:/x']
    secrets: [{{source: big, target: t}}, {{source: ok, target: t}}]
    deploy:
      mode: global
      replicas: 2
      resources: {{limits: {{cpus: '0.0001', memory: 1M}}}}
      placement: {{constraints: [node.role = manager]}}
      restart_policy: {{condition: always}}
      update_config: {{max_failure_ratio: 2, delay: -1s}}
    healthcheck: {{test: x, disable: true}}
  other:
    image: nginx
    ports: ['90:91/udp', '90:91/tcp', {{target: 80, published: 80, mode: host}}]
    deploy: {{endpoint_mode: dnsrr}}
  job: {{image: nginx, deploy: {{mode: replicated-job, update_config: {{parallelism: 1}}}}}}
configs: {{none: {{file: empty}}}}
secrets: {{big: {{file: big}}, ok: {{file: x}}, '.dot': {{file: x}}}}
")), @r"
    web.yml:19:13 dnsrr-ingress: a port of the routing mesh does not go with `endpoint_mode: dnsrr` | Publish the port with `mode: host`, or remove `endpoint_mode`.
    web.yml:19:26 dnsrr-ingress: a port of the routing mesh does not go with `endpoint_mode: dnsrr` | Publish the port with `mode: host`, or remove `endpoint_mode`.
    web.yml:6:13 port-conflict: port 80 is published by service `other`, too | Publish another port.
    web.yml:6:22 port-conflict: port 80 is published by service `other`, too | Publish another port.
    web.yml:6:31 port-conflict: port 90 is published by service `other`, too | Publish another port.
    web.yml:21:3 refused-value: a job has no `update_config` | Remove `update_config`.
    web.yml:3:3 invalid-name: Swarm refuses `web_nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn` as name of a service | Use letters, digits, `-` and `_`, starting and ending with a letter or digit, at most 63 characters together with the stack's name.
    web.yml:5:12 invalid-image: the image of service `web` is invalid: the repository part of an image name must be lowercase | Write the repository in lower case.
    web.yml:7:24 duplicate-target: two mounts of this service have the same target | Give each its own target.
    web.yml:12:34 refused-value: `cpus` is less than 0.001 | Ask for at least 0.001 CPUs.
    web.yml:12:52 refused-value: `memory` is less than 4 MiB | Ask for at least `4M`.
    web.yml:14:35 refused-value: unknown `condition` | Use one of `none`, `on-failure`, `any`.
    web.yml:15:52 refused-value: a time is negative | Write it without the minus.
    web.yml:15:42 refused-value: `max_failure_ratio` is not between 0 and 1 | Write a part of all tasks, such as `0.3`.
    web.yml:13:33 refused-value: the engine refuses this placement constraint | Write `node.role == manager`, `node.labels.zone != a` or the like.
    web.yml:22:24 content-size: the file of config `none` has 0 bytes, which Swarm refuses | Use a file of at least 1 and less than 1024000 bytes.
    web.yml:23:23 content-size: the file of secret `big` has 512000 bytes, which Swarm refuses | Use a file of at least 1 and less than 512000 bytes.
    web.yml:16:37 healthcheck: `test` does not go with `disable` | Remove one of them.
    web.yml:8:62 duplicate-target: two secrets of this service have the same target | Give each its own `target`.
    web.yml:11:17 global-replicas: a global service has no `replicas` | Remove `replicas`, or use `mode: replicated`.
    ");
}

#[test]
fn services_may_publish_the_same_port_of_their_hosts() {
    good(
        "
services:
  a: {image: nginx, ports: [{target: 80, published: 80, mode: host}]}
  b: {image: nginx, ports: [{target: 80, published: 80, mode: host}]}
",
    );
}

#[test]
fn a_secret_in_a_name_that_everybody_sees_is_refused_without_its_value() {
    for image in ["x:${PASSWORD}", "x:${PASSWORD}@@"] {
        let text = format!("services:\n  a:\n    image: '{image}'\n");
        let (spec, said) = repository(&text);
        assert!(spec.is_none());
        assert!(said.starts_with("web.yml:3:12 secret-in-name: "), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_secret_is_shown_to_nobody_who_did_not_ask() {
    let spec = good(
        "
services:
  a:
    image: nginx
    command: [run, '--password=${PASSWORD}']
    environment: {URL: 'postgres://u:${PASSWORD}@db', PASSWORD: , PLAIN: x}
    labels: {l: '${PASSWORD}'}
    secrets: [token]
secrets: {token: {file: hunter2}}
",
    );
    assert_eq!(spec.services[0].secret_env, ["PASSWORD", "URL"]);
    let hidden = [
        render::text(&spec, render::Secrets::Hidden),
        render::json(&spec, render::Secrets::Hidden).to_string(),
        format!("{spec:?}"),
    ];
    for shown in &hidden {
        assert!(
            !shown.contains("hunter2") && !shown.contains("aHVudGVyMg"),
            "{shown}"
        );
    }
    insta::assert_snapshot!(hidden[0], @r#"
    stack web
    network web_default
      driver: overlay
    secret web_token
      data: [redacted]
    service web_a
      image: nginx
      deploy.mode: replicated
      command: ["run","[secret db]"]
      environment:
        PASSWORD=[secret db]
        PLAIN=x
        URL=[secret db]
      labels:
        l=[secret db]
      secrets:
        web_token -> token 0444 0:0
      networks:
        web_default (aliases: a)
    "#);
    let asked = render::text(&spec, render::Secrets::Shown);
    assert!(asked.contains("URL=postgres://u:hunter2@db"), "{asked}");
}

#[test]
fn a_name_never_holds_a_secret() {
    insta::assert_snapshot!(bad("
services: {a: {image: nginx, networks: [n], volumes: ['v:/v', '${PASSWORD}:/w'], secrets: ['${PASSWORD}']}}
networks: {n: {name: '${PASSWORD}'}}
volumes: {v: {name: 'a${PASSWORD}'}}
configs: {c: {file: x, name: '${PASSWORD}'}}
"), @r"
    web.yml:4:21 secret-in-name: a name holds a secret | Write the name without a variable that carries a secret.
    web.yml:3:22 secret-in-name: a name holds a secret | Write the name without a variable that carries a secret.
    web.yml:5:30 secret-in-name: a name holds a secret | Write the name without a variable that carries a secret.
    web.yml:2:63 secret-in-name: a volume is named by a variable that carries a secret | Write the name without that variable.
    web.yml:2:92 secret-in-name: a secret is named by a variable that carries a secret | Write the name without that variable.
    ");
}

#[test]
fn text_shows_everything_that_decides() {
    let spec = good("
services:
  a:
    image: nginx
    init: true
    sysctls: {a: 7}
    ports: ['80:80/udp']
    configs: [{source: c, target: /c, mode: 0440}]
    deploy: {mode: replicated-job, replicas: 3, resources: {limits: {cpus: '0.25', memory: 4608K, pids: 9}}}
    healthcheck: {test: [CMD, a], interval: 1500ms}
    networks: {default: {aliases: [x]}, outer: }
    stop_grace_period: 1m
configs: {c: {file: \"line\\u001b[2J\"}}
networks: {outer: {external: true}}
");
    insta::assert_snapshot!(render::text(&spec, render::Secrets::Hidden), @r#"
    stack web
    network outer (external)
    network web_default
      driver: overlay
    config web_c
      data:
        line\u{1b}[2J
    service web_a
      image: nginx
      deploy.mode: replicated-job
      deploy.replicas: 3
      deploy.resources.limits.cpus: 0.25
      deploy.resources.limits.memory: 4608K
      deploy.resources.limits.pids: 9
      init: true
      stop_grace_period: 60s
      sysctls:
        a=7
      healthcheck.test: ["CMD","a"]
      healthcheck.interval: 1500ms
      configs:
        web_c -> /c 0440 0:0
      networks:
        outer (aliases: a)
        web_default (aliases: x, a)
      ports:
        80:80/udp ingress
    "#);
}
