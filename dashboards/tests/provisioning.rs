//! What Grafana is provisioned with, and the deployment that does it, fit each other.
#![expect(clippy::unwrap_used, reason = "in tests a panic is a failed test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use vantage_aggregator::catalogue::Catalogue;
use vantage_aggregator::config::Config;
use vantage_dashboards::{dashboards, grafana};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn yaml(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn the_data_source_is_the_one_that_rules_and_dashboards_ask() {
    let file = yaml("dashboards/provisioning/datasources/vantage.yaml");
    let source = &file["datasources"][0];
    assert_eq!(file["apiVersion"], 1);
    assert_eq!(source["type"], grafana::DATASOURCE_TYPE);
    assert_eq!(source["uid"], grafana::DATASOURCE_UID);
    assert_eq!(source["jsonData"]["version"], "InfluxQL");
    let secret = source["secureJsonData"]["httpHeaderValue1"].as_str().unwrap();
    assert!(secret.contains("$__file{"), "a secret in the file: {secret}");
}

#[test]
fn rules_are_in_the_folder_of_the_dashboards_and_point_at_panels_that_are_there() {
    let provider = yaml("dashboards/provisioning/dashboards/vantage.yaml");
    assert_eq!(provider["providers"][0]["folder"], grafana::FOLDER);
    let dashboards = dashboards::all();
    let rules = yaml("dashboards/provisioning/alerting/vantage.yaml");
    let mut uids = BTreeSet::new();
    for group in rules["groups"].as_array().unwrap() {
        assert_eq!(group["folder"], grafana::FOLDER);
        for rule in group["rules"].as_array().unwrap() {
            let uid = rule["uid"].as_str().unwrap();
            assert!(uids.insert(uid.to_owned()), "{uid} is there twice");
            // Grafana takes no longer ones.
            assert!(uid.len() <= 40, "{uid}");
            let dashboard = dashboards.iter().find(|known| rule["dashboardUid"] == known.uid);
            let panel = dashboard.unwrap().panels().find(|(id, _)| rule["panelId"] == *id);
            assert!(panel.is_some(), "{uid}");
            assert_eq!(rule["annotations"]["__dashboardUid__"], rule["dashboardUid"]);
            let asked: BTreeSet<_> = rule["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|data| &data["refId"])
                .map(Value::to_string)
                .collect();
            assert!(asked.contains(&rule["condition"].to_string()), "{uid}");
            for data in rule["data"].as_array().unwrap() {
                let source = data["datasourceUid"].as_str().unwrap();
                assert!([grafana::DATASOURCE_UID, "__expr__"].contains(&source), "{uid}: {source}");
            }
        }
    }
    assert_eq!(uids.len(), 5);
}

#[test]
fn the_deployment_gives_grafana_what_the_provisioning_names() {
    let compose = yaml("deploy/compose.yaml");
    let grafana = &compose["services"]["grafana"];
    let mounts: Vec<_> = texts(&grafana["volumes"])
        .into_iter()
        .filter_map(|mount| mount.strip_suffix(":ro")?.split_once(':'))
        .collect();
    for (source, _) in &mounts {
        assert!(root().join("deploy").join(source).exists(), "{source} is not there");
    }
    let provider = yaml("dashboards/provisioning/dashboards/vantage.yaml");
    let folder = provider["providers"][0]["options"]["path"].as_str().unwrap();
    for dashboard in dashboards::all() {
        let wanted = (
            format!("../dashboards/{}", dashboard.file()),
            format!("{folder}/{}", dashboard.file()),
        );
        assert!(mounts.iter().any(|(from, to)| *from == wanted.0 && *to == wanted.1), "{wanted:?}");
    }
    assert!(mounts.contains(&("../dashboards/provisioning", "/etc/grafana/provisioning")));
    let home =
        grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str().unwrap();
    assert!(mounts.iter().any(|(_, to)| *to == home), "{home}");

    // What the data source expands is there: the address and the file of the token.
    let source =
        std::fs::read_to_string(root().join("dashboards/provisioning/datasources/vantage.yaml"))
            .unwrap();
    assert!(source.contains("$INFLUXDB_URL") && grafana["environment"]["INFLUXDB_URL"].is_string());
    for service in ["grafana", "influxdb", "vantage"] {
        assert!(
            texts(&compose["services"][service]["secrets"]).contains(&"influxdb_token"),
            "{service}"
        );
    }
    assert!(source.contains("$__file{/run/secrets/influxdb_token}"));
}

#[test]
fn the_deployment_lets_vantage_write_where_grafana_reads() {
    let compose = yaml("deploy/compose.yaml");
    let influxdb = &compose["services"]["influxdb"]["environment"];
    let config = Config::load(&root().join("deploy/vantage/aggregator.toml")).unwrap();
    let influx = config.influx.as_ref().unwrap();
    assert_eq!(influxdb["DOCKER_INFLUXDB_INIT_ORG"], influx.org.clone().unwrap());
    assert_eq!(influxdb["DOCKER_INFLUXDB_INIT_BUCKET"], influx.bucket.clone().unwrap());
    assert_eq!(influx.token_file.as_deref(), Some(Path::new("/run/secrets/influxdb_token")));
    let grafana = &compose["services"]["grafana"]["environment"];
    assert_eq!(grafana["INFLUXDB_URL"], influx.url.clone().unwrap());
    let source = yaml("dashboards/provisioning/datasources/vantage.yaml");
    // The database is called as the bucket that map-database.sh maps to it.
    assert_eq!(source["datasources"][0]["jsonData"]["dbName"], influx.bucket.clone().unwrap());

    Catalogue::load(&root().join("deploy/vantage/catalogue.toml")).unwrap();
}

#[test]
fn no_secret_is_in_the_repository() {
    let compose = yaml("deploy/compose.yaml");
    for (name, secret) in compose["secrets"].as_object().unwrap() {
        let file = secret["file"].as_str().unwrap();
        assert_eq!(file, format!("./secrets/{name}"));
        let maker = std::fs::read_to_string(root().join("deploy/secrets.sh")).unwrap();
        assert!(maker.contains(name), "secrets.sh makes no {name}");
    }
    let ignored = std::fs::read_to_string(root().join(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "/deploy/secrets/"));
    for (name, service) in compose["services"].as_object().unwrap() {
        for (key, _) in service["environment"].as_object().into_iter().flatten() {
            let is_secret = key.contains("PASSWORD") || key.contains("TOKEN");
            assert!(!is_secret || key.ends_with("_FILE"), "{name}: {key}");
        }
    }
}

#[test]
fn compose_takes_the_file() {
    let file = root().join("deploy/compose.yaml");
    // Version 2 is a plug-in of `docker`, version 1 a program of its own.
    let has_plugin = Command::new("docker")
        .args(["compose", "version"])
        .output()
        .is_ok_and(|output| output.status.success());
    let mut compose = if has_plugin {
        let mut docker = Command::new("docker");
        docker.arg("compose");
        docker
    } else {
        Command::new("docker-compose")
    };
    let output =
        compose.arg("--file").arg(&file).args(["config", "--quiet"]).output().expect(
            "docker-compose is missing: run tests/run, or `apt-get install docker-compose`",
        );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_image_runs_as_nobody_in_particular_and_says_whether_it_is_well() {
    let text = std::fs::read_to_string(root().join("deploy/Dockerfile")).unwrap();
    let stages = text.lines().filter(|line| line.starts_with("FROM ")).count();
    assert_eq!(stages, 2, "what builds is not what ships");
    let last = text.rsplit_once("FROM ").unwrap().1;
    assert!(last.lines().any(|line| line == "USER vantage"));
    assert!(last.contains("HEALTHCHECK") && last.contains("/readyz"));
    // The image is built with the compiler that the workspace asks for.
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = workspace.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    assert!(text.contains(&format!("FROM rust:{}-", version.trim_matches('"'))), "{version}");
}
