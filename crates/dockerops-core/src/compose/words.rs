//! Splitting a command into words by the rules of `google/shlex`, as Docker does.
//!
//! They are a shell's, without expansion: quotes, backslashes, and comments
//! where a word would start.

/// A command ends inside a quote or behind a backslash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unterminated;

/// Splits `text` into words.
pub(super) fn split(text: &str) -> Result<Vec<String>, Unterminated> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' if word.is_none() => {
                chars.by_ref().find(|c| *c == '\n');
            }
            '\'' => single_quoted(&mut chars, word.get_or_insert_default())?,
            '"' => double_quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => word
                .get_or_insert_default()
                .push(chars.next().ok_or(Unterminated)?),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(
    chars: &mut impl Iterator<Item = char>,
    word: &mut String,
) -> Result<(), Unterminated> {
    for c in chars {
        if c == '\'' {
            return Ok(());
        }
        word.push(c);
    }
    Err(Unterminated)
}

/// A backslash in double quotes makes any next character literal and goes away itself.
fn double_quoted(
    chars: &mut impl Iterator<Item = char>,
    word: &mut String,
) -> Result<(), Unterminated> {
    loop {
        match chars.next().ok_or(Unterminated)? {
            '"' => return Ok(()),
            '\\' => word.push(chars.next().ok_or(Unterminated)?),
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_shlex_does() {
        for (text, words) in [
            ("", vec![]),
            ("  a  b\tc\n", vec!["a", "b", "c"]),
            ("a 'b c' \"d e\"", vec!["a", "b c", "d e"]),
            ("a'b'\"c\"d", vec!["abcd"]),
            ("'' \"\"", vec!["", ""]),
            (r#"\"a\ b "x\"y\z" 'p\q'"#, vec!["\"a b", "x\"yz", r"p\q"]),
            ("a # note\nb #x", vec!["a", "b"]),
            ("a#b", vec!["a#b"]),
            (
                "echo $HOME | x > y",
                vec!["echo", "$HOME", "|", "x", ">", "y"],
            ),
        ] {
            assert_eq!(
                split(text),
                Ok(words.into_iter().map(str::to_owned).collect()),
                "{text:?}"
            );
        }
        for text in ["'a", "\"a", "a\\", "\"a\\"] {
            assert_eq!(split(text), Err(Unterminated), "{text:?}");
        }
    }
}
