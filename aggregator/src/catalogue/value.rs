//! Single values, and what about them is wrong.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::Table;
use super::nearest::nearest;
use super::problem::{Findings, Place};
use super::quote::quoted;
use super::section::Section;
use super::span;

/// A value that stands somewhere.
#[derive(Clone, Copy)]
pub struct Value<'s> {
    /// Its key.
    pub key: &'s str,
    /// Where it stands.
    pub at: Place,
    pub(super) content: &'s DeValue<'s>,
    pub(super) findings: &'s Findings<'s>,
}

/// A text that stands somewhere.
#[derive(Clone, Copy)]
pub struct Text<'s> {
    /// The text.
    pub content: &'s str,
    /// Where it stands.
    pub at: Place,
    pub(super) findings: &'s Findings<'s>,
}

/// All values of a table whose keys are anything.
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

    /// An item of this list.
    pub fn item(&self, item: &'s Spanned<DeValue<'s>>) -> Self {
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

    /// A whole number that fits.
    pub fn whole(&self) -> Option<i64> {
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
