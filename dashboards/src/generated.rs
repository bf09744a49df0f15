//! The files that are made from the description in code.

use serde_json::{Value, json};

use crate::alerts;
use crate::dashboards;
use crate::field_document;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is, from the folder of the dashboards on.
    pub path: String,
    /// What is in it.
    pub content: String,
}

/// How to write the files again, for whoever finds them out of date.
pub const COMMAND: &str = "cargo run --bin dashboards";

/// Something cannot be written in the format that Grafana reads.
#[derive(Debug, thiserror::Error)]
pub enum GeneratedError {
    /// A dashboard.
    #[error("cannot write {0} as JSON")]
    Json(&'static str, #[source] serde_json::Error),
    /// Alert rules.
    #[error("cannot write {0} as YAML")]
    Yaml(&'static str, #[source] serde_saphyr::ser_error::Error),
}

/// Every file.
///
/// # Errors
///
/// Where something cannot be written as JSON or YAML.
pub fn files() -> Result<Vec<File>, GeneratedError> {
    let mut files = Vec::new();
    for dashboard in dashboards::all() {
        let content = serde_json::to_string_pretty(&dashboard.json())
            .map_err(|error| GeneratedError::Json(dashboard.uid, error))?;
        files.push(File { path: dashboard.file(), content: content + "\n" });
    }
    let rules = json!({ "apiVersion": 1, "groups": alerts::groups() });
    files.push(File {
        path: ALERT_RULES.to_owned(),
        content: yaml("Alert rules: each says in its annotations what to do.", &rules)?,
    });
    files.push(File { path: "FIELDS.md".to_owned(), content: field_document::text(COMMAND) });
    Ok(files)
}

const ALERT_RULES: &str = "provisioning/alerting/vantage.yaml";

fn yaml(heading: &str, value: &Value) -> Result<String, GeneratedError> {
    let body =
        serde_saphyr::to_string(value).map_err(|error| GeneratedError::Yaml(ALERT_RULES, error))?;
    Ok(format!("# {heading}\n# Written by `{COMMAND}`: change the source, not this file.\n{body}"))
}
