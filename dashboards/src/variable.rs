//! What can be chosen at the top of a dashboard.

use serde_json::{Value, json};

use crate::exported::{Measurement, Tag};
use crate::grafana;

/// A variable. Those that stand for a tag bear its name.
#[derive(Clone, Debug)]
pub struct Variable {
    /// How queries call it.
    pub name: &'static str,
    label: &'static str,
    description: &'static str,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Which InfluxDB.
    Datasource,
    /// Values of a tag.
    Tag { measurement: Measurement, query: String, chosen: Values },
    /// One of a few words.
    Choice { values: Vec<&'static str> },
    /// Free text.
    Text { default: &'static str },
}

/// How many values can be chosen, and which are at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    /// Several, at first all.
    Several(All),
    /// One; the first unless one is named.
    One(Option<&'static str>),
}

/// What "all" means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum All {
    /// Whatever has the tag.
    Tagged,
    /// Whatever has the tag, and what has not.
    TaggedOrNot,
    /// The values that are offered, one by one: other variables narrow them down.
    Offered,
}

/// What "all" stands for in a pattern: whatever has the tag, without naming every value.
pub const ALL_VALUES: &str = ".+";
/// Or also what does not have it.
pub const ALL_VALUES_OR_NONE: &str = ".*";

impl Variable {
    /// The InfluxDB that everything on the dashboard is read from.
    pub const fn datasource() -> Self {
        Self {
            name: "datasource",
            label: "InfluxDB",
            description: "Data source of type InfluxDB, query language InfluxQL.",
            kind: Kind::Datasource,
        }
    }

    /// The values that a tag has where other variables allow it: several, or all.
    ///
    /// # Panics
    ///
    /// Where the exporter writes no such tag.
    pub fn of_tag(
        measurement: Measurement,
        name: &'static str,
        label: &'static str,
        description: &'static str,
        within: &[&Self],
    ) -> Self {
        let tag = measurement.tag(name);
        let conditions: Vec<_> = within
            .iter()
            .map(|other| format!("\"{}\" =~ {}", measurement.tag(other.name).name, other.pattern()))
            .collect();
        let mut query =
            format!("SHOW TAG VALUES FROM \"{}\" WITH KEY = \"{}\"", measurement.name(), tag.name);
        if !conditions.is_empty() {
            query = format!("{query} WHERE {}", conditions.join(" AND "));
        }
        let kind = Kind::Tag { measurement, query, chosen: Values::Several(All::Tagged) };
        Self { name: tag.name, label, description, kind }
    }

    /// "All" also matches what does not have the tag.
    #[must_use]
    pub fn also_without(self) -> Self {
        self.with_all(All::TaggedOrNot)
    }

    /// "All" means the values that are offered, one by one.
    #[must_use]
    pub fn of_those_offered(self) -> Self {
        self.with_all(All::Offered)
    }

    fn with_all(mut self, all: All) -> Self {
        if let Kind::Tag { chosen, .. } = &mut self.kind {
            *chosen = Values::Several(all);
        }
        self
    }

    /// Only one value at a time: at first this one, or whichever comes first.
    #[must_use]
    pub fn single(mut self, value: Option<&'static str>) -> Self {
        if let Kind::Tag { chosen, .. } = &mut self.kind {
            *chosen = Values::One(value);
        }
        self
    }

    /// One of these words; the first unless another is chosen.
    pub fn choice(
        name: &'static str,
        label: &'static str,
        description: &'static str,
        values: &[&'static str],
    ) -> Self {
        Self { name, label, description, kind: Kind::Choice { values: values.to_vec() } }
    }

    /// Free text.
    pub const fn text(
        name: &'static str,
        label: &'static str,
        description: &'static str,
        default: &'static str,
    ) -> Self {
        Self { name, label, description, kind: Kind::Text { default } }
    }

    /// A regular expression that matches what is chosen, the whole value, with every value escaped.
    pub fn pattern(&self) -> String {
        format!("/^${{{}:regex}}$/", self.name)
    }

    /// What is chosen, as it is.
    pub fn raw(&self) -> String {
        format!("${{{}:raw}}", self.name)
    }

    /// The query for its values, and the tag that it asks for.
    ///
    /// # Panics
    ///
    /// Where the exporter writes no such tag.
    pub fn query(&self) -> Option<(&str, Tag)> {
        match &self.kind {
            Kind::Tag { measurement, query, .. } => Some((query, measurement.tag(self.name))),
            _ => None,
        }
    }

    /// As a dashboard has it.
    pub(crate) fn json(&self) -> Value {
        let mut json = json!({
            "name": self.name,
            "label": self.label,
            "description": self.description,
            "hide": 0,
            "skipUrlSync": false,
        });
        let more = match &self.kind {
            Kind::Datasource => json!({
                "type": "datasource",
                "query": grafana::DATASOURCE_TYPE,
                "regex": "",
                "refresh": 1,
                "multi": false,
                "includeAll": false,
                "options": [],
            }),
            Kind::Tag { query, chosen, .. } => {
                let mut json = json!({
                    "type": "query",
                    "datasource": grafana::datasource(),
                    "query": query,
                    "regex": "",
                    // When the dashboard is opened: tags do not depend on the time that is chosen.
                    "refresh": 1,
                    "sort": 5,
                    "multi": matches!(chosen, Values::Several(_)),
                    "includeAll": matches!(chosen, Values::Several(_)),
                    "options": [],
                });
                let current = match chosen {
                    Values::Several(all) => {
                        match all {
                            All::Tagged => json["allValue"] = json!(ALL_VALUES),
                            All::TaggedOrNot => json["allValue"] = json!(ALL_VALUES_OR_NONE),
                            All::Offered => (),
                        }
                        Some(json!({ "text": ["All"], "value": ["$__all"] }))
                    }
                    Values::One(value) => {
                        value.map(|value| json!({ "text": value, "value": value }))
                    }
                };
                if let Some(current) = current {
                    json["current"] = current;
                }
                json
            }
            Kind::Choice { values } => json!({
                "type": "custom",
                "query": values.join(","),
                "multi": false,
                "includeAll": false,
                "current": { "text": values[0], "value": values[0] },
                "options": values
                    .iter()
                    .map(|value| json!({ "text": value, "value": value, "selected": *value == values[0] }))
                    .collect::<Vec<_>>(),
            }),
            Kind::Text { default } => json!({
                "type": "textbox",
                "query": default,
                "current": { "text": default, "value": default },
                "options": [{ "text": default, "value": default, "selected": true }],
            }),
        };
        grafana::merge(&mut json, more);
        json
    }
}
