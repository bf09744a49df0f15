//! Agents that only report: as many as one likes, each with a key, an enrolment and signed reports
//! of a minute, as the real ones send them.

use std::collections::BTreeMap;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use vantage_aggregator::clock::{SystemClock, WallClock as _};
use vantage_aggregator::identity::hash_secret;
use vantage_aggregator::store::{EnrolmentToken, Location, Store};
use vantage_wire::report::{
    ClockOffset, EncodedHistogram, Envelope, Family, Health, ProbeKey, ProbeKind, Report, Tally,
    WindowReport,
};
use vantage_wire::{
    BootId, LatencyHistogram, Micros, Phase, Sequence, UtcMicros, Window, WindowLength,
};

/// Probes of each agent.
pub const PROBES: usize = 20;
/// Phases of each probe: each is a series.
pub const PHASES: [Phase; 6] =
    [Phase::Dns, Phase::Connect, Phase::Tls, Phase::Request, Phase::Transfer, Phase::Total];
/// Attempts of each probe in a minute.
const ATTEMPTS: usize = 60;

/// One agent that reports.
pub struct Reporter {
    name: String,
    key: Ed25519KeyPair,
    number: u64,
}

impl Reporter {
    /// So many of them, registered in the store.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn enrol(count: u64, store: &Location) -> anyhow::Result<Vec<Self>> {
        let store = Store::open(store).await?;
        let now = SystemClock.now();
        let expires = UtcMicros::new(now.get() + 3_600_000_000);
        let mut reporters = Vec::new();
        for number in 0..count {
            let mut seed = [1; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            let key = Ed25519KeyPair::from_seed_unchecked(&seed)
                .map_err(|_| anyhow::anyhow!("bad seed"))?;
            let name = format!("agent-{number}");
            let (vantage, market) = (name.parse()?, format!("market-{}", number % 6).parse()?);
            // A run before this one may have used it.
            let hash = hash_secret(&format!("{name} {}", now.get()));
            store
                .create_token(&EnrolmentToken { hash, vantage, market, created: now, expires })
                .await?;
            let public_key = key.public_key().as_ref().try_into()?;
            store.enrol(&hash, &public_key, &"bench".into(), now).await?;
            reporters.push(Self { name, key, number });
        }
        store.close().await;
        Ok(reporters)
    }

    /// Sealed reports, each about one minute, the first of them so many minutes ago.
    ///
    /// # Errors
    /// Where a report is too large.
    pub fn reports(&self, boot: [u8; 16], minutes: u64) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut random = ChaCha8Rng::seed_from_u64(self.number);
        let now = SystemClock.now();
        let mut envelopes = Vec::new();
        for minute in 0..minutes {
            let ago_us = i64::try_from((minutes - minute + 1) * 60_000_000)?;
            let start = UtcMicros::new(now.get() - ago_us);
            let report = Report {
                vantage: self.name.parse()?,
                boot: BootId::new(boot),
                sequence: Sequence::new(minute + 1).unwrap_or(Sequence::FIRST),
                software: "bench".into(),
                windows: vec![window(Window::containing(start, WindowLength::MINUTE), &mut random)],
                health: Health::default(),
            };
            let seal = |input: &[u8]| {
                let mut signature = [0; 64];
                signature.copy_from_slice(self.key.sign(input).as_ref());
                signature
            };
            envelopes.push(Envelope::seal(&report, seal)?.encode());
        }
        Ok(envelopes)
    }
}

/// A minute of probes whose phases take some tens of milliseconds, with a tail.
fn window(window: Window, random: &mut ChaCha8Rng) -> WindowReport {
    let mut tallies = BTreeMap::new();
    for probe in 0..PROBES {
        let key = ProbeKey {
            target: format!("target-{probe}").parse().unwrap_or_else(|_| unreachable!("a name")),
            probe: "https".parse().unwrap_or_else(|_| unreachable!("a name")),
            kind: ProbeKind::Http,
            family: Family::Any,
            warm: false,
            interval: Micros::from_secs(1),
            timeout: Micros::from_secs(5),
        };
        let mut tally = Tally { ok: ATTEMPTS as u64, ..Tally::default() };
        for (nth, phase) in PHASES.into_iter().enumerate() {
            let base_us = 10_000 * (probe + nth + 1) as u64;
            let samples = (0..ATTEMPTS).map(|_| {
                // Most are within 2 % of the least; one in twenty takes up to half as long again.
                let spread = if random.random_ratio(1, 20) { base_us / 2 } else { base_us / 50 };
                Micros::new(base_us + random.random_range(0..spread))
            });
            let histogram = LatencyHistogram::from_samples(samples);
            tally.phases.insert(phase, EncodedHistogram::from(&histogram));
        }
        tallies.insert(key, tally);
    }
    let clock = ClockOffset { offset_us: 150, bound: Micros::from_millis(20) };
    WindowReport { window, clock: Some(clock), tallies }
}
