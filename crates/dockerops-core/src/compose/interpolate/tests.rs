//! What [`super::interpolate`] promises.

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Severity;
use crate::yaml;

fn vars(compat: Compat) -> Variables {
    let mut vars = Variables::new(compat);
    vars.set("A", "va", Provenance::none());
    vars.set("EMPTY", "", Provenance::none());
    vars.set("MONEY", "$A ${A} $$", Provenance::none());
    vars.set("N", "3", Provenance::none());
    vars.set("PW", "s3cret", Provenance::secret("db"));
    vars.set("KEY", "k3y", Provenance::secret("api"));
    vars.forbid("TAG");
    vars
}

fn run(text: &str, vars: &Variables) -> (Node, Diagnostics) {
    let mut sources = Sources::default();
    let file = sources.add("f.yml", text);
    let mut out = Diagnostics::default();
    let node = yaml::parse(&sources, file, &mut out).unwrap();
    assert_eq!(out, Diagnostics::default());
    let node = interpolate(node, vars, &sources, &mut out);
    (node, out)
}

fn at<'n>(node: &'n Node, path: &str) -> &'n Node {
    path.split('.').fold(node, |node, step| match &node.value {
        Value::Map(map) => map.get(step).unwrap(),
        Value::List(items) => &items[step.parse::<usize>().unwrap()],
        _ => panic!("nothing below"),
    })
}

/// `template` as the command of a service, filled in.
fn fill_as(compat: Compat, template: &str) -> (String, Diagnostics) {
    let quoted = template.replace('\'', "''");
    let (node, out) = run(
        &format!("services: {{a: {{command: '{quoted}'}}}}"),
        &vars(compat),
    );
    let Value::Text(text) = at(&node, "services.a.command").value.clone() else {
        panic!()
    };
    (text, out)
}

fn fill(template: &str) -> String {
    let (text, out) = fill_as(Compat::Specification, template);
    assert_eq!(out, Diagnostics::default(), "{template}");
    text
}

fn told(out: &Diagnostics) -> String {
    let lines = out.0.iter().map(|d| {
        let at = d.span.map_or("-".to_owned(), |s| {
            format!("{}:{}:{}", s.line, s.column, s.length)
        });
        let level = if d.severity == Severity::Error {
            ""
        } else {
            "warning "
        };
        format!(
            "{at} {level}{}: {} | {}",
            d.code,
            d.message,
            d.hint.as_deref().unwrap_or("-")
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_forms_are_those_of_dockers_client() {
    let cases = [
        ("$A", "va"),
        ("${A}", "va"),
        ("$A:80", "va:80"),
        ("${A}b", "vab"),
        ("x$$A", "x$A"),
        ("${A:-d}", "va"),
        ("${U:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${U-d}", "d"),
        ("${U:-}", ""),
        ("${A:?gone}", "va"),
        ("${EMPTY?gone}", ""),
        ("${U:-a-b:-c}", "a-b:-c"),
        (r#"${U:-{"a":1}}"#, r#"{"a":1}"#),
        ("$EMPTY$A", "va"),
    ];
    for (template, text) in cases {
        assert_eq!(fill(template), text, "{template}");
        let (docker, _) = fill_as(Compat::Docker, template);
        assert_eq!(docker, text, "{template} as docker");
    }
}

#[test]
fn a_dollar_in_a_default_stays_as_written_with_a_warning() {
    let hash = "$2a$14$1l.IozJx7xQRVmlkEQ32OeEEfP5mRxTpbDTCTcXRqn19gXD8YK1pO";
    for text in [hash, "$$x", "$A"] {
        let template = format!("${{U:-{text}}}");
        let (ours, out) = fill_as(Compat::Specification, &template);
        assert_eq!(ours, text);
        assert!(told(&out).contains("dollar-in-default"), "{template}");
        assert_eq!(
            fill_as(Compat::Docker, &template),
            (text.to_owned(), Diagnostics::default())
        );
    }
}

#[test]
fn a_nested_default_works_with_a_warning_and_is_literal_for_docker() {
    let cases = [
        ("${U:-${A}}", "va", "${A}"),
        ("${U:-${V:-z}}", "z", "${V:-z}"),
        ("${A:-${V:-z}}", "va", "va}"),
        ("${U:-x${V:-${A}}-$$}y", "xva-$$y", "x${V:-${A}-$}y"),
    ];
    for (template, ours, docker) in cases {
        let (text, out) = fill_as(Compat::Specification, template);
        assert_eq!(text, ours, "{template}");
        assert!(told(&out).contains("nested-default"), "{template}");
        let (text, out) = fill_as(Compat::Docker, template);
        assert_eq!(
            (text.as_str(), out),
            (docker, Diagnostics::default()),
            "{template}"
        );
    }
}

#[test]
fn where_dockers_client_reads_another_operator_the_first_one_counts() {
    let (text, out) = fill_as(Compat::Specification, "${A:?must-be-set}");
    assert_eq!(text, "va");
    assert!(told(&out).contains("second-operator"));
    let (text, out) = fill_as(Compat::Docker, "${A:?must-be-set}");
    assert_eq!((text.as_str(), out), ("be-set", Diagnostics::default()));
    let (text, _) = fill_as(Compat::Docker, "${A-b:-c}");
    assert_eq!(text, "c");
}

#[test]
fn text_after_a_variable_without_braces_is_its_default_as_with_docker() {
    let (text, out) = fill_as(Compat::Specification, "$A-suffix and $B");
    assert_eq!(text, "va");
    insta::assert_snapshot!(told(&out), @r#"1:26:16 warning unbraced-default: all that follows `$A` is taken as its default or message | Write `${A}` if the text after it is to stay."#);
}

#[test]
fn what_is_no_variable_is_an_error_at_its_dollar() {
    let text = "services:\n  a:\n    command: [\"a$\", b $5, '${A:+y}', \"${A:=y}\", \"${\"]\n";
    let (_, out) = run(text, &vars(Compat::Specification));
    insta::assert_snapshot!(told(&out), @r#"
    3:17:1 bad-interpolation: this `$` starts no variable that Docker knows | Write `$$` for a plain `$`.
    3:23:1 bad-interpolation: this `$` starts no variable that Docker knows | Write `$$` for a plain `$`.
    3:28:2 bad-interpolation: this `$` starts no variable that Docker knows | Write `${X}`, `${X:-default}`, `${X-default}`, `${X:?message}` or `${X?message}`, or `$$` for a plain `$`.
    3:39:2 bad-interpolation: this `$` starts no variable that Docker knows | Write `${X}`, `${X:-default}`, `${X-default}`, `${X:?message}` or `${X?message}`, or `$$` for a plain `$`.
    3:50:2 bad-interpolation: this `$` starts no variable that Docker knows | Write `${X}`, `${X:-default}`, `${X-default}`, `${X:?message}` or `${X?message}`, or `$$` for a plain `$`.
    "#);
}

#[test]
fn a_missing_variable_is_told_once_for_each_place() {
    let text = "
x-env: &env {P: '${NOWHERE}', T: $TAG, D: '${TAG:-latest}'}
services:
  a: {environment: *env}
  b: {environment: *env, image: 'x:${TAG}', hostname: \"${HOST:?name the host}\"}
  c:
    command: |
      echo
      $NOWHERE ${REQ?}
";
    let (_, out) = run(text, &vars(Compat::Specification));
    insta::assert_snapshot!(told(&out), @r#"
    2:18:10 warning unset-variable: `NOWHERE` is not set: it becomes empty text | Set it, or write `${NOWHERE:-}` if empty is meant.
    2:34:4 variable-not-allowed: `TAG` is set but not allowed | Add it to `DOCKEROPS_COMPOSE_ENV`.
    5:36:6 variable-not-allowed: `TAG` is set but not allowed | Add it to `DOCKEROPS_COMPOSE_ENV`.
    5:56:22 required-variable: the required variable `HOST` has no value: name the host | Set it in the environment, or name it in the `secrets.yaml` of the stack.
    9:7:8 warning unset-variable: `NOWHERE` is not set: it becomes empty text | Set it, or write `${NOWHERE:-}` if empty is meant.
    9:16:7 required-variable: the required variable `REQ` has no value | Set it in the environment, or name it in the `secrets.yaml` of the stack.
    "#);
}

#[test]
fn only_the_sections_that_docker_reads_are_changed_and_never_keys() {
    let text =
        "version: '$A'\nx-a: '$'\nservices: {$A: {labels: {$A: $A}}}\nvolumes: {v: {name: $A}}\n";
    let (node, out) = run(text, &vars(Compat::Specification));
    assert_eq!(out, Diagnostics::default());
    assert_eq!(at(&node, "version").value, Value::Text("$A".into()));
    assert_eq!(
        at(&node, "services.$A.labels.$A").value,
        Value::Text("va".into())
    );
    assert_eq!(at(&node, "volumes.v.name").value, Value::Text("va".into()));
}

#[test]
fn text_becomes_a_number_where_docker_makes_it_one() {
    let text = "
services:
  a:
    tty: '${YES:-on}'
    read_only: 'true'
    deploy: {replicas: $N, update_config: {max_failure_ratio: '0.$N'}}
    ports: [{target: '8${N}', published: 1}]
    ulimits: {nofile: {soft: '$N'}, nproc: $N}
    labels: {n: $N}
networks: {n: {external: '${U:-No}'}}
";
    let (node, out) = run(text, &vars(Compat::Specification));
    assert_eq!(out, Diagnostics::default());
    let cases = [
        ("services.a.tty", Value::Bool(true)),
        ("services.a.read_only", Value::Text("true".into())),
        ("services.a.deploy.replicas", Value::Int(3)),
        (
            "services.a.deploy.update_config.max_failure_ratio",
            Value::Float(0.3),
        ),
        ("services.a.ports.0.target", Value::Int(83)),
        ("services.a.ulimits.nofile.soft", Value::Int(3)),
        ("services.a.ulimits.nproc", Value::Int(3)),
        ("services.a.labels.n", Value::Text("3".into())),
        ("networks.n.external", Value::Bool(false)),
    ];
    for (path, value) in cases {
        assert_eq!(at(&node, path).value, value, "{path}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_told_without_the_value() {
    let text = "services:\n  a:\n    tty: ${PW}\n    deploy: {replicas: '$PW$KEY'}\n";
    let (node, out) = run(text, &vars(Compat::Specification));
    insta::assert_snapshot!(told(&out), @r#"
    3:10:5 bad-cast: the value of `${PW}` must be a boolean (`true` or `false`) here | Check the value of `PW`.
    4:24:9 bad-cast: the value of `$PW$KEY` must be an integer here | Check the value of `PW` and `KEY`.
    "#);
    assert!(!format!("{node:?}").contains("s3cret"));
}

#[test]
fn text_remembers_the_secrets_that_flowed_into_it() {
    let text = "services: {a: {environment: ['U=$PW@${KEY}', 'D=${U:-x}', 'W=${A:-$PW}', 'X=${U:-${PW}}']}}";
    let (node, _) = run(text, &vars(Compat::Specification));
    let shown: Vec<_> = (0..4)
        .map(|i| format!("{:?}", at(&node, &format!("services.a.environment.{i}"))))
        .collect();
    assert_eq!(
        shown,
        [
            "[secret api, db]",
            "Text(\"D=x\")",
            "Text(\"W=va\")",
            "[secret db]"
        ]
    );
}

#[test]
fn a_template_of_many_open_braces_is_read_quickly() {
    for text in [
        "${A:-".repeat(20_000),
        "${A:-${B}".repeat(20_000),
        "${A:-x}".repeat(20_000),
    ] {
        for compat in [Compat::Specification, Compat::Docker] {
            assert!(!template::pieces(&text, compat).is_empty());
        }
    }
}

fn templates() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("$"),
        Just("{"),
        Just("}"),
        Just("${"),
        Just("CANARY"),
        Just("U"),
        Just(":-"),
        Just("-"),
        Just(":?"),
        Just("?"),
        Just("${CANARY}"),
        Just("${U:-"),
        Just("é"),
        Just(" "),
        Just("1"),
        Just("$$"),
    ];
    prop::collection::vec(token, 0..20).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn text_without_a_dollar_stays_as_it_is(text in "[^$]*") {
        for compat in [Compat::Specification, Compat::Docker] {
            let pieces = template::pieces(&text, compat);
            prop_assert!(pieces.is_empty() || pieces == [Piece::Literal(&text)]);
        }
    }

    #[test]
    fn a_value_is_never_interpolated_again(value in "[$A{}:-]{0,12}") {
        let mut vars = vars(Compat::Specification);
        vars.set("V", &value, Provenance::none());
        let (node, _) = run("services: {a: {hostname: '<${V}>'}}", &vars);
        prop_assert_eq!(&at(&node, "services.a.hostname").value, &Value::Text(format!("<{value}>")));
    }

    #[test]
    fn no_message_holds_a_value(template in templates(), key in "command|tty|oom_score_adj", docker: bool) {
        let mut vars = Variables::new(if docker { Compat::Docker } else { Compat::Specification });
        vars.set("CANARY", "tweet$tweet", Provenance::secret("c"));
        let (node, out) = run(&format!("services: {{a: {{{key}: '{template}'}}}}"), &vars);
        let shown = format!("{out:?}{node:?}{vars:?}");
        prop_assert!(!shown.contains("tweet"));
    }
}

#[test]
fn a_value_that_nobody_read_fits_where_a_number_or_a_boolean_is_wanted() {
    let text = "services: {a: {tty: '${X}', deploy: {replicas: '${X:?}'}, command: '${X}'}}";
    let mut vars = Variables::new(Compat::Specification);
    vars.set_unread("X", Provenance::secret("x"));
    let (node, out) = run(text, &vars);
    assert_eq!(out, Diagnostics::default());
    let value = |path| at(&node, path).value.clone();
    assert_eq!(value("services.a.tty"), Value::Bool(false));
    assert_eq!(value("services.a.deploy.replicas"), Value::Int(0));
    assert_eq!(
        value("services.a.command"),
        Value::Text("[secret x]".to_owned())
    );

    vars.set("X", "many", Provenance::secret("x"));
    let (_, out) = run(text, &vars);
    assert_eq!(
        out.errors().count(),
        2,
        "a value that was read is looked at"
    );
}
