//! Panels: a question, the queries that answer it, and how the answer is drawn.

mod kinds;
mod style;

use serde_json::{Value, json};

use crate::grafana;
use crate::influxql::Query;
use crate::variable::Variable;

pub use style::{Threshold, Words, matching, named, verdicts, zeros_hidden};

/// One query of a panel and what becomes of its result.
#[derive(Clone, Debug)]
pub struct Target {
    /// What is asked.
    pub query: Query,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    /// Rows and columns.
    Table,
    /// One line for each series and column, called by this pattern.
    Lines { called: String },
}

impl Target {
    /// Rows and columns.
    pub const fn table(query: Query) -> Self {
        Self { query, shape: Shape::Table }
    }

    /// Lines over time. In the pattern `$tag_market` stands for the value of a tag, `$col` for the
    /// name of the column.
    pub fn lines(query: Query, called: &str) -> Self {
        Self { query, shape: Shape::Lines { called: called.to_owned() } }
    }

    fn json(&self, number: u8) -> Value {
        let mut json = json!({
            "refId": char::from(b'A' + number),
            "datasource": grafana::datasource(),
            "rawQuery": true,
            "query": self.query.text(),
            "resultFormat": "table",
        });
        if let Shape::Lines { called } = &self.shape {
            json["resultFormat"] = json!("time_series");
            json["alias"] = json!(called);
        }
        json
    }
}

/// A panel.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What is above it.
    pub title: String,
    /// What it shows, of which vantage points, and how to read it.
    pub description: String,
    /// What is asked.
    pub targets: Vec<Target>,
    kind: &'static str,
    options: Value,
    defaults: Value,
    overrides: Vec<Value>,
    transformations: Vec<Value>,
    repeated: Option<(&'static str, u32)>,
    shortest_interval: Option<&'static str>,
    /// Columns of the grid of 24 that it is wide.
    pub width: u32,
    /// Rows of the grid that it is high.
    pub height: u32,
}

impl Panel {
    fn new(kind: &'static str, title: &str, description: &str) -> Self {
        Self {
            title: title.to_owned(),
            description: description.to_owned(),
            targets: Vec::new(),
            kind,
            options: json!({}),
            defaults: json!({}),
            overrides: Vec::new(),
            transformations: Vec::new(),
            repeated: None,
            shortest_interval: None,
            width: 12,
            height: 9,
        }
    }

    /// Asks this, too.
    #[must_use]
    pub fn asking(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    /// So many columns of 24 wide and so many rows high.
    #[must_use]
    pub const fn sized(mut self, width: u32, height: u32) -> Self {
        self.width = width;
        self.height = height;
        self
    }

    /// Intervals no shorter than that between two points of a series.
    #[must_use]
    pub const fn every(mut self, interval: &'static str) -> Self {
        self.shortest_interval = Some(interval);
        self
    }

    /// Once for each chosen value of a variable, side by side.
    #[must_use]
    pub const fn for_each(mut self, variable: &Variable, most_side_by_side: u32) -> Self {
        self.repeated = Some((variable.name, most_side_by_side));
        self
    }

    /// What holds for some of the fields only.
    #[must_use]
    pub fn except(mut self, rule: Value) -> Self {
        self.overrides.push(rule);
        self
    }

    /// What is done to the results before they are drawn.
    #[must_use]
    pub fn transformed(mut self, id: &str, options: &Value) -> Self {
        self.transformations.push(json!({ "id": id, "options": options }));
        self
    }

    /// From how much on which colour.
    #[must_use]
    pub fn coloured(mut self, thresholds: &[Threshold]) -> Self {
        self.defaults["thresholds"] = Threshold::steps(thresholds);
        self.defaults["color"] = json!({ "mode": "thresholds" });
        self
    }

    /// Words instead of values.
    #[must_use]
    pub fn worded(mut self, words: &Words) -> Self {
        self.defaults["mappings"] = words.json();
        self
    }

    /// Where a click leads: a title and an address within Grafana.
    #[must_use]
    pub fn leading_to(mut self, title: &str, url: &str) -> Self {
        self.defaults["links"] = json!([{ "title": title, "url": url }]);
        self
    }

    /// The axis or the colours begin at this value and end at that.
    #[must_use]
    pub fn between(mut self, least: f64, most: f64) -> Self {
        self.defaults["min"] = json!(least);
        self.defaults["max"] = json!(most);
        self
    }

    /// The axis or the gauge begins at zero.
    #[must_use]
    pub fn from_zero(mut self) -> Self {
        self.defaults["min"] = json!(0);
        self
    }

    pub(crate) fn json(&self, id: u32, x: u32, y: u32) -> Value {
        let mut json = json!({
            "id": id,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": { "h": self.height, "w": self.width, "x": x, "y": y },
            "options": self.options,
        });
        if !self.targets.is_empty() {
            json["datasource"] = grafana::datasource();
            json["fieldConfig"] = json!({ "defaults": self.defaults, "overrides": self.overrides });
            let targets = self.targets.iter().zip(0..).map(|(target, number)| target.json(number));
            json["targets"] = targets.collect();
        }
        if !self.transformations.is_empty() {
            json["transformations"] = json!(self.transformations);
        }
        if let Some(interval) = self.shortest_interval {
            json["interval"] = json!(interval);
        }
        if let Some((variable, most)) = self.repeated {
            json["repeat"] = json!(variable);
            json["repeatDirection"] = json!("h");
            json["maxPerRow"] = json!(most);
        }
        json
    }
}
