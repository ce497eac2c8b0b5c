//! The command lines of a page: in fences after `$` or at the start of a line, and in code within a sentence.

use super::page::{Block, Page, uncommented};

/// One command line, as the program would get it.
pub(crate) struct Line {
    pub(crate) page: String,
    /// Within a sentence, where `dockerops deploy` names a command.
    pub(crate) in_a_sentence: bool,
    pub(crate) words: Vec<String>,
}

/// What may stand before the program's name on a line of a shell, of cron or of a workflow.
const BEFORE: [&str; 5] = ["$", "sudo", "-E", "root", "run:"];

/// Where a shell's line has ended for the program.
const AFTER: [&str; 7] = ["|", ">", ">>", "<", "&&", "||", ";"];

pub(crate) fn lines(page: &Page) -> Vec<Line> {
    let blocks = page.blocks();
    let fenced = blocks.iter().flat_map(Block::typed);
    let fenced = fenced.map(|line| (false, uncommented(line)));
    let prose = page.prose().collect::<Vec<_>>().join("\n");
    let spans = prose.split('`').skip(1).step_by(2);
    let spans = spans.map(|span| (true, span.to_owned()));
    let of_us = |(in_a_sentence, text): (bool, String)| Some((in_a_sentence, of_shell(&text)?));
    fenced
        .chain(spans)
        .filter_map(of_us)
        // `…` stands for what a person fills in.
        .filter(|(_, words)| !words.iter().any(|word| word.contains('…')))
        .map(|(in_a_sentence, words)| Line {
            page: page.path.clone(),
            in_a_sentence,
            words,
        })
        .collect()
}

/// The words from the program's name on; nothing when the line runs something else.
fn of_shell(line: &str) -> Option<Vec<String>> {
    let mut words = words(line).into_iter().skip_while(|word| is_before(word));
    let program = words.next()?;
    (program == "dockerops" || program.ends_with("/bin/dockerops")).then_some(())?;
    let rest = words.take_while(|word| !AFTER.contains(&word.as_str()));
    let rest = rest.map(|word| match word.as_str() {
        "<command>" | "<commande>" => "plan".to_owned(),
        _ => word,
    });
    Some(
        std::iter::once("dockerops".to_owned())
            .chain(rest)
            .collect(),
    )
}

fn is_before(word: &str) -> bool {
    let assignment = word
        .split_once('=')
        .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    let schedule = word
        .chars()
        .all(|c| c.is_ascii_digit() || "*/-,".contains(c));
    BEFORE.contains(&word) || assignment || schedule || word.starts_with("--preserve-env")
}

/// Split at spaces, but for those within quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => words.push(String::new()),
            (c, _) => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
