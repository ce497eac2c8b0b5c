//! A page of the documentation, as far as it is walked through: what stands between fences.

use std::fs;
use std::path::Path;

use dockerops_lab::LabError;

use super::io;

/// What a fence may say; nothing for pictures, answers, and lines for cron.
const LANGUAGES: [&str; 4] = ["bash", "yaml", "ini", ""];

/// What stands between two fences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// The line of the page that it begins in.
    pub(super) line: usize,
    /// What the fence says: `bash`, `yaml`, nothing.
    pub(super) language: String,
    pub(super) text: String,
    /// The heading that it stands under.
    pub(super) section: String,
}

impl Block {
    /// A command after `$`, and what it answers.
    pub(super) fn is_session(&self) -> bool {
        self.text.starts_with("$ ")
    }

    /// A line for cron.
    fn is_cron(&self) -> bool {
        self.text.contains(" * * * root ")
    }

    /// Whether a reader would type something of it.
    pub(super) fn is_typed(&self) -> bool {
        self.language == "bash" || self.is_session() || self.is_cron()
    }

    /// The commands of a session, each with its answer.
    pub(super) fn session(&self) -> Vec<(String, Vec<String>)> {
        let mut commands: Vec<(String, Vec<String>)> = Vec::new();
        for line in self.text.lines() {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
                (None, Some((_, answer))) => answer.push(line.to_owned()),
                (None, None) => {}
            }
        }
        commands
    }

    /// The path in its first line: `# web/compose.yml`.
    pub(super) fn path(&self) -> Option<&str> {
        let path = self.text.lines().next()?.strip_prefix("# ")?;
        let is_path = !path.contains(' ') && path.contains('.');
        is_path.then_some(path)
    }
}

/// A page, as it was read.
pub(super) struct Page {
    /// From the root of the repository, where this is run.
    pub(super) path: String,
    pub(super) blocks: Vec<Block>,
}

impl Page {
    pub(super) fn read(path: &str) -> Result<Self, LabError> {
        let text = fs::read_to_string(Path::new(path)).map_err(io("cannot read a page"))?;
        let blocks = parse(&text);
        let is_unknown = |block: &&Block| !LANGUAGES.contains(&block.language.as_str());
        if let Some(block) = blocks.iter().find(is_unknown) {
            return Err(LabError::Claim(format!(
                "what is typed at {path}:{} is called `bash`, and files `yaml` or `ini`",
                block.line
            )));
        }
        let path = path.to_owned();
        Ok(Self { path, blocks })
    }

    /// The files that it shows below the heading `section`: path and content.
    pub(super) fn files(&self, section: &str) -> Result<Vec<(String, String)>, LabError> {
        let own = self.blocks.iter().filter(|block| block.section == section);
        let files = own.filter_map(|block| Some((block.path()?.to_owned(), block.text.clone())));
        let files: Vec<_> = files.collect();
        if files.is_empty() {
            return Err(LabError::Claim(format!(
                "{} shows files below `{section}`",
                self.path
            )));
        }
        Ok(files)
    }

    /// The block that begins with `start`, whatever it is.
    pub(super) fn block(&self, start: &str) -> Result<&Block, LabError> {
        let mut all = self.blocks.iter();
        let block = all.find(|block| block.text.trim_start().starts_with(start));
        block.ok_or_else(|| LabError::Claim(format!("{} shows `{start}`", self.path)))
    }
}

fn parse(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut section = String::new();
    let mut open = false;
    for (line, number) in text.lines().zip(1..) {
        let fence = line.trim_start().strip_prefix("```");
        match (fence, open) {
            (Some(language), false) => blocks.push(Block {
                line: number,
                language: language.to_owned(),
                text: String::new(),
                section: section.clone(),
            }),
            (None, true) => {
                if let Some(block) = blocks.last_mut() {
                    block.text += line;
                    block.text.push('\n');
                }
            }
            (None, false) if line.starts_with('#') => {
                line.trim_start_matches(['#', ' ']).clone_into(&mut section);
            }
            _ => {}
        }
        open ^= fence.is_some();
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn blocks_have_their_heading_language_and_path() {
        let blocks = parse(
            "# A\n## B\n```yaml\n# a/b.yml\nc: 1\n```\n# no fence\n```\n$ d\ne\nf\n$ g\n```\n",
        );
        let [file, session] = blocks.as_slice() else {
            panic!("{blocks:?}");
        };
        assert_eq!(file.path(), Some("a/b.yml"));
        assert_eq!((file.section.as_str(), file.line), ("B", 3));
        assert!(!file.is_typed() && session.is_typed());
        let answer = vec!["e".to_owned(), "f".to_owned()];
        let commands = [("d".to_owned(), answer), ("g".to_owned(), Vec::new())];
        assert_eq!(session.session(), commands);
    }
}
