//! `dockerops validate` as a person, a script and code scanning call it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a run said on stdout, and its exit code.
struct Ran {
    code: i32,
    said: String,
}

/// Runs `validate` in the folder `at`, with nothing but `HOME` in its environment.
fn validate(at: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::cargo_bin("dockerops").unwrap();
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .current_dir(at);
    let output = command.arg("validate").args(arguments).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "",
        "all is the answer"
    );
    Ran {
        code: output.status.code().unwrap(),
        said: String::from_utf8(output.stdout).unwrap(),
    }
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Two stacks: one with an error, one with a secret in clear, and a volume that nothing mounts.
fn repository() -> TempDir {
    folder(&[
        ("stacks.yaml", "- name: web\n- name: api\n"),
        ("nfs.yaml", "path: /nonexistent/nfs\n"),
        (
            "web/compose.yml",
            "services:\n  app:\n    image: nginx:1.28\n    comand: x\n",
        ),
        (
            "api/secrets.yaml",
            "- {id: db, env: PASSWORD}\n- {id: old, env: OLD}\n",
        ),
        (
            "api/compose.yml",
            "services:\n  app:\n    image: nginx\n    environment:\n      URL: 'x:${PASSWORD:?}'\n      DB_PASSWORD: hunter2\n",
        ),
    ])
}

#[test]
fn every_mistake_is_told_at_once_with_number_place_and_way_out() {
    let ran = validate(repository().path(), &[]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.said, @r"
    error[DO026]: `comand` is not a key of `services.app`
     --> web/compose.yml:4:5
      |
    4 |     comand: x
      |     ^^^^^^
      |
      = hint: Did you mean `command`?

    warning[DO502]: nothing in stack `api` uses the secret `old`
     --> api/secrets.yaml:2:8
      |
    2 | - {id: old, env: OLD}
      |        ^^^
      |
      = hint: Use `${OLD}` in the compose file, or remove the entry.

    warning[DO507]: which version of `nginx` runs is up to the tag `latest`
     --> api/compose.yml:3:12
      |
    3 |     image: nginx
      |            ^^^^^
      |
      = hint: Write a version, as in `nginx:1.28`, or a digest.

    warning[DO504]: a value stands in clear in `DB_PASSWORD`
     --> api/compose.yml:6:7
      |
    6 |       DB_PASSWORD…
      |       ^^^^^^^^^^^
      |
      = hint: Bring it in by `secrets.yaml`, and change it: others have seen it.

    1 error, 3 warnings in 2 stacks.
    ");
}

#[test]
fn warnings_fail_only_when_asked_to() {
    let files = [
        ("stacks.yaml", "- name: api\n"),
        ("api/compose.yml", "services: {a: {image: x}}\n"),
    ];
    let folder = folder(&files);
    let ran = validate(folder.path(), &["."]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.said.ends_with("\n1 warning in 1 stack.\n"),
        "{}",
        ran.said
    );
    assert_eq!(validate(folder.path(), &["--strict"]).code, 1);
    let ran = validate(folder.path(), &["--strict", "--allow", "latest-tag"]);
    assert_eq!(
        (ran.code, ran.said.as_str()),
        (0, "No mistakes in 1 stack.\n")
    );
}

#[test]
fn a_lint_is_turned_off_in_the_repository_and_only_validate_reads_that() {
    let text = "services: {a: {image: x}}\n";
    let folder = folder(&[
        ("stacks.yaml", "- name: api\n- name: web\n"),
        ("api/compose.yml", text),
        ("web/compose.yml", text),
        (
            "lints.yaml",
            "- {off: latest-tag, stack: api, reason: it follows}\n",
        ),
    ]);
    let said = validate(folder.path(), &[]).said;
    assert!(
        said.contains("web/compose.yml:1:23") && !said.contains("api/compose.yml"),
        "{said}"
    );
    fs::write(folder.path().join("lints.yaml"), "- off: latest-tga\n").unwrap();
    let ran = validate(folder.path(), &[]);
    assert_eq!(ran.code, 1);
    assert!(ran.said.contains("lints.yaml:1:8") && ran.said.contains("Did you mean `latest-tag`?"));
    let mut render = Command::cargo_bin("dockerops").unwrap();
    render
        .args(["render", "."])
        .current_dir(folder.path())
        .assert()
        .success();
}

#[test]
fn a_secret_in_clear_among_the_variables_of_a_stack_is_told_by_its_key_alone() {
    let folder = folder(&[
        (
            "stacks.yaml",
            "- name: web\n  env:\n    DB_PASSWORD: hunter2\n    TAG: \"1\"\n",
        ),
        (
            "web/compose.yml",
            "services: {app: {image: 'nginx:${TAG}', environment: [DB_PASSWORD]}}\n",
        ),
    ]);
    let ran = validate(folder.path(), &[]);
    assert!(
        ran.said
            .contains("warning[DO504]: a value stands in clear in `DB_PASSWORD`"),
        "{}",
        ran.said
    );
    assert!(ran.said.contains("stacks.yaml:3:5"), "{}", ran.said);
    assert!(!ran.said.contains("hunter2"), "{}", ran.said);
}

#[test]
fn a_value_that_looks_like_a_secret_is_never_repeated() {
    let folder = repository();
    // Another mistake on the same line.
    let line = "services: {a: {image: nginx, environment: {DB_PASSWORD: hunter2}}}\n";
    fs::write(folder.path().join("web/compose.yml"), line).unwrap();
    for arguments in [&[] as &[&str], &["-o", "json"], &["--sarif"]] {
        let said = validate(folder.path(), arguments).said;
        assert!(
            said.contains("DO504") && !said.contains("hunter2"),
            "{said}"
        );
    }
}

#[test]
fn a_value_that_looks_like_a_secret_is_not_repeated_of_a_file_that_cannot_be_read() {
    let folder = repository();
    for line in [
        "services: {a: {imag: nginx, environment: {DB_PASSWORD: hunter2}}}\n",
        "services: {a: {image: nginx, environment: {DB_PASSWORD: hunter2}\n",
        "services: {a: {image: nginx, environment: {DB_PASSWORD: [hunter2]}}}\n",
        "services: {a: {image: nginx, environment: {DB_PASSWORD: 'hunter2${'}}}\n",
    ] {
        fs::write(folder.path().join("web/compose.yml"), line).unwrap();
        let said = validate(folder.path(), &[]).said;
        assert!(
            said.contains("error[") && !said.contains("| services"),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn files_given_by_hand_are_validated_also_from_standard_input() {
    let text = "services: {a: {image: 'nginx:${TAG:?}'}}\n";
    let folder = folder(&[
        ("a.yml", text),
        ("b.yml", "services: {a: {image: 'nginx:1'}}\n"),
    ]);
    let ran = validate(folder.path(), &["-c", "a.yml"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.said.contains("error[DO222]") && ran.said.contains("a.yml:1:30"),
        "{}",
        ran.said
    );
    let mut command = Command::cargo_bin("dockerops").unwrap();
    let output = command
        .args(["validate", "-c", "-"])
        .env("TAG", "1")
        .write_stdin(text);
    output
        .assert()
        .success()
        .stdout("No mistakes in 1 stack.\n");
}

#[test]
fn the_json_of_validate_fits_its_schema() {
    let answer = validate(repository().path(), &["-o", "json"]).said;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/json.schema.json");
    let documented: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let schema = json!({"$ref": "#/$defs/validate", "$defs": documented["$defs"]});
    jsonschema::validate(&schema, &answer).unwrap();
    assert_eq!(
        (&answer["ok"], &answer["errors"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(answer["diagnostics"].as_array().unwrap().len(), 4);
}

#[test]
fn the_sarif_is_what_code_scanning_reads() {
    let folder = repository();
    let above = folder.path().parent().unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    let log: Value = serde_json::from_str(&validate(above, &[name, "--sarif"]).said).unwrap();
    jsonschema::validate(&essential_sarif(), &log).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(
            run["tool"]["driver"]["rules"][index]["id"],
            result["ruleId"]
        );
    }
    let first = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(
        first["artifactLocation"]["uri"],
        format!("{name}/web/compose.yml")
    );
    assert_eq!(
        first["region"],
        json!({"startLine": 4, "startColumn": 5, "endColumn": 11})
    );
}

/// What GitHub asks of a log, of the whole schema of SARIF 2.1.0.
fn essential_sarif() -> Value {
    let text = json!({"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}});
    let line = json!({"type": "integer", "minimum": 1});
    let rule = json!({
        "type": "object",
        "required": ["id", "name", "shortDescription", "fullDescription", "help", "helpUri"],
        "properties": {
            "id": {"type": "string", "pattern": "^DO[0-9]{3}$"},
            "shortDescription": text, "fullDescription": text, "help": text,
            "helpUri": {"type": "string", "pattern": "^https://.*/codes\\.md#do[0-9]{3}$"},
        },
    });
    let location = json!({
        "type": "object", "required": ["physicalLocation"],
        "properties": {"physicalLocation": {
            "type": "object", "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {"type": "object", "required": ["uri"], "properties": {
                    "uri": {"type": "string", "pattern": "^[A-Za-z0-9._~%/:-]+$"}}},
                "region": {"type": "object", "required": ["startLine"], "properties": {
                    "startLine": line, "startColumn": line, "endColumn": line}},
            },
        }},
    });
    json!({
        "type": "object",
        "required": ["version", "$schema", "runs"],
        "properties": {
            "version": {"const": "2.1.0"},
            "runs": {"type": "array", "minItems": 1, "maxItems": 1, "items": {
                "type": "object", "required": ["tool", "results", "columnKind"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {"type": "object", "required": ["driver"], "properties": {"driver": {
                        "type": "object", "required": ["name", "rules"],
                        "properties": {"name": {"const": "dockerops"}, "rules": {"type": "array", "items": rule}}}}},
                    "results": {"type": "array", "minItems": 1, "items": {
                        "type": "object", "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
                        "properties": {
                            "level": {"enum": ["error", "warning"]}, "message": text,
                            "locations": {"type": "array", "minItems": 1, "items": location}}}},
                },
            }},
        },
    })
}

#[test]
fn the_examples_of_the_guide_have_no_mistakes() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/repository.md");
    let guide = fs::read_to_string(guide).unwrap();
    let blocks = guide.split("```yaml\n# ").skip(1);
    let files = blocks.filter_map(|block| block.split("\n```").next()?.split_once('\n'));
    let files: Vec<(&str, &str)> = files.filter(|(path, _)| *path != "lints.yaml").collect();
    let names: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    for name in [
        "stacks.yaml",
        "volumes.yaml",
        "nfs.yaml",
        "api-stack/secrets.yaml",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let folder = folder(&files);
    fs::create_dir(folder.path().join("config")).unwrap();
    let ran = validate(folder.path(), &["--strict"]);
    assert_eq!(
        (ran.code, ran.said.as_str()),
        (0, "No mistakes in 2 stacks.\n")
    );
}

#[test]
fn bindings_are_looked_at_without_copying_them() {
    let folder = folder(&[
        ("stacks.yaml", ""),
        ("nfs.yaml", "path: /nonexistent/nfs\n"),
        (
            "volumes.yaml",
            "- {id: a, type: binding, path: conf}\n- {id: b, type: binding, path: conf/x, owner: '1:1'}\n",
        ),
        ("conf/app.conf", ""),
    ]);
    let ran = validate(folder.path(), &["--allow", "unused-volume"]);
    let told = [
        "error[DO022]",
        "volumes.yaml:2:32",
        "warning[DO513]",
        "nothing at `conf/x`",
    ];
    assert!(
        told.iter().all(|text| ran.said.contains(text)),
        "{}",
        ran.said
    );
    assert!(!ran.said.contains("nothing at `conf`"), "{}", ran.said);
}

#[test]
fn a_secret_may_stand_where_a_number_or_a_boolean_is_wanted() {
    let service = "\
services:
  a:
    image: x:1
    tty: ${S:?}
    ports: [{target: '${S}', published: '${S}'}]
    deploy: {replicas: '${S}'}
";
    let folder = folder(&[
        ("stacks.yaml", "- name: web\n"),
        ("nfs.yaml", "path: /nonexistent\n"),
        ("web/secrets.yaml", "- {id: s, env: S}\n"),
        ("web/compose.yml", service),
    ]);
    let ran = validate(folder.path(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.said);
}

#[test]
fn an_empty_list_of_secrets_needs_no_nfs() {
    let folder = folder(&[
        ("stacks.yaml", "- name: web\n"),
        ("web/secrets.yaml", "[]\n"),
        (
            "web/compose.yml",
            "services: {a: {image: 'x:1', environment: {A: '${A}'}}}\n",
        ),
    ]);
    let ran = validate(folder.path(), &[]);
    assert!(
        ran.said.contains("`A` is not set"),
        "it was read: {}",
        ran.said
    );
}

#[test]
fn a_folder_that_is_none_is_a_clear_failure() {
    let mut command = Command::cargo_bin("dockerops").unwrap();
    let output = command.args(["validate", "/nonexistent"]).assert().code(1);
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(
        said.contains("cannot open the folder `/nonexistent`"),
        "{said}"
    );
    let nothing: PathBuf = tempfile::tempdir().unwrap().path().to_owned();
    fs::create_dir_all(&nothing).unwrap();
    let ran = validate(&nothing, &[]);
    assert!(
        ran.code == 1 && ran.said.contains("error[DO001]"),
        "{}",
        ran.said
    );
    fs::remove_dir(nothing).unwrap();
}
