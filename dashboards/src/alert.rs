//! Alert rules, as Grafana's file provisioning takes them.

use serde_json::{Value, json};

use crate::dashboard::Dashboard;
use crate::grafana;
use crate::influxql::Query;

/// Grafana's own data source: computes with the results of others.
const EXPRESSIONS: &str = "__expr__";

/// A query of a rule: its last value, by label.
#[derive(Clone, Debug)]
pub struct Question {
    /// How the condition calls it.
    pub name: &'static str,
    /// What is asked.
    pub query: Query,
    /// From how many seconds ago on.
    pub from_s: u32,
    /// Up to how many seconds ago.
    pub to_s: u32,
}

/// What happens where nothing is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoData {
    /// That is alarming in itself.
    Alarms,
    /// Nothing: there is nothing yet to compare with.
    IsFine,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Users suffer, or nothing is measured.
    Critical,
    /// Worth a look within the day.
    Warning,
    /// Worth knowing.
    Notice,
}

impl Severity {
    const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its identity.
    pub uid: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What is asked.
    pub questions: Vec<Question>,
    /// When it fires: an expression over the names of the questions, `$failed > 5`, that is 1 or 0.
    pub condition: String,
    /// For how long the condition must hold.
    pub pending: &'static str,
    /// What happens where nothing is found.
    pub no_data: NoData,
    /// How much it matters.
    pub severity: Severity,
    /// What has happened, in one line.
    pub summary: String,
    /// What it means and what to do.
    pub description: String,
    /// The dashboard and the panel that show it.
    pub shown_on: (Dashboard, &'static str),
    /// What is to be chosen on that dashboard.
    pub chosen: &'static str,
}

impl Rule {
    /// As Grafana's file provisioning takes it.
    ///
    /// # Panics
    ///
    /// Where the dashboard has no such panel.
    pub fn json(&self) -> Value {
        let (dashboard, panel) = &self.shown_on;
        let panel_id = dashboard.panel_id(panel);
        let link = format!("{{{{ externalURL }}}}{}?{}", dashboard.address(), self.chosen);
        json!({
            "uid": self.uid,
            "title": self.title,
            "condition": "fires",
            "data": self.data(),
            "dashboardUid": dashboard.uid,
            "panelId": panel_id,
            "noDataState": match self.no_data {
                NoData::Alarms => "NoData",
                NoData::IsFine => "OK",
            },
            "execErrState": "Error",
            "for": self.pending,
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "dashboard": link,
                "__dashboardUid__": dashboard.uid,
                "__panelId__": panel_id.to_string(),
            },
            // Values of labels may not hold a dollar sign: Grafana takes it for an environment variable.
            "labels": { "severity": self.severity.name(), "product": grafana::TAG },
            "isPaused": false,
        })
    }

    fn data(&self) -> Vec<Value> {
        let mut data = Vec::new();
        for question in &self.questions {
            let asked = format!("{}_asked", question.name);
            data.push(json!({
                "refId": asked,
                "relativeTimeRange": { "from": question.from_s, "to": question.to_s },
                "datasourceUid": grafana::DATASOURCE_UID,
                "model": {
                    "refId": asked,
                    "rawQuery": true,
                    "query": question.query.text(),
                    "resultFormat": "time_series",
                    "intervalMs": 60_000,
                    "maxDataPoints": 1_000,
                },
            }));
            data.push(computed(
                question.name,
                json!({
                    "type": "reduce",
                    "expression": asked,
                    "reducer": "last",
                    "settings": { "mode": "dropNN" },
                }),
            ));
        }
        data.push(computed("holds", json!({ "type": "math", "expression": self.condition })));
        data.push(computed(
            "fires",
            json!({
                "type": "threshold",
                "expression": "holds",
                "conditions": [{ "evaluator": { "type": "gt", "params": [0] } }],
            }),
        ));
        data
    }
}

fn computed(name: &str, mut model: Value) -> Value {
    let source = json!({ "type": EXPRESSIONS, "uid": EXPRESSIONS });
    grafana::merge(&mut model, json!({ "refId": name, "datasource": source }));
    json!({
        "refId": name,
        "relativeTimeRange": { "from": 0, "to": 0 },
        "datasourceUid": EXPRESSIONS,
        "model": model,
    })
}
