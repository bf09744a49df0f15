//! An agent as far as the aggregator sees it: a key and what it signs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use reqwest::{Client, Response};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use vantage_aggregator::clock::{SystemClock, WallClock as _};
use vantage_wire::exchange::request::{Authorization, signing_input};
use vantage_wire::exchange::{
    ENROLMENTS, EnrolmentRequest, REPORT_MEDIA_TYPE, REPORTS, enrolment_signing_input,
};
use vantage_wire::report::{
    EncodedHistogram, Envelope, FailureCount, Family, Health, ProbeKey, ProbeKind, Report, Tally,
    WindowReport,
};
use vantage_wire::{
    BootId, FailureCode, LatencyHistogram, Micros, Phase, Sequence, UtcMicros, Window, WindowLength,
};

use crate::aggregator::Aggregator;
use crate::hostile::RawEnvelope;

/// A client that asks the aggregator itself, whatever proxy is set.
pub(crate) fn client() -> Client {
    // The process has one provider of cryptography; whichever test comes first chooses it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

/// An agent with a key of its own.
pub(crate) struct Agent {
    pub(crate) name: String,
    key: Ed25519KeyPair,
    client: Client,
}

/// Every agent made by this process gets another key.
static SEED: AtomicI64 = AtomicI64::new(1);

impl Agent {
    /// With a fresh key; not enrolled.
    pub(crate) fn new(name: &str) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&SEED.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        Self { name: name.to_owned(), key, client: client() }
    }

    /// Known to the aggregator.
    pub(crate) async fn enrolled(at: &Aggregator, name: &str, market: &str) -> Self {
        let agent = Self::new(name);
        let token = at.token(&[name, "--market", market]);
        let answer = agent.enrol(at, &token).await;
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
        agent
    }

    pub(crate) async fn enrol(&self, at: &Aggregator, token: &str) -> Response {
        let public_key: [u8; 32] = self.key.public_key().as_ref().try_into().unwrap();
        let signature = self.key.sign(&enrolment_signing_input(token, &public_key));
        let request = EnrolmentRequest {
            token: token.to_owned(),
            public_key: STANDARD.encode(public_key),
            signature: STANDARD.encode(signature),
            software: "vantage-agent test".to_owned(),
        };
        self.client.post(at.url.clone() + ENROLMENTS).json(&request).send().await.unwrap()
    }

    /// A sealed report.
    pub(crate) fn seal(&self, report: &Report) -> Vec<u8> {
        let envelope =
            Envelope::seal(report, |input| self.key.sign(input).as_ref().try_into().unwrap());
        envelope.unwrap().encode()
    }

    /// An envelope with any bytes for a report, rightly signed.
    pub(crate) fn seal_body(&self, body: Vec<u8>) -> Vec<u8> {
        let vantage = self.name.parse().unwrap();
        let signature = self.key.sign(&vantage_wire::report::signing_input(1, &vantage, &body));
        let signature = signature.as_ref().to_vec();
        RawEnvelope { version: 1, vantage: self.name.clone(), body, signature }.encode_to_vec()
    }

    /// Report number `sequence` of the agent's first boot.
    pub(crate) fn report(&self, sequence: u64, windows: Vec<WindowReport>) -> Report {
        Report {
            vantage: self.name.parse().unwrap(),
            boot: BootId::new([7; 16]),
            sequence: Sequence::new(sequence).unwrap(),
            software: "vantage-agent test".into(),
            windows,
            health: Health::default(),
        }
    }

    pub(crate) async fn send(&self, at: &Aggregator, envelope: Vec<u8>) -> Response {
        let request = self.client.post(at.url.clone() + REPORTS);
        request.header("content-type", REPORT_MEDIA_TYPE).body(envelope).send().await.unwrap()
    }

    /// A signed GET.
    pub(crate) async fn get(&self, at: &Aggregator, path: &str, signed_at: UtcMicros) -> Response {
        let vantage = self.name.parse().unwrap();
        let signature = self.key.sign(&signing_input("GET", path, &vantage, signed_at));
        let signature = STANDARD.encode(signature);
        let authorization = Authorization { vantage, signed_at, signature }.to_string();
        let request = self.client.get(at.url.clone() + path).header("authorization", authorization);
        request.send().await.unwrap()
    }
}

/// The minute that ended so many minutes ago.
pub(crate) fn minute(ago: i64) -> Window {
    let now = SystemClock.now();
    Window::containing(UtcMicros::new(now.get() - ago * 60_000_000), WindowLength::MINUTE)
}

/// One window with `ok` successes and `failed` failures of one probe.
pub(crate) fn window(window: Window, ok: u64, failed: u64) -> WindowReport {
    let key = ProbeKey {
        target: "oregon-web".parse().unwrap(),
        probe: "https".parse().unwrap(),
        kind: ProbeKind::Http,
        family: Family::Any,
        warm: false,
        interval: Micros::from_secs(1),
        timeout: Micros::from_secs(5),
    };
    let samples = (0..ok).map(|n| Micros::from_millis(180 + n));
    let total = LatencyHistogram::from_samples(samples);
    let mut tally = Tally { ok, ..Tally::default() };
    if ok > 0 {
        tally.phases.insert(Phase::Total, EncodedHistogram::from(&total));
    }
    if failed > 0 {
        let row = FailureCount { count: failed, last_detail: "no answer".into() };
        tally.failures.insert((FailureCode::TcpTimeout, Phase::Connect), row);
    }
    WindowReport { window, clock: None, tallies: BTreeMap::from([(key, tally)]) }
}
