//! Small stacks of every kind, one for each seed: the same seed, the same stack.

/// The files that the compose files name.
pub(crate) const FILES: [&str; 2] = ["page", "key"];

/// What is chosen from a seed, choice by choice.
struct Choices(u64);

impl Choices {
    /// A number below `count` (a step of Knuth's linear generator).
    fn below(&mut self, count: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % count
    }

    fn one<'a>(&mut self, options: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(options.len() as u64)).unwrap_or_default();
        options[index]
    }
}

/// A compose file of up to three services that start no task; its image is `IMAGE`.
pub(crate) fn compose(seed: u64) -> String {
    let mut choices = Choices(seed);
    let mut services = String::new();
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        if choices.below(4) > 0 {
            services += &service(&mut choices, name, number);
        }
    }
    format!(
        "services: {{{services}}}\nnetworks: {{front: {{}}, back: {{}}}}\n\
         configs: {{page: {{file: page}}}}\nsecrets: {{key: {{file: key}}}}\n"
    )
}

/// The content of one of [`FILES`].
pub(crate) fn content(seed: u64, name: &str) -> String {
    let mut choices = Choices(seed.wrapping_add(name.len() as u64));
    choices.one(&["one", "two", "three"]).to_owned()
}

fn service(choices: &mut Choices, name: &str, number: usize) -> String {
    let nowhere = "placement: {constraints: [node.labels.no==such]}";
    let mode = match choices.below(5) {
        0 => format!("mode: global, {nowhere}"),
        1 => format!(
            "mode: replicated-job, replicas: 2, {nowhere}, restart_policy: {{condition: none}}"
        ),
        2 => format!("replicas: 2, {nowhere}"),
        _ => "replicas: 0".to_owned(),
    };
    let job = mode.contains("job");
    let port = format!(
        ", ports: [{{target: 80, published: {}, mode: host}}]",
        19000 + number
    );
    let update = if job {
        ""
    } else {
        choices.one(&["", ", update_config: {parallelism: 2, order: start-first}"])
    };
    let parts = [
        choices.one(&["", ", environment: [A=1]", ", environment: [A=2, B]"]),
        choices.one(&["", ", command: [sleep, '5']"]),
        choices.one(&[
            "",
            ", networks: [front]",
            ", networks: {front: {aliases: [x]}, back: {}}",
        ]),
        choices.one(&[
            "",
            ", configs: [page]",
            ", configs: [{source: page, target: /page, mode: 0400}]",
        ]),
        choices.one(&["", ", secrets: [key]"]),
        choices.one(&["", ", volumes: ['/tmp:/data:ro']"]),
        choices.one(&[
            "",
            ", healthcheck: {test: 'true', interval: 5s}",
            ", healthcheck: {disable: true}",
        ]),
        choices.one(&[
            "",
            ", stop_grace_period: 1m",
            ", init: true",
            ", read_only: true",
        ]),
        choices.one(&[
            "",
            ", labels: {a: b}",
            ", logging: {driver: json-file, options: {max-size: 1m}}",
        ]),
        if job { "" } else { choices.one(&["", &port]) },
    ];
    let label = choices.one(&["", ", labels: {team: x}", ", labels: {team: y}"]);
    let limits = choices.one(&["", ", resources: {limits: {memory: 64M}}"]);
    format!(
        "{name}: {{image: IMAGE{}, deploy: {{{mode}{label}{limits}{update}}}}}, ",
        parts.concat()
    )
}
