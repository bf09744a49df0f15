//! A dashboard: what can be chosen, and panels in rows.

use serde_json::{Value, json};

use crate::grafana;
use crate::influxql::Query;
use crate::panel::Panel;
use crate::variable::Variable;

/// Panels under a heading.
#[derive(Clone, Debug)]
pub struct Row {
    /// The heading.
    pub title: String,
    /// From left to right, then down.
    pub panels: Vec<Panel>,
}

impl Row {
    /// Panels under a heading.
    pub fn new(title: &str, panels: impl IntoIterator<Item = Panel>) -> Self {
        Self { title: title.to_owned(), panels: panels.into_iter().collect() }
    }
}

/// A mark on every graph, at the time of what a query finds.
#[derive(Clone, Debug)]
pub struct Annotation {
    /// What it is called.
    pub name: &'static str,
    /// What is marked. A column `text` says what is written beside the mark.
    pub query: Query,
}

/// A dashboard.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// Its identity in addresses.
    pub uid: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Which question it answers.
    pub description: &'static str,
    /// How far back it begins, such as `now-7d`.
    pub from: &'static str,
    /// How often it asks again.
    pub refresh: &'static str,
    /// What can be chosen.
    pub variables: Vec<Variable>,
    /// Marks.
    pub annotations: Vec<Annotation>,
    /// What it shows.
    pub rows: Vec<Row>,
}

/// Width of Grafana's grid.
const GRID: u32 = 24;

impl Dashboard {
    /// Where Grafana shows it.
    pub fn address(&self) -> String {
        format!("d/{}", self.uid)
    }

    /// The name of its file.
    pub fn file(&self) -> String {
        format!("{}.json", self.uid.trim_start_matches("vantage-"))
    }

    /// Every panel, with the number that it has on the dashboard.
    pub fn panels(&self) -> impl Iterator<Item = (u32, &Panel)> {
        // Rows are numbered, too: a row comes before its panels.
        self.rows
            .iter()
            .zip(1..)
            .scan(0, |count, (row, row_number)| {
                let before = *count;
                *count += u32::try_from(row.panels.len()).unwrap_or(u32::MAX);
                Some(
                    row.panels.iter().zip(before + row_number + 1..).map(|(panel, id)| (id, panel)),
                )
            })
            .flatten()
    }

    /// The number of the panel of this title.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn panel_id(&self, title: &str) -> u32 {
        let found = self.panels().find(|(_, panel)| panel.title == title);
        found.unwrap_or_else(|| panic!("{} has no panel {title}", self.title)).0
    }

    /// As Grafana takes it.
    pub fn json(&self) -> Value {
        json!({
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": [grafana::TAG],
            "schemaVersion": grafana::SCHEMA_VERSION,
            "version": 1,
            "editable": true,
            "graphTooltip": 1,
            "time": { "from": self.from, "to": "now" },
            "timezone": "browser",
            "refresh": self.refresh,
            "timepicker": { "refresh_intervals": ["30s", "1m", "5m", "15m", "1h"] },
            "annotations": { "list": self.annotations_json() },
            "templating": {
                "list": self.variables.iter().map(Variable::json).collect::<Vec<_>>(),
            },
            "links": [{
                "type": "dashboards",
                "title": "Vantage",
                "tags": [grafana::TAG],
                "asDropdown": false,
                "icon": "external link",
                "includeVars": true,
                "keepTime": true,
                "targetBlank": false,
                "tooltip": "",
                "url": "",
            }],
            "panels": self.panels_json(),
        })
    }

    fn annotations_json(&self) -> Vec<Value> {
        let built_in = json!({
            "builtIn": 1,
            "datasource": { "type": "grafana", "uid": "-- Grafana --" },
            "enable": true,
            "hide": true,
            "iconColor": "rgba(0, 211, 255, 1)",
            "name": "Annotations & Alerts",
            "type": "dashboard",
        });
        let own = self.annotations.iter().map(|annotation| {
            json!({
                "datasource": grafana::datasource(),
                "enable": true,
                "hide": false,
                "iconColor": "purple",
                "name": annotation.name,
                "target": {
                    "refId": annotation.name,
                    "fromAnnotations": true,
                    "rawQuery": true,
                    "query": annotation.query.text(),
                    "textColumn": "text",
                },
            })
        });
        std::iter::once(built_in).chain(own).collect()
    }

    fn panels_json(&self) -> Vec<Value> {
        let mut json: Vec<Value> = Vec::new();
        let mut panels = self.panels();
        let mut y = 0;
        for row in &self.rows {
            json.push(json!({
                "id": json.len() + 1,
                "type": "row",
                "title": row.title,
                "collapsed": false,
                "gridPos": { "h": 1, "w": GRID, "x": 0, "y": y },
                "panels": [],
            }));
            y += 1;
            let (mut x, mut line_height) = (0, 0);
            for (id, panel) in panels.by_ref().take(row.panels.len()) {
                if x + panel.width > GRID {
                    (x, y, line_height) = (0, y + line_height, 0);
                }
                json.push(panel.json(id, x, y));
                x += panel.width;
                line_height = line_height.max(panel.height);
            }
            y += line_height;
        }
        json
    }
}
