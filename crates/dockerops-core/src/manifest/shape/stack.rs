//! What an entry of `stacks.yaml` may hold.

use super::{CONTROL, Form, Key, ListFile, Need, Record, Rule, VARIABLE};

/// `stacks.yaml`.
pub(in crate::manifest) static STACKS: ListFile = ListFile {
    what: "`stacks.yaml`",
    written: "`- name: web`, a line for each stack",
    item: &STACK,
};

pub(in crate::manifest) static STACK: Record = Record {
    what: "a stack",
    written: "`- name: web`",
    about: "A stack: a folder of the repository with a compose file in it.",
    keys: &[
        &STACK_NAME,
        &STACK_PATH,
        &STACK_FILES,
        &STACK_DEPENDS_ON,
        &STACK_TIMEOUT,
        &STACK_ON_FAILURE,
        &STACK_SELF_HEAL,
        &STACK_IGNORE_DRIFT,
        &STACK_SUSPEND,
        &STACK_ENV,
        &STACK_ENV_FILES,
    ],
};

const NAME: Rule = Rule::pattern("^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$");

pub(in crate::manifest) static STACK_NAME: Key = Key {
    name: "name",
    need: Need::Required,
    form: Form::Rule(NAME),
    about: "The name of the stack, and of its folder unless `path` says otherwise: letters, digits, `-` \
            and `_`, starting and ending with a letter or digit, at most 63 characters. No two names \
            differ only in letter case.",
};

pub(in crate::manifest) static STACK_PATH: Key = Key {
    name: "path",
    need: Need::Optional,
    form: Form::Rule(Rule {
        pattern: "^[^/]",
        // A home; also after `./`.
        never: &[CONTROL, r"(^|/)\.\.(/|$)", r"^(\.?/)*~"],
    }),
    about: "The folder of the stack, from the root of the repository, without `..`; `.` is the root. \
            Without it: the folder named as the stack.",
};

/// A file that is named from a folder of the repository. Whether it leaves the repository depends
/// on the folder, so `..` is looked at where the file is read.
const FILE: Rule = Rule {
    pattern: "^[^/~]",
    never: &[CONTROL],
};

pub(in crate::manifest) static STACK_FILES: Key = Key {
    name: "files",
    need: Need::Optional,
    form: Form::List(FILE, "`files: [compose.yml, production.yml]`"),
    about: "The compose files, from the stack's folder; later ones override earlier ones, as with `docker \
            stack deploy -c`. Without it: `docker-compose.yml` or `compose.yml`, also with `.yaml`.",
};

pub(in crate::manifest) static STACK_DEPENDS_ON: Key = Key {
    name: "depends_on",
    need: Need::Optional,
    form: Form::List(NAME, "`depends_on: [database]`"),
    about: "Stacks of this file that are deployed, and well, before this one is touched.",
};

pub(in crate::manifest) static STACK_TIMEOUT: Key = Key {
    name: "timeout",
    need: Need::Optional,
    form: Form::Rule(Rule {
        pattern: r"^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$",
        never: &["^[^1-9]*$"],
    }),
    about: "How long its services may take to be well, such as `90s` or `1m30s`. Without it: what \
            `--timeout` says.",
};

pub(in crate::manifest) static STACK_ON_FAILURE: Key = Key {
    name: "on_failure",
    need: Need::Optional,
    form: Form::Words(&[
        (
            "rollback",
            "the whole stack returns to what was well, and a first deploy is left for inspection; the default",
        ),
        (
            "pause",
            "it stays as it is, and is not tried again until it changes",
        ),
        (
            "continue",
            "it stays as it is, and the next run tries again",
        ),
        (
            "remove",
            "the whole stack returns to what was well, and a first deploy is removed",
        ),
    ]),
    about: "What happens when the stack does not get well.",
};

pub(in crate::manifest) static STACK_SELF_HEAL: Key = Key {
    name: "self_heal",
    need: Need::Optional,
    form: Form::Flag,
    about: "Whether what was changed by hand on the Swarm is put back; with `false` it is only reported. \
            Without it: `true`.",
};

pub(in crate::manifest) static STACK_IGNORE_DRIFT: Key = Key {
    name: "ignore_drift",
    need: Need::Optional,
    form: Form::Drift("`ignore_drift: [deploy.replicas]`"),
    about: "Fields of services that something else may change, such as an autoscaler: a running service \
            keeps what it has there. In the words of the compose file, also a group or a key: `image`, \
            `environment.TAG`, `deploy.labels.x`, `deploy.resources`.",
};

pub(in crate::manifest) static STACK_SUSPEND: Key = Key {
    name: "suspend",
    need: Need::Optional,
    form: Form::Flag,
    about: "With `true`, nothing of the stack is changed while this is so. Without it: `false`.",
};

pub(in crate::manifest) static STACK_ENV: Key = Key {
    name: "env",
    need: Need::Optional,
    form: Form::Pairs(VARIABLE, "`env: {TAG: \"1.4\"}`"),
    about: "Variables that `${NAME}` in the compose files sees. They win over `env_files` and over the \
            environment; a secret's variable may not be set here.",
};

pub(in crate::manifest) static STACK_ENV_FILES: Key = Key {
    name: "env_files",
    need: Need::Optional,
    form: Form::List(FILE, "`env_files: [../common.env]`"),
    about: "Files of the repository with a `NAME=value` a line, from the stack's folder, whose variables \
            `${NAME}` in the compose files sees; later ones win.",
};
