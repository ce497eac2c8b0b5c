//! Settings whose effect shows on the Swarm alone.

use dockerops_lab::{Lab, Person, sleepers};

#[test]
fn compose_files_see_only_allowed_variables() {
    let lab = Lab::shared().unwrap();
    let mut person = Person::new(lab, "allowed").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
    let more = ", environment: [\"MARK=${MARK}-${OTHER:-default}-${NOWHERE}\"]";
    let repository = person.repository().unwrap();
    let files = [
        ("stacks.yaml", format!("- name: {stack}\n")),
        (
            &*format!("{stack}/compose.yaml"),
            sleepers(&[("web", &image, more)]),
        ),
    ];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    repository.commit(&files, "first").unwrap();
    person.set("MARK", "from-the-shell");
    person.set("OTHER", "from-the-shell");
    let refused = person.run(&["watch", &repository.url()]).unwrap();
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    for said in ["MARK", "is set but not allowed", "DOCKEROPS_COMPOSE_ENV"] {
        assert!(refused.text().contains(said), "{}", refused.text());
    }
    assert!(
        !refused.text().contains("from-the-shell"),
        "{}",
        refused.text()
    );
    assert!(lab.services(&stack).unwrap().is_empty());

    person.set("DOCKEROPS_COMPOSE_ENV", "MARK");
    let ran = person.run(&["reconcile"]).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    assert!(ran.text().contains("NOWHERE"), "a warning: {}", ran.text());
    let services = format!("{:?}", lab.services(&stack).unwrap());
    assert!(
        services.contains("MARK=from-the-shell-default-"),
        "{services}"
    );
    assert_eq!(person.run(&["stop"]).unwrap().code, Some(0));
}
