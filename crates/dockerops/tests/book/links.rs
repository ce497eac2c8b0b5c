//! Links between pages: of a summary, and those that lead nowhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::page::{Page, root};

/// What a book's `SUMMARY.md` links to, from the book's folder.
pub(crate) fn summary(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("SUMMARY.md")).unwrap();
    targets(&text).into_iter().map(str::to_owned).collect()
}

/// Each link of a page to a file or a heading that is not there.
pub(crate) fn broken(page: &Page) -> Vec<String> {
    let prose = page.prose().collect::<Vec<_>>().join("\n");
    let links = targets(&prose).into_iter();
    links
        .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        .filter_map(|link| Some(format!("{}: {link}: {}", page.path, problem(page, link)?)))
        .collect()
}

/// Each file of ours that a page names in passing, and that is not there.
pub(crate) fn gone(page: &Page) -> Vec<String> {
    let prose = page.prose().collect::<Vec<_>>().join("\n");
    let quoted = prose.split('`').skip(1).step_by(2);
    let paths = quoted.filter(|text| {
        let ours = ["crates/", "docs/", "packaging/"];
        ours.iter().any(|folder| text.starts_with(folder)) && !text.contains(char::is_whitespace)
    });
    let gone = paths.filter(|path| !root().join(path).exists());
    gone.map(|path| format!("{}: {path}", page.path)).collect()
}

fn problem(page: &Page, link: &str) -> Option<&'static str> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let from = root().join(&page.path);
    let target = match file {
        "" => from,
        file => from.parent()?.join(file),
    };
    if !target.exists() {
        return Some("no such file");
    }
    let inside = |path: &Path| {
        Some(
            path.canonicalize()
                .ok()?
                .starts_with(root().join("docs").canonicalize().ok()?),
        )
    };
    if page.path.starts_with("docs/") && inside(&target) == Some(false) {
        return Some("it is not in the site, which is made of docs/");
    }
    (!anchor.is_empty() && !anchors(&target).contains_key(anchor)).then_some("no such heading")
}

/// The names of a page's headings in links, as GitHub and mdBook make them.
fn anchors(path: &Path) -> BTreeMap<String, usize> {
    let text = fs::read_to_string(path).unwrap();
    let page = Page {
        path: String::new(),
        text,
    };
    let mut seen = BTreeMap::new();
    for heading in page.prose().filter(|line| line.starts_with('#')) {
        let slug = slug(heading.trim_start_matches('#').trim());
        let times = *seen
            .entry(slug.clone())
            .and_modify(|n| *n += 1)
            .or_insert(0);
        if times > 0 {
            seen.insert(format!("{slug}-{times}"), 0);
        }
    }
    seen
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c => c.is_alphanumeric().then_some(c),
    });
    kept.collect::<String>().to_lowercase()
}

/// What stands in the parentheses of `[text](target)`; code is no link.
fn targets(text: &str) -> Vec<&str> {
    let parts = text.split("](").skip(1);
    parts.filter_map(|part| part.split(')').next()).collect()
}
