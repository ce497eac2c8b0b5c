//! `plan -c`: compose files compared with what runs under that name, whoever deployed it.

use std::fs;

use dockerops_lab::sleepers;

use crate::site::Site;
use crate::stacks::{deploy_with_docker, ok};

#[test]
fn compose_files_are_compared_with_a_stack_that_docker_deployed() {
    let site = Site::new("bare");
    let image = site.person.image("web", "a").unwrap();
    let compose = |mark: &str| {
        sleepers(&[
            ("web", &image, &format!(", environment: [MARK={mark}]")),
            ("api", &image, ""),
        ])
    };
    deploy_with_docker(&site.person, &site.stack, &compose("a"));
    let file = site.path("compose.yml");
    fs::write(&file, compose("a")).unwrap();
    let plan = ["plan", "-c", &file, &site.stack, "--exit-code"];
    let same = ok(&site.person, &plan);
    insta::assert_snapshot!(site.tidy(&same.stdout), @r"
    HOME/compose.yml
    app  no change
      warning: something else deployed stack `app`: it is only compared
    No changes.
    ");

    fs::write(&file, compose("b")).unwrap();
    let changed = site.run(&plan);
    assert_eq!(changed.code, Some(2), "{}", changed.text());
    insta::assert_snapshot!(site.tidy(&changed.stdout), @r"
    HOME/compose.yml
    app  changes
      ~ service  app_web  differs from what runs
          environment.MARK: [not shown] → b
          (restarts 1 task, stop-first)
      ! app_web: nothing of it runs while its one task restarts (stop-first)
      = 1 service unchanged
      warning: something else deployed stack `app`: it is only compared
    Plan: 0 to create, 1 to update, 0 to replace, 0 to remove; 1 task restarts.
    ");
    assert_eq!(site.recorder.writes(), []);
    site.lab.docker(&["stack", "rm", &site.stack]).unwrap();
}
