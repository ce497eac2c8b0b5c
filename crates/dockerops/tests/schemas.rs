//! The JSON Schemas of the manifest files: equal to what the readers accept, and to the files in `docs`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use dockerops_core::diagnostic::Diagnostics;
use dockerops_core::manifest::{
    ManifestFile, parse_nfs, parse_secrets, parse_stacks, parse_volumes,
};
use dockerops_core::source::Sources;
use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// What the readers refuse and JSON Schema cannot: it compares no two items of a list.
const BEYOND_JSON_SCHEMA: [&str; 3] = ["duplicate", "unknown-stack", "stack-cycle"];

fn schema(file: ManifestFile) -> Validator {
    jsonschema::draft202012::new(&file.schema()).unwrap()
}

/// The codes of the errors that the reader of `file` tells of `document`.
fn refused(file: ManifestFile, document: &Value) -> Vec<&'static str> {
    let mut sources = Sources::default();
    let id = sources.add(file.file_name(), yaml(document));
    let mut out = Diagnostics::default();
    match file {
        ManifestFile::Stacks => drop(parse_stacks(&sources, id, &mut out)),
        ManifestFile::Volumes => drop(parse_volumes(&sources, id, &mut out)),
        ManifestFile::Nfs => drop(parse_nfs(&sources, id, &mut out)),
        ManifestFile::Secrets => drop(parse_secrets(&sources, id, &mut out)),
    }
    out.errors().map(|error| error.code).collect()
}

/// `document` in YAML's flow style, in ASCII, so that every character of a text arrives as it is.
fn yaml(document: &Value) -> String {
    let escape = |c: char| match c {
        c if c.is_ascii() && c != '\u{7f}' => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    };
    document.to_string().chars().map(escape).collect()
}

/// A text that `key` takes.
fn good(key: &str) -> BoxedStrategy<String> {
    let texts: &[_] = match key {
        "type" => &["volume", "binding"],
        "name" | "id" => &["web", "Web", "api-2", "a_b"],
        "env" => &["A", "a", "_B1"],
        "owner" => &["1000:1000"],
        "mode" => &["preserve"],
        "timeout" => &["90s", "1m30s", "+.5h", "5.s", "2us"],
        "on_failure" => &["rollback", "pause", "continue", "remove"],
        "files" | "env_files" => &["compose.yml", "../x.env", "./~"],
        "depends_on" => &["web", "api-2"],
        "ignore_drift" => &["deploy.replicas", "image"],
        _ => &["config", "/mnt/nfs", "data_1"],
    };
    select(texts).prop_map(str::to_owned).boxed()
}

/// Texts near the edge between what `key` takes and what it does not, and a pattern of more.
fn edges(key: &str) -> (&'static [&'static str], &'static str) {
    if let Some(edges) = edges_of_stack(key) {
        return edges;
    }
    match key {
        "name" => (
            &["", "a", "-a", "a-", "a.b", "é", "\u{212a}"],
            "[a-zA-Z0-9][a-z0-9_-]{60,62}[a-z0-9-]",
        ),
        "id" => (
            &[
                "", "a", ".a", "a.", "_a", "a/b", "a\\b", "é", "a b", "a\u{85}",
            ],
            r"[a._/\\-]{1,3}",
        ),
        "env" => (
            &["", "1A", "_", "A-B", "A B", "É", "\u{661}"],
            "[A1_.]{1,3}",
        ),
        "type" => (&["", "Volume", "volum", "bind", "preserve"], "volume?"),
        "mode" => (&["", "Preserve", "755", "volume"], "preserve?"),
        _ => (
            &[
                "",
                "x",
                "xy",
                ".",
                "./",
                "..",
                "..b",
                "/",
                "//",
                "/.",
                "/..b",
                "~",
                "./~",
                "a/~",
                ".~",
                "secret",
                "./secret/x",
                "secrets",
                "a/secret",
                ".dockerops",
                "a/.dockerops-x",
                "a.dockerops",
                "a/../b",
                "a..b",
                "/a/./b",
                "/a/..",
                "a\u{85}",
                "/a\u{7f}",
                "/a\u{2028}/../b",
                "a\u{2028}/.dockerops",
                "/mnt/\u{2028}",
            ],
            r"(/|\./|a/|\.\./|secret/|~|\.dockerops|\.){0,4}[a./~]{0,2}",
        ),
    }
}

/// The same for the keys that only stacks have.
fn edges_of_stack(key: &str) -> Option<(&'static [&'static str], &'static str)> {
    Some(match key {
        "timeout" => (
            &[
                "", "0", "0s", "00.0h", "0.1s", "1", "-1s", "+1s", "1m30", "1 s", "5 min", "1d",
                ".s", "s", "1.s", "1µs", "1μs", "\u{661}s", "1s\n",
            ],
            r"[+-]?([01]{0,2}\.?[01]{0,2}(s|m|h|ms|us|ns)?){0,3}",
        ),
        "on_failure" => (&["", "Rollback", "never", "rollbak"], "pause?"),
        "depends_on" => return Some(edges("name")),
        "files" | "env_files" => (
            &[
                "",
                "/",
                "/x",
                "~",
                "~/x",
                ".~",
                "..",
                "../..",
                "a\u{85}",
                "a\u{2028}b",
            ],
            r"[~/.a]{0,3}",
        ),
        "ignore_drift" => (
            &[
                "",
                "deploy",
                "deploy.mode",
                "ports",
                "environment.",
                "environment.A b",
                "environment.\n",
                "deploy.labels",
                "deploy.labels.x",
                "deploy.labels.dockerops.pin",
                "labels.dockerops.x",
                "deploy.labels.com.docker.stack.image",
                "deploy.resources",
                "deploy_replicas",
            ],
            r"(deploy\.|labels\.|healthcheck|image|environment|\.){1,3}",
        ),
        "owner" => (
            &[
                "",
                ":",
                "1:",
                ":1",
                "1:2:3",
                "+1:1",
                "1: 1",
                "root:root",
                "\u{661}:1",
                "0000000000001:0",
                "4294967295:0",
                "0:4294967296",
            ],
            "(0{0,2}4294967(29|30|2)[0-9]:0)|(0:42949[0-9]{5})|[0-9]{9,11}:1",
        ),
        _ => return None,
    })
}

fn edge(key: &str) -> impl Strategy<Value = String> + use<> {
    let (texts, pattern) = edges(key);
    prop_oneof![select(texts).prop_map(str::to_owned), pattern]
}

/// What may stand behind `key`.
fn behind(key: &'static str) -> impl Strategy<Value = Value> {
    let other = [
        json!(null),
        json!(true),
        json!(7),
        json!(1.5),
        json!([]),
        json!({}),
        json!(["a"]),
    ];
    let text = || {
        prop_oneof![
            12 => good(key).prop_map(Value::from),
            8 => edge(key).prop_map(Value::from),
            1 => ".{0,6}".prop_map(Value::from),
            1 => select(other.to_vec()),
        ]
    };
    match key {
        "files" | "env_files" | "depends_on" | "ignore_drift" => {
            let list = proptest::collection::vec(text(), 0..3).prop_map(Value::from);
            prop_oneof![15 => list, 1 => text()].boxed()
        }
        "self_heal" | "suspend" => {
            prop_oneof![15 => any::<bool>().prop_map(Value::from), 1 => text()].boxed()
        }
        _ => text().boxed(),
    }
}

/// What may stand behind the `env` of a stack.
fn env() -> impl Strategy<Value = Value> {
    let name = prop_oneof![4 => good("env"), 1 => edge("env")];
    let value = prop_oneof![
        8 => select(vec![json!("x"), json!(7), json!(1.5), json!(true), json!("")]),
        1 => select(vec![json!(null), json!([]), json!({})]),
    ];
    let pairs = proptest::collection::btree_map(name, value, 0..3);
    let pairs = pairs.prop_map(|pairs| Value::Object(pairs.into_iter().collect()));
    prop_oneof![15 => pairs, 1 => behind("name")]
}

/// A mapping of keys that the files have, and seldom of one that they have not.
fn entry(keys: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let of_stack = keys.contains(&"timeout");
    let one = |key: &&'static str| {
        let key = *key;
        let there = match key {
            "owner" | "mode" => 0.3,
            _ if of_stack && key != "name" => 0.2,
            _ => 0.97,
        };
        let value = match key {
            "env" if of_stack => env().boxed(),
            _ => behind(key).boxed(),
        };
        let value = proptest::option::weighted(there, value);
        value.prop_map(move |value| Some((key.to_owned(), value?)))
    };
    let known: Vec<_> = keys.iter().map(one).collect();
    let strange = select(&["nmae", "x-a", "Id", "server"][..]);
    let strange =
        proptest::option::weighted(0.05, strange.prop_map(|key| (key.to_owned(), json!("a"))));
    (known, strange).prop_map(|(known, strange)| {
        Value::Object(known.into_iter().flatten().chain(strange).collect())
    })
}

/// A document for `file`, valid or nearly so.
fn document(file: ManifestFile) -> BoxedStrategy<Value> {
    let keys: &[_] = match file {
        ManifestFile::Stacks => &[
            "name",
            "path",
            "files",
            "depends_on",
            "timeout",
            "on_failure",
            "self_heal",
            "ignore_drift",
            "suspend",
            "env",
            "env_files",
        ],
        ManifestFile::Volumes => &["id", "type", "path", "owner", "mode"],
        ManifestFile::Nfs => &["path"],
        ManifestFile::Secrets => &["id", "env"],
    };
    let item = prop_oneof![30 => entry(keys).boxed(), 1 => behind("id").boxed()].boxed();
    let list = proptest::collection::vec(item.clone(), 0..3).prop_map(Value::from);
    match file {
        ManifestFile::Nfs => prop_oneof![30 => item, 1 => list].boxed(),
        _ => prop_oneof![30 => list.boxed(), 1 => item, 1 => Just(Value::Null).boxed()].boxed(),
    }
}

/// Whether the schema says the same of `document` as the reader, as far as it can.
fn judged_alike(file: ManifestFile, document: &Value) -> Result<(), String> {
    thread_local!(static SCHEMAS: [Validator; 4] = ManifestFile::ALL.map(schema));
    let place = ManifestFile::ALL.iter().position(|of| *of == file).unwrap();
    let valid = SCHEMAS.with(|schemas| schemas[place].is_valid(document));
    let mut errors = refused(file, document);
    errors.retain(|code| !BEYOND_JSON_SCHEMA.contains(code));
    if valid == errors.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the schema says {valid}, the reader {errors:?}: {}",
        yaml(document)
    ))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(6000) })]

    #[test]
    fn a_schema_accepts_what_the_reader_accepts(
        (file, document) in select(ManifestFile::ALL.to_vec())
            .prop_flat_map(|file| (Just(file), document(file)))
    ) {
        prop_assert_eq!(judged_alike(file, &document), Ok(()));
    }
}

#[test]
fn every_text_near_the_edge_is_judged_alike() {
    let good = [
        (
            ManifestFile::Stacks,
            json!({"name": "web", "path": "x", "timeout": "5m", "on_failure": "pause"}),
        ),
        (
            ManifestFile::Volumes,
            json!({"id": "a", "type": "volume", "path": "vol"}),
        ),
        (
            ManifestFile::Volumes,
            json!({"id": "a", "type": "binding", "path": "x", "owner": "1:1", "mode": "preserve"}),
        ),
        (ManifestFile::Nfs, json!({"path": "/mnt/nfs"})),
        (ManifestFile::Secrets, json!({"id": "a", "env": "A"})),
    ];
    for (file, entry) in good {
        for key in entry.as_object().unwrap().keys() {
            for text in edges(key).0 {
                let mut entry = entry.clone();
                entry[key] = (*text).into();
                let document = if file == ManifestFile::Nfs {
                    entry
                } else {
                    json!([entry])
                };
                assert_eq!(judged_alike(file, &document), Ok(()));
            }
        }
    }
}

#[test]
fn what_a_schema_cannot_say_is_told_by_the_reader() {
    let twice = [
        (
            ManifestFile::Stacks,
            json!([{"name": "web"}, {"name": "Web"}]),
        ),
        (
            ManifestFile::Volumes,
            json!([{"id": "a", "type": "volume", "path": "xy"}, {"id": "a", "type": "volume", "path": "xy"}]),
        ),
        (
            ManifestFile::Secrets,
            json!([{"id": "a", "env": "A"}, {"id": "b", "env": "A"}]),
        ),
    ];
    for (file, document) in twice {
        assert!(schema(file).is_valid(&document), "{document}");
        assert_eq!(refused(file, &document), ["duplicate"], "{document}");
    }
    let stacks = [
        (
            json!([{"name": "web", "depends_on": ["db"]}]),
            "unknown-stack",
        ),
        (
            json!([{"name": "web", "depends_on": ["web"]}]),
            "stack-cycle",
        ),
        (
            json!([{"name": "web", "timeout": "9999999h"}]),
            "invalid-duration",
        ),
    ];
    for (document, code) in stacks {
        assert!(
            schema(ManifestFile::Stacks).is_valid(&document),
            "{document}"
        );
        assert_eq!(
            refused(ManifestFile::Stacks, &document),
            [code],
            "{document}"
        );
    }
}

#[test]
fn a_good_file_is_accepted_and_each_mistake_is_refused() {
    let good = [
        (ManifestFile::Stacks, json!([{"name": "web-stack"}])),
        (ManifestFile::Stacks, json!(null)),
        (
            ManifestFile::Stacks,
            json!([{"name": "db"}, {"name": "web", "path": "sites/web", "files": ["a.yml", "../b.yml"],
                "depends_on": ["db"], "timeout": "1m30s", "on_failure": "remove", "self_heal": false,
                "ignore_drift": ["deploy.replicas"], "suspend": true, "env": {"TAG": 1.4, "A": "b"},
                "env_files": ["../common.env"]}]),
        ),
        (
            ManifestFile::Volumes,
            json!([{"id": "a", "type": "binding", "path": "./config/app/", "owner": "1000:4294967295", "mode": "preserve"}]),
        ),
        (ManifestFile::Nfs, json!({"path": "/mnt/nfs/"})),
        (
            ManifestFile::Secrets,
            json!([{"id": "db.v2", "env": "DB_PASSWORD"}]),
        ),
    ];
    let bad = [
        (ManifestFile::Stacks, json!({"stacks": []})),
        (
            ManifestFile::Stacks,
            json!([{"name": "a", "env": {"A": null}}]),
        ),
        (
            ManifestFile::Stacks,
            json!([{"name": "a", "suspend": "true"}]),
        ),
        (
            ManifestFile::Volumes,
            json!([{"id": "a", "type": "volume", "path": "vol", "owner": "1:1"}]),
        ),
        (
            ManifestFile::Volumes,
            json!([{"id": "a", "type": "binding", "path": "x", "owner": "1:4294967296"}]),
        ),
        (ManifestFile::Nfs, json!(null)),
        (ManifestFile::Secrets, json!([{"id": "../x", "env": "A"}])),
    ];
    for (file, document) in good {
        assert!(schema(file).is_valid(&document), "{document}");
        assert!(refused(file, &document).is_empty(), "{document}");
    }
    for (file, document) in bad {
        assert!(!schema(file).is_valid(&document), "{document}");
        assert!(!refused(file, &document).is_empty(), "{document}");
    }
}

fn dockerops(arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("dockerops").unwrap();
    let ran = command.env_clear().args(arguments).assert().success();
    String::from_utf8(ran.get_output().stdout.clone()).unwrap()
}

fn documented(file: ManifestFile) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join(format!(
        "docs/reference/schemas/{}.schema.json",
        file.name()
    ))
}

#[test]
fn every_schema_printed_is_the_one_in_the_docs() {
    for file in ManifestFile::ALL {
        let printed = dockerops(&["schema", file.name()]);
        let path = documented(file);
        let kept = fs::read_to_string(&path).unwrap();
        let renew = format!(
            "renew it: dockerops schema {} > {}",
            file.name(),
            path.display()
        );
        assert_eq!(kept, printed, "{renew}");
        assert_eq!(dockerops(&["schema", file.file_name()]), printed);
        let published = path.strip_prefix(path.ancestors().nth(4).unwrap()).unwrap();
        assert!(
            file.schema_url()
                .ends_with(&format!("/main/{}", published.display()))
        );
    }
}

#[test]
fn a_schema_is_valid_json_schema_and_every_key_is_described() {
    for file in ManifestFile::ALL {
        let schema = file.schema();
        jsonschema::meta::validate(&schema).unwrap();
        let record = schema.get("items").unwrap_or(&schema);
        for (key, property) in record["properties"].as_object().unwrap() {
            let described = property["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty());
            assert!(described, "{}: {key}", file.name());
        }
    }
}

#[test]
fn schema_without_a_file_lists_what_there_is() {
    let listed = dockerops(&["schema"]);
    for file in ManifestFile::ALL {
        assert!(
            listed.contains(file.file_name()) && listed.contains(&file.schema_url()),
            "{listed}"
        );
    }
}
