//! What a page shows of repositories: whole ones, one a section, of the blocks that begin with `# <path>`; and single
//! files, which have no such line.

use std::fs;
use std::path::Path;

use super::page::Page;

/// A repository that a section of a page shows.
pub(crate) struct Example {
    /// The page, and the section's heading.
    pub(crate) place: String,
    files: Vec<(String, String)>,
}

/// A page that shows one repository in several sections has one `stacks.yaml`.
pub(crate) fn of(page: &Page) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for section in page.text.split("\n## ") {
        let heading = section.lines().next().unwrap_or_default();
        let text = section.to_owned();
        let path = page.path.clone();
        let section = Page { path, text };
        for (name, content) in files(&section) {
            let is_whole = |example: &Example| example.has("stacks.yaml");
            let is_next = name == "stacks.yaml" && examples.last().is_some_and(is_whole);
            if is_next || examples.is_empty() {
                examples.push(Example {
                    place: format!("{}: {heading}", page.path),
                    files: Vec::new(),
                });
            }
            let example = examples.last_mut().unwrap();
            example.files.push((name, content));
        }
    }
    examples
}

fn files(section: &Page) -> Vec<(String, String)> {
    let blocks = section.blocks().into_iter();
    blocks
        .filter(|block| block.language == "yaml")
        .filter_map(|block| {
            let name = block.lines.first()?.strip_prefix("# ")?;
            Some((name.to_owned(), block.lines.join("\n")))
        })
        .collect()
}

/// What lists of stacks name that are shown alone.
const NAMED: [&str; 5] = [
    "database/compose.yml",
    "shop/compose.yml",
    "sites/web/compose.yml",
    "sites/web/production.yml",
    "web-stack/compose.yml",
];

/// The files that a page shows alone, each in a repository that has nothing else but what it names.
pub(crate) fn of_single_files(page: &Page) -> Vec<Example> {
    let blocks = page.blocks().into_iter();
    let blocks = blocks.filter(|block| block.language == "yaml");
    blocks
        .filter_map(|block| of_single_file(page, &block.lines))
        .collect()
}

fn of_single_file(page: &Page, lines: &[&str]) -> Option<Example> {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let first = lines
        .iter()
        .find(|line| !line.starts_with("# yaml-language-server"))?;
    let files = match *first {
        "services:" => vec![
            file("stacks.yaml", "- name: web"),
            file("web/compose.yml", &lines.join("\n")),
        ],
        _ if first.starts_with("- name: ") => {
            let compose = "services: {app: {image: \"app:1\"}}";
            let named = NAMED.iter().map(|name| file(name, compose));
            let own = [
                file("stacks.yaml", &lines.join("\n")),
                file("sites/common.env", "A=1"),
            ];
            own.into_iter().chain(named).collect()
        }
        _ => {
            let is_known = first.starts_with("# ");
            assert!(is_known, "{}: what file is `{first}`?", page.path);
            return None;
        }
    };
    let place = format!("{}: {first}", page.path);
    Some(Example { place, files })
}

impl Example {
    fn has(&self, name: &str) -> bool {
        self.files.iter().any(|(there, _)| there == name)
    }

    pub(crate) fn write(&self, folder: &Path) {
        for (name, content) in &self.files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
}
