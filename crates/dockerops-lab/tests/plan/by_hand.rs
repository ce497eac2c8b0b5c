//! What was changed by hand on the Swarm, told apart from what the repository asks for anew.

use crate::site::Site;
use crate::stacks::ok;

/// Each service is changed by hand in a way of its own.
const BY_HAND: [(&str, &[&str]); 7] = [
    ("env", &["--env-add", "NEW=1"]),
    ("scale", &["--replicas", "1"]),
    (
        "publish",
        &["--publish-add", "mode=host,target=80,published=18090"],
    ),
    ("secret", &["--secret-rm", "STACK_token"]),
    ("label", &["--label-add", "team=b"]),
    ("constraint", &["--constraint-add", "node.role==worker"]),
    ("image", &["--image", "IMAGE:2"]),
];

#[test]
fn each_change_by_hand_is_told_with_its_field_apart_from_what_is_asked_anew() {
    let site = deployed();
    for (service, arguments) in BY_HAND {
        by_hand(&site, service, arguments);
    }
    site.compose(&compose(&site, "b"), "anew");

    let diff = site.run(&["diff", &site.stack, "--exit-code"]);
    assert_eq!(diff.code, Some(2), "{}", diff.text());
    insta::assert_snapshot!(site.tidy(&diff.stdout), @r"
    URL  HEAD
    app  changes
      commit HEAD by Lab <lab@example.org>: anew
      ~ service  app_anew  changed since the last deploy
          environment.MARK: a → b
          (no restart)
      ~ service  app_constraint  changed by hand on the Swarm
          deploy.placement.constraints: node.role==worker → (unset)
          (no restart)
      ~ service  app_env  changed by hand on the Swarm
          environment.NEW: [not shown] → (unset)
          (no restart)
      ~ service  app_image  changed by hand on the Swarm
          image: web:2 → web:1@sha256:…
          (no restart)
      ~ service  app_label  changed by hand on the Swarm
          deploy.labels.team: b → (unset)
          (no restart)
      ~ service  app_publish  changed by hand on the Swarm
          ports: 18090:80/tcp (host) → (unset)
          (no restart)
      ~ service  app_scale  changed by hand on the Swarm
          deploy.replicas: 1 → 0
          (stops 1 task)
      ~ service  app_secret  changed by hand on the Swarm
          secrets: (unset) → app_token:token
          (no restart)
    Plan: 0 to create, 8 to update, 0 to replace, 0 to remove.
    ");
    assert_eq!(site.recorder.writes(), []);

    ok(&site.person, &["reconcile"]);
    let healed = ok(&site.person, &["diff", &site.stack, "--exit-code"]);
    assert!(
        healed.stdout.ends_with("No changes.\n"),
        "{}",
        healed.text()
    );
    ok(&site.person, &["stop"]);
}

#[test]
fn a_held_stack_counts_as_a_change_and_an_error_exits_1() {
    let site = Site::new("exits");
    let image = site.person.image("web", "a").unwrap();
    let compose = |command: &str| {
        format!(
            "services: {{web: {{image: \"{image}\", command: [sh, -c, \"{command}\"], networks: [host], stop_grace_period: 0s, \
             deploy: {{update_config: {{failure_action: rollback, monitor: 3s}}, restart_policy: {{delay: 500ms}}}}}}}}\n\
             networks: {{host: {{external: true}}}}\n"
        )
    };
    site.compose(&compose("sleep 90001"), "first");
    site.watch();
    site.compose(&compose("exit 3"), "crashes");
    let failed = site.run(&["reconcile"]);
    assert_eq!(failed.code, Some(1), "{}", failed.text());
    let held = site.run(&["plan", "--exit-code"]);
    assert_eq!(held.code, Some(2), "{}", held.text());
    let told = site.tidy(&held.stdout);
    for part in [
        "app  held\n",
        "  ~ service  app_web  changed since the last deploy\n",
        "  error: held: HEAD failed: service app_web failed",
        "; a new commit or --force tries again\n",
        "or run `dockerops retry app`.\n",
        "\nNo changes, 1 held.",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    ok(&site.person, &["plan"]);
    site.compose("services: {web: {imag: x}}\n", "a mistake");
    for arguments in [
        ["plan"].as_slice(),
        &["plan", "--exit-code"],
        &["diff", &site.stack],
    ] {
        let ran = site.run(arguments);
        assert_eq!(ran.code, Some(1), "{}", ran.text());
        assert!(ran.stdout.contains("`image`"), "{}", ran.text());
    }
    ok(&site.person, &["stop"]);
}

/// Changes a service as somebody at a shell would.
fn by_hand(site: &Site<'_>, service: &str, arguments: &[&str]) {
    let own: Vec<_> = arguments
        .iter()
        .map(|text| {
            text.replace("STACK", &site.stack)
                .replace("IMAGE", &image(site))
        })
        .collect();
    let service = format!("{}_{service}", site.stack);
    let mut command = vec!["service", "update", "--detach", "--no-resolve-image"];
    command.extend(own.iter().map(String::as_str));
    command.push(&service);
    site.lab.docker(&command).unwrap();
}

fn image(site: &Site<'_>) -> String {
    format!("{}/{}", site.lab.registry(), site.person.named("web"))
}

/// A service for each change by hand, without tasks, and one that the repository changes.
fn compose(site: &Site<'_>, mark: &str) -> String {
    let mut text = "services:\n".to_owned();
    let names = BY_HAND.iter().map(|(name, _)| *name);
    for name in names.chain(["anew"]) {
        let more = match name {
            "secret" => "secrets: [token], ".to_owned(),
            "anew" => format!("environment: [MARK={mark}], "),
            _ => String::new(),
        };
        text += &format!(
            "  {name}: {{image: '{}:1', networks: [host], {more}deploy: {{replicas: 0}}}}\n",
            image(site)
        );
    }
    text + "networks: {host: {external: true}}\nsecrets: {token: {file: token.txt}}\n"
}

fn deployed() -> Site<'static> {
    let site = Site::new("byhand");
    for tag in ["1", "2"] {
        let name = site.person.named("web");
        site.lab.push_image(&name, tag, tag).unwrap();
    }
    site.files(&[("token.txt", "in-the-clear")], "token");
    site.compose(&compose(&site, "a"), "first");
    site.watch();
    site.recorder.clear();
    site
}
