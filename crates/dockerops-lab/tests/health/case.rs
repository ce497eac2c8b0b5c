//! One deploy that goes wrong.

use std::fs;
use std::time::{Duration, Instant};

use dockerops_lab::{Lab, Person, Ran};

/// A stack of one person, with one image.
pub(crate) struct Case<'a> {
    pub(crate) person: Person<'a>,
    pub(crate) stack: String,
    pub(crate) image: String,
}

impl<'a> Case<'a> {
    pub(crate) fn new(lab: &'a Lab, topic: &str) -> Self {
        let mut person = Person::new(lab, topic).unwrap();
        person.set("DOCKEROPS_STABILITY_WINDOW", "5s");
        Self {
            stack: person.named("app"),
            image: person.image("web", "one").unwrap(),
            person,
        }
    }

    /// A compose file with one service, `web`, on the host's network.
    pub(crate) fn compose(&self, settings: &str) -> String {
        format!(
            "services: {{web: {{image: \"{}\", networks: [host], stop_grace_period: 0s, {settings}}}}}\n\
             networks: {{host: {{external: true}}}}\n",
            self.image
        )
    }

    /// Deploys with `arguments`, and gives how long that took.
    pub(crate) fn deploy(&self, compose: &str, arguments: &[&str]) -> (Ran, Duration) {
        let file = self.person.home().join("stack.yml");
        fs::write(&file, compose).unwrap();
        let file = file.display().to_string();
        let arguments = [&["deploy", "-c", &file, &self.stack], arguments].concat();
        let begin = Instant::now();
        let ran = self.person.run(&arguments).unwrap();
        (ran, begin.elapsed())
    }

    /// Deploys what must fail within `bound`, long before the time is up, saying all of `said`.
    pub(crate) fn fails_early(&self, compose: &str, bound: u64, said: &[&str]) -> Ran {
        let (ran, took) = self.deploy(compose, &["--timeout", "4m"]);
        let bound = Duration::from_secs(bound);
        assert!(took < bound, "{took:?}\n{}", ran.text());
        tells_of_failure(&ran, said);
        ran
    }

    pub(crate) fn end(self) {
        self.person
            .lab
            .docker(&["stack", "rm", &self.stack])
            .unwrap();
    }
}

pub(crate) fn tells_of_failure(ran: &Ran, said: &[&str]) {
    assert_eq!(ran.code, Some(1), "{}", ran.text());
    assert!(ran.stdout.contains("FAILED"), "{}", ran.text());
    assert!(ran.stdout.contains("0 stacks changed"), "{}", ran.text());
    for said in said {
        assert!(
            ran.stdout.contains(said),
            "`{said}` is not in {}",
            ran.text()
        );
    }
}
