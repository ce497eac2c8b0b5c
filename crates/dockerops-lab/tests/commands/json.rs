//! What programs read: `-o json` of every command that answers, against the documented schema.

use std::fs;
use std::path::Path;

use dockerops_lab::{Lab, Person, sleepers};
use serde_json::{Value, json};

use crate::stacks::{commit, compose_path, fails, list, ok, text};

#[test]
fn every_json_answer_fits_its_schema() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "json").unwrap();
    let image = person.image("web", "a").unwrap();
    let (stack, broken) = (person.named("app"), person.named("broken"));
    let compose = |mark: &str| sleepers(&[("web", &image, &format!(", environment: [M={mark}]"))]);
    let repository = person.repository().unwrap();
    let url = repository.url();
    commit(
        &repository,
        &[
            (&stack, &compose("a")),
            (&broken, "services: {web: {imag: x}}\n"),
        ],
    );

    fits("version", &ok(&person, &["version", "-o", "json"]).json());
    fits("schemas", &ok(&person, &["schema", "-o", "json"]).json());
    fits(
        "schema-of-file",
        &ok(&person, &["schema", "volumes", "-o", "json"]).json(),
    );
    let completion = ok(&person, &["completion", "bash", "-o", "json"]);
    fits("completion", &completion.json());
    let example = person.home().join("example").display().to_string();
    let started = ok(&person, &["init", &example, "-o", "json"]).json();
    fits("init", &started);
    let pages = person.home().join("man1").display().to_string();
    fits("man", &ok(&person, &["man", &pages, "-o", "json"]).json());
    fits(
        "failure",
        &fails(&person, &["reconcile", "-o", "json"]).json(),
    );
    let watched = fails(&person, &["watch", &url, "-o", "json"]).json();
    fits("watch", &watched);
    assert_eq!(watched["ok"], false);
    fits(
        "failure",
        &fails(&person, &["watch", &url, "-o", "json"]).json(),
    );
    fits(
        "debug-cache",
        &ok(&person, &["debug-cache", "-o", "json"]).json(),
    );
    commit(&repository, &[(&stack, &compose("b"))]);
    fits("plan", &ok(&person, &["plan", "-o", "json"]).json());
    fits("plan", &ok(&person, &["diff", &stack, "-o", "json"]).json());
    let reconciled = ok(&person, &["reconcile", "-o", "json"]).json();
    fits("reconcile", &reconciled);
    let change = "/report/repositories/0/stacks/0/changes/0/fields/0/field";
    assert_eq!(text(&reconciled, change), "environment.M");
    for folder in [compose("b"), "services: {web: {imag: x}}\n".to_owned()] {
        let run = person.run(&["render", &checkout(&person, &stack, &folder), "-o", "json"]);
        fits("render", &run.unwrap().json());
        let run = person.run(&[
            "validate",
            &person.home().join("checkout").display().to_string(),
            "-o",
            "json",
        ]);
        fits("validate", &run.unwrap().json());
    }
    fits("stop", &ok(&person, &["stop", "-o", "json"]).json());
    let file = person.home().join("checkout").join(compose_path(&stack));
    fs::write(&file, compose("a")).unwrap();
    let file = file.display().to_string();
    let deploy = ["deploy", "-c", &file, &stack, "-o", "json"];
    let dry = [&deploy[..], &["--dry-run"]].concat();
    fits("plan", &ok(&person, &dry).json());
    fits("deploy", &ok(&person, &deploy).json());
    lab.docker(&["stack", "rm", &stack]).unwrap();
}

#[test]
fn every_field_of_a_plan_is_in_its_schema() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "jsonplan").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let compose = |web: &str, mode: &str| {
        format!(
            "services:\n  web: {{image: '{image}', volumes: ['site:/site'], configs: [page], networks: [host], \
             deploy: {{replicas: 0}}{web}}}\n  \
             every: {{image: '{image}', networks: [host], deploy: {{{mode}}}}}\n  \
             same: {{image: '{image}', networks: [host], deploy: {{replicas: 0}}}}\n\
             networks: {{host: {{external: true}}}}\nconfigs: {{page: {{file: page.txt}}}}\n"
        )
    };
    let at = |file: &str| format!("{stack}/{file}");
    let volumes = format!("- {{id: site, type: binding, path: {}}}\n", at("site"));
    let storage = [("nfs.yaml", person.nfs_yaml()), ("volumes.yaml", volumes)];
    let storage = storage
        .each_ref()
        .map(|(path, text)| (*path, text.as_str()));
    let repository = person.repository().unwrap();
    repository.commit(&storage, "storage").unwrap();
    let texts = |text: &str| {
        let files = [at("page.txt"), at("site/page")];
        let files = files.each_ref().map(|path| (path.as_str(), text));
        repository.commit(&files, "texts").unwrap();
    };
    texts("one\n");
    commit(&repository, &[(&stack, &compose("", "replicas: 0"))]);
    ok(&person, &["watch", &repository.url()]);
    texts("two\n");
    let anew = compose(
        ", environment: [NEW=1]",
        "mode: global, placement: {constraints: [node.role==worker]}",
    );
    commit(&repository, &[(&stack, &anew)]);

    let plan = ok(&person, &["plan", "--full", "-o", "json"]).json();

    fits("plan", &plan);
    let repository = &plan["report"]["repositories"][0];
    assert!(text(repository, "/bindings/0/files/0/diff").contains("+two"));
    let stack = &repository["stacks"][0];
    assert_eq!(text(stack, "/commit/subject"), "change");
    assert_eq!(text(stack, "/kept/0/why"), "up-to-date");
    assert_eq!(text(stack, "/risks/0/kind"), "down-meanwhile");
    let verbs = stack["changes"].as_array().unwrap().iter();
    let verbs: Vec<_> = verbs.map(|change| text(change, "/verb")).collect();
    assert_eq!(verbs, ["create", "replace", "update", "remove"]);
    assert_eq!(text(stack, "/changes/1/effect/does"), "replace");
    assert!(text(stack, "/changes/0/diff").contains("+two"));
    ok(&person, &["stop"]);
}

#[test]
fn every_json_answer_about_what_runs_fits_its_schema() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "jsonruns").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "a").unwrap());
    let wordy = "{image: 'IMAGE', networks: [host], command: [sh, -c, 'echo hello; sleep 100000']}";
    let compose = format!(
        "services:\n  web: {}\nnetworks: {{host: {{external: true}}}}\n",
        wordy.replace("IMAGE", &image)
    );
    let repository = person.repository().unwrap();
    let url = repository.url();
    commit(&repository, &[(&stack, &compose)]);
    ok(&person, &["watch", &url]);
    commit(
        &repository,
        &[(&stack, &compose.replace(&image, "127.0.0.1:5000/no:1"))],
    );
    fails(&person, &["reconcile"]);

    fits("status", &ok(&person, &["status", "-o", "json"]).json());
    let history = ok(&person, &["history", "-o", "json"]).json();
    fits("history", &history);
    for run in history["runs"].as_array().unwrap() {
        let id = run["id"].to_string();
        let whole = ok(&person, &["history", "--id", &id, "-o", "json"]).json();
        fits("history-of-run", &whole);
    }
    fits(
        "suspend",
        &ok(&person, &["suspend", &stack, "-o", "json"]).json(),
    );
    fits("status", &ok(&person, &["status", "-o", "json"]).json());
    fits(
        "suspend",
        &ok(&person, &["resume", &stack, "-o", "json"]).json(),
    );
    fits(
        "suspend",
        &ok(&person, &["suspend", &url, "-o", "json"]).json(),
    );
    fits("wait", &ok(&person, &["wait", &stack, "-o", "json"]).json());
    let unwell = ["wait", &stack, "--timeout", "1ms", "-o", "json"];
    fits("failure", &fails(&person, &unwell).json());
    fits("logs", &ok(&person, &["logs", &stack, "-o", "json"]).json());
    fits("doctor", &ok(&person, &["doctor", "-o", "json"]).json());
    fits(
        "unwatch",
        &ok(&person, &["unwatch", &url, "-o", "json"]).json(),
    );
}

/// A folder with one stack in it.
fn checkout(person: &Person<'_>, stack: &str, compose: &str) -> String {
    let folder = person.home().join("checkout");
    fs::create_dir_all(folder.join(stack)).unwrap();
    fs::write(folder.join("stacks.yaml"), list(&[stack])).unwrap();
    fs::write(folder.join(compose_path(stack)), compose).unwrap();
    folder.display().to_string()
}

/// Checks an answer against the definition of its command, in which every field must be documented.
fn fits(command: &str, answer: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/json.schema.json");
    let documented: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(
        jsonschema::is_valid(&documented, answer),
        "{command}: {answer:#}"
    );
    let mut definitions = documented["$defs"].clone();
    close(&mut definitions);
    let schema = json!({"$ref": format!("#/$defs/{command}"), "$defs": definitions});
    if let Err(error) = jsonschema::validate(&schema, answer) {
        panic!(
            "{command}: {error} at {}\n{answer:#}",
            error.instance_path()
        );
    }
}

/// Lets no object have a field that is not listed.
fn close(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    if fields.get("properties").is_some() {
        fields.insert("additionalProperties".to_owned(), json!(false));
    }
    fields.values_mut().for_each(close);
}

#[test]
fn debug_cache_shows_repositories_and_last_watch() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "cache").unwrap();
    let none = ok(&person, &["debug-cache"]);
    assert!(
        none.stdout.contains("no repository is watched"),
        "{}",
        none.text()
    );
    let repository = person.repository().unwrap();
    commit(&repository, &[]);
    ok(&person, &["watch", &repository.url()]);
    let first = ok(&person, &["debug-cache"]).stdout;
    assert!(
        first.contains(&format!("{}  last watch 20", repository.url())),
        "{first}"
    );
    assert!(
        first.contains(&person.database().display().to_string()),
        "{first}"
    );
    ok(&person, &["reconcile"]);
    assert_ne!(
        ok(&person, &["debug-cache"]).stdout,
        first,
        "a reconcile moves the last watch"
    );
}
