//! How Git gets the token: it runs our own program again and asks.
//!
//! Git is told `GIT_ASKPASS=<this program>` and runs it with a question such as
//! `Username for 'https://github.com': `. The answer names the token only when
//! the question names exactly the origin that the token is meant for, so a
//! redirect to another host gets nothing. The token is in the environment of
//! that one Git process, which only the same user and root can read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use dockerops_core::secret::Secret;

/// Set for a program that is run to answer Git's question: the origin that may have the token.
const ORIGIN: &str = "DOCKEROPS_ASKPASS_ORIGIN";
const TOKEN: &str = "DOCKEROPS_ASKPASS_TOKEN";
/// GitHub takes any user name beside a token; this one it documents.
const USER: &str = "x-access-token";

/// Whether this process was started by Git to answer a question. Ask first thing in `main`.
pub fn requested() -> bool {
    std::env::var_os(ORIGIN).is_some()
}

/// Answers Git's question on standard output. Returns the process's exit code.
pub fn main() -> u8 {
    let question = std::env::args().nth(1).unwrap_or_default();
    let origin = std::env::var(ORIGIN).unwrap_or_default();
    let token = std::env::var(TOKEN).unwrap_or_default();
    let Some(answer) = answer(&question, &origin, &token) else {
        return 1;
    };
    let written = writeln!(std::io::stdout(), "{answer}");
    u8::from(written.is_err())
}

/// What goes back to Git, when the question is about `origin`.
fn answer<'a>(question: &str, origin: &str, token: &'a str) -> Option<&'a str> {
    let (what, rest) = question.split_once(" for '")?;
    let asked = rest.strip_suffix("': ")?.trim_end_matches('/');
    let (scheme, host) = asked.split_once("://")?;
    match what {
        "Username" if format!("{scheme}://{host}") == origin => Some(USER),
        "Password" => {
            let host = host.strip_prefix(USER)?.strip_prefix('@')?;
            (format!("{scheme}://{host}") == origin).then_some(token)
        }
        _ => None,
    }
}

/// The environment that makes Git ask `program`, which answers for `origin` alone.
pub(super) fn environment(
    program: PathBuf,
    origin: &str,
    token: &Secret,
) -> BTreeMap<String, OsString> {
    use std::os::unix::ffi::OsStringExt;
    BTreeMap::from([
        ("GIT_ASKPASS".to_owned(), program.into_os_string()),
        (ORIGIN.to_owned(), origin.into()),
        (
            TOKEN.to_owned(),
            OsString::from_vec(token.expose().to_vec()),
        ),
    ])
}

/// A path that runs this very program, even after an update replaced its file.
pub fn this_program() -> PathBuf {
    PathBuf::from(format!("/proc/{}/exe", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(question: &str) -> Option<&'static str> {
        answer(question, "https://github.com", "t0ken")
    }

    #[test]
    fn the_token_is_the_answer_for_its_origin_alone() {
        assert_eq!(ask("Username for 'https://github.com': "), Some(USER));
        assert_eq!(
            ask("Password for 'https://x-access-token@github.com': "),
            Some("t0ken")
        );
        for other in [
            "Username for 'http://github.com': ",
            "Username for 'https://github.com.evil.example': ",
            "Password for 'https://x-access-token@evil.example': ",
            "Password for 'https://x-access-token@github.com:8443': ",
            "Password for 'https://x-access-token@evil@github.com': ",
            "Password for 'https://github.com': ",
            "Enter passphrase for key '/root/.ssh/id_ed25519': ",
            "",
        ] {
            assert_eq!(ask(other), None, "{other}");
        }
    }
}
