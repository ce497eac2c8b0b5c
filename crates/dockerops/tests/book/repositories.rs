//! The example repositories of a page: one a section, of the blocks that begin with `# <path>`.

use std::fs;
use std::path::Path;

use super::page::Page;

/// A repository that a section of a page shows.
pub(crate) struct Example {
    /// The page, and the section's heading.
    pub(crate) place: String,
    files: Vec<(String, String)>,
}

/// A page that shows one repository in several sections has its `stacks.yaml` in the first of them.
pub(crate) fn of(page: &Page) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for section in page.text.split("\n## ") {
        let heading = section.lines().next().unwrap_or_default();
        let text = section.to_owned();
        let path = page.path.clone();
        let section = Page { path, text };
        for (name, content) in files(&section) {
            if name == "stacks.yaml" {
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

impl Example {
    pub(crate) fn write(&self, folder: &Path) {
        for (name, content) in &self.files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
}
