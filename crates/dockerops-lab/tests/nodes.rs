//! Nodes that go while a deploy runs, or later, on a Swarm of three.
//!
//! Services are on the host's network, as a new overlay may take half a minute.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use dockerops_lab::{Lab, LabOptions, Person, Ran, Recorder, Repository, wait_for};
use serde_json::Value;

/// How long a deploy may take, and how much longer a run may in all.
const LIMIT: u64 = 40;
const MORE: u64 = 10;

/// A Swarm of three nodes and a stack: four tasks on the workers, and one on every node.
struct Cluster {
    lab: &'static Lab,
    person: Person<'static>,
    recorder: Recorder,
    repository: Repository,
    stack: String,
    image: String,
}

impl Cluster {
    fn new() -> Self {
        let lab: &'static Lab = Box::leak(Box::new(Lab::up(LabOptions { nodes: 3 }).unwrap()));
        let mut person = Person::new(lab, "nodes").unwrap();
        let recorder = lab.recorder().unwrap();
        person.set("DOCKER_HOST", recorder.docker_host());
        let repository = person.repository().unwrap();
        let (stack, image) = (person.named("app"), person.image("web", "one").unwrap());
        let cluster = Self {
            lab,
            person,
            recorder,
            repository,
            stack,
            image,
        };
        cluster.commit("one");
        ok(&cluster
            .person
            .run(&["watch", &cluster.repository.url()])
            .unwrap());
        cluster
    }

    fn commit(&self, mark: &str) {
        let (stack, image) = (&self.stack, &self.image);
        let service = format!(
            "image: '{image}', command: sleep 100000, stop_grace_period: 0s, networks: [host], environment: [MARK={mark}]"
        );
        let update = "update_config: {monitor: 500ms}";
        let compose = format!(
            "services:\n\
             \x20 web: {{{service}, deploy: {{replicas: 4, placement: {{constraints: [node.role == worker]}}, {update}}}}}\n\
             \x20 agent: {{{service}, deploy: {{mode: global, {update}}}}}\n\
             networks: {{host: {{external: true}}}}\n"
        );
        let files = [
            ("stacks.yaml", format!("- name: {stack}\n")),
            (&format!("{stack}/compose.yml"), compose),
        ];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        self.repository.commit(&files, mark).unwrap();
    }

    /// Reconciles; `disturb` is called when the first write of it was sent.
    fn reconcile_while(&self, disturb: impl FnOnce() + Send) -> Ran {
        self.recorder.clear();
        let begin = Instant::now();
        let limit = format!("{LIMIT}s");
        let words = [
            "reconcile",
            "--timeout",
            &limit,
            "--rollback-timeout",
            &limit,
        ];
        let ran = thread::scope(|scope| {
            let run = scope.spawn(|| self.person.run(&words).unwrap());
            while self.recorder.count() == 0 && !run.is_finished() {
                thread::sleep(Duration::from_millis(5));
            }
            disturb();
            run.join().unwrap()
        });
        let took = begin.elapsed().as_secs();
        assert!(took <= 2 * LIMIT + MORE, "it took {took} s: {}", ran.text());
        ran
    }

    /// The nodes, by name, on which tasks of a service run that are meant to.
    fn running_on(&self, service: &str) -> Vec<String> {
        let nodes = self.lab.engine_get("/nodes").unwrap();
        let name = |id: &Value| {
            let node = nodes
                .as_array()
                .unwrap()
                .iter()
                .find(|node| node["ID"] == *id);
            node.map_or("?".to_owned(), |node| text(node, "/Description/Hostname"))
        };
        let tasks = self
            .lab
            .tasks(&format!("{}_{service}", self.stack))
            .unwrap();
        let runs = |task: &&Value| {
            task["DesiredState"] == "running" && task["Status"]["State"] == "running"
        };
        let mut on: Vec<_> = tasks
            .iter()
            .filter(runs)
            .map(|task| name(&task["NodeID"]))
            .collect();
        on.sort();
        on
    }

    /// What a run that says success has said: all that is wanted runs, and only on `live` nodes.
    fn must_be_true(&self, ran: &Ran, live: &[&str]) {
        if ran.code != Some(0) {
            assert_eq!(ran.code, Some(1), "{}", ran.text());
            return;
        }
        let (web, agent) = (self.running_on("web"), self.running_on("agent"));
        let all: BTreeSet<_> = web.iter().chain(&agent).map(String::as_str).collect();
        assert_eq!(web.len(), 4, "{web:?} {}", ran.text());
        assert!(
            all.iter().all(|node| live.contains(node)),
            "{all:?} {}",
            ran.text()
        );
        assert_eq!(agent, live, "{}", ran.text());
    }

    fn node(&self, index: usize, wanted: &str) {
        let what = format!("node {index} to be {wanted}");
        wait_for(&what, Duration::from_secs(60), || {
            let nodes = self.lab.engine_get("/nodes")?;
            let name = format!("n{index}");
            let mut nodes = nodes.as_array().into_iter().flatten();
            Ok(nodes.any(|node| {
                text(node, "/Description/Hostname") == name && node["Status"]["State"] == wanted
            }))
        })
        .unwrap();
    }

    /// Somebody asks for node `index` to be emptied, or to be used again.
    fn availability(&self, index: usize, wanted: &str) {
        let node = format!("n{index}");
        self.lab
            .docker(&["node", "update", "--availability", wanted, &node])
            .unwrap();
    }

    fn reconcile(&self) -> Ran {
        self.reconcile_while(|| ())
    }

    /// What comes after a run that was disturbed. One that failed is held: a person tries again.
    fn reconcile_after(&self, disturbed: &Ran) -> Ran {
        if disturbed.code == Some(0) {
            return self.reconcile();
        }
        self.person.run(&["retry", &self.stack]).unwrap()
    }
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

fn ok(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{}", ran.text());
}

#[test]
fn a_deploy_tells_the_truth_when_a_node_is_drained_or_killed() {
    let cluster = Cluster::new();
    cluster.must_be_true(&cluster.reconcile(), &["n1", "n2", "n3"]);

    // Drained in the middle of a deploy: the tasks go elsewhere.
    cluster.commit("two");
    let drained = cluster.reconcile_while(|| cluster.availability(3, "drain"));
    cluster.must_be_true(&drained, &["n1", "n2"]);
    let after = cluster.reconcile_after(&drained);
    ok(&after);
    cluster.must_be_true(&after, &["n1", "n2"]);
    cluster.availability(3, "active");
    let back = cluster.reconcile();
    ok(&back);
    cluster.must_be_true(&back, &["n1", "n2", "n3"]);

    // Killed in the middle of a deploy: the Swarm takes a while to see it.
    cluster.commit("three");
    let killed = cluster.reconcile_while(|| cluster.lab.kill_engine(2).unwrap());
    cluster.must_be_true(&killed, &["n1", "n3"]);
    cluster.node(2, "down");
    cluster.lab.start_engine(2).unwrap();
    cluster.node(2, "ready");
    cluster.commit("four");
    let after = cluster.reconcile();
    ok(&after);
    cluster.must_be_true(&after, &["n1", "n2", "n3"]);

    // Killed when nothing goes on: less runs than is wanted until the tasks are elsewhere.
    cluster.lab.kill_engine(3).unwrap();
    cluster.node(3, "down");
    let idle = cluster.reconcile();
    ok(&idle);
    cluster.must_be_true(&idle, &["n1", "n2"]);
}
