//! What each lint says, and where it is silent.

use super::*;
use crate::compose::{self, Compat, FileError, Files, Origin, Request, Variables};
use crate::diagnostic::Quote;
use crate::manifest::{self, LintOff};
use crate::secret::Provenance;
use crate::source::FileId;
use crate::spec::{self, Input as SpecInput};

/// Every file holds its path, but for `key.pem`.
struct Folder;

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        Ok(match path {
            "key.pem" => b"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n".to_vec(),
            "a.env" => b"FROM_FILE_PASSWORD=hunter2\n".to_vec(),
            other => other.as_bytes().to_vec(),
        })
    }
}

/// A repository with `volumes.yaml`, the stacks' compose files and a `secrets.yaml` for all of them.
struct Repository {
    sources: Sources,
    manifest: Manifest,
    secrets: Vec<SecretEntry>,
    stacks: Vec<(StackName, Compose, Option<StackSpec>)>,
    absent: BTreeSet<String>,
    problems: Diagnostics,
}

impl Repository {
    fn new(volumes: &str, secrets: &str, stacks: &[(&str, &str)]) -> Self {
        let (mut sources, mut problems) = (Sources::default(), Diagnostics::default());
        let lines: Vec<_> = stacks
            .iter()
            .map(|(name, _)| format!("- name: {name}"))
            .collect();
        let list = lines.join("\n");
        let list = sources.add("stacks.yaml", list);
        let nfs = sources.add("nfs.yaml", "path: /nfs\n");
        let volumes = sources.add("volumes.yaml", volumes);
        let manifest = Manifest {
            stacks: manifest::parse_stacks(&sources, list, &mut problems).unwrap(),
            volumes: manifest::parse_volumes(&sources, volumes, &mut problems).unwrap(),
            nfs: manifest::parse_nfs(&sources, nfs, &mut problems),
        };
        let file = sources.add("secrets.yaml", secrets);
        let secrets = manifest::parse_secrets(&sources, file, &mut problems).unwrap();
        let mut repository = Self {
            sources,
            manifest,
            secrets,
            stacks: Vec::new(),
            absent: BTreeSet::new(),
            problems,
        };
        for (name, text) in stacks {
            repository.add(&StackName::parse(name).unwrap(), text);
        }
        repository
    }

    fn add(&mut self, name: &StackName, text: &str) {
        let file: FileId = self.sources.add(format!("{name}.yml"), text);
        let mut variables = Variables::new(Compat::Specification);
        variables.set("SET", "from-outside", Provenance::none());
        for secret in &self.secrets {
            variables.set(
                &secret.env.value,
                "[secret]",
                Provenance::secret(&secret.id.value),
            );
        }
        let request = Request {
            files: &[file],
            variables: &variables,
            read: &Folder,
            origin: Origin::Repository,
            compat: Compat::Specification,
        };
        let compose = compose::load(&request, &mut self.sources, &mut self.problems);
        let compose = compose.unwrap_or_else(|| panic!("{:?}", self.problems));
        let input = SpecInput {
            stack: name,
            volumes: &self.manifest.volumes,
            nfs: Some("/nfs"),
            origin: Origin::Repository,
        };
        let spec = spec::convert(&compose, &input, &mut self.problems);
        self.stacks.push((name.clone(), compose, spec));
    }

    fn lint(&self) -> Linted {
        let stacks = self.stacks.iter().map(|(name, compose, spec)| Stack {
            name,
            compose,
            spec: spec.as_ref(),
            secrets: &self.secrets,
        });
        lint(&Input {
            sources: &self.sources,
            manifest: Some(&self.manifest),
            absent: &self.absent,
            stacks: &stacks.collect::<Vec<_>>(),
        })
    }

    /// Each finding in a line: place, length of the mark, code, message, hint.
    fn told(&self) -> String {
        let lines = self
            .lint()
            .findings
            .into_iter()
            .map(|Finding { diagnostic: d, .. }| {
                let place = d.span.map_or("-".to_owned(), |span| {
                    format!("{}+{}", self.sources.place(span), span.length)
                });
                let hint = d.hint.unwrap_or_default();
                format!("{place} {}: {} | {hint}", d.code, d.message)
            });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// What is said of one stack `web` alone.
fn told(compose: &str) -> String {
    Repository::new("", "", &[("web", compose)]).told()
}

#[test]
fn a_volume_that_no_stack_mounts_is_told_unless_a_stack_is_missing() {
    let volumes =
        "- {id: used, type: volume, path: used}\n- {id: left, type: binding, path: left}\n";
    let text = "services: {a: {image: 'x:1', volumes: ['used:/x']}}\n";
    let mut repository = Repository::new(volumes, "", &[("web", text)]);
    insta::assert_snapshot!(repository.told(), @r"
    volumes.yaml:2:8+4 unused-volume: no stack mounts the volume `left` | Mount it as `<id>:<path>`, or remove it from `volumes.yaml`.
    ");
    let unread = manifest::StackEntry::plain(crate::field::Field::new(
        StackName::parse("unread").unwrap(),
        crate::source::Span::start_of(repository.sources.add("stacks.yaml", "")),
    ));
    repository.manifest.stacks.push(unread);
    assert_eq!(repository.told(), "");
}

#[test]
fn a_binding_of_nothing_is_told() {
    let volumes = "- {id: aa, type: binding, path: here}\n- {id: bb, type: binding, path: ther}\n\
                   - {id: cc, type: volume, path: ther}\n";
    let text = "services: {a: {image: 'x:1', volumes: ['aa:/a', 'bb:/b', 'cc:/c']}}\n";
    let mut repository = Repository::new(volumes, "", &[("web", text)]);
    repository.absent.insert("ther".to_owned());
    insta::assert_snapshot!(repository.told(), @r"
    volumes.yaml:2:33+4 binding-without-files: the repository has nothing at `ther`, the path of `bb` | Correct the path, or add the files; `.gitkeep` does for an empty folder.
    ");
}

#[test]
fn a_secret_that_flows_nowhere_is_told() {
    let secrets = "- {id: a, env: PASSED}\n- {id: b, env: WRITTEN}\n- {id: c, env: LEFT}\n";
    let text = "services: {a: {image: 'x:1', environment: {PASSED: , URL: 'x:${WRITTEN}'}}}\n";
    let repository = Repository::new("", secrets, &[("web", text)]);
    insta::assert_snapshot!(repository.told(), @r"
    secrets.yaml:3:8+1 unused-secret: nothing in stack `web` uses the secret `c` | Use `${LEFT}` in the compose file, or remove the entry.
    ");
}

#[test]
fn a_declaration_that_no_service_uses_is_told() {
    insta::assert_snapshot!(told("
services:
  a: {image: 'x:1', networks: [used], volumes: ['used:/x'], configs: [used], secrets: [used]}
  b: {image: 'x:1', credential_spec: {config: credentials}}
networks: {used: , default: , left: }
volumes: {used: , left: }
configs: {used: {external: true}, credentials: {external: true}, left: {external: true}}
secrets: {used: {external: true}, left: {external: true}}
"), @r"
    web.yml:5:31+4 unused-declaration: no service uses the network `left` | Use it in a service, or remove it from `networks:`.
    web.yml:6:19+4 unused-declaration: no service uses the volume `left` | Use it in a service, or remove it from `volumes:`.
    web.yml:7:66+4 unused-declaration: no service uses the config `left` | Use it in a service, or remove it from `configs:`.
    web.yml:8:35+4 unused-declaration: no service uses the secret `left` | Use it in a service, or remove it from `secrets:`.
    ");
}

#[test]
fn a_secret_in_clear_is_told_by_its_key_alone() {
    let text = "
services:
  a:
    image: x:1
    env_file: a.env
    environment:
      DB_PASSWORD: hunter2
      QUOTED_TOKEN: \"hunter2\"
      DATABASE_URL: postgres://app:hunter2@db/app
      PRIVATE: |
        -----BEGIN PRIVATE KEY-----
        hunter2
      FOLDED_SECRET: >-
        hunter2
      DOLLAR_SECRET: hun$$ter2
      HALF_URL: amqp://${SET}:hunter2@mq
    command: [serve, --admin-password=hunter2, --token, hunter2]
    logging: {driver: splunk, options: {splunk-token: hunter2}}
    configs: [key]
  b:
    image: x:1
    environment:
      - API_KEY=hunter2
      - 'JWT_SECRET=hunter2'
    volumes: ['share:/x']
    command: >
      serve --verbose ${SET}
      --app-password=hunter2
      --token hunter2
volumes:
  share:
    driver_opts: {type: cifs, o: 'username=app,password=hunter2'}
configs: {key: {file: key.pem}}
";
    let repository = Repository::new("", "", &[("web", text)]);
    let told = repository.told();
    assert!(!told.contains("hunter2"), "{told}");
    insta::assert_snapshot!(told, @r"
    web.yml:9:7+12 secret-in-clear: a URL with a password stands in clear in `DATABASE_URL` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:7:7+11 secret-in-clear: a value stands in clear in `DB_PASSWORD` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:15:7+13 secret-in-clear: a value stands in clear in `DOLLAR_SECRET` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:13:7+13 secret-in-clear: a value stands in clear in `FOLDED_SECRET` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    a.env:1:1+18 secret-in-clear: a value stands in clear in `FROM_FILE_PASSWORD` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:16:7+8 secret-in-clear: a URL with a password stands in clear in `HALF_URL` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:10:7+7 secret-in-clear: a private key stands in clear in `PRIVATE` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:8:7+12 secret-in-clear: a value stands in clear in `QUOTED_TOKEN` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:17:24+14 secret-in-clear: a value stands in clear in `admin-password` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:17:50+5 secret-in-clear: a value stands in clear in `token` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:18:41+12 secret-in-clear: a value stands in clear in `splunk-token` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:23:9+7 secret-in-clear: a value stands in clear in `API_KEY` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:24:10+10 secret-in-clear: a value stands in clear in `JWT_SECRET` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:28:9+12 secret-in-clear: a value stands in clear in `app-password` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:28:22+0 secret-in-clear: a value stands in clear in `token` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:32:5+11 secret-in-clear: a password stands in clear in `driver_opts` | Bring it in by `secrets.yaml`, and change it: others have seen it.
    web.yml:33:23+7 secret-in-clear: the file of this config holds a private key | Make it a Docker secret, and keep its file out of the repository.
    ");
    let in_clear = repository.lint().findings;
    let masked = in_clear
        .iter()
        .filter(|f| f.diagnostic.code == "secret-in-clear");
    let of_files = |f: &&Finding| {
        f.diagnostic.message.contains("private key") && f.diagnostic.message.contains("config")
    };
    assert!(
        masked
            .filter(|f| !of_files(f))
            .all(|f| f.diagnostic.quote == Quote::Mark)
    );
}

#[test]
fn what_is_no_secret_or_stands_elsewhere_is_not_told() {
    let secrets = "- {id: db, env: SECRET_TOKEN}\n";
    let text = "
services:
  a:
    image: x:1
    secrets: [db_password]
    environment:
      DB_PASSWORD_FILE: /run/secrets/db_password
      PASSWORD_SECRET: db_password
      FILLED_PASSWORD: docker-secret->db_password
      ALLOW_EMPTY_PASSWORD: 'yes'
      EMPTY_PASSWORD: ''
      SET_PASSWORD: ${SET}
      DEFAULT_PASSWORD: ${NOWHERE:-hunter2}
      SET_URL: postgres://app:${SET}@db/app
      NESTED_PASSWORD: ${NOWHERE:-${SET}}
      SECRET_TOKEN:
      HANDED_TOKEN: ${SECRET_TOKEN}
      URL: postgres://app:${SECRET_TOKEN}@db/app
      TEMPLATE_PASSWORD: '{{.Service.Name}}'
      MAX_TOKEN: 4096
      PWD: /home
    command: [serve, --password-file=/x, --token, --verbose, '--password=${SET}']
secrets: {db_password: {external: true}}
";
    let repository = Repository::new("", secrets, &[("web", text)]);
    assert_eq!(repository.told(), "");
}

#[test]
fn other_problems_on_the_line_of_a_secret_show_nothing_of_it() {
    let line = "{services: {a: {image: x, environment: {A: 1.10, ROOT_PASSWORD: 0123456}, \
                configs: [key]}}, configs: {key: {file: key.pem}}}\n";
    let mut repository = Repository::new("", "", &[("web", line)]);
    let linted = repository.lint();
    let mut problems = std::mem::take(&mut repository.problems);
    problems
        .0
        .extend(linted.findings.into_iter().map(|found| found.diagnostic));
    linted.hidden.keep_from(&mut problems);
    let shown = problems.0.iter().map(|d| {
        let marked = d.span.and_then(|span| repository.sources.marked(span));
        assert_eq!(d.quote, Quote::Mark, "{d:?}");
        format!("{} marks `{}`", d.message, marked.unwrap_or_default())
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r"
    Docker reads `1.10` as the number 1.1 marks `1.10`
    Docker reads this as a number and writes it differently marks ``
    a value stands in clear in `ROOT_PASSWORD` marks `ROOT_PASSWORD`
    the file of this config holds a private key marks `key.pem`
    which version of `x` runs is up to the tag `latest` marks `x`
    ");
}

#[test]
fn a_secret_whose_file_is_in_the_repository_is_told() {
    insta::assert_snapshot!(told("
services: {a: {image: 'x:1', secrets: [db, theirs]}}
secrets: {db: {file: db.txt}, theirs: {external: true}}
"), @r"
    web.yml:3:22+6 secret-file-in-repository: the secret `db` is a file of the repository | Create it by hand and write `external: true`, or use `secrets.yaml`.
    ");
}

#[test]
fn a_path_of_a_secret_that_is_not_mounted_is_told() {
    insta::assert_snapshot!(told("
services:
  a:
    image: x:1
    secrets: [db_password, {source: key, target: api.key}]
    environment:
      GOOD_FILE: /run/secrets/db_password
      ALSO_FILE: /run/secrets/api.key
      MISSPELT_FILE: /run/secrets/db_pasword
      UNKNOWN_FILE: /run/secrets/other
  b:
    image: x:1
    volumes: ['/host:/run/secrets']
    environment: {BROUGHT_FILE: /run/secrets/other}
secrets: {db_password: {external: true}, key: {external: true}}
"), @r"
    web.yml:9:22+23 secret-path-not-mounted: service `a` does not mount `/run/secrets/db_pasword` | Did you mean `/run/secrets/db_password`?
    web.yml:10:21+18 secret-path-not-mounted: service `a` does not mount `/run/secrets/other` | Add `other` to the `secrets` of the service.
    ");
}

#[test]
fn an_image_without_a_version_is_told_unless_a_variable_brings_it() {
    insta::assert_snapshot!(told("
services:
  none: {image: nginx}
  latest: {image: 'reg.example:5000/app:latest'}
  version: {image: 'nginx:1.28'}
  digest: {image: 'nginx@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}
  variable: {image: 'nginx:${TAG-latest}'}
  registry: {image: '${REG-reg.example}/app'}
"), @r"
    web.yml:4:19+29 latest-tag: which version of `reg.example:5000/app` runs is up to the tag `latest` | Write a version, as in `nginx:1.28`, or a digest.
    web.yml:3:17+5 latest-tag: which version of `nginx` runs is up to the tag `latest` | Write a version, as in `nginx:1.28`, or a digest.
    web.yml:8:21+24 latest-tag: which version of `reg.example/app` runs is up to the tag `latest` | Write a version, as in `nginx:1.28`, or a digest.
    ");
}

#[test]
fn a_port_of_two_stacks_is_told_by_swarms_rules() {
    let stack = |ports: &str| format!("services: {{a: {{image: 'x:1', ports: {ports}}}}}\n");
    let placed = |node: &str| {
        format!(
            "services: {{a: {{image: 'x:1', ports: [{{target: 1, published: 90, mode: host}}], \
             deploy: {{placement: {{constraints: ['node.labels.z == {node}']}}}}}}}}\n"
        )
    };
    let repository = Repository::new(
        "",
        "",
        &[
            (
                "one",
                &stack("['80:1', '53:53/udp', {target: 1, published: 81, mode: host}]"),
            ),
            (
                "two",
                &stack("['80:1', '53:53/tcp', {target: 1, published: 81, mode: host}, '1000']"),
            ),
            (
                "three",
                &stack("[{target: 1, published: 80, mode: host}, '1000']"),
            ),
            ("four", &placed("a")),
            ("five", &placed("b")),
        ],
    );
    insta::assert_snapshot!(repository.told(), @r"
    two.yml:1:38+6 port-published-twice: port 80/tcp is published by stack `one` (service `a`), too: Swarm refuses the second | Publish another port.
    two.yml:1:59+38 port-published-twice: port 81/tcp of the host is published by stack `one` (service `a`), too: a node runs only one of them | Publish another port, or keep the two on different nodes with `placement.constraints`.
    three.yml:1:38+38 port-published-twice: port 80/tcp is published by stack `one` (service `a`), too: Swarm refuses the second | Publish another port.
    ");
}

#[test]
fn starting_new_tasks_first_wants_a_healthcheck_and_no_port_of_the_host() {
    insta::assert_snapshot!(told("
services:
  good:
    image: x:1
    healthcheck: {test: [CMD, x]}
    deploy: {update_config: {order: start-first}}
  disabled:
    image: x:1
    healthcheck: {disable: true}
    deploy: {update_config: {order: start-first}}
  host:
    image: x:1
    healthcheck: {test: x}
    ports: [{target: 1, published: 80, mode: host}]
    deploy: {update_config: {order: start-first}}
  everywhere:
    image: x:1
    healthcheck: {test: x}
    ports: [{target: 1, published: 81, mode: host}]
    deploy: {mode: global, update_config: {order: start-first}}
  stopped: {image: 'x:1', deploy: {update_config: {order: stop-first}}}
"), @r"
    web.yml:10:37+11 start-first-without-healthcheck: service `disabled` starts new tasks first, without a healthcheck to wait for | Add a `healthcheck`, unless the image brings one.
    web.yml:20:51+11 start-first-host-port: service `everywhere` starts new tasks first, but the old ones hold its host port: no update will ever end | Use `order: stop-first`, or publish the port with `mode: ingress`.
    web.yml:15:37+11 start-first-host-port: service `host` starts new tasks first, but the old ones hold its host port: an update needs a node without one of its tasks | Use `order: stop-first`, or publish the port with `mode: ingress`.
    ");
}

#[test]
fn labels_and_reservations_that_cannot_work_are_told() {
    insta::assert_snapshot!(told("
services:
  wrong: {image: 'x:1', labels: {traefik.enable: 'true', other: x}}
  both: {image: 'x:1', labels: {traefik.enable: 'true'}, deploy: {labels: {traefik.enable: 'true'}}}
  cron: {image: 'x:1', labels: ['swarm.cronjob.enable=true']}
  large:
    image: x:1
    deploy: {resources: {limits: {memory: 100M, cpus: '0.5'}, reservations: {memory: 200M, cpus: '1'}}}
  fits:
    image: x:1
    deploy: {resources: {limits: {memory: 100M}, reservations: {memory: 100M, cpus: '1'}}}
"), @r"
    web.yml:5:33+27 service-label-on-containers: `swarm.cronjob.enable` is a label of the containers, where swarm-cronjob does not look in a Swarm | Move the `swarm.cronjob.…` labels to `deploy.labels`.
    web.yml:3:50+6 service-label-on-containers: `traefik.enable` is a label of the containers, where Traefik does not look in a Swarm | Move the `traefik.…` labels to `deploy.labels`.
    web.yml:8:86+4 reservation-over-limit: service `large` reserves more memory than it may use | Raise the limit, or reserve less.
    web.yml:8:98+3 reservation-over-limit: service `large` reserves more CPU than it may use | Raise the limit, or reserve less.
    ");
}

#[test]
fn a_lint_is_off_everywhere_or_for_one_stack() {
    let text = "services: {a: {image: x}}\n";
    let repository = Repository::new("", "", &[("web", text), ("api", text)]);
    let stack = &repository.manifest.stacks[0].name;
    let web = stack.with(stack.value.to_string());
    let left = |off: &[LintOff]| {
        let left = without(repository.lint().findings, off);
        left.into_iter()
            .filter_map(|f| f.stack)
            .map(|name| name.to_string())
            .collect::<Vec<_>>()
    };
    let off = |lint, stack| LintOff { lint, stack };
    assert_eq!(left(&[off("unused-volume", None)]), ["web", "api"]);
    assert_eq!(left(&[off("latest-tag", Some(web))]), ["api"]);
    assert_eq!(left(&[off("latest-tag", None)]), Vec::<String>::new());
}
