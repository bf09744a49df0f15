//! The write interface of InfluxDB 2 in front of an InfluxDB 1: strict about the request, and told
//! to fail now and then.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use influxdb_line_protocol::parse_lines;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::process::client;

/// What a proxy has in front of the server's own paths.
const BASE: &str = "/behind/a/proxy";
pub const ORG: &str = "our org";
pub const BUCKET: &str = "vantage";
pub const TOKEN: &str = "a-token-that-is-secret";

/// What to do with the next request instead of what is right.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answers with this status, these headers, this body.
    Answer(u16, Vec<(&'static str, &'static str)>, String),
    /// Cuts the connection before anything is done.
    CutBefore,
    /// Writes, and cuts the connection instead of an answer.
    CutAfter,
}

/// What is known of the requests so far, and what is to come.
#[derive(Default)]
struct Known {
    /// Bodies that were taken, inflated, in their order.
    taken: Vec<String>,
    requests: usize,
    compressed: usize,
    refused: usize,
    faults: VecDeque<Fault>,
    /// A line that holds this text is never taken.
    poison: Option<String>,
    /// Bodies with more bytes than this, inflated, are too large.
    most_bytes: Option<usize>,
    token: String,
}

/// A running server. It ends with this value.
pub struct Bridge {
    pub url: String,
    known: Arc<Mutex<Known>>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Serving {
    known: Arc<Mutex<Known>>,
    /// Where what is taken is written to.
    behind: Option<String>,
    client: reqwest::Client,
}

impl Bridge {
    /// In front of the InfluxDB at this URL, or of nothing.
    pub async fn start(behind: Option<&str>) -> Self {
        let known = Arc::new(Mutex::new(Known { token: TOKEN.to_owned(), ..Known::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{BASE}", listener.local_addr().unwrap());
        let behind = behind.map(str::to_owned);
        let serving = Serving { known: Arc::clone(&known), behind, client: client() };
        let router = Router::new()
            .route(&format!("{BASE}/api/v2/write"), post(write))
            .route("/api/v2/write", post(write))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(serving);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, known, server }
    }

    /// What the next requests meet.
    pub fn meets(&self, faults: impl IntoIterator<Item = Fault>) {
        self.known.lock().unwrap().faults.extend(faults);
    }

    /// Never takes a line with this text.
    pub fn poison(&self, text: &str) {
        self.known.lock().unwrap().poison = Some(text.to_owned());
    }

    /// Takes at most so many bytes at once.
    pub fn takes_at_most(&self, bytes: usize) {
        self.known.lock().unwrap().most_bytes = Some(bytes);
    }

    /// Wants another token from now on.
    pub fn wants(&self, token: &str) {
        token.clone_into(&mut self.known.lock().unwrap().token);
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.known.lock().unwrap().requests
    }

    /// Requests so far whose body was compressed.
    pub fn compressed(&self) -> usize {
        self.known.lock().unwrap().compressed
    }

    /// The server without the path that a proxy would take away.
    pub fn root(&self) -> &str {
        self.url.strip_suffix(BASE).unwrap()
    }

    /// Requests that were not taken so far.
    pub fn refused(&self) -> usize {
        self.known.lock().unwrap().refused
    }

    /// All lines that were taken, in their order.
    pub fn lines(&self) -> Vec<String> {
        let known = self.known.lock().unwrap();
        known.taken.iter().flat_map(|body| body.lines()).map(str::to_owned).collect()
    }

    /// The last fields that were taken of each measurement, tags and time.
    pub fn points(&self) -> BTreeMap<(String, i64), BTreeMap<String, String>> {
        let lines = self.lines();
        let mut points = BTreeMap::new();
        for line in &lines {
            let parsed = parse_lines(line).next().unwrap().unwrap();
            let key = (parsed.series.to_string(), parsed.timestamp.unwrap());
            let fields: &mut BTreeMap<String, String> = points.entry(key).or_default();
            for (name, value) in parsed.field_set {
                fields.insert(name.to_string(), value.to_string());
            }
        }
        points
    }

    /// Waits until `is_so`. Whoever waits in vain is ended by the limit on tests as a whole.
    pub async fn wait_until(&self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let document = serde_json::json!({ "code": code, "message": message });
    (status, axum::Json(document)).into_response()
}

/// Ends the connection without an answer: hyper closes it where a handler panics.
fn cut() -> ! {
    std::panic::resume_unwind(Box::new("cut on purpose"))
}

async fn write(
    State(serving): State<Serving>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = answer(&serving, &query, &headers, &body).await;
    if !answer.status().is_success() {
        serving.known.lock().unwrap().refused += 1;
    }
    answer
}

async fn answer(
    serving: &Serving,
    query: &BTreeMap<String, String>,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let (fault, most_bytes, poison, token) = {
        let mut known = serving.known.lock().unwrap();
        known.requests += 1;
        (known.faults.pop_front(), known.most_bytes, known.poison.clone(), known.token.clone())
    };
    match &fault {
        Some(Fault::Answer(status, headers, body)) => {
            let mut answer = (StatusCode::from_u16(*status).unwrap(), body.clone()).into_response();
            for (name, value) in headers {
                answer.headers_mut().insert(*name, value.parse().unwrap());
            }
            return answer;
        }
        Some(Fault::CutBefore) => cut(),
        Some(Fault::CutAfter) | None => {}
    }
    let sent = headers.get("authorization").and_then(|value| value.to_str().ok());
    if sent != Some(format!("Token {token}").as_str()) {
        return error(StatusCode::UNAUTHORIZED, "unauthorized", "unauthorized access");
    }
    let expected = [("bucket", BUCKET), ("org", ORG), ("precision", "s")];
    let query: Vec<_> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if query != expected {
        return error(StatusCode::NOT_FOUND, "not found", &format!("{query:?} not found"));
    }
    let mut lines = String::new();
    let is_compressed = headers.get("content-encoding").is_some_and(|value| value == "gzip");
    let read = if is_compressed {
        serving.known.lock().unwrap().compressed += 1;
        flate2::read::GzDecoder::new(body).read_to_string(&mut lines)
    } else {
        { body }.read_to_string(&mut lines)
    };
    if read.is_err() {
        return error(StatusCode::BAD_REQUEST, "invalid", "cannot be inflated, or is no text");
    }
    if most_bytes.is_some_and(|most| lines.len() > most) {
        // As a proxy says it.
        return (StatusCode::PAYLOAD_TOO_LARGE, "<html>too large</html>").into_response();
    }
    if let Some(wrong) = parse_lines(&lines).find_map(Result::err) {
        return error(StatusCode::BAD_REQUEST, "invalid", &format!("unable to parse: {wrong}"));
    }
    if poison.is_some_and(|poison| lines.contains(&poison)) {
        let message = "unable to parse the line that is poisoned";
        return error(StatusCode::BAD_REQUEST, "invalid", message);
    }
    if let Some(refused) = forward(serving, &lines).await {
        return refused;
    }
    serving.known.lock().unwrap().taken.push(lines);
    match fault {
        Some(Fault::CutAfter) => cut(),
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

/// Writes to what stands behind; its answer where it does not take everything.
async fn forward(serving: &Serving, lines: &str) -> Option<Response> {
    let behind = serving.behind.as_ref()?;
    let sending = serving
        .client
        .post(format!("{behind}/write"))
        .query(&[("db", "vantage"), ("precision", "s")])
        .body(lines.to_owned());
    let Ok(answer) = sending.send().await else {
        return Some(StatusCode::BAD_GATEWAY.into_response());
    };
    let status = answer.status();
    if status == StatusCode::NO_CONTENT {
        return None;
    }
    let text = answer.text().await.unwrap_or_default();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let message = document["error"].as_str().unwrap_or(&text).to_owned();
    Some(error(StatusCode::from_u16(status.as_u16()).unwrap(), "invalid", &message))
}
