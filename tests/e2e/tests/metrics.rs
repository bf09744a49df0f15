//! A real Prometheus scrapes an aggregator and an agent, and gives back what they said.
//!
//! Its own checker finds nothing to say about what it is given. Both programs work on this machine;
//! what is probed is a listener of the test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn prepared(command: &mut Command) -> &mut Command {
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "http_proxy", "HTTP_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    command
}

/// The page that a line of a program's output names, in the form `http://…`.
fn url_in(output: impl std::io::Read + Send + 'static, words: &str) -> String {
    let mut lines = BufReader::new(output).lines();
    let line = lines.by_ref().map(Result::unwrap).find(|line| line.contains(words)).unwrap();
    // Whoever writes on must not find nobody reading.
    std::thread::spawn(move || lines.for_each(drop));
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    url.to_owned()
}

/// An aggregator, and an agent that probes a listener of this process.
struct Deployment {
    _folder: TempDir,
    aggregator: String,
    agent: String,
    _processes: [Running; 2],
}

impl Deployment {
    fn start() -> Self {
        let target = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = target.local_addr().unwrap().port();
        // Ends with the tests.
        std::thread::spawn(move || while target.accept().is_ok() {});
        let folder = tempfile::tempdir().unwrap();
        let catalogue = format!(
            r#"
            [defaults]
            window = "1s"
            [[market]]
            id = "hk"
            name = "Hong Kong"
            weight = 3
            time_zone = "Asia/Hong_Kong"
            [[site]]
            id = "singapore"
            country = "SG"
            [[target]]
            id = "singapore-web"
            site = "singapore"
            host = "127.0.0.1"
            allow_private = true
            [[target.probe]]
            id = "connect"
            kind = "tcp"
            port = {port}
            interval = "200ms"
            "#
        );
        std::fs::write(folder.path().join("catalogue.toml"), catalogue).unwrap();
        let vantage = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_e2e-vantage"));
            prepared(&mut command).current_dir(folder.path());
            command
        };
        let mut serving = vantage();
        serving.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut serving = serving.stderr(Stdio::null()).spawn().unwrap();
        let aggregator = url_in(serving.stdout.take().unwrap(), "http://");
        let token = vantage().args(["enroll", "hk-1", "--market", "hk"]).output().unwrap();
        assert!(token.status.success());
        let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();

        let mut agent = Command::new(env!("CARGO_BIN_EXE_e2e-agent"));
        prepared(&mut agent)
            .args(["run", "--aggregator", &aggregator, "--metrics-listen", "127.0.0.1:0"])
            .arg("--state")
            .arg(folder.path().join("hk-1"))
            .env("VANTAGE_ENROL_TOKEN", token)
            .env("NO_COLOR", "1");
        let mut agent = agent.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let page = url_in(agent.stderr.take().unwrap(), "metrics at");
        let aggregator = aggregator + "/metrics";
        let processes = [Running(serving), Running(agent)];
        Self { _folder: folder, aggregator, agent: page, _processes: processes }
    }
}

fn client() -> reqwest::Client {
    // Fails only where one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A page in the format asked for: its media type, and its text.
async fn page(url: &str, accept: &str) -> (String, String) {
    let answer = client().get(url).header("accept", accept).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{url}");
    let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (media_type, answer.text().await.unwrap())
}

/// The value of the one sample whose name and labels are these.
fn sample(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

/// Looks until a page says that something is so.
async fn until(url: &str, mut so: impl FnMut(&str) -> bool) -> String {
    for _ in 0..300 {
        let (_, text) = page(url, "text/plain").await;
        if so(&text) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not within 30 s; the page of {url} says\n{}", page(url, "text/plain").await.1);
}

const OK: &str = r#"vantage_agent_attempts_total{kind="tcp",outcome="ok",code="none"}"#;
const STORED: &str = r#"vantage_reports_total{outcome="stored"}"#;
const SEEN: &str =
    r#"vantage_attempts_total{market="hk",site="singapore",kind="tcp",outcome="ok"}"#;

/// Waits until both have something to say.
async fn settled() -> Deployment {
    let deployment = Deployment::start();
    until(&deployment.agent, |text| sample(text, OK).is_some_and(|count| count >= 5.0)).await;
    until(&deployment.aggregator, |text| {
        sample(text, STORED).is_some_and(|count| count >= 2.0)
            && text.contains("vantage_fleet_coverage_ratio")
    })
    .await;
    deployment
}

/// A program of the Debian package `prometheus`.
fn of_prometheus(program: &str) -> Command {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .any(|folder| folder.join(program).is_file());
    assert!(found, "{program} is missing: apt-get install prometheus");
    let mut command = Command::new(program);
    prepared(&mut command);
    command
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_either_page() {
    let deployment = settled().await;
    for url in [&deployment.aggregator, &deployment.agent] {
        let (media_type, text) = page(url, "*/*").await;
        assert_eq!(media_type, "text/plain; version=0.0.4; charset=utf-8");
        let mut checking = of_prometheus("promtool");
        checking.args(["check", "metrics"]);
        checking.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut checking = checking.spawn().unwrap();
        checking.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = checking.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success() && said.is_empty(), "{url}: {said}\n{text}");
    }
}

/// Reads `OpenMetrics` from its input by the rules of the specification.
const PARSER: &str = "import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    print(family.name, family.type, len(family.samples))
";

/// The parser of Prometheus's library for Python reads every family. It is the strict one: Prometheus
/// itself forgives much.
#[tokio::test]
async fn an_independent_parser_reads_open_metrics() {
    let deployment = settled().await;
    for url in [&deployment.aggregator, &deployment.agent] {
        let (_, text) = page(url, "application/openmetrics-text; version=1.0.0").await;
        // Debian's own, which has Debian's packages.
        let mut parsing = Command::new("/usr/bin/python3");
        parsing.args(["-c", PARSER]);
        parsing.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut parsing = parsing.spawn().unwrap();
        parsing.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = parsing.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{url}: {said} (no such module: apt-get install python3-prometheus-client)\n{text}"
        );
        let read = String::from_utf8(output.stdout).unwrap();
        let announced = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let announced: Vec<_> = announced.collect();
        let read: Vec<_> = read.lines().map(|line| line.rsplit_once(' ').unwrap().0).collect();
        assert_eq!(read, announced, "{text}");
    }
}

#[tokio::test]
async fn both_formats_say_the_same() {
    let deployment = settled().await;
    for url in [&deployment.aggregator, &deployment.agent] {
        let (media_type, open) = page(url, "application/openmetrics-text; version=1.0.0").await;
        assert_eq!(media_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        assert!(open.ends_with("# EOF\n"), "{open}");
        let (_, plain) = page(url, "text/plain").await;
        // Labels have another order, and bounds are written otherwise (1.0 for 1).
        let names = |text: &str| -> BTreeMap<String, usize> {
            let samples = text.lines().filter(|line| !line.starts_with('#'));
            let names = samples.map(|line| line.split(['{', ' ']).next().unwrap().to_owned());
            names.fold(BTreeMap::new(), |mut counts, name| {
                *counts.entry(name).or_default() += 1;
                counts
            })
        };
        let (mut open, mut plain) = (names(&open), names(&plain));
        // What was asked for between the two is counted.
        open.remove("vantage_http_requests_total");
        plain.remove("vantage_http_requests_total");
        assert_eq!(open, plain);
    }
}

/// A Prometheus that scrapes two pages every second.
struct Prometheus {
    url: String,
    folder: TempDir,
    _process: Running,
}

impl Prometheus {
    fn start(deployment: &Deployment, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = |url: &str| {
            let host = url.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap();
            host.to_owned()
        };
        let configuration = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n\
             - {{job_name: vantage, static_configs: [{{targets: [\"{}\"]}}]}}\n\
             - {{job_name: vantage-agent, static_configs: [{{targets: [\"{}\"]}}]}}\n",
            host(&deployment.aggregator),
            host(&deployment.agent)
        );
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, configuration).unwrap();
        // Prometheus does not say which port it was given: one that was free a moment ago.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = of_prometheus("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={free}"))
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(log);
        let process = Running(command.spawn().unwrap());
        Self { url: format!("http://{free}"), folder, _process: process }
    }

    fn log(&self) -> String {
        let path: &Path = &self.folder.path().join("log");
        std::fs::read_to_string(path).unwrap()
    }

    /// What its interface answers; `None` while it does not answer.
    async fn get(&self, path: &str) -> Option<Value> {
        let answer = client().get(self.url.clone() + path).send().await.ok()?;
        answer.json().await.ok()
    }

    /// The values of a query.
    async fn query(&self, query: &str) -> Vec<f64> {
        let url = reqwest::Url::parse_with_params("http://x/api/v1/query", [("query", query)]);
        let url = url.unwrap();
        let path = format!("{}?{}", url.path(), url.query().unwrap());
        let Some(answer) = self.get(&path).await else { return Vec::new() };
        let results = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        let value = |result: &Value| result["value"][1].as_str().unwrap().parse().unwrap();
        results.iter().map(value).collect()
    }

    /// Asks until it has an answer that will do.
    async fn until(&self, query: &str, so: impl Fn(f64) -> bool) -> f64 {
        for _ in 0..300 {
            if let [value] = self.query(query).await[..]
                && so(value)
            {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no answer to {query} within 30 s\n{}", self.log());
    }
}

#[tokio::test]
async fn prometheus_gives_back_what_both_said() {
    let deployment = settled().await;
    let prometheus = Prometheus::start(&deployment, &[]);
    prometheus.until("sum(up)", |up| up >= 2.0).await;
    let (_, before) = page(&deployment.agent, "text/plain").await;
    let before = sample(&before, OK).unwrap();
    let query = r#"vantage_agent_attempts_total{kind="tcp",outcome="ok"}"#;
    let scraped = prometheus.until(query, |count| count >= before).await;
    let (_, after) = page(&deployment.agent, "text/plain").await;
    assert!(scraped <= sample(&after, OK).unwrap());

    // What the agent counted has come to the aggregator, and from there to Prometheus.
    let seen = prometheus
        .until(r#"vantage_attempts_total{site="singapore",outcome="ok"}"#, |count| count >= 5.0)
        .await;
    let (_, page) = page(&deployment.aggregator, "text/plain").await;
    assert!(seen <= sample(&page, SEEN).unwrap());
    for (query, low, high) in [
        ("vantage_fleet_agents{state=\"reporting\"}", 1.0, 1.0),
        ("vantage_fleet_silence_seconds{vantage=\"hk-1\"}", 0.0, 60.0),
        ("vantage_store_writable", 1.0, 1.0),
        ("process_resident_memory_bytes{job=\"vantage-agent\"}", 1e6, 1e9),
        ("process_cpu_seconds_total{job=\"vantage\"}", 0.0, 1e4),
        ("time() - process_start_time_seconds{job=\"vantage-agent\"}", 0.0, 600.0),
        // On this machine a handshake takes less than the lowest bound.
        (
            "histogram_quantile(0.5, vantage_agent_phase_duration_seconds_bucket{phase=\"total\"})",
            0.0,
            0.1,
        ),
        ("histogram_quantile(0.5, vantage_attempt_duration_seconds_bucket)", 0.0, 0.1),
    ] {
        // What is looked at from time to time only may be as it was before the first report.
        prometheus.until(query, |value| (low..=high).contains(&value)).await;
    }
    let targets = prometheus.get("/api/v1/targets").await.unwrap();
    for target in targets["data"]["activeTargets"].as_array().unwrap() {
        assert_eq!(target["lastError"], "", "{target}");
    }
    let log = prometheus.log();
    assert!(!log.contains("level=warn") && !log.contains("level=error"), "{log}");
}

#[tokio::test]
async fn prometheus_takes_histograms_as_native_ones_where_it_is_told_to() {
    let deployment = settled().await;
    let arguments = ["--enable-feature=native-histograms"];
    let prometheus = Prometheus::start(&deployment, &arguments);
    prometheus.until("sum(up)", |up| up >= 2.0).await;
    // A series by that name, without buckets as series of their own.
    for (metric, more) in [
        ("vantage_attempt_duration_seconds", ""),
        ("vantage_agent_phase_duration_seconds", "{phase=\"total\"}"),
        ("vantage_commit_duration_seconds", ""),
    ] {
        let count = format!("histogram_count({metric}{more})");
        prometheus.until(&count, |count| count >= 2.0).await;
        let quantile = format!("histogram_quantile(0.5, {metric}{more})");
        let median = prometheus.until(&quantile, |value| !value.is_nan()).await;
        assert!((0.0..=1.0).contains(&median), "{metric}: {median}");
        assert_eq!(prometheus.query(&format!("{metric}_bucket")).await, [0.0; 0]);
    }
    let query = r#"vantage_agent_attempts_total{kind="tcp",outcome="ok"}"#;
    prometheus.until(query, |count| count >= 5.0).await;
    let log = prometheus.log();
    assert!(!log.contains("level=error"), "{log}");
}
