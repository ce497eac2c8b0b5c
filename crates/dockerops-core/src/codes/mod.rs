//! Every diagnostic by its number: what it means, why it comes, and the way out.
//!
//! A number is for links and searches (`DO012`); code names its diagnostics by
//! words. **Invariants**: a number is given once and never again, also when its
//! code is gone; each code that is used has a number, and each number is used
//! (`dockerops/tests/codes.rs`). The hundreds are those of the groups, so that
//! each has room to grow.

mod compose;
mod lint;
mod manifest;
mod plan;
mod spec;
mod yaml;

use std::fmt;

/// Where the page of all codes can be read.
const PAGE: &str = "https://github.com/TomBedinoVT/DockerOps/blob/main/docs/reference/codes.md";

/// All codes, by what they are about; the order of the page.
pub const GROUPS: [&Group; 6] = [
    &manifest::GROUP,
    &yaml::GROUP,
    &compose::GROUP,
    &spec::GROUP,
    &plan::GROUP,
    &lint::GROUP,
];

/// Codes about one thing.
#[derive(Debug)]
pub struct Group {
    /// A heading.
    pub title: &'static str,
    /// What they are about, in a sentence.
    pub about: &'static str,
    /// By number.
    pub codes: &'static [Code],
}

/// One kind of diagnostic.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Its number, once and for all.
    pub number: u16,
    /// The name that diagnostics carry: `unknown-key`.
    pub name: &'static str,
    /// What it says, in one line.
    pub meaning: &'static str,
    /// Why that is, or why it matters.
    pub cause: &'static str,
    /// What to do.
    pub way_out: &'static str,
}

impl Code {
    const fn new(
        number: u16,
        name: &'static str,
        meaning: &'static str,
        cause: &'static str,
        way_out: &'static str,
    ) -> Self {
        Self {
            number,
            name,
            meaning,
            cause,
            way_out,
        }
    }

    /// Where it is explained.
    pub fn url(&self) -> String {
        format!("{PAGE}#{}", self.to_string().to_lowercase())
    }
}

/// `DO012`.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DO{:03}", self.number)
    }
}

/// All codes, in the order of the page.
pub fn all() -> impl Iterator<Item = &'static Code> {
    GROUPS.iter().flat_map(|group| group.codes)
}

/// The code of this name.
pub fn find(name: &str) -> Option<&'static Code> {
    all().find(|code| code.name == name)
}

/// The names of the lints: the codes that can be turned off.
pub fn lints() -> impl Iterator<Item = &'static str> {
    lint::GROUP.codes.iter().map(|code| code.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_and_no_name_is_given_twice() {
        let numbers: Vec<u16> = all().map(|code| code.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        for code in all() {
            assert_eq!(find(code.name), Some(code), "another has its name");
        }
    }

    #[test]
    fn a_number_has_three_digits_and_a_place_on_the_page() {
        let code = find("bad-mode").unwrap();
        assert_eq!(code.to_string(), "DO012");
        assert!(code.url().ends_with("/docs/reference/codes.md#do012"));
    }

    #[test]
    fn every_text_is_a_sentence() {
        for code in all() {
            for text in [code.meaning, code.cause, code.way_out] {
                assert!(
                    text.ends_with('.') && !text.contains('\n'),
                    "{code}: {text}"
                );
            }
        }
    }
}
