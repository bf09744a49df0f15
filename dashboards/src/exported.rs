//! The names that a query may use: those of the exporter's table, and no others.

use std::sync::LazyLock;

use vantage_aggregator::export::influx::fields;
use vantage_aggregator::export::influx::fields::Unit;

/// A measurement that the exporter writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measurement {
    /// Latencies and failures, by window.
    Latency,
    /// Scores, ranks and verdicts, by tick.
    Score,
    /// Health of agents, by minute.
    Agent,
}

static TABLES: LazyLock<[fields::Measurement; 3]> = LazyLock::new(fields::measurements);

/// A field of a measurement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// Where it is written.
    pub measurement: Measurement,
    /// Its name.
    pub name: String,
}

/// A tag of a measurement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Where it is written.
    pub measurement: Measurement,
    /// Its name.
    pub name: &'static str,
}

impl Measurement {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Latency, Self::Score, Self::Agent];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latency => fields::LATENCY,
            Self::Score => fields::SCORE,
            Self::Agent => fields::AGENT,
        }
    }

    /// Its part of the exporter's table.
    ///
    /// # Panics
    ///
    /// Where the exporter no longer writes it.
    pub fn table(self) -> &'static fields::Measurement {
        let found = TABLES.iter().find(|table| table.name == self.name());
        found.unwrap_or_else(|| panic!("the exporter writes no measurement {}", self.name()))
    }

    /// The field of this name.
    ///
    /// # Panics
    ///
    /// Where the exporter writes none.
    pub fn field(self, name: &str) -> Field {
        let field = Field { measurement: self, name: name.to_owned() };
        field.unit();
        field
    }

    /// The fields whose names begin so, in the exporter's order.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn fields(self, prefix: &str) -> Vec<Field> {
        let table = self.table();
        let names = table.fields.iter().map(|field| field.name.as_ref());
        let found: Vec<_> =
            names.filter(|name| name.starts_with(prefix)).map(|name| self.field(name)).collect();
        assert!(!found.is_empty(), "the exporter writes no field {prefix}… in {}", self.name());
        found
    }

    /// The tag of this name.
    ///
    /// # Panics
    ///
    /// Where the exporter writes none.
    pub fn tag(self, name: &str) -> Tag {
        let found = self.table().tags.iter().find(|tag| tag.name == name);
        let tag = found.unwrap_or_else(|| panic!("no tag {name} is written to {}", self.name()));
        Tag { measurement: self, name: tag.name }
    }

    /// The tags of these names.
    ///
    /// # Panics
    ///
    /// Where the exporter writes one of them not.
    pub fn tags<const N: usize>(self, names: [&str; N]) -> [Tag; N] {
        names.map(|name| self.tag(name))
    }
}

impl Field {
    /// What it counts.
    ///
    /// # Panics
    ///
    /// Where the exporter writes no such field.
    pub fn unit(&self) -> Unit {
        let table = self.measurement.table();
        let found = table.fields.iter().find(|field| field.name == self.name);
        found.unwrap_or_else(|| panic!("no field {} is written to {}", self.name, table.name)).unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_exporter() {
        let field = Measurement::Latency.field("p95_us");
        assert_eq!(field.unit(), Unit::Microseconds);
        assert_eq!(
            Measurement::Latency.fields("code_").len(),
            vantage_wire::FailureCode::ALL.len()
        );
        assert_eq!(Measurement::Score.tag("site").name, "site");
    }

    #[test]
    #[should_panic(expected = "no field p96_us is written to vantage_latency")]
    fn a_field_that_is_not_written_cannot_be_named() {
        let _ = Measurement::Latency.field("p96_us");
    }

    #[test]
    #[should_panic(expected = "no tag city is written to vantage_agent")]
    fn a_tag_that_is_not_written_cannot_be_named() {
        let _ = Measurement::Agent.tag("city");
    }

    #[test]
    fn every_measurement_of_the_exporter_is_known_here() {
        let written = fields::measurements().map(|measurement| measurement.name);
        assert_eq!(written, Measurement::ALL.map(Measurement::name));
    }
}
