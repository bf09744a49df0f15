//! A real InfluxDB, 1.6 as Debian has it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, client, free_port};

/// The database that is written to.
const DATABASE: &str = "vantage";

/// A running InfluxDB. It ends with this value.
pub struct InfluxDb {
    process: Process,
    pub url: String,
    config: PathBuf,
    folder: TempDir,
    client: Client,
}

/// One row of an answer: by column.
pub type Row = BTreeMap<String, Value>;

impl InfluxDb {
    /// With an empty database.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (http, rpc) = (free_port(), free_port());
        let settings = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc}\"\n\
             [meta]\n  dir = {:?}\n[data]\n  dir = {:?}\n  wal-dir = {:?}\n  query-log-enabled = false\n\
             [monitor]\n  store-enabled = false\n[subscriber]\n  enabled = false\n\
             [http]\n  bind-address = \"127.0.0.1:{http}\"\n  log-enabled = false\n  max-row-limit = 0\n",
            path("meta"),
            path("data"),
            path("wal"),
        );
        let config = folder.path().join("influxdb.conf");
        std::fs::write(&config, settings).unwrap();
        let url = format!("http://127.0.0.1:{http}");
        let process = launch(&config, &folder);
        let mut started = Self { process, url, config, folder, client: client() };
        started.wait().await;
        started.query(&format!("CREATE DATABASE {DATABASE}")).await;
        started
    }

    async fn wait(&mut self) {
        let log = self.folder.path().join("log");
        self.process.wait_for(&format!("{}/ping", self.url), &log).await;
    }

    /// Ends it as a power failure does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on what it had.
    pub async fn restart(&mut self) {
        self.process = launch(&self.config, &self.folder);
        self.wait().await;
    }

    /// Asks, and gives the rows of all series, tags and columns alike.
    pub async fn query(&self, query: &str) -> Vec<Row> {
        let answer = self
            .client
            .post(format!("{}/query", self.url))
            .query(&[("db", DATABASE), ("epoch", "s"), ("q", query)])
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        let result = &answer["results"][0];
        assert!(result["error"].is_null() && answer["error"].is_null(), "{query}: {answer}");
        let mut rows = Vec::new();
        for series in result["series"].as_array().into_iter().flatten() {
            let columns: Vec<_> = series["columns"].as_array().unwrap().iter().collect();
            for values in series["values"].as_array().unwrap() {
                let named = columns.iter().zip(values.as_array().unwrap());
                let mut row: Row = named
                    .map(|(name, value)| (name.as_str().unwrap().to_owned(), value.clone()))
                    .collect();
                for (tag, value) in series["tags"].as_object().into_iter().flatten() {
                    row.insert(tag.clone(), value.clone());
                }
                rows.push(row);
            }
        }
        rows
    }

    /// How many series there are.
    pub async fn series(&self) -> u64 {
        let rows = self.query("SHOW SERIES EXACT CARDINALITY").await;
        rows.iter().map(|row| row["count"].as_u64().unwrap()).sum()
    }
}

fn launch(config: &std::path::Path, folder: &TempDir) -> Process {
    let arguments = ["run", "-config", config.to_str().unwrap()];
    Process::start("influxd", "influxdb", &arguments, &folder.path().join("log"))
}
