//! Colours, words and exceptions. Colour never says anything that a number or a word beside it does
//! not say as well.

use serde_json::{Value, json};

/// A colour that holds from a value on.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// From where on; `None` for the first.
    pub from: Option<f64>,
    /// One of Grafana's names.
    pub colour: &'static str,
}

impl Threshold {
    /// Good, then middling, then bad from these values on.
    pub const fn rising(middling: f64, bad: f64) -> [Self; 3] {
        [
            Self { from: None, colour: "green" },
            Self { from: Some(middling), colour: "yellow" },
            Self { from: Some(bad), colour: "red" },
        ]
    }

    /// Bad, then middling, then good from these values on.
    pub const fn falling(middling: f64, good: f64) -> [Self; 3] {
        [
            Self { from: None, colour: "red" },
            Self { from: Some(middling), colour: "yellow" },
            Self { from: Some(good), colour: "green" },
        ]
    }

    /// As a field has them.
    pub fn steps(thresholds: &[Self]) -> Value {
        let steps = thresholds
            .iter()
            .map(|threshold| json!({ "color": threshold.colour, "value": threshold.from }));
        json!({ "mode": "absolute", "steps": steps.collect::<Vec<_>>() })
    }
}

/// Words and colours for values.
#[derive(Clone, Debug)]
pub struct Words(Vec<(String, String, &'static str)>);

impl Words {
    /// For each value its word and its colour.
    pub fn new(words: &[(&str, &str, &'static str)]) -> Self {
        let owned = words
            .iter()
            .map(|(value, word, colour)| ((*value).to_owned(), (*word).to_owned(), *colour));
        Self(owned.collect())
    }

    /// As a panel has them.
    pub fn json(&self) -> Value {
        let options: serde_json::Map<_, _> = self
            .0
            .iter()
            .zip(0..)
            .map(|((value, word, colour), index)| {
                (value.clone(), json!({ "text": word, "color": colour, "index": index }))
            })
            .collect();
        json!([{ "type": "value", "options": options }])
    }
}

/// The verdicts of a ranking.
pub fn verdicts() -> Words {
    Words::new(&[
        ("better", "better", "green"),
        ("equivalent", "equivalent", "blue"),
        ("worse", "worse", "red"),
        ("inconclusive", "inconclusive", "yellow"),
        ("undersampled", "undersampled", "text"),
    ])
}

/// An exception for the field of this name.
pub fn named(name: &str, properties: &[(&str, Value)]) -> Value {
    exception(&json!({ "id": "byName", "options": name }), properties)
}

/// An exception for the fields whose names match.
pub fn matching(pattern: &str, properties: &[(&str, Value)]) -> Value {
    exception(&json!({ "id": "byRegexp", "options": format!("/{pattern}/") }), properties)
}

/// Lines that are zero throughout are not drawn: of dozens of failure codes few occur.
pub fn zeros_hidden() -> Value {
    let all_zero = json!({ "reducer": "allIsZero", "op": "gte", "value": 0 });
    let hidden = json!({ "legend": true, "tooltip": true, "viz": true });
    exception(&json!({ "id": "byValue", "options": all_zero }), &[("custom.hideFrom", hidden)])
}

fn exception(matcher: &Value, properties: &[(&str, Value)]) -> Value {
    let properties = properties.iter().map(|(id, value)| json!({ "id": id, "value": value }));
    json!({ "matcher": matcher, "properties": properties.collect::<Vec<_>>() })
}
