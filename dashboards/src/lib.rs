//! Grafana over what Vantage exports to InfluxDB: four dashboards and the alert rules, described once.
//!
//! Fields and tags come from the exporter's own table ([`exported`]), so a query can name nothing that
//! is not written. The program `dashboards` writes what is described here as the files that Grafana
//! reads ([`generated::files`]); tests hold the files to it, run every query against a real InfluxDB,
//! and check the dashboards against Grafana's published types.

pub mod alert;
pub mod alerts;
pub mod dashboard;
pub mod dashboards;
pub mod exported;
pub mod generated;
pub mod grafana;
pub mod influxql;
pub mod latency;
pub mod panel;
pub mod variable;

mod field_document;
