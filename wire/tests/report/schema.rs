//! Holds FORMAT.md to the code: the `.proto` in its appendix, and its table of failures.

use std::collections::BTreeMap;

use vantage_wire::report::{Family, ProbeKind};
use vantage_wire::{FailureCode, Phase};

const FORMAT: &str = include_str!("../../FORMAT.md");
const CODE: &str = include_str!("../../src/report/message.rs");

/// By message and field number: label, type and name.
type Fields = BTreeMap<(String, u32), [String; 3]>;

fn appendix() -> &'static str {
    let (_, rest) = FORMAT.split_once("```proto\n").unwrap();
    rest.split_once("```").unwrap().0
}

/// The blocks `keyword Name { … }`, as name and lines without comments.
fn blocks(keyword: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut blocks = BTreeMap::new();
    let mut lines = appendix().lines().map(|line| line.split("//").next().unwrap().trim());
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix(keyword).and_then(|rest| rest.strip_suffix('{')) {
            let body = lines.by_ref().take_while(|line| *line != "}");
            blocks.insert(name.trim(), body.filter(|line| !line.is_empty()).collect());
        }
    }
    blocks
}

/// `repeated Tally tallies = 4;`
fn documented_fields() -> Fields {
    let enums = blocks("enum ");
    let mut fields = Fields::new();
    for (message, lines) in blocks("message ") {
        for line in lines {
            let words: Vec<_> = line.trim_end_matches(';').split_whitespace().collect();
            let (label, kind, name, number) = match words[..] {
                [kind, name, "=", number] => ("", kind, name, number),
                [label, kind, name, "=", number] => (label, kind, name, number),
                _ => panic!("{line}"),
            };
            // On the wire an enumeration is a number.
            let kind = if enums.contains_key(kind) { "uint32" } else { kind };
            let value = [label, kind, name].map(str::to_owned);
            fields.insert((message.to_owned(), number.parse().unwrap()), value);
        }
    }
    fields
}

/// `#[prost(message, repeated, tag = "4")]`, then `pub(super) tallies: Vec<Tally>,`
fn coded_fields() -> Fields {
    let mut fields = Fields::new();
    let mut message = "";
    let mut lines = CODE.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("pub(super) struct ") {
            message = name.trim_end_matches(" {");
        }
        let Some(attribute) = line.strip_prefix("#[prost(") else { continue };
        let declared = lines.next().unwrap().strip_prefix("pub(super) ").unwrap();
        let (name, rust_type) = declared.trim_end_matches(',').split_once(": ").unwrap();
        let words: Vec<_> = attribute.trim_end_matches(")]").split(", ").collect();
        let number = words.last().unwrap().strip_prefix("tag = ").unwrap().trim_matches('"');
        let inner = rust_type.trim_start_matches("Vec<").trim_start_matches("Option<");
        let kind = match words[0] {
            "message" => inner.trim_end_matches('>'),
            "bytes = \"vec\"" => "bytes",
            scalar => scalar,
        };
        // A submessage is optional in any case, proto3 does not say so.
        let label = match words[1] {
            "optional" if words[0] == "message" => "",
            label @ ("optional" | "repeated") => label,
            _ => "",
        };
        let value = [label, kind, name].map(str::to_owned);
        fields.insert((message.to_owned(), number.parse().unwrap()), value);
    }
    fields
}

#[test]
fn appendix_has_the_fields_of_the_code() {
    let coded = coded_fields();
    assert!(coded.len() > 40, "too few fields were recognised in the code");
    assert_eq!(documented_fields(), coded);
}

#[test]
fn appendix_has_the_enumerations_of_the_code() {
    fn rows<T: Copy>(
        all: &[T],
        prefix: &str,
        row: impl Fn(T) -> (&'static str, u32),
    ) -> Vec<String> {
        let name = |name: &str| format!("{prefix}_{}", name.to_uppercase());
        all.iter()
            .map(|&each| row(each))
            .map(|(n, number)| format!("{} = {number};", name(n)))
            .collect()
    }
    let enums = blocks("enum ");
    let cases = [
        ("FailureCode", "FAILURE", rows(FailureCode::ALL, "FAILURE", |c| (c.name(), c.number()))),
        ("Phase", "PHASE", rows(Phase::ALL, "PHASE", |p| (p.name(), p.number()))),
        ("ProbeKind", "KIND", rows(ProbeKind::ALL, "KIND", |k| (k.name(), k.number()))),
        ("Family", "FAMILY", rows(Family::ALL, "FAMILY", |f| (f.name(), f.number()))),
    ];
    for (name, prefix, mut expected) in cases {
        if !expected[0].ends_with(" = 0;") {
            expected.insert(0, format!("{prefix}_UNSPECIFIED = 0;"));
        }
        assert_eq!(enums[name], expected, "{name}");
    }
}

#[test]
fn table_of_failures_has_the_codes_of_the_code() {
    for code in FailureCode::ALL {
        let (number, phase, attribution) =
            (code.number(), code.default_phase(), code.attribution());
        let row = format!("| {number} | `{code}` | {phase} | {attribution} | {} |", code.meaning());
        assert!(FORMAT.lines().any(|line| line == row), "FORMAT.md lacks the row\n{row}");
    }
}
