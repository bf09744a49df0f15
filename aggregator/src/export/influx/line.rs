//! InfluxDB's line protocol: a point in, the bytes of one line out.
//!
//! | what | escaped with a backslash | how a backslash itself stands |
//! |---|---|---|
//! | measurement | comma, space | as it is; see below |
//! | names and values of tags, names of fields | comma, equals sign, space | as it is; see below |
//! | text of fields | double quote, backslash | escaped |
//!
//! A point is one line whatever is in it. What the protocol cannot carry, or what its readers take
//! in different ways, is replaced, never passed on:
//!
//! - Control characters, line ends among them, become spaces.
//! - In names and values of tags there is no way to write a backslash before a separator, before
//!   another backslash or in last place: the reader would take it for an escape, and the line would
//!   end elsewhere. Such a backslash becomes a slash. So does the `#` that would make a line whose
//!   measurement begins with it a comment.
//! - Tags without a name or a value are left out, and so are fields without a name and numbers that
//!   are not finite. A point of which no field is left, or that has no measurement, has no line.
//!
//! Times are in whole seconds: write with `precision=s`. Whole numbers bear an `i`.

use std::io::Write as _;

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A whole number.
    Integer(i64),
    /// A number with decimals. Left out where it is not finite.
    Float(f64),
    /// Text.
    Text(&'a str),
}

impl Value<'_> {
    /// A count; the highest whole number where it does not fit.
    pub fn count(count: u64) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

/// A point. Server and readers are fastest where the tags are in the order of their names.
#[derive(Clone, Debug, PartialEq)]
pub struct Point<'a> {
    /// What is measured.
    pub measurement: &'a str,
    /// Names and values of tags: with the measurement, the identity of the series.
    pub tags: Vec<(&'a str, &'a str)>,
    /// Names and values of fields.
    pub fields: Vec<(&'a str, Value<'a>)>,
    /// When, in seconds since the Unix epoch.
    pub time_s: i64,
}

const OF_MEASUREMENT: &[char] = &[',', ' '];
const OF_KEY: &[char] = &[',', '=', ' '];

impl Point<'_> {
    /// Appends the point's line, with its end. Answers whether there is one.
    pub fn write(&self, line: &mut Vec<u8>) -> bool {
        let mut fields = self.fields.iter().filter(|(name, value)| {
            !name.is_empty() && !matches!(value, Value::Float(number) if !number.is_finite())
        });
        let Some(first) = fields.next().filter(|_| !self.measurement.is_empty()) else {
            return false;
        };
        match self.measurement.strip_prefix('#') {
            Some(rest) => {
                line.push(b'/');
                escape(rest, OF_MEASUREMENT, line);
            }
            None => escape(self.measurement, OF_MEASUREMENT, line),
        }
        for (name, value) in &self.tags {
            if !name.is_empty() && !value.is_empty() {
                line.push(b',');
                escape(name, OF_KEY, line);
                line.push(b'=');
                escape(value, OF_KEY, line);
            }
        }
        line.push(b' ');
        field(first, line);
        for next in fields {
            line.push(b',');
            field(next, line);
        }
        // Writing into a vector does not fail.
        let _ = writeln!(line, " {}", self.time_s);
        true
    }
}

fn field((name, value): &(&str, Value<'_>), line: &mut Vec<u8>) {
    escape(name, OF_KEY, line);
    line.push(b'=');
    let _ = match value {
        Value::Integer(number) => write!(line, "{number}i"),
        Value::Float(number) => write!(line, "{number}"),
        Value::Text(text) => {
            quote(text, line);
            Ok(())
        }
    };
}

fn escape(text: &str, special: &[char], line: &mut Vec<u8>) {
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_');
    if text.bytes().all(is_plain) {
        return line.extend_from_slice(text.as_bytes());
    }
    let mut characters = text.chars().map(without_control).peekable();
    while let Some(character) = characters.next() {
        let written = match character {
            '\\' => match characters.peek() {
                Some(next) if *next != '\\' && !special.contains(next) => '\\',
                _ => '/',
            },
            other => other,
        };
        if special.contains(&written) {
            line.push(b'\\');
        }
        push(written, line);
    }
}

fn quote(text: &str, line: &mut Vec<u8>) {
    line.push(b'"');
    for character in text.chars().map(without_control) {
        if matches!(character, '"' | '\\') {
            line.push(b'\\');
        }
        push(character, line);
    }
    line.push(b'"');
}

fn without_control(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

fn push(character: char, line: &mut Vec<u8>) {
    line.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use influxdb_line_protocol::{FieldValue, ParsedLine, parse_lines};
    use proptest::prelude::*;

    use super::*;

    fn written(point: &Point<'_>) -> String {
        let mut line = Vec::new();
        point.write(&mut line);
        String::from_utf8(line).unwrap()
    }

    fn point<'a>(measurement: &'a str, tags: &[(&'a str, &'a str)], field: &'a str) -> Point<'a> {
        let fields = vec![(field, Value::Integer(1))];
        Point { measurement, tags: tags.to_vec(), fields, time_s: 7 }
    }

    #[test]
    fn separators_are_escaped_where_they_would_separate() {
        for (measurement, tags, field, expected) in [
            ("a", &[("b", "c")][..], "d", "a,b=c d=1i 7\n"),
            ("a b,c=d", &[], "e f,g=h", "a\\ b\\,c=d e\\ f\\,g\\=h=1i 7\n"),
            ("m", &[("a b,c=d", "e f,g=h")], "x", "m,a\\ b\\,c\\=d=e\\ f\\,g\\=h x=1i 7\n"),
            (
                "m",
                &[("name", "São Paulo"), ("quote", "\"")],
                "x",
                "m,name=São\\ Paulo,quote=\" x=1i 7\n",
            ),
            // An injected line stays within its tag.
            ("m", &[("t", "a\nevil,x=1 y=2")], "x", "m,t=a\\ evil\\,x\\=1\\ y\\=2 x=1i 7\n"),
            ("m", &[("t", "C:\\"), ("u", "a\\b")], "x", "m,t=C:/,u=a\\b x=1i 7\n"),
            ("m", &[("t", "a\\,b"), ("u", "a\\\\b")], "x", "m,t=a/\\,b,u=a/\\b x=1i 7\n"),
            ("#m", &[("", "a"), ("t", "")], "x", "/m x=1i 7\n"),
        ] {
            assert_eq!(written(&point(measurement, tags, field)), expected);
        }
    }

    #[test]
    fn values_are_written_by_their_type() {
        let fields = vec![
            ("integer", Value::Integer(-3)),
            ("count", Value::count(u64::MAX)),
            ("whole", Value::Float(5.0)),
            ("nan", Value::Float(f64::NAN)),
            ("endless", Value::Float(f64::NEG_INFINITY)),
            ("text", Value::Text("say \"C:\\\"\nand more")),
        ];
        let line = written(&Point { measurement: "m", tags: vec![], fields, time_s: -60 });
        let expected = "m integer=-3i,count=9223372036854775807i,whole=5,\
                        text=\"say \\\"C:\\\\\\\" and more\" -60\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn a_point_that_says_nothing_has_no_line() {
        let of = |measurement, fields| Point { measurement, tags: vec![], fields, time_s: 0 };
        assert_eq!(written(&of("m", vec![])), "");
        assert_eq!(written(&of("m", vec![("x", Value::Float(f64::INFINITY))])), "");
        assert_eq!(written(&of("m", vec![("", Value::Integer(1))])), "");
        assert_eq!(written(&of("", vec![("x", Value::Integer(1))])), "");
    }

    /// What a reader must find in a name or in the value of a tag, by the rules of the module.
    fn readable(text: &str, special: &str) -> String {
        let spaced: Vec<char> = text.chars().map(without_control).collect();
        let replaced = |(index, character): (usize, &char)| match (character, spaced.get(index + 1))
        {
            ('\\', Some(next)) if *next != '\\' && !special.contains(*next) => '\\',
            ('\\', _) => '/',
            (other, _) => *other,
        };
        spaced.iter().enumerate().map(replaced).collect()
    }

    /// Text in which what matters is frequent.
    fn text() -> impl Strategy<Value = String> {
        let hostile = prop::sample::select(vec![
            '\\',
            ',',
            '=',
            ' ',
            '"',
            '\n',
            '\r',
            '\t',
            '\0',
            '#',
            'a',
            'é',
            '漢',
            '\u{1f680}',
        ]);
        prop_oneof![
            prop::collection::vec(hostile, 1..12).prop_map(String::from_iter),
            any::<String>(),
        ]
    }

    fn value() -> impl Strategy<Value = OwnedValue> {
        prop_oneof![
            any::<i64>().prop_map(OwnedValue::Integer),
            any::<f64>().prop_map(OwnedValue::Float),
            text().prop_map(OwnedValue::Text),
        ]
    }

    #[derive(Clone, Debug)]
    enum OwnedValue {
        Integer(i64),
        Float(f64),
        Text(String),
    }

    impl OwnedValue {
        fn borrowed(&self) -> Value<'_> {
            match self {
                Self::Integer(number) => Value::Integer(*number),
                Self::Float(number) => Value::Float(*number),
                Self::Text(text) => Value::Text(text),
            }
        }

        fn is(&self, read: &FieldValue<'_>) -> bool {
            match (self, read) {
                (Self::Integer(written), FieldValue::I64(read)) => written == read,
                (Self::Float(written), FieldValue::F64(read)) => {
                    written.to_bits() == read.to_bits()
                }
                (Self::Text(written), FieldValue::String(read)) => {
                    written.chars().map(without_control).eq(read.as_str().chars())
                }
                _ => false,
            }
        }

        fn is_written(&self) -> bool {
            !matches!(self, Self::Float(number) if !number.is_finite())
        }
    }

    proptest! {
        #[test]
        fn another_parser_reads_what_was_written(
            measurement in text(),
            tags in prop::collection::vec((text(), text()), 0..4),
            fields in prop::collection::vec((text(), value()), 0..5),
            time_s in -(1_i64 << 40)..(1 << 40),
        ) {
            let point = Point {
                measurement: &measurement,
                tags: tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
                fields: fields.iter().map(|(name, value)| (name.as_str(), value.borrowed())).collect(),
                time_s,
            };
            let mut lines = Vec::new();
            let is_written = point.write(&mut lines);
            // What follows a point is not touched by it.
            lines.extend_from_slice(b"next,t=1 x=1i 5\n");
            let text = String::from_utf8(lines).unwrap();
            let parsed: Vec<ParsedLine<'_>> = parse_lines(&text).collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(parsed.len(), 1 + usize::from(is_written));
            prop_assert_eq!(parsed.last().unwrap().series.measurement.as_str(), "next");

            let fields: Vec<_> = fields
                .iter()
                .filter(|(name, value)| !name.is_empty() && value.is_written())
                .collect();
            prop_assert_eq!(is_written, !measurement.is_empty() && !fields.is_empty());
            if !is_written {
                return Ok(());
            }
            let first = &parsed[0];
            let expected = match measurement.strip_prefix('#') {
                Some(rest) => format!("/{}", readable(rest, ", ")),
                None => readable(&measurement, ", "),
            };
            prop_assert_eq!(first.series.measurement.as_str(), expected);
            let read: Vec<(String, String)> = first.series.tag_set.iter().flatten()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect();
            let expected: Vec<(String, String)> = tags.iter()
                .filter(|(name, value)| !name.is_empty() && !value.is_empty())
                .map(|(name, value)| (readable(name, ",= "), readable(value, ",= ")))
                .collect();
            prop_assert_eq!(read, expected);
            prop_assert_eq!(first.field_set.len(), fields.len());
            for ((name, value), (read_name, read)) in fields.iter().zip(&first.field_set) {
                prop_assert_eq!(read_name.as_str(), readable(name, ",= "));
                prop_assert!(value.is(read), "{:?} {:?}", value, read);
            }
            prop_assert_eq!(first.timestamp, Some(time_s));
        }
    }
}
