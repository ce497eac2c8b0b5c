//! A deploy that fails takes the whole stack back, or does what `stacks.yaml` says.

use dockerops_lab::Lab;

use crate::site::{FAILS, SLEEPS, Site, file};

#[test]
fn services_configs_secrets_and_files_of_bindings_return_together() {
    let lab = Lab::shared().unwrap();
    let site = Site::new(lab, "whole");
    let nfs = site.person.nfs_yaml();
    let conf = format!("{}-conf", site.stack);
    let volumes = format!("- {{id: conf, type: binding, path: {conf}}}\n");
    let page = format!("{conf}/page");
    let release = |mark: &str, front: &str| {
        let uses = ", configs: [page], secrets: [key], volumes: ['conf:/conf']";
        let services = [
            site.service("api", mark, SLEEPS, uses),
            site.service("front", mark, front, ""),
            site.service("same", "always", SLEEPS, ""),
        ];
        file(&services)
            + "configs: {page: {file: ./page.txt}}\nsecrets: {key: {file: ./key.txt}}\nvolumes: {conf: {}}\n"
    };
    let commit = |mark: &str, front: &str| {
        site.repository
            .commit(
                &[
                    ("nfs.yaml", nfs.as_str()),
                    ("volumes.yaml", &volumes),
                    (&page, mark),
                ],
                "files",
            )
            .unwrap();
        let texts = [("page.txt", mark), ("key.txt", mark)];
        site.commit(&release(mark, front), "", &texts)
    };
    let good = commit("good", SLEEPS);
    site.watch();
    let (specs, same) = (site.specs(), site.tasks("same"));
    let (configs, secrets) = (site.objects("config"), site.objects("secret"));
    let bad = commit("bad", FAILS);

    let ran = site.fails(&["reconcile"]);

    assert!(
        ran.stdout
            .contains(&format!("rolled back to {}", &good[..12])),
        "{}",
        ran.text()
    );
    assert!(
        ran.stdout.contains("task: non-zero exit (1)"),
        "{}",
        ran.text()
    );
    let spec_of_before = |name: &str| {
        let mut spec = site.specs().remove(name).unwrap();
        // The tasks that read the files of the failed revision had to start anew.
        spec["TaskTemplate"]["ForceUpdate"] = specs[name]["TaskTemplate"]["ForceUpdate"].clone();
        spec
    };
    for (name, spec) in &specs {
        assert_eq!(spec_of_before(name), *spec);
    }
    assert_eq!(
        site.tasks("same"),
        same,
        "what did not change did not restart"
    );
    assert_eq!(site.shared(&page), "good");
    assert_eq!(
        (site.objects("config"), site.objects("secret")),
        (configs, secrets)
    );

    let held = site.fails(&["reconcile"]);
    let said = format!("held: {} failed: service ", &bad[..12]);
    assert!(held.stdout.contains(&said), "{}", held.text());
    assert!(
        held.stdout
            .contains("; a new commit or --force tries again"),
        "{}",
        held.text()
    );
    commit("mended", SLEEPS);
    site.ok(&["reconcile"]);
    assert_eq!(site.shared(&page), "mended");
}

#[test]
fn what_swarm_itself_rolled_back_is_no_success_and_takes_the_rest_back() {
    let lab = Lab::shared().unwrap();
    let site = Site::new(lab, "swarms");
    let release = |mark: &str, broken: Option<&str>| {
        let text = site.compose(&["api", "front"], mark, broken);
        text.replace("monitor: 500ms", "monitor: 2s, failure_action: rollback")
    };
    site.commit(&release("good", None), "", &[]);
    site.watch();
    let specs = site.specs();
    site.commit(&release("bad", Some("front")), "", &[]);

    let ran = site.fails(&["reconcile"]);

    assert!(
        ran.stdout.contains("FAILED and rolled back"),
        "{}",
        ran.text()
    );
    assert_eq!(site.specs(), specs);
    for service in lab.services(&site.stack).unwrap().values() {
        let state = &service["UpdateStatus"]["State"];
        assert!(state.is_null() || state == "completed", "{service}");
    }
}

#[test]
fn a_stack_says_itself_what_becomes_of_it_when_it_fails() {
    let lab = Lab::shared().unwrap();
    let left = |topic: &str, option: &str| {
        let site = Site::new(lab, topic);
        site.commit(&site.compose(&["api"], "good", None), option, &[]);
        site.watch();
        site.commit(&site.compose(&["api"], "bad", Some("api")), option, &[]);
        let ran = site.fails(&["reconcile"]);
        assert!(!ran.stdout.contains("rolled back"), "{}", ran.text());
        let env =
            &site.specs()[&format!("{}_api", site.stack)]["TaskTemplate"]["ContainerSpec"]["Env"];
        assert_eq!(env[0], "MARK=bad", "it stays as it is");
        site
    };
    let paused = left("pause", ", on_failure: pause");
    let held = paused.fails(&["reconcile"]);
    assert!(held.stdout.contains("held: "), "{}", held.text());
    let continued = left("continue", ", on_failure: continue");
    let again = continued.fails(&["reconcile"]);
    assert!(!again.stdout.contains("held: "), "{}", again.text());
}

#[test]
fn a_first_deploy_that_fails_is_left_for_inspection_or_removed() {
    let lab = Lab::shared().unwrap();
    let first = |topic: &str, option: &str| {
        let site = Site::new(lab, topic);
        site.commit(&site.compose(&["api"], "bad", Some("api")), option, &[]);
        site.fails(&["watch", &site.repository.url()]);
        site
    };
    let left = first("left", "");
    assert_eq!(left.specs().len(), 1, "left for inspection");
    left.commit(&left.compose(&["api"], "good", None), "", &[]);
    left.ok(&["reconcile"]);

    let removed = first("removed", ", on_failure: remove");
    assert_eq!(removed.specs().len(), 0);
    let held = removed.fails(&["reconcile"]);
    assert!(held.stdout.contains("held: "), "{}", held.text());
    assert_eq!(removed.specs().len(), 0, "not tried again");
}

#[test]
fn a_job_that_failed_is_not_run_again_and_what_depends_on_it_is_not_touched() {
    let lab = Lab::shared().unwrap();
    let site = Site::new(lab, "job");
    let release = |mark: &str, command: &str| {
        let needs = ", depends_on: {migrate: {condition: service_completed_successfully}}";
        let job = format!(
            "  migrate: {{image: \"{}\", command: {command}, environment: [MARK={mark}], networks: [host], \
             deploy: {{mode: replicated-job, restart_policy: {{condition: none}}}}}}\n",
            site.image
        );
        file(&[site.service("api", mark, SLEEPS, needs), job])
    };
    site.commit(&release("good", "\"true\""), "", &[]);
    site.watch();
    let runs = || lab.tasks(&format!("{}_migrate", site.stack)).unwrap().len();
    let (api, before) = (site.tasks("api"), runs());
    site.commit(&release("bad", FAILS), "", &[]);

    let ran = site.fails(&["reconcile"]);

    assert!(
        ran.stdout.contains("has run and is not undone"),
        "{}",
        ran.text()
    );
    assert_eq!(site.tasks("api"), api, "it waited for the migration");
    let after = runs();
    assert!(after > before);
    site.fails(&["reconcile"]);
    assert_eq!(runs(), after, "a held stack runs no job");
}
