//! What [`super::parse`] promises, each in a few lines of YAML.

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Severity;

fn read(text: &str) -> (Option<Node>, Diagnostics, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("f.yml", text);
    let mut out = Diagnostics::default();
    let node = parse(&sources, file, &mut out);
    (node, out, sources)
}

/// The value as one line: text is quoted, numbers are not.
fn show(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Text(text) => format!("{text:?}"),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(show).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let pairs: Vec<_> = map
                .iter()
                .map(|(k, v)| format!("{}: {}", k.value, show(v)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

fn value(text: &str) -> String {
    let (node, out, _) = read(text);
    assert_eq!(out, Diagnostics::default(), "{text}");
    show(&node.unwrap())
}

/// Every problem as `line:column:length code: message | hint`.
fn problems(text: &str) -> String {
    let (node, out, _) = read(text);
    assert_eq!(node.is_none(), out.has_errors(), "{out:?}");
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
fn an_empty_document_is_null() {
    for text in ["", "# only a comment\n", "---\n", "\u{feff}"] {
        assert_eq!(value(text), "null", "{text:?}");
    }
}

#[test]
fn a_byte_order_mark_crlf_and_tabs_in_comments_change_nothing() {
    assert_eq!(
        value("\u{feff}a: 1\r\nb:\t\"x\"\t#\tc\r\n"),
        r#"{a: 1, b: "x"}"#
    );
}

#[test]
fn a_tag_decides_what_a_scalar_is() {
    assert_eq!(
        value("a:\nb: !!str\nc: !x\nd: ''\n"),
        r#"{a: null, b: "", c: "", d: ""}"#
    );
    let tagged =
        "a: !!binary aGk=\nb: !!timestamp '2001-12-14'\nc: !!int '7'\nd: ! 7\ne: !reset null\n";
    assert_eq!(
        value(tagged),
        r#"{a: "hi", b: "2001-12-14 00:00:00 +0000 UTC", c: 7, d: 7, e: "null"}"#
    );
}

#[test]
fn a_block_scalar_ends_as_the_file_does() {
    assert_eq!(value("a: |\n  x"), r#"{a: "x"}"#);
    assert_eq!(value("a: |\n  x\n"), r#"{a: "x\n"}"#);
}

#[test]
fn a_merge_key_adds_what_is_missing() {
    let text = "
x: &x {a: 1, b: 1}
y: &y {b: 2, c: 2}
one: {<<: *x, a: 0}
after: {a: 0, <<: *x}
list: {<<: [*y, *x]}
inline: {<<: {q: 1}}
chain: {<<: {<<: *x, b: 9}}
quoted: {'<<': 1}
null_wins: {a: ~, <<: *x}
";
    let (node, out, _) = read(text);
    assert_eq!(out, Diagnostics::default());
    let Value::Map(map) = node.unwrap().value else {
        panic!()
    };
    let shown: Vec<_> = map
        .iter()
        .skip(2)
        .map(|(k, v)| format!("{}: {}", k.value, show(v)))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    one: {a: 0, b: 1}
    after: {a: 0, b: 1}
    list: {b: 2, c: 2, a: 1}
    inline: {q: 1}
    chain: {b: 9, a: 1}
    quoted: {<<: 1}
    null_wins: {a: null, b: 1}
    "#);
}

#[test]
fn a_bad_merge_is_told() {
    insta::assert_snapshot!(problems("a: &a [1]\nb: {<<: *a}\nc: {<<: 3}\n"), @r#"
    2:9:2 bad-merge: `<<` needs a mapping or a list of mappings | Name an anchor that marks a mapping.
    3:9:1 bad-merge: `<<` needs a mapping or a list of mappings | Name an anchor that marks a mapping.
    "#);
}

#[test]
fn an_alias_copies_the_anchor_before_it() {
    assert_eq!(
        value("a: &x 1\nb: *x\nc: &x 2\nd: *x"),
        "{a: 1, b: 1, c: 2, d: 2}"
    );
    assert_eq!(value("a: &k key\n*k : 1"), r#"{a: "key", key: 1}"#);
}

#[test]
fn every_unknown_anchor_is_told_with_the_one_meant() {
    insta::assert_snapshot!(problems("a: &logging 1\nb: *loging\nc: *\n"), @r#"
    2:4:7 unknown-anchor: there is no anchor `&loging` above this `*loging` | Did you mean `*logging`?
    3:4:0 yaml-syntax: a name must follow `*` and `&` | Put quotes around a value that starts with `*` or `&`.
    "#);
    insta::assert_snapshot!(problems("a: &logging 1\nb: *loging\nc: *other\n"), @r#"
    2:4:7 unknown-anchor: there is no anchor `&loging` above this `*loging` | Did you mean `*logging`?
    3:4:6 unknown-anchor: there is no anchor `&other` above this `*other` | Define it before, or quote the text: `"*other"`.
    "#);
}

#[test]
fn an_alias_within_its_own_anchor_is_refused() {
    insta::assert_snapshot!(problems("a: &a\n  b: [*a]\n"), @r#"2:7:2 recursive-alias: this alias lies within its own anchor | Write the value out here."#);
}

#[test]
fn a_duplicate_key_names_the_first_place() {
    insta::assert_snapshot!(problems("a:\n  image: x\n  tty: true\n  \"image\": y\n  tty: true\n"), @r#"
    4:3:7 duplicate-key: the key `image` is here twice | Remove one of them: the first is at line 2, column 3.
    5:3:3 duplicate-key: the key `tty` is here twice | Remove one of them: the first is at line 3, column 3.
    "#);
}

#[test]
fn a_key_that_is_no_text_is_refused() {
    insta::assert_snapshot!(problems("1: a\ntrue: b\n2001-12-14: c\n[a]: d\n: e\n\"2\": f\n"), @r#"
    1:1:1 non-string-key: the key `1` is not text | Put quotes around it: `"1":`.
    2:1:4 non-string-key: the key `true` is not text | Put quotes around it: `"true":`.
    3:1:10 non-string-key: the key `2001-12-14` is not text | Put quotes around it: `"2001-12-14":`.
    4:1:3 non-string-key: a key must be text, not a list or mapping | -
    5:1:0 non-string-key: the key `` is not text | Write a key before the colon.
    "#);
}

#[test]
fn only_the_first_document_is_read() {
    insta::assert_snapshot!(problems("a: 1\n---\nb: 2\n"), @r#"2:1:3 warning several-documents: only the first of several documents is read | Remove the rest, or move it to a file of its own."#);
    assert_eq!(value("--- \na: 1\n...\n"), "{a: 1}");
}

#[test]
fn a_node_knows_line_column_and_length() {
    let (node, _, sources) =
        read("\u{feff}é: \"x y\"\r\nl: [1, {a: 2}]\r\nm:\r\n  k: &a !!str 0644 # c\r\n");
    let Value::Map(map) = node.unwrap().value else {
        panic!()
    };
    let shown: Vec<_> = map
        .iter()
        .map(|(key, node)| {
            let at = |span| (sources.place(span), sources.marked(span).map(str::to_owned));
            format!("{:?} {:?}", at(key.span), at(node.span))
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    ("f.yml:1:1", Some("é")) ("f.yml:1:4", Some("\"x y\""))
    ("f.yml:2:1", Some("l")) ("f.yml:2:4", Some("[1, {a: 2}]"))
    ("f.yml:3:1", Some("m")) ("f.yml:4:3", Some(""))
    "#);
    let Some(Value::Map(inner)) = map.get("m").map(|m| m.value.clone()) else {
        panic!()
    };
    let leaf = inner.get("k").unwrap();
    assert_eq!(sources.marked(leaf.span), Some("0644"));
    assert_eq!(show(leaf), "\"0644\"");
}

#[test]
fn a_syntax_error_says_what_is_wrong_and_how_to_go_on() {
    let broken = [
        "a:\n\tb: 1\n",
        "services:\n  web:\n    image: x\n   ports: []\n",
        "a: \"x\nb: 1\n",
        "a: 'it's'\n",
        "a: [1, 2\nb: 3\n",
        "a: b: c\n",
        "services:\n  web:\n    image:nginx\n    ports: []\n",
        "a: @x\n",
        "a: \"\\d\"\n",
        "a: {b: 1]\n",
        "a: 1\n- b\n",
        "a: %x\n",
        "a: !foo!bar x\n",
        "a: }\n",
        "a: \u{feff}x\n",
    ];
    let told: Vec<_> = broken.iter().map(|text| problems(text)).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    2:1:1 yaml-syntax: a tab indents this line: YAML allows spaces only | Replace the tab by spaces.
    4:4:0 yaml-syntax: this is not a `key: value` pair | Check the indentation, and that a colon and a space follow the key.
    1:4:0 yaml-syntax: this quote is never closed | Add the closing quote, and double a `'` within single quotes.
    1:8:0 yaml-syntax: something follows the closing quote | Put the whole value within the quotes.
    2:2:0 yaml-syntax: a `:` stands where no key can end | Check the indentation, and quote a value that contains `: `.
    1:5:0 yaml-syntax: a `:` stands where no key can end | Check the indentation, and quote a value that contains `: `.
    3:5:6 yaml-syntax: this is not a `key: value` pair | Put a space after the colon of `image:`.
    1:4:0 yaml-syntax: no value can start with this character | Put quotes around the value.
    1:4:0 yaml-syntax: there is no such escape in double quotes | Write `\\` for a backslash, or use single quotes.
    1:4:0 yaml-syntax: this bracket closes nothing | Remove it, or put quotes around the text that it belongs to.
    2:3:0 yaml-syntax: this is not a `key: value` pair | Check the indentation, and that a colon and a space follow the key.
    1:4:0 yaml-syntax: no value can start with this character | Put quotes around the value.
    1:4:0 yaml-syntax: nobody declared this tag | Put quotes around a value that starts with `!`.
    1:4:0 yaml-syntax: this bracket closes nothing | Remove it, or put quotes around the text that it belongs to.
    1:4:0 yaml-syntax: an invisible byte order mark stands within the file | Remove it: it is left from joining files, and only the first may start with one.
    "#);
}

#[test]
fn a_bomb_of_aliases_is_refused_after_some_thousand_nodes() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        text = format!("{text}a{level}: &a{level} [{items}]\n");
    }
    assert!(problems(&text).contains("excessive-aliasing"));
    let big = format!(
        "a: &a \"{}\"\nb: [{}]\n",
        "x".repeat(100_000),
        "*a, ".repeat(900)
    );
    assert!(problems(&big).contains("excessive-aliasing"));
}

#[test]
fn aliases_cannot_nest_deeper_than_brackets() {
    let nest = |depth: usize, inner: &str| "[".repeat(depth) + inner + &"]".repeat(depth);
    let text = format!("a: &a {}\nb: {}\n", nest(120, "x"), nest(120, "*a"));
    assert!(problems(&text).contains("too-deep"));
}

#[test]
fn nesting_without_end_is_refused() {
    assert!(problems(&"[".repeat(20_000)).contains("deep"));
    assert!(problems(&"- ".repeat(20_000)).contains("deep"));
    assert!(problems(&"{a: ".repeat(20_000)).contains("deep"));
}

/// Text that looks like YAML often enough to reach the depths of the parser.
fn yamlish() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("a: "),
        Just("- "),
        Just("\n"),
        Just("  "),
        Just("[*a, "),
        Just("{<<: *a"),
        Just("&a "),
        Just("*a"),
        Just("]"),
        Just("}"),
        Just("\""),
        Just("'"),
        Just("|\n"),
        Just("!!int "),
        Just("é"),
        Just("2001-12-14T"),
        Just("0x"),
        Just("\t"),
        Just("---\n"),
        Just("\u{feff}"),
        Just("? "),
        Just("\r"),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), yaml in yamlish()) {
        for text in [text, yaml] {
            let (node, out, sources) = read(&text);
            prop_assert_eq!(node.is_none(), out.has_errors());
            for d in &out.0 {
                let _ = d.span.and_then(|span| sources.marked(span));
            }
        }
    }
}
