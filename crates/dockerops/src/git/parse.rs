//! Git's own formats: tree and commit objects.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use dockerops_core::hex::hex;
use dockerops_core::revision::Revision;

use super::tree::{CommitInfo, Kind, TreeError, damaged};

/// A line of a tree object.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) name: OsString,
    pub(super) kind: Kind,
    pub(super) oid: String,
}

/// `<octal mode> <name>\0<binary id>`, again and again.
pub(super) fn parse_tree(mut content: &[u8], id_length: usize) -> Result<Vec<Item>, TreeError> {
    let mut items = Vec::new();
    while !content.is_empty() {
        let (item, rest) =
            parse_item(content, id_length).ok_or_else(|| damaged("a folder is malformed"))?;
        items.push(item);
        content = rest;
    }
    Ok(items)
}

fn parse_item(content: &[u8], id_length: usize) -> Option<(Item, &[u8])> {
    let space = content.iter().position(|byte| *byte == b' ')?;
    let (mode, rest) = (content.get(..space)?, content.get(space + 1..)?);
    let zero = rest.iter().position(|byte| *byte == 0)?;
    let (name, rest) = (rest.get(..zero)?, rest.get(zero + 1..)?);
    let (id, rest) = rest.split_at_checked(id_length)?;
    if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
        return None;
    }
    let kind = match mode {
        b"40000" | b"040000" => Kind::Folder,
        b"120000" => Kind::Symlink,
        b"160000" => Kind::Submodule,
        // Old histories hold 100664; only the owner's bit counts, as for Git.
        b"100755" | b"100775" => Kind::File { executable: true },
        _ => Kind::File { executable: false },
    };
    let item = Item {
        name: OsStr::from_bytes(name).to_owned(),
        kind,
        oid: hex(id),
    };
    Some((item, rest))
}

/// The root tree's id and who made the commit.
pub(super) fn parse_commit(
    content: &[u8],
    revision: &Revision,
) -> Result<(String, CommitInfo), TreeError> {
    let text = String::from_utf8_lossy(content);
    let (headers, message) = text.split_once("\n\n").unwrap_or((&text, ""));
    let header = |name: &str| headers.lines().find_map(|line| line.strip_prefix(name));
    let root = header("tree ").ok_or_else(|| damaged("a commit has no tree"))?;
    let person = |line: Option<&str>| -> (String, i64) {
        let (who, when) = line
            .and_then(|line| line.rsplit_once("> "))
            .unwrap_or(("unknown <", "0"));
        let seconds = when.split(' ').next().and_then(|n| n.parse().ok());
        (plain(&format!("{who}>")), seconds.unwrap_or(0))
    };
    let info = CommitInfo {
        revision: revision.clone(),
        author: person(header("author ")).0,
        subject: plain(message.lines().next().unwrap_or_default()),
        committed_at: person(header("committer ")).1,
    };
    Ok((root.to_owned(), info))
}

/// Without what could command a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(mode: &str, name: &str) -> Result<Vec<Item>, TreeError> {
        let mut content = format!("{mode} {name}\0").into_bytes();
        content.extend([0xab; 20]);
        parse_tree(&content, 20)
    }

    #[test]
    fn a_name_that_could_lead_elsewhere_is_damage() {
        assert_eq!(tree("100644", "a b").unwrap()[0].oid, "ab".repeat(20));
        for name in ["", ".", "..", "a/b", "/etc"] {
            assert!(tree("100644", name).unwrap_err().is_damage(), "{name}");
        }
    }

    #[test]
    fn a_tree_that_is_cut_off_is_damage() {
        for content in ["100644", "100644 a", "100644 a\0abc"] {
            assert!(parse_tree(content.as_bytes(), 20).is_err(), "{content:?}");
        }
    }

    #[test]
    fn nothing_in_a_commit_reaches_a_terminal_as_a_command() {
        let commit = "tree 1\nauthor A\x1b[2J <a@b> 1 +0000\ncommitter C <c> 5 +0100\n\n\x1b]0;x\x07hi\nmore";
        let revision = Revision::parse(&"a".repeat(40)).unwrap();
        let (root, info) = parse_commit(commit.as_bytes(), &revision).unwrap();
        assert_eq!((root.as_str(), info.committed_at), ("1", 5));
        assert_eq!(
            (info.author.as_str(), info.subject.as_str()),
            ("A[2J <a@b>", "]0;xhi")
        );
    }
}
