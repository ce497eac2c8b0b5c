//! The loader as its callers see it: files in, [`Compose`] or problems out.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::load::{EnvFiles, load_tree};
use super::*;
use crate::diagnostic::{Diagnostics, Severity};
use crate::field::Field;
use crate::secret::Provenance;
use crate::source::{Sources, Span};
use crate::yaml::{Mapping, Node, Value};

/// What no message and no debug output may show.
const CANARY: &str = "hunter2-canary";

#[derive(Default)]
struct Shelf(BTreeMap<&'static str, &'static str>);

impl Files for Shelf {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.0
            .get(path)
            .map(|text| text.as_bytes().to_vec())
            .ok_or(FileError::Missing)
    }
}

fn shelf() -> Shelf {
    Shelf(BTreeMap::from([
        (
            "a.env",
            "\u{feff}A=1\r\n# no\n  B=x=y \nPASS\nEMPTY=\nGONE\n",
        ),
        ("bad.env", "export A=1\n=2\n"),
        ("conf.txt", "content"),
    ]))
}

fn variables() -> Variables {
    let mut variables = Variables::new(Compat::Specification);
    variables.set("PASS", CANARY, Provenance::secret("db"));
    variables.set("TAG", "7", Provenance::none());
    variables
}

fn run(texts: &[&str], origin: Origin, compat: Compat) -> (Option<Compose>, Diagnostics, Sources) {
    let mut sources = Sources::default();
    let files: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| sources.add(format!("{index}.yml"), *text))
        .collect();
    let request = Request {
        files: &files,
        variables: &variables(),
        read: &shelf(),
        origin,
        compat,
    };
    let mut out = Diagnostics::default();
    let compose = load(&request, &mut sources, &mut out);
    (compose, out, sources)
}

fn show(out: &Diagnostics, sources: &Sources) -> String {
    let lines = out.0.iter().map(|problem| {
        let place = problem
            .span
            .map(|span| sources.place(span))
            .unwrap_or_default();
        let level = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let hint = problem.hint.as_deref().unwrap_or("-");
        format!(
            "{place} {level} {}: {} ({hint})\n",
            problem.code, problem.message
        )
    });
    lines.collect()
}

/// The problems of one file in a repository.
fn problems(text: &str) -> String {
    let (_, out, sources) = run(&[text], Origin::Repository, Compat::Specification);
    show(&out, &sources)
}

/// What files in a repository are loaded to; there must be no error.
fn loaded(texts: &[&str]) -> Compose {
    let (compose, out, sources) = run(texts, Origin::Repository, Compat::Specification);
    compose.unwrap_or_else(|| panic!("{}", show(&out, &sources)))
}

fn service(body: &str) -> String {
    let lines = body.replace('\n', "\n    ");
    format!("services:\n  web:\n    image: web:1\n    {lines}\n")
}

fn web(bodies: &[&str]) -> model::Service {
    let texts: Vec<_> = bodies.iter().map(|body| service(body)).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    loaded(&texts).services["web"].clone()
}

#[test]
fn all_problems_of_a_file_come_at_once_with_positions_and_a_way_out() {
    insta::assert_snapshot!(problems(
        "name: shop
services:
  web:
    image: web:1
    deploy:
      palcement: {}
      ports: [80]
      replicas: \"2\"
    environment:
      DEBUG: true
    ports: ['80:http']
    mem_limit: 5m
    stop_grace_period: 1d
    cap_add: [A, A]
    env_file: none.env
  db:
    depends_on: [web]
    platform: linux/arm64
    volumes: ['./data:/data']
volumes:
  data: {external: true, driver: local}
"
    ), @r#"
    0.yml:1:1 error unknown-key: `name` is not a key of a stack's compose file (Remove it: the stack's name is given outside of the compose file.)
    0.yml:6:7 error unknown-key: `palcement` is not a key of `services.web.deploy` (Did you mean `placement`?)
    0.yml:7:7 error unknown-key: `ports` is not a key of `services.web.deploy` (Move it directly under the service: check the indentation.)
    0.yml:8:17 error wrong-type: `services.web.deploy.replicas` must be an integer, not a string (Write a plain number, without quotes.)
    0.yml:10:14 error wrong-type: `services.web.environment.DEBUG` must be a string, number or null, not a boolean (Put the value in quotes.)
    0.yml:11:13 error invalid-port: `services.web.ports[0]` is not a port mapping: the port in the container is not a port or range (Write `"published:target"`, `"8000-8010:8000-8010/udp"`, or the long form with `target:` and `published:`.)
    0.yml:12:5 error forbidden-option: `services.web.mem_limit` is forbidden in a stack (Set resource limits using `deploy.resources`.)
    0.yml:13:24 error invalid-duration: `services.web.stop_grace_period` is not a duration: an unknown unit (Write a number with a unit out of `ms`, `s`, `m` and `h`, such as `90s` or `1m30s`.)
    0.yml:14:18 error duplicate-item: `services.web.cap_add` has the same item twice (Remove one of the two.)
    0.yml:15:15 error unreadable-file: cannot read `none.env`: no such file (Add the file, or correct the path; it is relative to the compose file.)
    0.yml:16:3 error missing-image: `services.db` has no image (Add `image:`; a Swarm pulls images, it does not build them.)
    0.yml:18:5 error unknown-key: `platform` is not a key of `services.db` (Remove it, and use `deploy.placement.constraints` with `node.platform.arch`.)
    0.yml:19:15 error relative-bind: `services.db.volumes[0]` binds a path relative to the compose file, but there is no checkout (Define a `binding` for it in `volumes.yaml` and mount its id, or write an absolute path.)
    0.yml:21:34 error conflicting-keys: `external` and `driver` of `volumes.data` conflict (Remove `driver`.)
    "#);
}

#[test]
fn a_low_version_lacks_what_came_later() {
    insta::assert_snapshot!(problems("version: '3.1'\nservices:\n  a:\n    image: x\n    init: true\n    ports: [{target: 80}]\nconfigs: {}\n"), @r#"
    0.yml:5:5 error unknown-key: `init` is not a key of `services.a` in this version (Write `version: "3.7"` or later, or remove `version`.)
    0.yml:6:13 error wrong-type: `services.a.ports[0]` must be a string or number, not a mapping (Write `version: "3.2"` or later, or remove `version`.)
    0.yml:7:1 error unknown-key: `configs` is not a key of a stack's compose file in this version (Write `version: "3.3"` or later, or remove `version`.)
    "#);
}

#[test]
fn what_docker_ignores_is_ignored_with_its_words() {
    insta::assert_snapshot!(problems(&service("build: .\nlinks: [a]\nrestart: always\ncontainer_name: x\nx-note: 1\nconfigs: [{source: a, foo: 1}]")), @r"
    0.yml:4:5 warning unsupported-option: ignoring unsupported option: `build` (Remove it: a Swarm service does not have it.)
    0.yml:5:5 warning unsupported-option: ignoring unsupported option: `links` (Remove it: a Swarm service does not have it.)
    0.yml:6:5 warning unsupported-option: ignoring unsupported option: `restart` (Write `deploy.restart_policy`; Swarm uses `restart` only where that is absent, and without its delay.)
    0.yml:7:5 warning deprecated-option: ignoring deprecated option: `container_name` (Setting the container name is not supported.)
    0.yml:9:27 warning ignored-key: `services.web.configs[0].foo` is ignored (-)
    ");
}

#[test]
fn conditions_are_ours_and_refused_under_compat() {
    let text = service("depends_on: {db: {condition: service_healthy}}");
    assert_eq!(
        loaded(&[&text]).services["web"].depends_on[0].condition,
        model::Condition::Healthy
    );
    let (compose, out, _) = run(&[&text], Origin::Repository, Compat::Docker);
    assert!(compose.is_none() && out.has_errors());
}

#[test]
fn short_ports_expand_in_dockers_order() {
    let web = web(&[
        "ports: ['8-10:8-10', '9000-9001:80/udp', 443, '127.0.0.1:1:1', {target: 5, published: 6, mode: host}]",
    ]);
    let ports: Vec<_> = web
        .ports
        .iter()
        .map(|port| {
            let published = port.published.as_ref().map_or(0, |field| field.value);
            let text = |field: &Option<crate::field::Text>| {
                field
                    .as_ref()
                    .map_or("-".to_owned(), |field| field.value.clone())
            };
            format!(
                "{published}:{}/{} {}",
                port.target.value,
                text(&port.protocol),
                text(&port.mode)
            )
        })
        .collect();
    insta::assert_snapshot!(ports.join("\n"), @r"
    10:10/tcp ingress
    8:8/tcp ingress
    9:9/tcp ingress
    9000:80/udp ingress
    9001:80/udp ingress
    0:443/tcp ingress
    1:1/tcp ingress
    6:5/- host
    ");
}

#[test]
fn volumes_are_taken_apart_as_docker_does() {
    let web = web(&[
        "volumes: ['data:/d:ro,nocopy', '/abs:/x:rslave,z', '/anon', 'C:\\a:D:\\b', 'config_files:/etc/x']",
    ]);
    insta::assert_debug_snapshot!(web.volumes.iter().map(|mount| (&mount.kind, &mount.source, &mount.target, mount.read_only.is_some(), mount.volume_nocopy.is_some(), &mount.bind_propagation)).collect::<Vec<_>>(), @r#"
    [
        (
            "volume",
            Some(
                "data",
            ),
            "/d",
            true,
            true,
            None,
        ),
        (
            "bind",
            Some(
                "/abs",
            ),
            "/x",
            false,
            false,
            Some(
                "rslave",
            ),
        ),
        (
            "volume",
            None,
            "/anon",
            false,
            false,
            None,
        ),
        (
            "bind",
            Some(
                "C:\\a",
            ),
            "D:\\b",
            false,
            false,
            None,
        ),
        (
            "volume",
            Some(
                "config_files",
            ),
            "/etc/x",
            false,
            false,
            None,
        ),
    ]
    "#);
}

#[test]
fn a_relative_bind_is_an_error_in_a_repository_and_absolute_from_bare_files() {
    let text = service("volumes: ['./data:/d', '../x:/y']");
    assert!(
        problems(&text).contains("error relative-bind"),
        "{}",
        problems(&text)
    );
    let origin = Origin::Bare {
        working_dir: "/srv/app".to_owned(),
    };
    let (compose, _, _) = run(&[&text], origin, Compat::Docker);
    let volumes = compose.unwrap().services["web"].volumes.clone();
    let sources: Vec<_> = volumes
        .iter()
        .filter_map(|mount| mount.source.as_ref())
        .map(|source| source.value.as_str())
        .collect();
    assert_eq!(sources, ["/srv/app/data", "/srv/x"]);
}

#[test]
fn the_environment_is_that_of_docker() {
    let web = web(&[
        "env_file: a.env\nenvironment: {N: 1.10, OCT: 0644, NONE: , TAG: '', PLAIN: \"$TAG\"}",
    ]);
    let environment: Vec<_> = web
        .environment
        .iter()
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    insta::assert_snapshot!(environment.join("\n"), @r#"
    A=Some("1")
    B=Some("x=y ")
    EMPTY=Some("")
    N=Some("1.1")
    NONE=None
    OCT=Some("420")
    PASS=Some([secret db])
    PLAIN=Some("7")
    TAG=Some("7")
    "#);
}

#[test]
fn a_number_that_docker_rewrites_is_quoted_in_a_warning() {
    insta::assert_snapshot!(problems(&service("environment: {A: 1.10, B: 5, C: '1.10'}\nlabels: {D: 0644}")), @r"
    0.yml:4:22 warning number-normalised: Docker reads `1.10` as the number 1.1 (Put the value in quotes to keep it as written.)
    0.yml:5:17 warning number-normalised: Docker reads `0644` as the number 420 (Put the value in quotes to keep it as written.)
    ");
}

#[test]
fn a_bad_env_file_is_reported_where_it_is_wrong() {
    insta::assert_snapshot!(problems(&service("env_file: [bad.env]")), @r"
    bad.env:1:1 error invalid-env-file: this line of the env file has a space in the variable name (Write `NAME=value`, without `export`.)
    bad.env:2:1 error invalid-env-file: this line of the env file has no variable name (Write `NAME=value`, without `export`.)
    ");
}

#[test]
fn content_is_read_and_names_of_external_objects_are_filled_in() {
    let compose = loaded(&[
        "configs: {a: {file: conf.txt}, b: {external: true}, c: {external: {name: q}}}\nsecrets: {d: {driver: vault}}\n",
    ]);
    assert_eq!(
        compose.configs["a"]
            .content
            .as_ref()
            .map(crate::secret::Secret::expose),
        Some(&b"content"[..])
    );
    let name = |key: &str| {
        compose.configs[key]
            .name
            .as_ref()
            .map(|name| name.value.as_str())
    };
    assert_eq!(
        (name("a"), name("b"), name("c")),
        (None, Some("b"), Some("q"))
    );
    assert!(compose.secrets["d"].content.is_none());
}

#[test]
fn later_files_override_as_dockers_merge_does() {
    let web = web(&[
        "command: a b\nenvironment: {A: 1, B: x}\nlabels: {l: 1}\nports: ['80:80', '53:53/udp', '53:53']\nvolumes: ['zz:/z', 'aa:/a']\ncap_add: [X]\nhealthcheck: {test: [CMD, a], retries: 3}\ntty: true\nlogging: {driver: j, options: {x: '1'}}",
        "command: c\nenvironment: {A: '', B: y, C: z}\nlabels: {l: ''}\nports: ['9:9']\nvolumes: ['bb:/a']\ncap_add: [X]\nhealthcheck: {test: [CMD, b], retries: 0}\ntty: false\nlogging: {driver: k}",
    ]);
    assert_eq!(format!("{:?}", web.command), r#"Some(["c"])"#);
    assert_eq!(
        format!("{:?}", web.environment),
        r#"{"A": Some("1"), "B": Some("y"), "C": Some("z")}"#
    );
    assert_eq!(format!("{:?}", web.labels), r#"{"l": ""}"#);
    let published: Vec<_> = web
        .ports
        .iter()
        .filter_map(|port| port.published.as_ref())
        .map(|port| port.value)
        .collect();
    assert_eq!(published, [9, 53, 80], "two of one published port are one");
    let sources: Vec<_> = web
        .volumes
        .iter()
        .filter_map(|mount| mount.source.as_ref())
        .map(|source| source.value.as_str())
        .collect();
    assert_eq!(sources, ["bb", "zz"], "by target");
    assert_eq!(web.cap_add.len(), 2);
    let health = web.healthcheck.unwrap();
    assert_eq!(
        (
            health.test.len(),
            health.retries.map(|retries| retries.value)
        ),
        (4, Some(0))
    );
    assert!(web.tty.is_some(), "false is nothing written");
    assert_eq!(
        format!("{:?}", web.logging),
        r#"Some(Logging { driver: Some("k"), options: {} })"#
    );
}

#[test]
fn positions_survive_the_merge() {
    let (compose, _, sources) = run(
        &[&service("user: a"), &service("hostname: b")],
        Origin::Repository,
        Compat::Specification,
    );
    let web = compose.unwrap().services["web"].clone();
    assert_eq!(sources.place(web.user.unwrap().span), "0.yml:4:11");
    assert_eq!(sources.place(web.hostname.unwrap().span), "1.yml:4:15");
}

#[test]
fn what_an_anchor_brings_to_many_places_is_said_once() {
    let text = "x-a: &a {image: x, foo: 1}\nservices: {b: *a, c: *a, d: {<<: *a}}\n";
    assert_eq!(problems(text).lines().count(), 1, "{}", problems(text));
}

#[test]
fn files_of_different_versions_do_not_merge() {
    let (compose, out, sources) = run(
        &["version: '3.8'\nservices: {}", "services: {}"],
        Origin::Repository,
        Compat::Specification,
    );
    assert!(compose.is_none());
    assert!(show(&out, &sources).starts_with("1.yml:1:1 error version-mismatch"));
}

#[test]
fn a_secret_may_not_become_a_name() {
    let shown = problems(&service(
        "environment: ['$PASS', 'A=$PASS']\nnetworks: ['$PASS']",
    ));
    assert_eq!(shown.matches("secret-in-name").count(), 2, "{shown}");
}

/// Places in a service where a secret could flow into a value that is then refused.
const PLACES: &[&str] = &[
    "ports: ['X']",
    "ports: [{target: 'X'}]",
    "volumes: ['./X:/a']",
    "volumes: ['X::']",
    "volumes: [{type: 'X'}]",
    "command: \"'X\"",
    "stop_grace_period: 'X'",
    "healthcheck: {interval: 'X', retries: 'X'}",
    "deploy: {replicas: 'X', update_config: {order: 'X', delay: 'X'}, resources: {limits: {memory: 'X', cpus: 'X'}}}",
    "env_file: 'X'",
    "environment: ['X', 'A=X']",
    "environment: {A: 'X'}",
    "labels: ['X=1']",
    "networks: ['X']",
    "tty: 'X'",
    "ulimits: {a: 'X'}",
    "cap_add: ['X', 'X']",
    "depends_on: ['X']",
    "extra_hosts: ['X', 'a:X']",
    "secrets: ['X', {source: a, mode: 'X'}]",
    "init: 'X'",
    "logging: {driver: 'X', options: {a: 'X'}}",
    "image: 'X'",
];

#[test]
fn no_message_and_no_debug_output_holds_a_secret() {
    for place in PLACES {
        for filling in ["$PASS", "a${PASS}b", "$PASS:80", "80:$PASS"] {
            let body = place.replace('X', filling);
            for text in [
                service(&body),
                format!(
                    "services: {{web: {{image: x}}}}\nconfigs: {{a: {{file: '{filling}'}}}}\nnetworks: {{n: {{external: {{name: '{filling}'}}, name: '{filling}'}}}}\n"
                ),
            ] {
                let (compose, out, sources) =
                    run(&[&text], Origin::Repository, Compat::Specification);
                let shown = format!("{}{compose:?}", show(&out, &sources));
                assert!(!shown.contains(CANARY), "{text}\n{shown}");
            }
        }
    }
}

const KEYS: &[&str] = &[
    "version",
    "services",
    "networks",
    "volumes",
    "configs",
    "secrets",
    "web",
    "image",
    "deploy",
    "ports",
    "target",
    "published",
    "environment",
    "env_file",
    "healthcheck",
    "test",
    "interval",
    "retries",
    "resources",
    "limits",
    "memory",
    "ulimits",
    "soft",
    "hard",
    "external",
    "name",
    "file",
    "driver",
    "driver_opts",
    "ipam",
    "config",
    "subnet",
    "type",
    "source",
    "tmpfs",
    "size",
    "bind",
    "labels",
    "extra_hosts",
    "depends_on",
    "condition",
    "command",
    "logging",
    "options",
    "placement",
    "preferences",
    "spread",
    "update_config",
    "max_failure_ratio",
    "x-a",
    "",
];

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        "[-a-z0-9:/.,~'\"\\\\$% é\u{0}]{0,12}".prop_map(Value::Text),
        prop::sample::select(vec!["3", "a.env", "1m", "80:80", "../x:/y"])
            .prop_map(|text| Value::Text(text.to_owned())),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let node = inner.prop_map(|value| Node {
            value,
            span: span(),
            secrets: Provenance::none(),
        });
        let pair = (prop::sample::select(KEYS), node.clone());
        prop_oneof![
            prop::collection::vec(node, 0..5).prop_map(Value::List),
            prop::collection::vec(pair, 0..6).prop_map(|pairs| {
                let unique: BTreeMap<_, _> = pairs.into_iter().collect();
                let pairs = unique
                    .into_iter()
                    .map(|(key, node)| (Field::new(key.to_owned(), span()), node));
                Value::Map(Mapping(pairs.collect()))
            }),
        ]
    })
}

fn span() -> Span {
    Span::start_of(Sources::default().add("c.yml", ""))
}

/// `value` as the service `web`, so that trees reach the decoders.
fn in_service(value: Value) -> Node {
    let node = |value| Node {
        value,
        span: span(),
        secrets: Provenance::none(),
    };
    let map = |key: &str, value| {
        Value::Map(Mapping(vec![(
            Field::new(key.to_owned(), span()),
            node(value),
        )]))
    };
    node(map("services", map("web", value)))
}

proptest! {
    #[test]
    fn no_tree_makes_it_panic(value in any_value(), inside: bool) {
        let mut sources = Sources::default();
        let file = sources.add("c.yml", "");
        let root = if inside { in_service(value) } else { Node { value, span: span(), secrets: Provenance::none() } };
        let request = Request {
            files: &[file],
            variables: &variables(),
            read: &shelf(),
            origin: Origin::Bare { working_dir: "/w".to_owned() },
            compat: Compat::Specification,
        };
        let _ = load_tree(&request, file, root, &mut sources, &mut Diagnostics::default(), &mut EnvFiles::new());
    }

    #[test]
    fn no_text_in_a_short_form_makes_it_panic(text in "[-a-z0-9:/.,~\\[\\]\"' \\\\é]{0,20}") {
        let quoted = text.replace('\'', "''");
        for key in ["ports", "volumes", "extra_hosts", "command", "environment"] {
            let _ = problems(&service(&format!("{key}: ['{quoted}']")));
        }
        let _ = problems(&service(&format!("command: '{quoted}'")));
    }
}
