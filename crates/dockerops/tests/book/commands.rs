//! The command lines of a page: in fences after `$` or at the start of a line, and in code within a sentence.

use super::page::{Page, uncommented};

/// One command line, as the program would get it.
pub struct Line {
    pub page: String,
    pub words: Vec<String>,
}

/// What may stand before the program's name on a line of a shell, of cron or of a workflow.
const BEFORE: [&str; 5] = ["$", "sudo", "-E", "root", "run:"];

/// Where a shell's line has ended for the program.
const AFTER: [&str; 7] = ["|", ">", ">>", "<", "&&", "||", ";"];

pub fn lines(page: &Page) -> Vec<Line> {
    let blocks = page.blocks();
    let fenced = blocks.iter().flat_map(|block| &block.lines);
    let fenced = fenced.map(|line| uncommented(line)).filter_map(|line| of_shell(&line));
    let prose: Vec<&str> = page.prose().collect();
    let prose = prose.join("\n");
    let spans = prose.split('`').skip(1).step_by(2).map(str::to_owned);
    let spans = spans.filter(|span| span.starts_with("dockerops ") || span.starts_with("sudo "));
    let all = fenced.chain(spans.filter_map(|span| of_shell(&span)));
    // `…` stands for what a person fills in.
    all.filter(|words| !words.iter().any(|word| word.contains('…')))
        .map(|words| Line { page: page.path.clone(), words })
        .collect()
}

/// The words from the program's name on; nothing when the line runs something else.
fn of_shell(line: &str) -> Option<Vec<String>> {
    let mut words = words(line).into_iter().skip_while(|word| is_before(word));
    let program = words.next()?;
    (program == "dockerops" || program.ends_with("/dockerops")).then_some(())?;
    let rest = words.take_while(|word| !AFTER.contains(&word.as_str()));
    let rest = rest.map(|word| match word.as_str() {
        "<command>" | "<commande>" => "plan".to_owned(),
        _ => word,
    });
    Some(std::iter::once("dockerops".to_owned()).chain(rest).collect())
}

fn is_before(word: &str) -> bool {
    let assignment = word
        .split_once('=')
        .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    let schedule = word.chars().all(|c| c.is_ascii_digit() || "*/-,".contains(c));
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
