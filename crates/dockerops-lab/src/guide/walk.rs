//! Walking through a page: each block that a reader would type is run, in the page's order, and none is left out.

use std::collections::VecDeque;
use std::time::Instant;

use dockerops_lab::{LabError, Ran};

use super::page::{Block, Page};
use super::screen::difference;
use super::world::{World, at_terminal, files};

/// Where a reader is in a page.
pub(super) struct Walk<'a> {
    world: &'a World<'a>,
    pub(super) page: Page,
    /// What they have not come to yet.
    rest: VecDeque<Block>,
    /// Where they type, from their home folder.
    folder: String,
    /// What they put in the place of what: `STACK`, say.
    meant: Vec<(String, String)>,
    began: Instant,
}

impl<'a> Walk<'a> {
    /// Begins to read the page.
    pub(super) fn through(world: &'a World<'a>, page: &str) -> Result<Self, LabError> {
        println!("\n\x1b[1m## {page}\x1b[0m");
        let page = Page::read(page)?;
        Ok(Self {
            world,
            rest: page.blocks.clone().into(),
            page,
            folder: ".".to_owned(),
            meant: Vec::new(),
            began: Instant::now(),
        })
    }

    /// From now on they type in this folder of their home.
    pub(super) fn enter(&mut self, folder: &str) {
        folder.clone_into(&mut self.folder);
    }

    /// From now on they type this where the page says that: `shop` for `STACK`.
    pub(super) fn fill_in(&mut self, meant: &[(&str, &str)]) {
        self.meant = files(meant);
    }

    /// Types the next block; it must begin with `start` and succeed.
    pub(super) fn run(&mut self, start: &str) -> Result<(), LabError> {
        self.says(start, "")
    }

    /// The same; its answer must have these words.
    pub(super) fn says(&mut self, start: &str, words: &str) -> Result<(), LabError> {
        self.ends(start, 0, words)
    }

    /// The same, with `input` at the keyboard.
    pub(super) fn answer(&mut self, start: &str, input: &str) -> Result<(), LabError> {
        let block = self.next(start)?;
        let ran = self.type_in(&block.text, input)?;
        self.must(ran.code == Some(0), &block, "succeeds", &ran)
    }

    /// The same, at a terminal, as what asks for a password wants one.
    pub(super) fn answer_at_terminal(&mut self, start: &str, input: &str) -> Result<(), LabError> {
        let block = self.next(start)?;
        let ran = self.type_as(at_terminal, &block.text, input)?;
        self.must(ran.code == Some(0), &block, "succeeds", &ran)
    }

    /// Types the next block; it must end with `code`, and its answer must have these words.
    pub(super) fn ends(&mut self, start: &str, code: i32, words: &str) -> Result<(), LabError> {
        let block = self.next(start)?;
        let ran = self.type_in(&block.text, "")?;
        let holds = ran.code == Some(code) && ran.stdout.contains(words);
        self.must(
            holds,
            &block,
            &format!("exits with {code} and says `{words}`"),
            &ran,
        )
    }

    /// Types the commands of the next session; each must succeed, and answer what the page shows, if it shows anything.
    pub(super) fn shows(&mut self, start: &str) -> Result<(), LabError> {
        self.shows_end(start, 0)
    }

    /// The same, of commands that end with `code`.
    pub(super) fn shows_end(&mut self, start: &str, code: i32) -> Result<(), LabError> {
        let block = self.next(start)?;
        for (command, answer) in block.session() {
            let ran = self.type_in(&command, "")?;
            let what = format!("exits with {code}");
            self.must(ran.code == Some(code), &block, &what, &ran)?;
            if !answer.is_empty() {
                self.must_be(&answer, &block, &ran)?;
            }
        }
        Ok(())
    }

    /// Types the commands of the next session, which must succeed and say these words, in any order.
    pub(super) fn tells(&mut self, start: &str, words: &[&str]) -> Result<(), LabError> {
        let block = self.next(start)?;
        for (command, _) in block.session() {
            let ran = self.type_in(&command, "")?;
            let told = words.iter().all(|word| ran.stdout.contains(word));
            let holds = ran.code == Some(0) && told;
            self.must(holds, &block, &format!("succeeds and says {words:?}"), &ran)?;
        }
        Ok(())
    }

    /// Types the commands of the next session; of each line, but for what is indented, the word in this column must be
    /// that which the page shows.
    pub(super) fn shows_words(&mut self, start: &str, column: usize) -> Result<(), LabError> {
        let block = self.next(start)?;
        let word = |line: &str| {
            let is_own = !line.starts_with(' ');
            let word = line.split_whitespace().nth(column);
            word.filter(|_| is_own).map(str::to_owned)
        };
        for (command, answer) in block.session() {
            let ran = self.type_in(&command, "")?;
            let shown: Vec<_> = answer.iter().filter_map(|line| word(line)).collect();
            let answered: Vec<_> = ran.stdout.lines().filter_map(word).collect();
            let holds = ran.code == Some(0) && shown == answered;
            self.must(holds, &block, "answers lines of these names", &ran)?;
        }
        Ok(())
    }

    /// Runs what the workflows of the page run.
    pub(super) fn workflows(&self) -> Result<(), LabError> {
        for block in &self.page.blocks {
            let steps = block.text.lines();
            let steps = steps.filter_map(|line| line.trim_start().strip_prefix("- run: "));
            let mut count = 0;
            for step in steps {
                let ran = self.type_in(step, "")?;
                self.must(ran.code == Some(0), block, "succeeds", &ran)?;
                count += 1;
            }
            if block.text.contains("steps:") && count == 0 {
                return Err(LabError::Claim(format!(
                    "a step at {}:{} is run",
                    self.page.path, block.line
                )));
            }
        }
        Ok(())
    }

    /// Passes by the next block: `why` says where else it is run.
    pub(super) fn pass(&mut self, start: &str, why: &str) -> Result<(), LabError> {
        let block = self.next(start)?;
        println!("# {}:{}: not run here: {why}", self.page.path, block.line);
        Ok(())
    }

    /// Leaves the next block for when all others have been typed.
    pub(super) fn later(&mut self, start: &str) -> Result<(), LabError> {
        let block = self.next(start)?;
        self.rest.push_back(block);
        Ok(())
    }

    /// Runs the command of the next block, a line for cron, as cron would.
    pub(super) fn cron(&mut self, start: &str) -> Result<(), LabError> {
        let block = self.next(start)?;
        let command = block.text.split(" root ").nth(1).unwrap_or_default().trim();
        let ran = self.world.cron(command)?;
        self.must(ran.code == Some(0), &block, "succeeds", &ran)
    }

    /// Runs `script`, which the page tells in a sentence, in the reader's folder; it must end with `code`, and its
    /// answer must have every line of the block that begins with `start`.
    pub(super) fn answers_as_told(
        &self,
        script: &str,
        code: i32,
        start: &str,
    ) -> Result<(), LabError> {
        let block = self.page.block(start)?;
        let ran = self.type_in(script, "")?;
        let what = format!("is the answer of `{script}`, which exits with {code}");
        self.must(ran.code == Some(code), block, &what, &ran)?;
        let anything = ["…".to_owned()].into_iter();
        let told = block.text.lines().map(str::to_owned);
        let told: Vec<String> = anything.clone().chain(told).chain(anything).collect();
        self.must_be(&told, block, &ran)
    }

    /// Nothing is left to type.
    pub(super) fn end(mut self) -> Result<(), LabError> {
        match self.next_typed() {
            None => {
                println!("# {} s", self.began.elapsed().as_secs());
                Ok(())
            }
            Some(block) => Err(LabError::Claim(format!(
                "the block at {}:{} is run: {}",
                self.page.path, block.line, block.text
            ))),
        }
    }

    fn next_typed(&mut self) -> Option<Block> {
        let mut rest = std::iter::from_fn(|| self.rest.pop_front());
        rest.find(Block::is_typed)
    }

    fn next(&mut self, start: &str) -> Result<Block, LabError> {
        let block = self.next_typed();
        let begins = |block: &Block| block.text.trim_start_matches("$ ").starts_with(start);
        block.clone().filter(begins).ok_or_else(|| {
            let found = block.map(|block| format!("{}: {}", block.line, block.text));
            LabError::Claim(format!(
                "{} goes on with `{start}`, and not with {found:?}",
                self.page.path
            ))
        })
    }

    fn type_in(&self, script: &str, input: &str) -> Result<Ran, LabError> {
        self.type_as(str::to_owned, script, input)
    }

    /// Types it, in the way that `typed` says.
    fn type_as(
        &self,
        typed: fn(&str) -> String,
        script: &str,
        input: &str,
    ) -> Result<Ran, LabError> {
        let filled_in =
            |script: String, (written, meant): &(String, String)| script.replace(written, meant);
        let script = self
            .meant
            .iter()
            .fold(self.world.as_released(script), filled_in);
        println!(
            "\x1b[36m$ {}\x1b[0m",
            script.trim_end().replace('\n', "\n$ ")
        );
        self.world
            .user(&format!("cd {}\n{}", self.folder, typed(&script)), input)
    }

    fn must_be(&self, shown: &[String], block: &Block, ran: &Ran) -> Result<(), LabError> {
        match difference(shown, &ran.stdout) {
            None => Ok(()),
            Some(difference) => self.must(false, block, &format!("answers {difference}"), ran),
        }
    }

    fn must(&self, holds: bool, block: &Block, what: &str, ran: &Ran) -> Result<(), LabError> {
        if holds {
            return Ok(());
        }
        let place = format!("{}:{}", self.page.path, block.line);
        Err(LabError::Claim(format!(
            "{place} {what}:\n{}\nit is {}",
            block.text,
            ran.text()
        )))
    }
}
