//! Two aggregators on one PostgreSQL, and agents that go to either of them at random.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use vantage_aggregator::clock::{SystemClock, WallClock as _};
use vantage_aggregator::store::{EnrolmentToken, IncomingReport, Store};
use vantage_wire::exchange::REPORTS;
use vantage_wire::report::Envelope;
use vantage_wire::{UtcMicros, Window, WindowLength};

use crate::{fixture, postgres};

const AGENTS: u8 = 6;
const REPORTS_EACH: u64 = 40;

/// A `vantage serve` that ends with this value.
struct Aggregator {
    process: Child,
    url: String,
}

impl Aggregator {
    fn start(store: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_vantage"))
            .args(["serve", "--listen", "127.0.0.1:0", "--store", store, "--log", "warn"])
            .args(["--catalogue", "/dev/null"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(!url.is_empty(), "{}", process.wait().unwrap());
        Self { process, url: url.trim().to_owned() }
    }
}

impl Drop for Aggregator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A registered key, without the detour over HTTP.
async fn enrol(store: &Store, number: u8) -> Ed25519KeyPair {
    let key = Ed25519KeyPair::from_seed_unchecked(&[number + 1; 32]).unwrap();
    let now = SystemClock.now();
    let token = EnrolmentToken {
        hash: [number; 32],
        vantage: fixture::vantage(&format!("hk-{number}")),
        market: fixture::market("hk"),
        created: now,
        expires: UtcMicros::new(now.get() + 1_000_000_000),
    };
    store.create_token(&token).await.unwrap();
    let public_key = key.public_key().as_ref().try_into().unwrap();
    store.enrol(&token.hash, &public_key, &"test".into(), now).await.unwrap();
    key
}

/// A report of one of the last minutes, as two reports may be about the same one.
fn report(number: u8, sequence: u64) -> IncomingReport {
    let minute = SystemClock.now().get() - i64::try_from(sequence).unwrap() % 7 * 60_000_000;
    let window = Window::containing(UtcMicros::new(minute), WindowLength::MINUTE);
    let window = fixture::window(window.start_unix_s(), 60, sequence);
    fixture::report(&format!("hk-{number}"), number, sequence, vec![window])
}

fn sealed(key: &Ed25519KeyPair, incoming: &IncomingReport) -> Vec<u8> {
    let sign = |input: &[u8]| key.sign(input).as_ref().try_into().unwrap();
    Envelope::seal(&incoming.report, sign).unwrap().encode()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_may_go_to_either_at_random_and_again_and_is_counted_once() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let database = postgres::database();
    let store = database.open().await;
    let both = [0; 2].map(|_| Aggregator::start(&database.url));
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..AGENTS {
        let key = enrol(&store, number).await;
        let urls = both.each_ref().map(|aggregator| aggregator.url.clone() + REPORTS);
        senders.spawn(async move {
            let mut random = ChaCha8Rng::seed_from_u64(number.into());
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let reports: Vec<_> = (1..=REPORTS_EACH).map(|n| report(number, n)).collect();
            for report in &reports {
                let envelope = sealed(&key, report);
                // An answer that was lost is asked for again, here or there; at times at both at once.
                let sends = (0..random.random_range(1..4)).map(|_| {
                    let url = &urls[random.random_range(0..urls.len())];
                    client.post(url).body(envelope.clone()).send()
                });
                let sent: Vec<_> = sends.map(tokio::spawn).collect();
                for answer in sent {
                    assert_eq!(answer.await.unwrap().unwrap().status(), 200);
                }
            }
            (number, fixture::due_of(&reports))
        });
    }
    let sent = senders.join_all().await;
    drop(both);
    for (number, due) in sent {
        let totals = store.totals(&fixture::vantage(&format!("hk-{number}"))).await.unwrap();
        assert_eq!(totals.values().map(|series| series.due).sum::<u64>(), due, "hk-{number}");
    }
    fixture::roll_up_all(&store).await;
    fixture::assert_sound(&store).await;
    store.close().await;
}
