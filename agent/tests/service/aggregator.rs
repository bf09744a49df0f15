//! An aggregator of few lines: it verifies, counts, and misbehaves when told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use vantage_wire::BootId;
use vantage_wire::exchange::request::{Authorization, signing_input};
use vantage_wire::exchange::{EnrolmentRequest, enrolment_signing_input};
use vantage_wire::report::{Envelope, Report};
use vantage_wire::{Sequence, VantageId};

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// It is carried out, but the answer is lost.
    LoseAnswer,
    /// The connection is cut before it is looked at.
    CutBefore,
    /// It is refused with this status and problem; without a name, by something in between.
    Status(u16, &'static str),
    /// A page of something in between, which says that all is well.
    Page,
    /// It takes a second.
    Slow,
    /// It is not looked at until the test says so.
    Hold,
}

#[derive(Default)]
pub struct State {
    /// Of the next enrolments and reports.
    pub faults: VecDeque<Fault>,
    reports: BTreeMap<(BootId, Sequence), Report>,
    bodies: BTreeMap<(BootId, Sequence), Vec<u8>>,
    /// Reports that came for the first time.
    pub accepted: u64,
    duplicates: u64,
    /// Requests of an agent that was revoked.
    pub refused: u64,
    pub boots: BTreeSet<BootId>,
    key: Option<Vec<u8>>,
    enrolments: u64,
    requests: u64,
    /// Requests that are held.
    pub held: u64,
    released: bool,
    revoked: bool,
    token: String,
    assignment: String,
    /// The version that the agent last said it has.
    pub known: String,
}

pub struct Aggregator {
    shared: Arc<(Mutex<State>, Condvar)>,
    port: u16,
}

impl Aggregator {
    pub fn start(token: &str, assignment: &str) -> Self {
        let state = State {
            token: token.to_owned(),
            assignment: assignment.to_owned(),
            ..State::default()
        };
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map(Result::unwrap) {
                let serving = Arc::clone(&serving);
                std::thread::spawn(move || while serve(&stream, &serving).is_some() {});
            }
        });
        Self { shared, port }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        let result = work(&mut self.shared.0.lock().unwrap());
        self.shared.1.notify_all();
        result
    }

    pub fn then(&self, faults: impl IntoIterator<Item = Fault>) {
        self.with(|state| state.faults.extend(faults));
    }

    pub fn assign(&self, assignment: &str) {
        self.with(|state| assignment.clone_into(&mut state.assignment));
    }

    /// Goes on with what is held.
    pub fn release(&self) {
        self.with(|state| state.released = true);
    }

    pub fn revoke(&self, revoked: bool) {
        self.with(|state| state.revoked = revoked);
    }

    /// Waits; that it never happens is the failure, after a minute.
    pub fn wait_until(&self, what: &str, mut is: impl FnMut(&State) -> bool) {
        let state = self.shared.0.lock().unwrap();
        let minute = Duration::from_mins(1);
        let waiting = self.shared.1.wait_timeout_while(state, minute, |state| !is(state));
        let (state, waited) = waiting.unwrap();
        drop(state);
        assert!(!waited.timed_out(), "never: {what}");
    }

    pub fn reports(&self) -> Vec<Report> {
        self.with(|state| state.reports.values().cloned().collect())
    }

    pub fn duplicates(&self) -> u64 {
        self.with(|state| state.duplicates)
    }

    pub fn enrolments(&self) -> u64 {
        self.with(|state| state.enrolments)
    }

    pub fn requests(&self) -> u64 {
        self.with(|state| state.requests)
    }

    /// Attempts by probe and the codes that it ever failed with.
    pub fn totals(&self) -> BTreeMap<(String, BTreeSet<String>), u64> {
        let mut by_probe: BTreeMap<String, (BTreeSet<String>, u64)> = BTreeMap::new();
        for report in self.reports() {
            for (key, tally) in report.windows.iter().flat_map(|window| &window.tallies) {
                let held = by_probe.entry(key.probe.to_string()).or_default();
                held.0.extend(tally.failures.keys().map(|(code, _)| code.name().to_owned()));
                held.1 += tally.due();
            }
        }
        by_probe.into_iter().map(|(probe, (codes, count))| ((probe, codes), count)).collect()
    }

    pub fn attempts(&self) -> u64 {
        self.totals().values().sum()
    }

    /// A window of a second cannot hold more attempts than there were slots: one that does was
    /// counted twice.
    pub fn no_window_counts_more_than_its_slots(&self, per_second: u64) {
        let mut sums = BTreeMap::new();
        for report in self.reports() {
            for window in report.windows {
                for (key, tally) in window.tallies {
                    *sums.entry((window.window, key)).or_insert(0) += tally.due();
                }
            }
        }
        for ((window, key), sum) in sums {
            let slots = per_second * u64::from(window.length().seconds());
            // The corrected clock may move a slot over the edge of a window, or a life may begin
            // in the second in which another ended.
            assert!(sum <= slots + 3, "{window:?} {}: {sum}", key.probe);
        }
    }
}

type Shared = Arc<(Mutex<State>, Condvar)>;

struct Request {
    method: String,
    path: String,
    authorization: String,
    body: Vec<u8>,
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => value.clone_into(&mut authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, authorization, body })
}

fn serve(mut stream: &TcpStream, shared: &Shared) -> Option<()> {
    let request = read(stream)?;
    let received = now();
    let fault = {
        let mut state = shared.0.lock().unwrap();
        state.requests += 1;
        if request.method == "POST" { state.faults.pop_front() } else { None }
    };
    let (mut status, mut kind, mut body) = (0, "application/json", String::new());
    match fault.unwrap_or(Fault::None) {
        Fault::CutBefore => {
            shared.1.notify_all();
            return None;
        }
        Fault::Status(refused, name) => {
            status = refused;
            (kind, body) = problem(refused, name);
        }
        Fault::Page => {
            (status, kind, body) = (200, "text/html", "<html>Please log in.</html>".to_owned());
        }
        Fault::Hold => {
            let mut state = shared.0.lock().unwrap();
            state.held += 1;
            shared.1.notify_all();
            drop(shared.1.wait_while(state, |state| !state.released).unwrap());
        }
        fault => {
            let slow = fault == Fault::Slow;
            std::thread::sleep(Duration::from_secs(slow.into()));
        }
    }
    if status == 0 {
        (status, body) = answer(&request, shared);
        if status >= 400 {
            kind = "application/problem+json";
        }
    }
    shared.1.notify_all();
    if fault == Some(Fault::LoseAnswer) {
        return None;
    }
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         vantage-received-us: {received}\r\nvantage-answered-us: {}\r\n\r\n{body}",
        body.len(),
        now(),
    );
    stream.write_all(answer.as_bytes()).ok()
}

fn problem(status: u16, name: &str) -> (&'static str, String) {
    if name.is_empty() {
        return ("text/html", "<html>".to_owned());
    }
    let body = format!(r#"{{"type":"/problems/{name}","title":"no","status":{status}}}"#);
    ("application/problem+json", body)
}

fn answer(request: &Request, shared: &Shared) -> (u16, String) {
    let path = request.path.split('?').next().unwrap();
    match (request.method.as_str(), path) {
        ("POST", "/api/v1/enrolments") => enrol(request, &mut shared.0.lock().unwrap()),
        ("POST", "/api/v1/reports") => take(request, &mut shared.0.lock().unwrap()),
        ("GET", "/api/v1/assignment") => assign(request, shared),
        _ => (404, problem(404, "not-found").1),
    }
}

fn enrol(request: &Request, state: &mut State) -> (u16, String) {
    let asked: EnrolmentRequest = serde_json::from_slice(&request.body).unwrap();
    if asked.token != state.token {
        return (401, problem(401, "unknown-token").1);
    }
    let public = BASE64_STANDARD.decode(&asked.public_key).unwrap();
    let input = enrolment_signing_input(&asked.token, public.as_slice().try_into().unwrap());
    let signature = BASE64_STANDARD.decode(&asked.signature).unwrap();
    UnparsedPublicKey::new(&ED25519, &public).verify(&input, &signature).unwrap();
    // The same key again has the same answer; another would have used the token up.
    assert!(state.key.as_ref().is_none_or(|known| *known == public));
    state.key = Some(public);
    state.enrolments += 1;
    (200, r#"{"vantage":"hk-1","market":"hk"}"#.to_owned())
}

fn take(request: &Request, state: &mut State) -> (u16, String) {
    if state.revoked {
        state.refused += 1;
        return (401, problem(401, "revoked-agent").1);
    }
    let key = UnparsedPublicKey::new(&ED25519, state.key.clone().unwrap());
    let envelope = Envelope::decode(&request.body).unwrap();
    let verified = envelope.verify(|input, signature| key.verify(input, signature)).unwrap();
    let report = verified.open().unwrap().report;
    let id = (report.boot, report.sequence);
    state.boots.insert(report.boot);
    if state.reports.insert(id, report).is_some() {
        assert_eq!(state.bodies[&id], request.body, "sent again, but not byte for byte");
        state.duplicates += 1;
        return (200, r#"{"outcome":"duplicate"}"#.to_owned());
    }
    state.bodies.insert(id, request.body.clone());
    state.accepted += 1;
    (200, r#"{"outcome":"stored"}"#.to_owned())
}

fn assign(request: &Request, shared: &Shared) -> (u16, String) {
    let (state, changed) = &**shared;
    let mut state = state.lock().unwrap();
    let authorization: Authorization = request.authorization.parse().unwrap();
    let vantage: VantageId = "hk-1".parse().unwrap();
    let input = signing_input("GET", &request.path, &vantage, authorization.signed_at);
    let signature = BASE64_STANDARD.decode(&authorization.signature).unwrap();
    let key = UnparsedPublicKey::new(&ED25519, state.key.clone().unwrap());
    key.verify(&input, &signature).unwrap();
    if state.revoked {
        return (401, problem(401, "revoked-agent").1);
    }
    let known = request.path.split_once("?version=").map_or("", |(_, version)| version);
    known.clone_into(&mut state.known);
    changed.notify_all();
    let newer = |state: &State| !state.assignment.contains(&format!("\"version\":\"{known}\""));
    let wait = Duration::from_secs(20);
    let (state, _) = changed.wait_timeout_while(state, wait, |state| !newer(state)).unwrap();
    if newer(&state) { (200, state.assignment.clone()) } else { (204, String::new()) }
}

#[expect(clippy::disallowed_methods, reason = "this stands for another machine, with its clock")]
fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()
}
