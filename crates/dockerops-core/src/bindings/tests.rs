//! The promises of bindings, on a simulated disk and any history.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::field::Field;
use crate::source::{Sources, Span};

/// A file or folder of the simulated storage. The SHA-256 of a content is the content itself.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    File {
        content: String,
        stamp: Stamp,
        attributes: Attributes,
        /// Written by somebody else.
        foreign: bool,
    },
    Folder,
}

#[derive(Debug, Clone)]
struct World {
    disk: BTreeMap<String, Node>,
    ledger: Ledger,
    clock: i64,
}

#[derive(Debug, Clone)]
enum Event {
    Deploy {
        files: Vec<WantedFile>,
        adopt: bool,
        killed_after: Option<usize>,
    },
    Write(&'static str, u8),
    Touch(&'static str),
    Delete(&'static str),
}

const PATHS: [&str; 5] = ["b/x", "b/y", "b/d/x", "b/d/e/z", "b/d/e/w"];

fn binding() -> Binding {
    Binding {
        path: Field::new(
            "b".to_owned(),
            Span::start_of(Sources::default().add("v", "")),
        ),
        owner: None,
        preserve_mode: true,
    }
}

impl World {
    fn new() -> Self {
        Self {
            disk: BTreeMap::new(),
            ledger: Ledger::new("r"),
            clock: 0,
        }
    }

    fn file(&mut self, content: &str, attributes: Attributes, foreign: bool) -> Node {
        self.clock += 1;
        let stamp = Stamp {
            size: content.len() as u64,
            mtime: self.clock,
            ctime: self.clock,
            inode: self.clock.unsigned_abs(),
        };
        Node::File {
            content: content.to_owned(),
            stamp,
            attributes,
            foreign,
        }
    }

    fn container_writes(&mut self, path: &str, content: &str) {
        for folder in ancestors(path) {
            self.disk.entry(folder.to_owned()).or_insert(Node::Folder);
        }
        let attributes = Attributes {
            mode: 0o600,
            owner: (7, 7),
        };
        // The very content that we put there, or were about to, is nobody's loss.
        let ours = self.ledger.files.get(path).map(|entry| &entry.sha256);
        let pending = self.ledger.pending.get(path);
        let pending = pending.and_then(|pending| pending.sha256.as_ref());
        let foreign = ![ours, pending].contains(&Some(&content.to_owned()));
        let node = self.file(content, attributes, foreign);
        self.disk.insert(path.to_owned(), node);
    }

    fn look(&self, looking: &Looking) -> Seen {
        let mut seen = Seen::default();
        for path in &looking.paths {
            let found = match self.disk.get(path) {
                None => continue,
                Some(Node::Folder) => Found::Folder(
                    looking
                        .leaving_folders
                        .contains(path)
                        .then(|| self.names(path)),
                ),
                Some(Node::File {
                    stamp, attributes, ..
                }) => Found::File(FoundFile {
                    stamp: *stamp,
                    attributes: *attributes,
                    sha256: None,
                }),
            };
            seen.disk.insert(path.clone(), found);
        }
        seen
    }

    fn names(&self, folder: &str) -> BTreeSet<String> {
        let below = |path: &String| path.strip_prefix(&format!("{folder}/")).map(str::to_owned);
        let names = self.disk.keys().filter_map(below);
        names.filter(|name| !name.contains('/')).collect()
    }

    fn read(&self, unread: &Unread, seen: &mut Seen) {
        for path in &unread.files {
            if let (Some(Found::File(file)), Some(Node::File { content, .. })) =
                (seen.disk.get_mut(path), self.disk.get(path))
            {
                file.sha256 = Some(content.clone());
            }
        }
        for id in &unread.contents {
            seen.contents.insert(id.clone(), id.clone());
        }
    }

    fn plan(&self, files: &[WantedFile], adopt: bool) -> BindingPlan {
        let binding = binding();
        let request = Request {
            binding: &binding,
            files,
            ledger: &self.ledger,
            adopt,
        };
        let mut seen = self.look(&to_look_at(request));
        self.read(&to_read(request, &seen), &mut seen);
        plan_binding(request, &seen)
    }

    fn plan_retired(&self) -> BindingPlan {
        let retired = Retired {
            path: "b",
            remaining: &[],
            ledger: &self.ledger,
        };
        let mut seen = self.look(&retired_to_look_at(retired));
        self.read(&retired_to_read(retired, &seen), &mut seen);
        plan_retired(retired, &seen)
    }

    /// As the host does it: the ledger is saved before, after the contents are written, and at the end.
    fn carry_out(&mut self, plan: &BindingPlan, killed_after: Option<usize>) {
        let mut ledger = self.ledger.clone();
        for action in &plan.actions {
            if matches!(
                action,
                Action::RemoveTemporary { .. } | Action::Record { .. }
            ) {
                ledger.note(action, &self.act(action));
            }
        }
        ledger.intend(&plan.actions);
        self.ledger = ledger.clone();
        for (steps, action) in plan.actions.iter().enumerate() {
            if killed_after == Some(steps) {
                return;
            }
            if let Action::Write { .. } = action {
                for pending in ledger.pending.values_mut() {
                    pending.sha256 = Some(pending.content.clone());
                }
                self.ledger.pending.clone_from(&ledger.pending);
            }
            let outcome = self.act(action);
            ledger.note(action, &outcome);
        }
        self.ledger = ledger;
    }

    fn act(&mut self, action: &Action) -> Outcome {
        let path = action.path().to_owned();
        match action {
            Action::MakeFolder { .. } => {
                assert!(self.disk.insert(path, Node::Folder).is_none());
            }
            Action::Save { .. } => self.save(&path),
            Action::Write {
                content,
                attributes,
                replaces,
                ..
            } => {
                assert_eq!(replaces.is_some(), self.disk.contains_key(&path));
                self.assert_expendable(&path);
                let node = self.file(content, *attributes, false);
                let outcome = Outcome {
                    stamp: stamp_of(Some(&node)),
                    sha256: content.clone(),
                    refused: false,
                };
                self.disk.insert(path, node);
                return outcome;
            }
            Action::SetAttributes { entry, .. } => {
                let node = self.file(&entry.content, entry.attributes, false);
                let stamp = stamp_of(Some(&node));
                self.disk.insert(path, node);
                return Outcome {
                    stamp,
                    ..Outcome::default()
                };
            }
            Action::Record { entry, .. } => {
                if let Some(Node::File {
                    content, foreign, ..
                }) = self.disk.get_mut(&path)
                {
                    assert_eq!(*content, entry.content);
                    *foreign = false;
                }
            }
            Action::RemoveFile { .. } => {
                let node = self.disk.remove(&path);
                assert!(matches!(node, Some(Node::File { foreign: false, .. })));
            }
            Action::RemoveFolder { .. } => {
                assert_eq!(self.names(&path), BTreeSet::new());
                assert_eq!(self.disk.remove(&path), Some(Node::Folder));
            }
            _ => {}
        }
        Outcome::default()
    }

    fn save(&mut self, path: &str) {
        let node = self.disk.get(path).cloned().unwrap();
        for number in 1.. {
            let saved = saved_name(path, number);
            match self.disk.get(&saved) {
                None => {
                    self.disk.insert(saved, node);
                    return;
                }
                Some(other) if content_of(Some(other)) == content_of(Some(&node)) => return,
                Some(_) => {}
            }
        }
    }

    /// What is replaced is ours, or kept beside.
    fn assert_expendable(&self, path: &str) {
        let Some(Node::File {
            content,
            foreign: true,
            ..
        }) = self.disk.get(path)
        else {
            return;
        };
        let kept = (1..20)
            .any(|number| content_of(self.disk.get(&saved_name(path, number))) == Some(content));
        assert!(kept, "`{path}` of somebody else is lost");
    }
}

fn content_of(node: Option<&Node>) -> Option<&String> {
    match node {
        Some(Node::File { content, .. }) => Some(content),
        _ => None,
    }
}

fn stamp_of(node: Option<&Node>) -> Option<Stamp> {
    match node {
        Some(Node::File { stamp, .. }) => Some(*stamp),
        _ => None,
    }
}

fn files() -> impl Strategy<Value = Vec<WantedFile>> {
    proptest::collection::vec(proptest::option::of((0u8..3, any::<bool>())), PATHS.len()).prop_map(
        |contents| {
            let wanted = PATHS.iter().zip(contents);
            wanted
                .filter_map(|(path, content)| {
                    let (content, executable) = content?;
                    Some(WantedFile {
                        path: (*path).to_owned(),
                        size: 1,
                        executable,
                        content: content.to_string(),
                    })
                })
                .collect()
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let path = || proptest::sample::select(PATHS.to_vec());
    prop_oneof![
        4 => (files(), any::<bool>(), proptest::option::of(0usize..12)).prop_map(
            |(files, adopt, killed_after)| Event::Deploy { files, adopt, killed_after }
        ),
        2 => (path(), 0u8..4).prop_map(|(path, content)| Event::Write(path, content)),
        1 => path().prop_map(Event::Touch),
        1 => path().prop_map(Event::Delete),
    ]
}

fn after(events: &[Event]) -> World {
    let mut world = World::new();
    for event in events {
        match event {
            Event::Deploy {
                files,
                adopt,
                killed_after,
            } => {
                let plan = world.plan(files, *adopt);
                assert!(plan.actions.is_empty() || !plan.errors.has_errors());
                world.carry_out(&plan, *killed_after);
            }
            Event::Write(path, content) => world.container_writes(path, &content.to_string()),
            Event::Touch(path) => {
                if let Some(content) = content_of(world.disk.get(*path)).cloned() {
                    let foreign = matches!(
                        world.disk.get(*path),
                        Some(Node::File { foreign: true, .. })
                    );
                    let attributes = Attributes {
                        mode: 0o600,
                        owner: (7, 7),
                    };
                    let node = world.file(&content, attributes, foreign);
                    world.disk.insert((*path).to_owned(), node);
                }
            }
            Event::Delete(path) => {
                world.disk.remove(*path);
            }
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    /// `act` asserts that nothing of somebody else is replaced, unless it is kept beside, or removed.
    #[test]
    fn nothing_foreign_is_lost_and_applying_leaves_nothing_to_plan(
        events in proptest::collection::vec(event(), 0..12),
        files in files(),
        adopt: bool,
    ) {
        let mut world = after(&events);
        let plan = world.plan(&files, adopt);
        world.carry_out(&plan, None);
        if !plan.errors.has_errors() {
            prop_assert_eq!(world.plan(&files, adopt).actions, []);
            for file in &files {
                let left = plan.reports.contains(&Report::Changed(file.path.clone()));
                let content = content_of(world.disk.get(&file.path));
                prop_assert!(left || content == Some(&file.content), "{}", file.path);
            }
            prop_assert!(world.ledger.pending.is_empty());
        }
    }

    #[test]
    fn a_killed_run_ends_as_if_it_had_not_been_killed(
        events in proptest::collection::vec(event(), 0..8),
        files in files(),
        adopt: bool,
        steps in 0usize..12,
    ) {
        let world = after(&events);
        let plan = world.plan(&files, adopt);
        let mut whole = world.clone();
        whole.carry_out(&plan, None);
        let mut killed = world;
        killed.carry_out(&plan, Some(steps));
        let again = killed.plan(&files, adopt);
        killed.carry_out(&again, None);
        let contents = |world: &World| -> BTreeMap<String, Option<String>> {
            let content = |node| content_of(Some(node)).cloned();
            world.disk.iter().map(|(path, node)| (path.clone(), content(node))).collect()
        };
        prop_assert_eq!(contents(&killed), contents(&whole));
        let names = |ledger: &Ledger| -> Vec<String> { ledger.files.keys().cloned().collect() };
        prop_assert_eq!(names(&killed.ledger), names(&whole.ledger));
    }

    #[test]
    fn a_retired_binding_takes_nothing_foreign_along(
        events in proptest::collection::vec(event(), 0..12),
    ) {
        let mut world = after(&events);
        let plan = world.plan_retired();
        world.carry_out(&plan, None);
        prop_assert!(world.ledger.files.is_empty() && world.ledger.claims.is_empty());
        prop_assert_eq!(world.plan_retired().actions, []);
    }

    #[test]
    fn a_ledger_reads_back_as_written(events in proptest::collection::vec(event(), 0..8)) {
        let ledger = after(&events).ledger;
        prop_assert_eq!(Ledger::parse(&ledger.to_text().unwrap()).unwrap(), ledger);
    }
}

fn wanted(path: &str, content: &str) -> WantedFile {
    WantedFile {
        path: path.to_owned(),
        size: content.len() as u64,
        executable: false,
        content: content.to_owned(),
    }
}

#[test]
fn a_plan_says_what_it_does_in_the_order_it_does_it() {
    let mut world = World::new();
    let first = [wanted("b/x", "1"), wanted("b/d/y", "1"), wanted("b/z", "1")];
    let plan = world.plan(&first, false);
    world.carry_out(&plan, None);
    world.container_writes("b/z", "theirs");
    let plan = world.plan(&[wanted("b/x", "2"), wanted("b/z", "2")], false);
    let lines: Vec<String> = plan.actions.iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    Save b/z
    Write b/x
    Write b/z
    RemoveFile b/d/y
    RemoveFolder b/d
    ");
    insta::assert_snapshot!(plan.reports[0], @"`b/z` was changed on the shared storage and in the repository: the repository's version is put there, the other is kept as `b/z.dockerops-saved`");
}

fn line(action: &Action) -> String {
    let debug = format!("{action:?}");
    let kind = debug.split(' ').next().unwrap_or_default();
    format!("{kind} {}", action.path())
}

#[test]
fn refused_owners_are_one_report_and_no_new_try() {
    let mut world = World::new();
    let files = [wanted("b/x", "1"), wanted("b/y", "1")];
    let plan = world.plan(&files, false);
    world.carry_out(&plan, None);
    for entry in world.ledger.files.values_mut() {
        entry.refused = true;
    }
    for node in world.disk.values_mut() {
        if let Node::File { attributes, .. } = node {
            attributes.owner = (65534, 65534);
        }
    }
    let plan = world.plan(&files, false);
    assert_eq!(plan.actions, []);
    assert_eq!(plan.reports, [Report::OwnerRefused("b".to_owned())]);
}

#[test]
fn the_hash_covers_paths_contents_owner_and_executable_bits_that_count() {
    let files = [wanted("b/x", "1"), wanted("b/y", "2")];
    let base = binding_hash(&binding(), &files);
    let reversed: Vec<WantedFile> = files.iter().rev().cloned().collect();
    assert_eq!(binding_hash(&binding(), &reversed), base);
    let mut others = vec![
        vec![wanted("b/x", "1")],
        vec![wanted("b/x", "1"), wanted("b/z", "2")],
        vec![wanted("b/x", "1"), wanted("b/y", "3")],
    ];
    let mut executable = files.to_vec();
    executable[0].executable = true;
    others.push(executable.clone());
    for other in &others {
        assert_ne!(binding_hash(&binding(), other), base, "{other:?}");
    }
    let mut plain = binding();
    plain.preserve_mode = false;
    assert_eq!(
        binding_hash(&plain, &executable),
        binding_hash(&plain, &files)
    );
    plain.owner = Some((1, 1));
    assert_ne!(binding_hash(&plain, &files), base);
}

#[test]
fn the_label_reads_back_and_an_absent_one_is_empty() {
    let hashes = BTreeMap::from([
        ("a".to_owned(), "1".to_owned()),
        ("b,=".to_owned(), "2".to_owned()),
    ]);
    assert_eq!(parse_bindings_label(&bindings_label(&hashes)), hashes);
    assert_eq!(parse_bindings_label(""), BTreeMap::new());
}
