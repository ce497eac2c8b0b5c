//! A plan of many services costs no more calls than one of few.

use std::time::Instant;

use crate::corpus::say;
use crate::site::Site;
use crate::stacks::ok;

#[test]
fn a_plan_asks_the_engine_equally_often_for_5_and_for_500_services() {
    let asked = |count: usize| {
        let site = deployed(count);
        site.recorder.clear();
        let begin = Instant::now();
        let plan = ok(&site.person, &["plan", "--exit-code"]);
        let took = begin.elapsed().as_millis();
        let services = format!("{count} services");
        assert!(plan.stdout.ends_with("No changes.\n"), "{}", plan.text());
        let mut reads = site.recorder.reads();
        reads.sort();
        say(&format!(
            "plan of {services}: {took} ms, {} calls",
            reads.len()
        ));
        assert_eq!(site.recorder.writes(), []);
        ok(&site.person, &["stop"]);
        reads
    };
    assert_eq!(asked(5), asked(500));
}

fn deployed(count: usize) -> Site<'static> {
    let site = Site::new(&format!("scale{count}"));
    let image = site.person.image("web", "a").unwrap();
    let service = |number: usize| {
        format!(
            "  s{number}: {{image: '{image}', networks: [host], environment: [N={number}], deploy: {{replicas: 0}}}}\n"
        )
    };
    let services: String = (0..count).map(service).collect();
    site.compose(
        &format!("services:\n{services}networks: {{host: {{external: true}}}}\n"),
        "many",
    );
    site.watch();
    site
}
