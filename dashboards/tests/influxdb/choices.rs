//! Variables filled in as Grafana fills them in.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::server::InfluxDb;

/// What is chosen for one variable.
#[derive(Clone, Debug)]
enum Choice {
    /// These values.
    Values(Vec<String>),
    /// All, where that is a pattern of its own.
    Pattern(String),
}

/// What a person does to the variables.
#[derive(Clone, Copy, Debug)]
pub enum Deed<'a> {
    /// Nothing: they stay as they are at first.
    Open,
    /// Chooses that many of the values that this one offers.
    Choose(&'a str, usize),
    /// Chooses that many of what each offers, where several can be chosen, but leaves this one.
    ChooseAllBut(&'a str, usize),
}

impl Deed<'_> {
    /// How many values are chosen of a variable, where any are.
    fn count(self, variable: &Value) -> Option<usize> {
        let count = match self {
            Self::Open => None,
            Self::Choose(name, count) => (variable["name"] == name).then_some(count),
            Self::ChooseAllBut(name, count) => (variable["name"] != name).then_some(count),
        };
        count.map(|count| if variable["multi"] == true { count } else { 1 })
    }
}

/// What is chosen on a dashboard.
pub struct Choices(BTreeMap<String, Choice>);

impl Choices {
    /// Opens a dashboard: asks for the values of its variables one after the other, and chooses.
    pub fn of(dashboard: &Value, server: &InfluxDb, cutover: &str, deed: Deed<'_>) -> Self {
        let mut choices = Self(BTreeMap::new());
        for variable in dashboard["templating"]["list"].as_array().unwrap() {
            let name = variable["name"].as_str().unwrap();
            let current = &variable["current"]["value"];
            let choice = match variable["type"].as_str().unwrap() {
                "datasource" => continue,
                "textbox" => Choice::Values(vec![cutover.to_owned()]),
                "custom" => Choice::Values(vec![current.as_str().unwrap().to_owned()]),
                "query" => {
                    let query = choices.fill_in(variable["query"].as_str().unwrap());
                    let offered = offered(server, &query);
                    assert!(!offered.is_empty(), "{name}: {query} finds nothing");
                    choose(variable, offered, deed)
                }
                other => panic!("{other}"),
            };
            choices.0.insert(name.to_owned(), choice);
        }
        choices
    }

    /// A query of a panel, as it is sent.
    pub fn query(&self, text: &str, from_s: i64, to_s: i64, shortest: &str) -> String {
        let text = with_time(&self.fill_in(text), from_s, to_s, shortest);
        assert!(!is_left_over(&text), "{text}");
        text
    }

    fn fill_in(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, choice) in &self.0 {
            filled = filled.replace(&format!("${{{name}:regex}}"), &choice.as_pattern());
            if let Choice::Values(values) = choice {
                filled = filled.replace(&format!("${{{name}:raw}}"), &values.join(","));
            }
        }
        filled
    }
}

/// The macros of the data source, as it fills them in.
pub fn with_time(text: &str, from_s: i64, to_s: i64, shortest: &str) -> String {
    let filter = format!("time >= {from_s}000ms and time <= {to_s}000ms");
    let interval = interval(to_s - from_s, shortest);
    text.replace("$timeFilter", &filter).replace("$__interval", &interval)
}

/// Whether something of Grafana's is still in a query. (A `$` alone ends a pattern.)
pub fn is_left_over(text: &str) -> bool {
    ["${", "$__", "$timeFilter", "[["].iter().any(|left| text.contains(left))
}

/// A thousandth of the time, rounded to what reads well, and no shorter than the panel says.
fn interval(span_s: i64, shortest: &str) -> String {
    let shortest_s = match shortest {
        "" => 1,
        "1m" => 60,
        "1h" => 3600,
        other => panic!("{other}"),
    };
    let steps = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 43200, 86400];
    let wanted_s = (span_s / 1000).max(shortest_s);
    format!("{}s", steps.into_iter().find(|step_s| *step_s >= wanted_s).unwrap_or(86400))
}

impl Choice {
    fn as_pattern(&self) -> String {
        match self {
            Self::Pattern(pattern) => pattern.clone(),
            Self::Values(values) => {
                let escaped: Vec<_> = values.iter().map(|value| escaped(value)).collect();
                match escaped.as_slice() {
                    [alone] => alone.clone(),
                    several => format!("({})", several.join("|")),
                }
            }
        }
    }
}

fn escaped(value: &str) -> String {
    value.chars().fold(String::new(), |mut text, letter| {
        if r"\^$*+?.()|[]{}/".contains(letter) {
            text.push('\\');
        }
        text.push(letter);
        text
    })
}

fn offered(server: &InfluxDb, query: &str) -> Vec<String> {
    let series = server.query(query);
    let rows = series.iter().flat_map(|series| series["values"].as_array().unwrap());
    // Key and value.
    rows.map(|row| row[1].as_str().unwrap().to_owned()).collect()
}

fn choose(variable: &Value, offered: Vec<String>, deed: Deed<'_>) -> Choice {
    if let Some(count) = deed.count(variable) {
        return Choice::Values(offered.into_iter().take(count).collect());
    }
    if variable["includeAll"] == true {
        return match variable["allValue"].as_str() {
            Some(pattern) => Choice::Pattern(pattern.to_owned()),
            None => Choice::Values(offered),
        };
    }
    match variable["current"]["value"].as_str() {
        Some(first) => Choice::Values(vec![first.to_owned()]),
        None => Choice::Values(offered.into_iter().take(1).collect()),
    }
}
