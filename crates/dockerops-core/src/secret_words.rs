//! Which names are those of secrets, and which values could be one.

/// What the name of a secret ends with, wherever a word begins.
const ENDINGS: [&str; 8] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "REQUIREPASS",
    "CREDENTIALS",
];

/// Likewise, as whole words only: `BYPASS` and `OLDPWD` are none.
const WORDS: [&str; 8] = [
    "PASS",
    "PWD",
    "API_KEY",
    "PRIVATE_KEY",
    "SECRET_KEY",
    "ACCESS_KEY",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
];

/// Values that switch something on or off, or say that there is none.
const SWITCHES: [&str; 11] = [
    "true", "false", "yes", "no", "on", "off", "none", "null", "enabled", "disabled", "optional",
];

/// Whether a variable, option or flag of this name holds a secret.
///
/// `*_FILE` names a path, `TOKEN_TTL` a number: only the end of a name tells.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let is_word = |word: &str| {
        let before = name.strip_suffix(word);
        before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
    };
    let is_folder = matches!(name.as_str(), "PWD" | "OLD_PWD");
    ENDINGS.iter().any(|end| name.ends_with(end))
        || (!is_folder && WORDS.iter().any(|word| is_word(word)))
}

/// Whether `value`, of a name like that, may be the secret itself.
pub(crate) fn is_secret_value(name: &str, value: &str) -> bool {
    let value = value.trim();
    let is_path = value.starts_with(['/', '~', '.']);
    let elsewhere = value.contains("{{") || value.contains("://") || value.starts_with("arn:");
    let number = value.parse::<f64>().is_ok();
    let lower = value.to_ascii_lowercase();
    !value.is_empty()
        && !is_path
        && !elsewhere
        && !SWITCHES.contains(&lower.as_str())
        && (!number || is_password_number(name, value))
}

/// `MAX_TOKEN=4096` counts something; `ROOT_PASSWORD=123456` does not.
fn is_password_number(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    value.len() > 3 && (name.ends_with("PASSWORD") || name.ends_with("PASSWD"))
}

/// Whether `text`, without its variables, holds `scheme://user:password@…`.
pub(crate) fn has_url_password(text: &str) -> bool {
    let authorities = text.split("://").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| c.is_whitespace() || "/?#\"',".contains(c));
        rest.get(..end.unwrap_or(rest.len()))
    });
    let mut passwords = authorities.filter_map(|authority| {
        let (user, _) = authority.rsplit_once('@')?;
        user.split_once(':').map(|(_, password)| password)
    });
    passwords.any(|password| !password.is_empty() && !password.contains("{{"))
}

/// What is left of a text of a compose file without its variables.
pub(crate) fn literal(text: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        left.push_str(before);
        rest = match after.as_bytes().first() {
            Some(b'$') => {
                left.push('$');
                after.get(1..).unwrap_or_default()
            }
            Some(b'{') => after.split_once('}').map_or("", |(_, behind)| behind),
            _ => after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'),
        };
    }
    left + rest
}

/// Whether `text` holds a private key in PEM form.
pub(crate) fn has_private_key(text: &str) -> bool {
    let mut headers = text.split("-----BEGIN ").skip(1);
    headers.any(|rest| {
        let header = rest.split("-----").next();
        header.is_some_and(|header| header.ends_with("PRIVATE KEY"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_tells_whether_it_is_a_secret() {
        for name in [
            "DB_PASSWORD",
            "PASSWORD",
            "dbPassword",
            "MYSQL_PWD",
            "DB_PASS",
            "JWT_SECRET",
            "GITHUB_TOKEN",
            "STRIPE_API_KEY",
            "splunk-token",
            "requirepass",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "DB_PASSWORD_FILE",
            "TOKEN_TTL",
            "PWD",
            "BYPASS",
            "SECRET_NAME",
            "KEY",
            "PASSWORD_MIN_LENGTH",
            "PUBLIC_KEY",
            "COMPASS",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn switches_numbers_and_paths_are_no_secrets() {
        for value in ["hunter2", "changeme", "correct horse", "123456"] {
            assert!(is_secret_value("ROOT_PASSWORD", value), "{value}");
        }
        for value in [
            "",
            " ",
            "yes",
            "True",
            "1",
            "/run/secrets/x",
            "./x",
            "{{ .Secret }}",
            "https://h/x",
        ] {
            assert!(!is_secret_value("ROOT_PASSWORD", value), "{value}");
        }
        assert!(!is_secret_value("MAX_TOKEN", "4096"));
    }

    #[test]
    fn a_url_with_a_password_is_told_from_one_without() {
        for text in [
            "postgres://u:pw@db/x",
            "--db=amqp://u:p$$w@mq:5672",
            "a b redis://:pw@r",
        ] {
            assert!(has_url_password(&literal(text)), "{text}");
        }
        for text in [
            "postgres://u@db",
            "http://h:80/a@b",
            "postgres://u:${PW}@db",
            "x://u:@h",
            "http://{{.User}}:{{.Pw}}@h",
            "http://h:80,u@x",
        ] {
            assert!(!has_url_password(&literal(text)), "{text}");
        }
    }
    #[test]
    fn variables_leave_nothing_behind_in_a_literal() {
        for (text, left) in [
            ("a${B:-c}d", "ad"),
            ("$A-b", "-b"),
            ("p$$w", "p$w"),
            ("${A", ""),
            ("plain", "plain"),
        ] {
            assert_eq!(literal(text), left);
        }
    }
}
