//! Values of secrets out of the engine's sentences: an error may quote what was sent.

use dockerops_core::body::Body;
use dockerops_core::names::label;
use dockerops_core::observed::Service;
use dockerops_core::plan::Action;
use dockerops_core::secret::Secret;
use serde_json::Value;

use super::error::EngineError;

/// Shorter values would also hit ordinary words of the message.
const SHORTEST: usize = 4;

/// A shorter part of a value is too ordinary to be hidden wherever it stands.
const WORD: usize = 6;

/// `error` without the values of secrets that `action` sent.
pub(super) fn error(mut error: EngineError, action: &Action) -> EngineError {
    if let (
        Some(body),
        EngineError::Refused { message, .. }
        | EngineError::InUse { message, .. }
        | EngineError::NameConflict { message, .. },
    ) = (body(action), &mut error)
    {
        *message = mask(message, body);
    }
    error
}

/// `text` with the mask of each secret that flowed into `body` in place of its
/// value: what the engine says about a service, its tasks' errors included, may
/// quote the command or the environment.
pub fn mask(text: &str, body: &Body) -> String {
    let mut masks = Vec::new();
    collect(body, &mut masks);
    // Long ones first: one value may be part of another.
    masks.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    let hide = |text: String, (value, mask): (String, String)| text.replace(&value, &mask);
    masks.into_iter().fold(text.to_owned(), hide)
}

/// As [`mask`], and each word of a value into which a secret flowed is hidden too: an
/// application that is given `pg://user:password@db` may write down the password alone.
/// For an application's own words, in which a word too many that is hidden does no harm.
pub fn mask_words(text: &str, body: &Body) -> String {
    let mut masks = Vec::new();
    collect(body, &mut masks);
    let words = |(value, mask): (String, String)| {
        let ends = |c: char| c.is_whitespace() || ":/@?&=,;\"'".contains(c);
        let words: Vec<_> = value
            .split(ends)
            .filter(|word| word.len() >= WORD)
            .collect();
        words
            .into_iter()
            .map(|word| (word.to_owned(), mask.clone()))
            .collect::<Vec<_>>()
    };
    let words = masks.into_iter().flat_map(words);
    words.fold(mask(text, body), |text, (word, mask)| {
        text.replace(&word, &mask)
    })
}

/// `text` with the mask of the Docker secret `name` in place of its content, or of a line
/// of it: an application may write down what it reads.
pub fn mask_content(text: &str, name: &str, content: &Secret) -> String {
    let Some(content) = content.expose_text() else {
        return text.to_owned();
    };
    let lines = content
        .lines()
        .filter(|line| line.trim().len() >= 2 * SHORTEST);
    let parts = std::iter::once(content).chain(lines).map(str::trim);
    let long = parts.filter(|part| part.len() >= SHORTEST);
    let mask = format!("[secret {name}]");
    long.fold(text.to_owned(), |text, part| text.replace(part, &mask))
}

/// The same of a service whose body is not known: the values of those of its variables that
/// hold secrets, as its label says.
pub fn mask_live(text: &str, service: &Service) -> String {
    let names = service.label(label::SECRET_ENV);
    let names: Vec<_> = names.unwrap_or_default().split(',').collect();
    let variables = &service.spec["TaskTemplate"]["ContainerSpec"]["Env"];
    let variables = variables.as_array().into_iter().flatten();
    let pairs = variables.filter_map(|variable| variable.as_str()?.split_once('='));
    let secret = pairs.filter(|(name, value)| names.contains(name) && value.len() >= SHORTEST);
    secret.fold(text.to_owned(), |text, (name, value)| {
        text.replace(value, &format!("[secret in {name}]"))
    })
}

fn body(action: &Action) -> Option<&Body> {
    match action {
        Action::CreateNetwork { body, .. }
        | Action::CreateFile { body, .. }
        | Action::RelabelFile { body, .. }
        | Action::CreateService { body, .. }
        | Action::UpdateService { body, .. } => Some(body),
        Action::RemoveService { .. }
        | Action::RemoveFile { .. }
        | Action::RemoveNetwork { .. }
        | Action::RemoveVolume { .. } => None,
    }
}

fn collect(body: &Body, masks: &mut Vec<(String, String)>) {
    match body {
        Body::Scalar(Value::String(text), secrets) if secrets.is_secret() => {
            // Of `NAME=value` the engine may quote the value alone.
            let value = text.split_once('=').map(|(_, value)| value);
            let values = [Some(text.as_str()), value].into_iter().flatten();
            let values = values.filter(|value| value.len() >= SHORTEST);
            masks.extend(values.map(|value| (value.to_owned(), secrets.mask())));
        }
        Body::Scalar(..) => {}
        Body::List(items) => items.iter().for_each(|item| collect(item, masks)),
        Body::Map(map) => map.values().for_each(|item| collect(item, masks)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dockerops_core::secret::Provenance;

    #[test]
    fn a_secret_that_is_part_of_a_value_is_masked_in_what_an_application_says() {
        let url = "URL=pg://admin:hunter22@db/app";
        let env = Body::Scalar(Value::from(url), Provenance::secret("db"));
        assert_eq!(
            mask_words("cannot log in with hunter22 at db", &env),
            "cannot log in with [secret db] at db"
        );
        assert_eq!(mask_words(url, &env), "[secret db]");
    }

    #[test]
    fn a_docker_secret_is_masked_whole_and_line_by_line() {
        let key = Secret::new("-- BEGIN --\nMIIEvQIBADANBg\nend\n");
        assert_eq!(
            mask_content("read MIIEvQIBADANBg at the end", "app_key", &key),
            "read [secret app_key] at the end"
        );
        let password = Secret::new("hunter2\n");
        assert_eq!(mask_content("(hunter2)", "p", &password), "([secret p])");
        assert_eq!(mask_content("a, b", "p", &Secret::new("a")), "a, b");
    }

    #[test]
    fn a_quoted_secret_is_masked() {
        let env = Body::Scalar(Value::from("PASSWORD=hunter2"), Provenance::secret("db"));
        let action = Action::CreateService {
            name: "web_a".to_owned(),
            body: Body::object([("Env", Body::List(vec![env]))]),
        };
        for quoted in ["invalid: PASSWORD=hunter2", "parsing \"hunter2\""] {
            let refused = EngineError::Refused {
                doing: "POST /services/create".to_owned(),
                status: 400,
                message: quoted.to_owned(),
            };
            let shown = format!("{:?}", error(refused, &action));
            assert!(shown.contains("[secret db]"), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
