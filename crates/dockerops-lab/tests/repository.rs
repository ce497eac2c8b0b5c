//! A repository that loses what it needs, while its stacks run.

use dockerops_lab::{Change, Lab, Person, sleepers};

#[test]
fn a_stack_without_its_folder_fails_and_keeps_running() {
    let lab = Lab::shared().unwrap();
    let person = Person::new(lab, "folder").unwrap();
    let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
    let repository = person.repository().unwrap();
    let files = [
        ("stacks.yaml", format!("- name: {stack}\n")),
        (
            &*format!("{stack}/compose.yaml"),
            sleepers(&[("web", &image, "")]),
        ),
    ];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    repository.commit(&files, "first").unwrap();
    let watched = person.run(&["watch", &repository.url()]).unwrap();
    assert_eq!(watched.code, Some(0), "{}", watched.text());
    let service = format!("{stack}_web");
    let before = lab.version(&service).unwrap();

    repository
        .commit_changes(&[Change::Remove(&stack)], "gone")
        .unwrap();
    let ran = person.run(&["reconcile"]).unwrap();
    assert_eq!(ran.code, Some(1), "{}", ran.text());
    let said = format!("stack `{stack}` has no folder `{stack}/`");
    assert!(ran.text().contains(&said), "{}", ran.text());
    assert_eq!(lab.version(&service).unwrap(), before);
    assert_eq!(person.run(&["stop"]).unwrap().code, Some(0));
}
