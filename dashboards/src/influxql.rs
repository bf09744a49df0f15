//! Queries in InfluxQL, the language that InfluxDB 1.8, 2 and 3 have in common, with what they read
//! and what they give.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::{Div, Mul, Sub};

use crate::exported::{Field, Measurement, Tag};
use crate::variable::Variable;

/// Something computed from fields.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    fields: BTreeSet<Field>,
}

/// A column of a result.
#[derive(Clone, Debug)]
pub struct Column {
    /// What it is called in the result.
    pub name: String,
    expression: Expression,
}

impl Column {
    /// The same under another name.
    #[must_use]
    pub fn called(self, name: &str) -> Self {
        self.expression.named(name)
    }
}

impl Expression {
    /// A field as it is.
    pub fn value(field: &Field) -> Self {
        Self { text: quoted(&field.name), fields: BTreeSet::from([field.clone()]) }
    }

    /// A column of the query that is read from.
    pub fn column(name: &str) -> Self {
        Self { text: quoted(name), fields: BTreeSet::new() }
    }

    /// A tag, as a column beside fields.
    pub fn tag(tag: &Tag) -> Self {
        Self { text: quoted(tag.name), fields: BTreeSet::new() }
    }

    /// The sum.
    #[must_use]
    pub fn sum(self) -> Self {
        self.aggregated("sum")
    }

    /// The largest.
    #[must_use]
    pub fn max(self) -> Self {
        self.aggregated("max")
    }

    /// The smallest.
    #[must_use]
    pub fn min(self) -> Self {
        self.aggregated("min")
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> Self {
        self.aggregated("count")
    }

    /// As a column.
    pub fn named(self, name: &str) -> Column {
        Column { name: name.to_owned(), expression: self }
    }

    fn aggregated(self, function: &str) -> Self {
        Self { text: format!("{function}({})", self.text), fields: self.fields }
    }

    fn joined(self, operator: &str, other: Self) -> Self {
        let text = format!("{} {operator} {}", self.operand(), other.operand());
        Self { text, fields: self.fields.into_iter().chain(other.fields).collect() }
    }

    /// In parentheses where it has operators of its own.
    fn operand(&self) -> String {
        if self.text.contains(' ') { format!("({})", self.text) } else { self.text.clone() }
    }
}

impl Measurement {
    /// A field as it is.
    ///
    /// # Panics
    ///
    /// Like all of these: where the exporter writes no such field.
    pub fn value(self, field: &str) -> Expression {
        Expression::value(&self.field(field))
    }

    /// The sum of a field.
    pub fn sum(self, field: &str) -> Expression {
        self.value(field).aggregated("sum")
    }

    /// The largest value of a field.
    pub fn max(self, field: &str) -> Expression {
        self.value(field).aggregated("max")
    }

    /// The smallest value of a field.
    pub fn min(self, field: &str) -> Expression {
        self.value(field).aggregated("min")
    }

    /// The latest value of a field.
    pub fn last(self, field: &str) -> Expression {
        self.value(field).aggregated("last")
    }

    /// The middle value of a field.
    pub fn median(self, field: &str) -> Expression {
        self.value(field).aggregated("median")
    }
}

impl Sub for Expression {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.joined("-", other)
    }
}

impl Mul for Expression {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.joined("*", other)
    }
}

impl Div for Expression {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        self.joined("/", other)
    }
}

/// What a query reads.
#[derive(Clone, Debug)]
enum Source {
    Measurement(Measurement),
    Query(Box<Query>),
}

/// Over what time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// What is chosen at the top of the dashboard, or of the alert rule.
    Chosen,
    /// A condition on `time`.
    Fixed(String),
}

/// A `SELECT`.
#[derive(Clone, Debug)]
pub struct Query {
    source: Source,
    columns: Vec<Column>,
    conditions: Vec<String>,
    /// Fields that conditions are about.
    compared: BTreeSet<Field>,
    span: Span,
    is_by_interval: bool,
    tags: Vec<Tag>,
    first: Option<u32>,
}

impl Query {
    /// Reads a measurement.
    pub fn of(measurement: Measurement, columns: impl IntoIterator<Item = Column>) -> Self {
        Self::reading(Source::Measurement(measurement), columns)
    }

    /// Reads the result of another query, over the same time.
    pub fn over(inner: Self, columns: impl IntoIterator<Item = Column>) -> Self {
        let span = inner.span.clone();
        Self { span, ..Self::reading(Source::Query(Box::new(inner)), columns) }
    }

    fn reading(source: Source, columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            source,
            columns: columns.into_iter().collect(),
            conditions: Vec::new(),
            compared: BTreeSet::new(),
            span: Span::Chosen,
            is_by_interval: false,
            tags: Vec::new(),
            first: None,
        }
    }

    /// Only where the variable of the same name as the tag allows it.
    ///
    /// # Panics
    ///
    /// Where what is read has no such tag.
    #[must_use]
    pub fn chosen(mut self, variables: &[&Variable]) -> Self {
        for variable in variables {
            let tag = self.measurement().tag(variable.name);
            self.conditions.push(format!("{} =~ {}", quoted(tag.name), variable.pattern()));
        }
        self
    }

    /// Only where a tag has this value.
    #[must_use]
    pub fn tagged(mut self, tag: &Tag, value: &str) -> Self {
        self.conditions.push(format!("{} = '{value}'", quoted(tag.name)));
        self
    }

    /// Only where a tag has neither of these values.
    #[must_use]
    pub fn without(mut self, tag: &Tag, values: &[&str]) -> Self {
        for value in values {
            self.conditions.push(format!("{} != '{value}'", quoted(tag.name)));
        }
        self
    }

    /// Only points of the phase that tells how attempts ended, and only where an attempt counts.
    #[must_use]
    pub fn with_attempts(mut self) -> Self {
        let attempts = Measurement::Latency.field("attempts");
        self.conditions.push(format!("{} > 0", quoted(&attempts.name)));
        self.compared.insert(attempts);
        self
    }

    /// Only rows of the query that is read whose column has this value.
    #[must_use]
    pub fn whose(mut self, column: &str, value: i64) -> Self {
        self.conditions.push(format!("{} = {value}", quoted(column)));
        self
    }

    /// Over another time than what is chosen.
    #[must_use]
    pub fn during(mut self, span: Span) -> Self {
        self.span = span;
        self
    }

    /// One row for each interval that has points; Grafana says how long an interval is.
    #[must_use]
    pub fn by_interval(mut self) -> Self {
        self.is_by_interval = true;
        self
    }

    /// One series for each combination of these tags.
    #[must_use]
    pub fn by<const N: usize>(mut self, tags: [&str; N]) -> Self {
        self.tags = self.measurement().tags(tags).to_vec();
        self
    }

    /// Only the first rows of each series.
    #[must_use]
    pub fn first(mut self, rows: u32) -> Self {
        self.first = Some(rows);
        self
    }

    /// The measurement that is read in the end.
    pub fn measurement(&self) -> Measurement {
        match &self.source {
            Source::Measurement(measurement) => *measurement,
            Source::Query(inner) => inner.measurement(),
        }
    }

    /// Every field that it reads.
    pub fn fields(&self) -> BTreeSet<Field> {
        let columns = self.columns.iter().flat_map(|column| &column.expression.fields);
        let own = columns.chain(&self.compared).cloned();
        match &self.source {
            Source::Measurement(_) => own.collect(),
            Source::Query(inner) => own.chain(inner.fields()).collect(),
        }
    }

    /// The names of the columns that it gives after the time.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The names of the tags that tell the series of the result apart.
    pub fn tag_names(&self) -> impl Iterator<Item = &'static str> {
        self.tags.iter().map(|tag| tag.name)
    }

    /// In InfluxQL, with Grafana's macros.
    pub fn text(&self) -> String {
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|column| format!("{} AS {}", column.expression.text, quoted(&column.name)))
            .collect();
        let source = match &self.source {
            Source::Measurement(measurement) => quoted(measurement.name()),
            Source::Query(inner) => format!("({})", inner.text()),
        };
        let span = match &self.span {
            Span::Chosen => "$timeFilter",
            Span::Fixed(condition) => condition,
        };
        let conditions: Vec<_> = self.conditions.iter().map(String::as_str).chain([span]).collect();
        let mut text = format!(
            "SELECT {} FROM {source} WHERE {}",
            columns.join(", "),
            conditions.join(" AND ")
        );
        let interval = self.is_by_interval.then(|| "time($__interval)".to_owned());
        let groups: Vec<_> = interval.into_iter().chain(self.tag_names().map(quoted)).collect();
        // Writing to a String cannot fail.
        if !groups.is_empty() {
            let _ = write!(text, " GROUP BY {}", groups.join(", "));
        }
        if self.is_by_interval {
            text.push_str(" fill(none)");
        }
        if let Some(rows) = self.first {
            let _ = write!(text, " LIMIT {rows}");
        }
        text
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
