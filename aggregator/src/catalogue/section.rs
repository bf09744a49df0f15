//! Reads the values of one table, and notes what about them is wrong.
//!
//! A value that is wrong is noted and then treated as absent, so that reading goes on and finds
//! the next problem.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::keys::Table;
use super::problem::{Findings, Place};
use super::quote::{list, quoted};
use super::value::{Text, Value};

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
        let words = format!("from {} to {}", range.start(), range.end());
        self.number_within(key, range, &words)
    }

    /// A number within limits that people call so.
    pub fn number_within(
        &self,
        key: &'static str,
        range: RangeInclusive<f64>,
        words: &str,
    ) -> Option<f64> {
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
            value.wrong(format!("`{key}` must be {words}"), "");
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
