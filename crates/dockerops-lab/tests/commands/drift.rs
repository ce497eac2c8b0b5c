//! What was changed by hand, kind by kind: shown in the compose file's words, and healed.

use dockerops_lab::{Lab, Person, sleepers};

use crate::stacks::{compose_path, list, ok};

/// One kind: the service, what is done to it, and what `reconcile` says of it.
type Kind<'a> = (&'a str, [&'a str; 2], &'a str);

#[test]
fn each_kind_of_change_by_hand_is_shown_in_the_files_words_and_healed() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "drift").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
    let other = person.image("other", "two").unwrap();
    let compose = sleepers(&[
        ("port", &image, ""),
        ("label", &image, ""),
        ("constraint", &image, ""),
        ("image", &image, ""),
        ("secret", &image, ", secrets: [pw]"),
        ("config", &image, ", configs: [page]"),
    ])
    .replace("deploy: {", "deploy: {labels: {kind: file}, ")
        + "secrets: {pw: {file: ./pw.txt}}\nconfigs: {page: {file: ./page.txt}}\n";
    let (path, listed) = (compose_path(&stack), list(&[&stack]));
    let (pw, page) = (format!("{stack}/pw.txt"), format!("{stack}/page.txt"));
    let files = [
        ("stacks.yaml", listed.as_str()),
        (&path, &compose),
        (&pw, "a secret"),
        (&page, "a page"),
    ];
    let repository = person.repository().unwrap();
    repository.commit(&files, "first").unwrap();
    ok(&person, &["watch", &repository.url()]);
    let specs = || {
        let services = lab.services(&stack).unwrap().into_values();
        services
            .map(|service| service["Spec"].clone())
            .collect::<Vec<_>>()
    };
    let before = specs();

    let from_image = format!("image: {other}");
    let (secret, config) = (format!("{stack}_pw"), format!("{stack}_page"));
    let to_secret = format!("secrets: (unset) → {secret}:pw");
    let to_config = format!("configs: (unset) → {config}:page");
    let kinds: [Kind; 6] = [
        (
            "port",
            ["--publish-add", "published=18099,target=80,mode=host"],
            "ports: 18099:80/tcp (host) → (unset)",
        ),
        (
            "label",
            ["--label-add", "kind=hand"],
            "deploy.labels.kind: hand → file",
        ),
        (
            "constraint",
            ["--constraint-add", "node.role==manager"],
            "deploy.placement.constraints: node.role==manager → (unset)",
        ),
        ("image", ["--image", &other], &from_image),
        ("secret", ["--secret-rm", &secret], &to_secret),
        ("config", ["--config-rm", &config], &to_config),
    ];
    for (name, [option, value], _) in kinds {
        let service = format!("{stack}_{name}");
        let update = ["service", "update", "-d", option, value, &service];
        lab.docker(&update).unwrap();
    }
    assert_ne!(specs(), before);
    let ran = ok(&person, &["reconcile"]);

    for (_, _, said) in kinds {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.text());
    }
    assert_eq!(specs(), before);
    let again = ok(&person, &["reconcile"]);
    assert!(again.stdout.contains("1 unchanged"), "{}", again.text());
    ok(&person, &["stop"]);
}
