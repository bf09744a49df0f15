//! A wall clock that steps, forward and backward, during a run of every kind of probe: the windows
//! follow it, and nothing that was measured does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_agent::ProbeSpec;
use vantage_agent::clock::WallClock;
use vantage_agent::net::dns::RecordType;
use vantage_agent::probe::Probe;
use vantage_agent::run::Recording;
use vantage_agent::runner::{InFlight, Outcome, Runner};
use vantage_agent::spec::{
    Action, DnsSpec, DnsTransport, HttpSpec, IcmpSpec, QuicSpec, TcpSpec, TlsParameters, TlsSpec,
};
use vantage_wire::report::{Family, ProbeKey, WindowReport};
use vantage_wire::{FailureCode, LatencyHistogram, Micros, Phase, UtcMicros, Window, WindowLength};

use crate::stage;

const SITE: &str = r#"
[[host.service]]
kind = "https"
[[host.service]]
kind = "h3"
[[host.service]]
kind = "dns"
records = { "site.test" = "192.0.2.2" }
"#;
const INTERVAL: Duration = Duration::from_millis(100);
const ATTEMPTS: u64 = 20;
/// When the wall clock says that the run begins.
const BEGAN_S: i64 = 1_400_000_040;
/// Steps of the wall clock before the sixth and the thirteenth slot: an hour ahead, then three back.
const STEPS: [(u32, i64); 2] = [(5, 3_600), (12, -3 * 3_600)];

/// A probe of each kind; the last one fails.
fn specs(ca_pem: &str) -> Vec<ProbeSpec> {
    let site = || "192.0.2.2".parse().unwrap();
    let tls = || TlsParameters { ca_pem: Some(ca_pem.to_owned()), ..TlsParameters::default() };
    let url = || "https://192.0.2.2/bytes/2000".parse().unwrap();
    let get = HttpSpec { tls: tls(), ..HttpSpec::get(url()) };
    let request = Some(Box::new(HttpSpec::get(url())));
    let dns = DnsSpec {
        name: "site.test".to_owned(),
        record_type: RecordType::A,
        server: Some("192.0.2.2:53".parse().unwrap()),
        transport: DnsTransport::Udp,
        expected_addresses: Vec::new(),
    };
    [
        Action::Icmp(IcmpSpec { host: site(), payload_bytes: 16, ttl: 64 }),
        Action::Tcp(TcpSpec { host: site(), port: 443 }),
        Action::Tls(TlsSpec { host: site(), port: 443, tls: tls() }),
        Action::Http(get),
        Action::Dns(dns),
        Action::Quic(QuicSpec { host: site(), port: 443, tls: tls(), request }),
        Action::Tcp(TcpSpec { host: site(), port: 1 }),
    ]
    .map(stage::spec)
    .into()
}

/// A wall clock that begins at a given time and steps where it is told to.
struct SteppingClock {
    start: Instant,
    steps: &'static [(u32, i64)],
}

impl WallClock for SteppingClock {
    fn now(&self) -> UtcMicros {
        let passed = self.start.elapsed();
        let due = self.steps.iter().filter(|(slot, _)| passed >= INTERVAL * *slot);
        let stepped_us: i64 = due.map(|(_, seconds)| seconds * 1_000_000).sum();
        let passed_us = i64::try_from(passed.as_micros()).unwrap();
        UtcMicros::new(BEGAN_S * 1_000_000 + passed_us + stepped_us)
    }
}

fn keys(specs: &[ProbeSpec]) -> Vec<ProbeKey> {
    let key = |(number, spec): (usize, &ProbeSpec)| ProbeKey {
        target: "site".parse().unwrap(),
        probe: format!("probe-{number}").parse().unwrap(),
        kind: spec.action.kind(),
        family: Family::Any,
        warm: false,
        interval: Micros::from_duration_saturating(INTERVAL),
        timeout: Micros::from_secs(2),
    };
    specs.iter().enumerate().map(key).collect()
}

/// All that was measured, wherever it was placed: times by probe and phase, counts.
#[derive(Debug, Default, PartialEq)]
struct Measured {
    ok: u64,
    failures: BTreeMap<(FailureCode, Phase), u64>,
    times: BTreeMap<(ProbeKey, Phase), Vec<LatencyHistogram>>,
}

fn measured(reports: Vec<WindowReport>) -> (Measured, Vec<Window>) {
    let (mut all, mut windows) = (Measured::default(), Vec::new());
    for WindowReport { window, tallies, .. } in reports {
        windows.push(window);
        for (key, tally) in tallies {
            all.ok += tally.ok;
            for (how, row) in tally.failures {
                *all.failures.entry(how).or_default() += row.count;
            }
            for (phase, times) in tally.phases {
                let times = times.decode().unwrap();
                all.times.entry((key.clone(), phase)).or_default().push(times);
            }
        }
    }
    // Of each series one histogram: the sum over its windows.
    for parts in all.times.values_mut() {
        let mut merger = vantage_wire::HistogramMerger::new();
        for part in &*parts {
            merger.add(part).unwrap();
        }
        *parts = vec![merger.finish()];
    }
    (all, windows)
}

#[test]
fn a_wall_clock_that_steps_moves_windows_and_no_figure() {
    let world = stage::world(SITE, "");
    let specs = specs(world.ca_pem());
    let surroundings = stage::surroundings(&world);
    let (outcomes, steady, stepped) = stage::at(&world, "market", || async {
        let mut runner = Runner::new(InFlight::default());
        let start = Instant::now() + INTERVAL;
        for (number, spec) in (0..).zip(&specs) {
            let probe = Probe::new(spec.clone(), surroundings.clone()).unwrap();
            // Spread over the slot, so that each kind has attempts under way at a step.
            runner.add(probe, start + INTERVAL * number / 10, INTERVAL, Some(ATTEMPTS));
        }
        let mut recordings = [&[], &STEPS[..]].map(|steps| {
            let clock = SteppingClock { start, steps };
            let mut recording = Recording::new(clock, Arc::default());
            recording.begin(WindowLength::MINUTE, keys(&specs), 0);
            recording
        });
        let mut outcomes = Vec::new();
        let settled = |outcome: Outcome| {
            for recording in &mut recordings {
                recording.settle(outcome.clone());
            }
            outcomes.push(outcome);
        };
        runner.run(settled, CancellationToken::new()).await;
        let [steady, stepped] = recordings.map(|mut recording| recording.finish());
        (outcomes, steady, stepped)
    });
    assert_eq!(outcomes.len() as u64, specs.len() as u64 * ATTEMPTS);
    let ((steady, at), (stepped, elsewhere)) = (measured(steady), measured(stepped));
    assert_eq!(steady, stepped, "what was measured does not know the wall clock");
    assert_eq!(steady.failures[&(FailureCode::TcpRefused, Phase::Connect)], ATTEMPTS);
    assert_eq!(steady.ok, 6 * ATTEMPTS, "{:?}", steady.failures);
    for ((_, phase), times) in &steady.times {
        assert!(*phase == Phase::Transfer || times[0].min() >= Some(Micros::from_millis(20)));
        assert!(times[0].max() < Some(Micros::from_secs(2)), "no step is in any time");
    }
    // The first minute; an hour ahead, which is another; two hours before the first.
    assert_eq!(at.len(), 1);
    let starts: Vec<_> = elsewhere.iter().map(|window| window.start_unix_s()).collect();
    let first = BEGAN_S;
    assert_eq!(starts, [first - 7_200, first, first + 3_600]);
}
