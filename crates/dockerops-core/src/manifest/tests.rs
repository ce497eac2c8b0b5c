//! What the readers of the manifest files promise.

use super::*;
use crate::diagnostic::Severity;
use crate::source::{FileId, Sources};

type Read<T> = fn(&Sources, FileId, &mut Diagnostics) -> Option<T>;

fn read<T>(read: Read<T>, text: &str) -> (Option<T>, Diagnostics) {
    let mut sources = Sources::default();
    let file = sources.add("f.yaml", text);
    let mut out = Diagnostics::default();
    let value = read(&sources, file, &mut out);
    assert_eq!(value.is_none(), out.has_errors(), "{out:?}");
    (value, out)
}

fn good<T>(reader: Read<T>, text: &str) -> T {
    let (value, out) = read(reader, text);
    assert_eq!(out, Diagnostics::default());
    value.unwrap()
}

fn told(out: &Diagnostics) -> String {
    let lines = out.0.iter().map(|d| {
        let at = d.span.map_or("-".to_owned(), |s| {
            format!("{}:{}:{}", s.line, s.column, s.length)
        });
        let level = if d.severity == Severity::Error {
            ""
        } else {
            "warning "
        };
        format!(
            "{at} {level}{}: {} | {}",
            d.code,
            d.message,
            d.hint.as_deref().unwrap_or("-")
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn problems<T>(reader: Read<T>, text: &str) -> String {
    told(&read(reader, text).1)
}

#[test]
fn stacks_keep_their_order() {
    let stacks = good(parse_stacks, "- name: web\n- name: api-2\n");
    let names: Vec<_> = stacks.iter().map(|s| s.name.value.as_str()).collect();
    assert_eq!(names, ["web", "api-2"]);
}

#[test]
fn an_empty_list_of_stacks_is_a_warning() {
    for text in ["", "[]", "# nothing yet\n"] {
        let (stacks, out) = read(parse_stacks, text);
        assert_eq!(stacks, Some(vec![]));
        assert!(told(&out).contains("warning no-stacks"), "{text}");
    }
}

#[test]
fn every_problem_of_stacks_yaml_is_told_at_its_place() {
    let text = "
- name: web
- nmae: api
- name: Web
- web
- name: ../etc
- name: 42
- {name: db, folder: x}
";
    insta::assert_snapshot!(problems(parse_stacks, text), @r#"
    3:3:0 missing-key: a stack needs `name` | Add `name: …` here.
    3:3:4 unknown-key: a stack has no key `nmae` | Did you mean `name`? The keys are `name`, `path`, `files`, `depends_on`, `timeout`, `on_failure`, `self_heal`, `ignore_drift`, `suspend`, `env`, `env_files`.
    4:9:3 duplicate: the name `Web` differs from `web` only in letter case | Rename one: the other is at line 2.
    5:3:3 wrong-type: a stack must be a mapping, not a string | Write it as `- name: web`.
    6:9:6 bad-stack-name: `../etc` is not a stack name: use letters, digits, `-` and `_`, starting and ending with a letter or digit, at most 63 characters | Name the stack and its folder alike, such as `web`.
    7:9:2 wrong-type: `name` must be a string, not an integer | Put quotes around it.
    8:14:6 unknown-key: a stack has no key `folder` | The keys are `name`, `path`, `files`, `depends_on`, `timeout`, `on_failure`, `self_heal`, `ignore_drift`, `suspend`, `env`, `env_files`.
    "#);
    insta::assert_snapshot!(problems(parse_stacks, "stacks:\n  - name: web\n"), @r#"1:1:0 wrong-type: `stacks.yaml` must be a list, not a mapping | Write it as `- name: web`, a line for each stack."#);
}

#[test]
fn an_entry_of_stacks_yaml_says_where_its_files_are_and_how_it_is_kept() {
    let text = r#"
- name: db
- name: web
  path: ./sites//web/
  files: [compose.yml, ../production.yml]
  depends_on: [db]
  timeout: 1m30s
  on_failure: pause
  self_heal: false
  ignore_drift: [deploy.replicas]
  suspend: true
  env: {TAG: 1.10, PORT: 8080, DEBUG: true, EMPTY: "", HEX: 0x10, QUOTED: "a b"}
  env_files: [../common.env]
"#;
    let stacks = good(parse_stacks, text);
    assert_eq!(stacks[0], StackEntry::plain(stacks[0].name.clone()));
    assert_eq!(
        (stacks[0].folder(), stacks[0].says_more_than_options()),
        ("db", false)
    );
    let web = &stacks[1];
    assert_eq!(
        (web.folder(), web.says_more_than_options()),
        ("sites/web", true)
    );
    let values = |texts: &[Text]| texts.iter().map(|t| t.value.clone()).collect::<Vec<_>>();
    assert_eq!(values(&web.files), ["compose.yml", "../production.yml"]);
    assert_eq!(values(&web.env_files), ["../common.env"]);
    let env: Vec<_> = web
        .env
        .iter()
        .map(|(name, value)| format!("{}={}", name.value, value.value))
        .collect();
    assert_eq!(
        env,
        [
            "TAG=1.10",
            "PORT=8080",
            "DEBUG=true",
            "EMPTY=",
            "HEX=0x10",
            "QUOTED=a b"
        ]
    );
    let options = &web.options;
    assert_eq!(options.depends_on[0].value.as_str(), "db");
    assert_eq!(options.timeout, Some(std::time::Duration::from_secs(90)));
    assert_eq!(options.on_failure, OnFailure::Pause);
    assert_eq!((options.self_heal, options.suspend), (SelfHeal::No, true));
    assert_eq!(values(&options.ignore_drift), ["deploy.replicas"]);
    let root = good(parse_stacks, "- {name: web, path: .}\n");
    assert_eq!(root[0].folder(), "");
}

#[test]
fn every_problem_of_the_keys_of_a_stack_is_told_at_its_place() {
    let text = "
- {name: a, path: ../x, files: compose.yml, depends_on: [b, 7]}
- {name: b, path: /etc, files: [~/x, /etc/x], timeout: 90}
- {name: c, timeout: -5s, on_failure: rollbak, self_heal: yes}
- {name: d, timeout: 5 min, on_failure: never, suspend: 'true'}
- {name: e, env: {1A: x, B: , C: [x]}, env_files: [''], timeout: 0s}
- {name: f, env: [A=1], depends_on: a, env_file: x, on_failur: pause, ignore_drift: [deploy.replica, ports]}
";
    insta::assert_snapshot!(problems(parse_stacks, text), @r#"
    2:19:4 bad-path: the path `../x` contains `..` | Write the path without `..`.
    2:32:11 wrong-type: `files` must be a list, not a string | Write it as `files: [compose.yml, production.yml]`.
    2:61:1 wrong-type: an item of `depends_on` must be a string, not an integer | Put quotes around it.
    3:19:4 bad-path: the path `/etc` does not lie in the repository | Name a folder of the repository, as in `sites/web`; `.` is its root.
    3:33:3 bad-path: the path `~/x` does not lie in the repository | Name a file of the repository, from the stack's folder, as in `../common.env`.
    3:38:6 bad-path: the path `/etc/x` does not lie in the repository | Name a file of the repository, from the stack's folder, as in `../common.env`.
    3:56:2 wrong-type: `timeout` must be a duration, not an integer | Write a number with a unit out of `ms`, `s`, `m` and `h`, such as `90s` or `1m30s`.
    4:22:3 invalid-duration: `timeout` must be longer than nothing | Write a number with a unit out of `ms`, `s`, `m` and `h`, such as `90s` or `1m30s`.
    4:39:7 bad-word: `on_failure` must be `rollback`, `pause`, `continue` or `remove` | Did you mean `rollback`?
    4:59:3 wrong-type: `self_heal` must be a boolean, not a string | Write `true` or `false`, without quotes.
    5:22:5 invalid-duration: `timeout` is not a duration: an unknown unit | Write a number with a unit out of `ms`, `s`, `m` and `h`, such as `90s` or `1m30s`.
    5:41:5 bad-word: `on_failure` must be `rollback`, `pause`, `continue` or `remove` | Remove it for `rollback`, the default.
    5:57:6 wrong-type: `suspend` must be a boolean, not a string | Write `true` or `false`, without quotes.
    6:19:2 bad-variable-name: `1A` is not the name of a variable | Use letters, digits and `_`, not starting with a digit.
    6:27:0 wrong-type: `env.B` must be a string, number or boolean, not empty | Write `""` for a text that is empty.
    6:34:3 wrong-type: `env.C` must be a string, number or boolean, not a list | -
    6:52:2 bad-path: the path `` does not lie in the repository | Name a file of the repository, from the stack's folder, as in `../common.env`.
    6:66:2 invalid-duration: `timeout` must be longer than nothing | Write a number with a unit out of `ms`, `s`, `m` and `h`, such as `90s` or `1m30s`.
    7:18:5 wrong-type: `env` must be a mapping, not a list | Write it as `env: {TAG: "1.4"}`.
    7:37:1 wrong-type: `depends_on` must be a list, not a string | Write it as `depends_on: [database]`.
    7:40:8 unknown-key: a stack has no key `env_file` | Did you mean `env_files`? The keys are `name`, `path`, `files`, `depends_on`, `timeout`, `on_failure`, `self_heal`, `ignore_drift`, `suspend`, `env`, `env_files`.
    7:53:9 unknown-key: a stack has no key `on_failur` | Did you mean `on_failure`? The keys are `name`, `path`, `files`, `depends_on`, `timeout`, `on_failure`, `self_heal`, `ignore_drift`, `suspend`, `env`, `env_files`.
    7:86:14 unknown-field: `deploy.replica` is no field that can be ignored | Did you mean `deploy.replicas`?
    7:102:5 unknown-field: `ports` is no field that can be ignored | Name a field as `plan` shows it, such as `deploy.replicas`, `image`, `environment.TAG` or `deploy.labels.team`; `dockerops schema stacks` lists them all.
    "#);
}

#[test]
fn a_stack_waits_only_for_others_of_the_list_and_never_in_a_circle() {
    let text = "
- {name: web, depends_on: [api, databse]}
- {name: api, depends_on: [database]}
- {name: database, depends_on: [web]}
- {name: alone, depends_on: [alone]}
- {name: x, depends_on: [elsewhere]}
";
    insta::assert_snapshot!(problems(parse_stacks, text), @r"
    2:33:7 unknown-stack: `stacks.yaml` has no stack `databse` | Did you mean `database`?
    3:28:8 stack-cycle: stacks wait for each other: api → database → web → api | Take one of them out of `depends_on`.
    5:30:5 stack-cycle: stacks wait for each other: alone → alone | Take one of them out of `depends_on`.
    6:26:9 unknown-stack: `stacks.yaml` has no stack `elsewhere` | Name a stack of this file: others are not waited for.
    ");
}

#[test]
fn volumes_are_found_by_id() {
    let text = "
- id: data
  type: volume
  path: app_data_volume
- {id: conf, type: binding, path: ./config/app/, owner: 1000:50, mode: preserve}
- {id: conf2, type: binding, path: config/app}
";
    let volumes = good(parse_volumes, text);
    let VolumeKind::Volume { name } = &volumes["data"].kind else {
        panic!()
    };
    assert_eq!(name.value, "app_data_volume");
    let VolumeKind::Binding(binding) = &volumes["conf"].kind else {
        panic!()
    };
    assert_eq!(binding.path.value, "config/app");
    assert_eq!(
        (binding.owner, binding.preserve_mode),
        (Some((1000, 50)), true)
    );
    let VolumeKind::Binding(binding) = &volumes["conf2"].kind else {
        panic!()
    };
    assert_eq!((binding.owner, binding.preserve_mode), (None, false));
    assert!(good(parse_volumes, "").is_empty());
}

#[test]
fn every_problem_of_volumes_yaml_is_told_at_its_place() {
    let text = "
- {id: a, type: volum, path: x}
- {id: b, type: binding, path: ../etc}
- {id: b, type: volume, path: x/y}
- {id: c/d, type: binding, path: /etc, owner: root, mode: 755}
- {id: B, type: volume, path: vol, owner: '1:1'}
- {id: b, type: volume, path: vol}
- {type: volume, pth: x}
- id
";
    insta::assert_snapshot!(problems(parse_volumes, text), @r#"
    2:17:5 bad-volume-type: `type` must be `volume` or `binding` | Write `volume` for a Docker volume, `binding` for files of the repository.
    3:32:6 bad-path: the path `../etc` contains `..` | Write the path without `..`.
    4:31:3 bad-volume-name: the path `x/y` is not a volume name | Use letters, digits, `_`, `.` and `-`, a letter or digit first, at least two of them.
    5:8:3 bad-volume-name: the id `c/d` is not a volume name | Use letters, digits, `_`, `.` and `-`, a letter or digit first, at least one.
    5:34:4 bad-path: the path `/etc` does not lie in the repository | Name a file or folder of the repository, as in `config/app.conf`.
    5:47:4 bad-owner: `owner` must be a user id and a group id | Write numbers, as in `owner: "1000:1000"`.
    5:59:3 wrong-type: `mode` must be a string, not an integer | Put quotes around it.
    6:43:5 binding-only: `owner` is for `type: binding` only | Remove it: Docker decides over the content of a volume.
    7:8:1 duplicate: the id `b` differs from `B` only in letter case | Rename one: the other is at line 6.
    8:3:22 missing-key: a volume needs `id` | Add `id: …` here.
    8:3:22 missing-key: a volume needs `path` | Add `path: …` here.
    8:18:3 unknown-key: a volume has no key `pth` | Did you mean `path`? The keys are `id`, `type`, `path`, `owner`, `mode`.
    9:3:2 wrong-type: a volume must be a mapping, not a string | Write it as `- id: app_data`, with `type: volume` or `type: binding` and a `path` below.
    "#);
}

#[test]
fn an_nfs_root_is_read_without_its_trailing_slash() {
    assert_eq!(good(parse_nfs, "path: /mnt/nfs/\n").path.value, "/mnt/nfs");
    for text in [
        "",
        "path:",
        "path: nfs",
        "path: /",
        "- path: /mnt",
        "path: /mnt\nserver: x",
    ] {
        assert!(read(parse_nfs, text).0.is_none(), "{text}");
    }
    insta::assert_snapshot!(problems(parse_nfs, "pth: /mnt\n"), @r#"
    1:1:0 missing-key: `nfs.yaml` needs `path` | Add `path: …` here.
    1:1:3 unknown-key: `nfs.yaml` has no key `pth` | Did you mean `path`? The keys are `path`.
    "#);
}

#[test]
fn secrets_are_read_and_every_problem_is_told() {
    let secrets = good(parse_secrets, "- id: db_password\n  env: DB_PASSWORD\n");
    assert_eq!(secrets[0].id.value, "db_password");
    assert_eq!(secrets[0].env.value, "DB_PASSWORD");
    let text = "
- {id: ../passwd, env: A}
- {id: x, env: 1A}
- {id: y, env: B}
- {id: z, env: B}
- {id: y, env: C}
- {id: v, env: D, value: s3cret}
";
    let told = problems(parse_secrets, text);
    assert!(!told.contains("s3cret"));
    insta::assert_snapshot!(told, @r#"
    2:8:9 bad-path: the id `../passwd` is more than one file name | Write a plain file name, as in `db_password`.
    3:16:2 bad-variable-name: `1A` is not the name of a variable | Use letters, digits and `_`, not starting with a digit.
    5:16:1 duplicate: the env `B` is here twice | Rename one: the other is at line 4.
    6:8:1 duplicate: the id `y` is here twice | Rename one: the other is at line 4.
    7:19:5 unknown-key: a secret has no key `value` | The keys are `id`, `env`.
    "#);
}

#[test]
fn bindings_and_secrets_need_nfs_yaml_but_volumes_do_not() {
    let text = "- {id: v, type: volume, path: vol}\n- {id: b, type: binding, path: conf}\n";
    let mut manifest = Manifest {
        volumes: good(parse_volumes, text),
        ..Manifest::default()
    };
    let mut out = Diagnostics::default();
    check_nfs(&manifest, true, &mut out);
    insta::assert_snapshot!(told(&out), @r#"
    2:32:4 nfs-missing: the binding `b` needs the file `nfs.yaml` | Add `nfs.yaml` beside `stacks.yaml`, with a line such as `path: /mnt/nfs`.
    - nfs-missing: secrets need the file `nfs.yaml` | Add `nfs.yaml` beside `stacks.yaml`, with a line such as `path: /mnt/nfs`.
    "#);
    manifest.volumes.remove("b");
    let mut out = Diagnostics::default();
    check_nfs(&manifest, false, &mut out);
    assert_eq!(out, Diagnostics::default());
}

fn parse_lints_of_web(
    sources: &Sources,
    file: FileId,
    out: &mut Diagnostics,
) -> Option<Vec<LintOff>> {
    let name = StackName::parse("web").unwrap();
    let stack = StackEntry::plain(Field::new(name, crate::source::Span::start_of(file)));
    parse_lints(sources, file, &[stack], out)
}

#[test]
fn lints_are_turned_off_by_name_with_a_stack_and_a_reason() {
    let text = "
- off: latest-tag
- off: unused-secret
  stack: web
  reason: the next release uses it
";
    let off = good(parse_lints_of_web, text);
    let shown: Vec<_> = off
        .iter()
        .map(|off| {
            (
                off.lint,
                off.stack.as_ref().map(|stack| stack.value.as_str()),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [("latest-tag", None), ("unused-secret", Some("web"))]
    );
    assert_eq!(good(parse_lints_of_web, ""), []);
}

#[test]
fn every_problem_of_lints_yaml_is_told_at_its_place() {
    let text = "
- off: latest
- off: unknown-key
- off: latest-tag
  stack: wbe
- stack: web
- off: latest-tag
  reason: 7
  until: never
";
    let names: Vec<_> = crate::codes::lints()
        .map(|name| format!("`{name}`"))
        .collect();
    let told = problems(parse_lints_of_web, text).replace(&names.join(", "), "…");
    insta::assert_snapshot!(told, @r"
    2:8:6 unknown-lint: there is no lint `latest` | The lints are ….
    3:8:11 unknown-lint: there is no lint `unknown-key` | The lints are ….
    5:10:3 warning unknown-stack: `stacks.yaml` has no stack `wbe` | Did you mean `web`?
    6:3:0 missing-key: a lint needs `off` | Add `off: …` here.
    8:11:1 wrong-type: `reason` must be a string, not an integer | Put quotes around it.
    9:3:5 unknown-key: a lint has no key `until` | The keys are `off`, `stack`, `reason`.
    ");
}
