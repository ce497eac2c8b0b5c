//! The pages: Markdown, as far as these tests read it.

use std::fs;
use std::path::{Path, PathBuf};

/// One Markdown file.
pub(crate) struct Page {
    /// From the root of the repository.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// What stands between two fences.
pub(crate) struct Block<'a> {
    pub(crate) language: &'a str,
    pub(crate) lines: Vec<&'a str>,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What is for those who carry on.
const FOR_DEVELOPERS: [&str; 4] = [
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "RELEASE.md",
    "SECURITY.md",
];

/// All pages at the root but the list of changes, and all of `docs/` but the map of promises,
/// which is not for users.
pub(crate) fn pages() -> Vec<Page> {
    let docs = names_in(&root().join("docs"));
    let docs = docs.into_iter().map(|name| format!("docs/{name}"));
    let paths = ["README.md", "README.fr.md"].map(str::to_owned);
    let paths = paths.into_iter().chain(docs);
    let paths = paths.chain(FOR_DEVELOPERS.map(str::to_owned));
    paths
        .filter(|path| path != "docs/spec-rows.md")
        .map(|path| {
            let text = fs::read_to_string(root().join(&path));
            let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
            Page { path, text }
        })
        .collect()
}

/// The Markdown files below a folder, by their paths from it, sorted.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    collect(folder, "", &mut names);
    names.sort();
    names
}

fn collect(folder: &Path, prefix: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), names);
        } else if path.extension().is_some_and(|end| end == "md") {
            names.push(format!("{prefix}{name}"));
        }
    }
}

impl Page {
    /// The lines outside of fences.
    pub(crate) fn prose(&self) -> impl Iterator<Item = &str> {
        let mut fenced = false;
        self.text.lines().filter(move |line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        })
    }

    pub(crate) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                let lines = lines.by_ref();
                let lines = lines.take_while(|line| !line.trim_start().starts_with("```"));
                let lines = lines.collect();
                blocks.push(Block { language, lines });
            }
        }
        blocks
    }

    /// The blocks that are the same in every language: files, commands and output, without comments.
    pub(crate) fn examples(&self) -> Vec<Vec<String>> {
        let blocks = self.blocks().into_iter();
        blocks
            .filter(|block| !block.language.is_empty() || block.is_session())
            .map(|block| block.lines.iter().map(|line| uncommented(line)).collect())
            .collect()
    }
}

impl<'a> Block<'a> {
    /// What a person types: of a session, only that.
    pub(crate) fn typed(&self) -> impl Iterator<Item = &'a str> {
        let session = self.is_session();
        let lines = self.lines.iter().copied();
        lines.filter(move |line| !session || line.starts_with("$ "))
    }

    fn is_session(&self) -> bool {
        self.lines
            .first()
            .is_some_and(|line| line.starts_with("$ "))
    }
}

/// The line without what follows `#`.
pub(crate) fn uncommented(line: &str) -> String {
    let end = match line.find(" #") {
        _ if line.starts_with('#') => 0,
        Some(at) => at,
        None => line.len(),
    };
    line.get(..end).unwrap_or_default().trim_end().to_owned()
}
