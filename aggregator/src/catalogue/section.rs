//! Reads the values of one table, and notes what about them is wrong.
//!
//! A value that is wrong is noted and then treated as absent, so that reading goes on and finds
//! the next problem.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::Table;
use super::nearest::nearest;
use super::problem::{Findings, Place};
use super::quote::{list, quoted};
use super::span;

/// A table of the catalogue.
#[derive(Clone, Copy)]
pub struct Section<'s> {
    /// What kind of table it is.
    pub kind: Table,
    /// Its heading, or its braces.
    pub at: Place,
    table: &'s DeTable<'s>,
    findings: &'s Findings<'s>,
}

/// A value that stands somewhere.
#[derive(Clone, Copy)]
pub struct Value<'s> {
    /// Its key.
    pub key: &'s str,
    /// Where it stands.
    pub at: Place,
    content: &'s DeValue<'s>,
    findings: &'s Findings<'s>,
}

/// A text that stands somewhere.
#[derive(Clone, Copy)]
pub struct Text<'s> {
    /// The text.
    pub content: &'s str,
    /// Where it stands.
    pub at: Place,
    findings: &'s Findings<'s>,
}

impl<'s> Section<'s> {
    /// The table, once its keys are checked.
    pub fn open(
        kind: Table,
        at: Place,
        table: &'s DeTable<'s>,
        findings: &'s Findings<'s>,
    ) -> Section<'s> {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if !kind.keys.contains(&name) {
                let text = Text { content: name, at: key.span().into(), findings };
                let help = match text.nearest(kind.keys.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("known keys are: {}", list(kind.keys.iter().copied())),
                };
                text.wrong(format!("{} has no key {}", kind.heading, quoted(name)), help);
            }
        }
        Section { kind, at, table, findings }
    }

    /// Where problems go.
    pub fn findings(&self) -> &'s Findings<'s> {
        self.findings
    }

    /// The keys that the table has, and where they stand.
    pub fn present(&self) -> impl Iterator<Item = (&'s str, Place)> + use<'s> {
        self.table.keys().map(|key| (key.get_ref().as_ref(), key.span().into()))
    }

    /// The value of a key.
    pub fn value(&self, key: &'static str) -> Option<Value<'s>> {
        debug_assert!(self.kind.keys.contains(&key), "{key} is missing in `keys`");
        let found = self.table.get(key)?;
        let (at, value) = (found.span().into(), found.get_ref());
        Some(Value { key, at, content: value, findings: self.findings })
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<Text<'s>> {
        self.value(key)?.text()
    }

    /// A text that must be there, `such_as` this.
    pub fn required_text(&self, key: &'static str, such_as: &str) -> Option<Text<'s>> {
        if self.value(key).is_none() {
            self.missing(key, such_as);
        }
        self.text(key)
    }

    /// Notes that a key is missing; it could be `such_as` this.
    pub fn missing(&self, key: &str, such_as: &str) {
        let message = format!("{} needs the key `{key}`", self.kind.heading);
        self.findings.add(self.at, message, format!("such as {key} = {such_as}"));
    }

    /// `true` or `false`; absent: `false`.
    pub fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        if let DeValue::Boolean(flag) = value.content {
            return Some(*flag);
        }
        value.wrong_type("true or false");
        None
    }

    /// A whole number within limits.
    pub fn integer(&self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        self.value(key)?.integer(range)
    }

    /// A number within limits.
    pub fn number(&self, key: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.value(key)?;
        let number: Option<f64> = match value.content {
            DeValue::Integer(_) => value.whole().map(|number| number as f64),
            DeValue::Float(float) => float.as_str().replace('_', "").parse().ok(),
            _ => {
                value.wrong_type("a number");
                return None;
            }
        };
        let within = number.filter(|number| range.contains(number));
        if within.is_none() {
            let (least, most) = (range.start(), range.end());
            value.wrong(format!("`{key}` must be from {least} to {most}"), String::new());
        }
        within
    }

    /// A span of time within limits.
    pub fn span(&self, key: &'static str, range: RangeInclusive<Duration>) -> Option<Duration> {
        self.value(key)?.span(range)
    }

    /// A list of texts.
    pub fn texts(&self, key: &'static str) -> Option<Vec<Text<'s>>> {
        self.value(key)?.texts()
    }

    /// A table below this one.
    pub fn table(&self, kind: Table, key: &'static str) -> Option<Section<'s>> {
        self.value(key)?.table(kind)
    }

    /// The tables of a list below this one, in the order of the file; at most so many.
    pub fn tables(&self, kind: Table, key: &'static str, most: usize) -> Vec<Section<'s>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        if let DeValue::Array(array) = value.content {
            if let Some(first_beyond) = array.get(most) {
                let message = format!("there may be at most {most} {}", kind.heading);
                value.item(first_beyond).wrong(message, format!("there are {}", array.len()));
            }
            let values = array.iter().take(most).map(|item| value.item(item));
            return values.filter_map(|value| value.table(kind)).collect();
        }
        let message = format!("`{key}` must be a list of tables");
        value.wrong(message, format!("write {} with two brackets", kind.heading));
        Vec::new()
    }
}

fn entries<'s>(
    table: &'s DeTable<'s>,
    findings: &'s Findings<'s>,
) -> impl Iterator<Item = (Text<'s>, Value<'s>)> + use<'s> {
    table.iter().map(move |(key, value)| {
        let text = Text { content: key.get_ref().as_ref(), at: key.span().into(), findings };
        let at = value.span().into();
        (text, Value { key: text.content, at, content: value.get_ref(), findings })
    })
}

impl<'s> Value<'s> {
    /// Notes what is wrong with it.
    pub fn wrong(&self, message: impl Into<String>, help: impl Into<String>) {
        self.findings.add(self.at, message, help);
    }

    /// Notes that it is not what is `wanted` here.
    pub fn wrong_type(&self, wanted: &str) {
        let found = match self.content {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let known = self.key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let key = if known { format!("`{}`", self.key) } else { quoted(self.key) };
        self.wrong(format!("{key} must be {wanted}, not {found}"), String::new());
    }

    fn item(&self, item: &'s Spanned<DeValue<'s>>) -> Self {
        Self { at: item.span().into(), content: item.get_ref(), ..*self }
    }

    /// A text as it is.
    pub fn as_text(&self) -> Option<Text<'s>> {
        match self.content {
            DeValue::String(text) => {
                Some(Text { content: text.as_ref(), at: self.at, findings: self.findings })
            }
            _ => None,
        }
    }

    /// A text.
    pub fn text(&self) -> Option<Text<'s>> {
        if self.as_text().is_none() {
            self.wrong_type("a string in quotes");
        }
        self.as_text()
    }

    /// A time as TOML writes it.
    pub fn as_datetime(&self) -> Option<String> {
        match self.content {
            DeValue::Datetime(time) => Some(time.to_string()),
            _ => None,
        }
    }

    /// Whether it is a whole number.
    pub fn is_integer(&self) -> bool {
        matches!(self.content, DeValue::Integer(_))
    }

    fn whole(&self) -> Option<i64> {
        match self.content {
            DeValue::Integer(number) => {
                i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
            }
            _ => None,
        }
    }

    /// A whole number within limits.
    pub fn integer(&self, range: RangeInclusive<u64>) -> Option<u64> {
        if !self.is_integer() {
            self.wrong_type("a whole number");
            return None;
        }
        let number = self.whole().and_then(|number| u64::try_from(number).ok());
        let within = number.filter(|number| range.contains(number));
        if within.is_none() {
            let (key, least, most) = (self.key, range.start(), range.end());
            self.wrong(format!("`{key}` must be from {least} to {most}"), String::new());
        }
        within
    }

    /// A span of time within limits.
    pub fn span(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let Some(text) = self.as_text() else {
            self.wrong_type("a duration in quotes, such as \"500ms\", \"1s\" or \"2m\"");
            return None;
        };
        let Some(span) = span::parse(text.content) else {
            let message = format!("{} is no duration", quoted(text.content));
            self.wrong(message, "a whole number with ms, s, m, h or d: \"500ms\", \"1s\", \"2m\"");
            return None;
        };
        let within = range.contains(&span).then_some(span);
        if within.is_none() {
            let (least, most) = (span::print(*range.start()), span::print(*range.end()));
            self.wrong(format!("`{}` must be from {least} to {most}", self.key), String::new());
        }
        within
    }

    /// The items of a list; a list is `wanted`.
    pub fn items(&self, wanted: &str) -> Option<Vec<Value<'s>>> {
        let DeValue::Array(array) = self.content else {
            self.wrong_type(wanted);
            return None;
        };
        Some(array.iter().map(|item| self.item(item)).collect())
    }

    /// A list of texts.
    pub fn texts(&self) -> Option<Vec<Text<'s>>> {
        let items = self.items("a list of strings")?;
        Some(items.iter().filter_map(Value::text).collect())
    }

    /// A table with known keys.
    pub fn table(&self, kind: Table) -> Option<Section<'s>> {
        let DeValue::Table(table) = self.content else {
            self.wrong_type(&format!("the table {}", kind.heading));
            return None;
        };
        Some(Section::open(kind, self.at, table, self.findings))
    }

    /// The entries of a table whose keys are anything.
    pub fn as_entries(&self) -> Option<impl Iterator<Item = (Text<'s>, Value<'s>)> + use<'s>> {
        match self.content {
            DeValue::Table(table) => Some(entries(table, self.findings)),
            _ => None,
        }
    }
}

impl Text<'_> {
    /// Notes what is wrong with it.
    pub fn wrong(&self, message: impl Into<String>, help: impl Into<String>) {
        self.findings.add(self.at, message, help);
    }

    /// The known word that was probably meant.
    pub fn nearest<'k>(&self, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
        if self.findings.full() { None } else { nearest(self.content, known) }
    }
}
