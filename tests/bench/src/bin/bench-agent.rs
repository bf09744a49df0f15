//! The agent as a process of its own, for benches that measure its CPU time and its memory: runner,
//! probes and recorder as the real thing has them, without a network to report to.
//!
//! `bench-agent KIND HOST PORTS PER-SECOND INTERVAL-MS SECONDS record|time`: probes of KIND (`tcp`,
//! `icmp`, `tls`, `https`), so many that together they make PER-SECOND attempts, take turns at the
//! PORTS (`80,81`). With `record`, attempts are recorded, and every minute is closed, encoded and
//! compressed as a report; with `time`, the figures are kept for the final line. It prints `ready`
//! before its first attempt and the final line after the last one, and then stays until its standard
//! input ends, so that it can be looked at.

#![expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]

use std::io::Read as _;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_agent::probe::Probe;
use vantage_agent::record::{AgentState, Recorder};
use vantage_agent::runner::{InFlight, Outcome, Runner};
use vantage_agent::schedule::spread;
use vantage_agent::spec::{
    Action, Host, HttpSpec, IcmpSpec, ProbeSpec, TcpSpec, TlsParameters, TlsSpec,
};
use vantage_bench::stage;
use vantage_wire::report::{Envelope, Family, Health, ProbeKey, Report, Software, WindowReport};
use vantage_wire::{BootId, FailureCode, Micros, Phase, Sequence, UtcMicros, WindowLength};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, host, ports, per_second, interval_ms, seconds, keep] = arguments.as_slice() else {
        eprintln!("bench-agent is started by the benches; see its source");
        return;
    };
    let ports: Vec<u16> = ports.split(',').map(|port| port.parse().expect("a port")).collect();
    let interval = Duration::from_millis(number(interval_ms));
    let probes = number(per_second) * number(interval_ms) / 1_000;
    let length = Duration::from_secs(number(seconds));
    let specs: Vec<ProbeSpec> = (0..probes)
        .zip(ports.iter().cycle())
        .map(|(_, port)| stage::spec(action(kind, host, *port)))
        .collect();
    let mut books = Books::new(keep == "record", &specs, interval);
    let work = async {
        let mut runner = Runner::new(InFlight::default());
        let surroundings = stage::surroundings();
        let mut probes = Vec::new();
        for spec in specs {
            probes.push(Probe::new(spec, surroundings.clone()).expect("the probe makes sense"));
        }
        println!("ready");
        if probes.is_empty() {
            tokio::time::sleep(length).await;
            return;
        }
        let start = Instant::now();
        let slots = u64::try_from(length.as_millis() / interval.as_millis()).expect("a few");
        for (number, probe) in probes.into_iter().enumerate() {
            let first = start + spread(&format!("market/{number}"), interval);
            runner.add(probe, first, interval, Some(slots));
        }
        runner.run(|outcome| books.take(&outcome), CancellationToken::new()).await;
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a run-time")
        .block_on(work);
    println!("{}", books.line());
    let _ = std::io::stdin().read(&mut [0]);
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

fn action(kind: &str, host: &str, port: u16) -> Action {
    let url = format!("https://{host}:{port}/ok");
    let host: Host = host.parse().expect("an address");
    match kind {
        "tcp" => Action::Tcp(TcpSpec { host, port }),
        "icmp" => Action::Icmp(IcmpSpec { host, payload_bytes: 16, ttl: 64 }),
        "tls" => Action::Tls(TlsSpec { host, port, tls: TlsParameters::default() }),
        "https" => Action::Http(HttpSpec::get(url.parse().expect("a URL"))),
        other => panic!("no kind of probe is called {other:?}"),
    }
}

/// What is kept of the outcomes.
struct Books {
    recorder: Option<Recorder>,
    /// The wall clock and the monotonic one at the start.
    began: (UtcMicros, Instant),
    last_close: Instant,
    reports: u64,
    report_bytes: usize,
    figures_us: Vec<u64>,
    failed: u64,
    missed: u64,
    made: u64,
}

impl Books {
    fn new(record: bool, specs: &[ProbeSpec], interval: Duration) -> Self {
        let key = |(number, spec): (usize, &ProbeSpec)| ProbeKey {
            target: format!("target-{number}").parse().expect("an id"),
            probe: "probe".parse().expect("an id"),
            kind: spec.action.kind(),
            family: Family::Any,
            warm: false,
            interval: Micros::from_duration_saturating(interval),
            timeout: Micros::from_duration_saturating(spec.timeout),
        };
        let keys = || specs.iter().enumerate().map(key).collect();
        let now = clock_gettime(ClockId::CLOCK_REALTIME).expect("a clock");
        Self {
            recorder: record.then(|| Recorder::new(WindowLength::MINUTE, keys())),
            began: (UtcMicros::new(now.tv_sec() * 1_000_000), Instant::now()),
            last_close: Instant::now(),
            reports: 0,
            report_bytes: 0,
            figures_us: Vec::new(),
            failed: 0,
            missed: 0,
            made: 0,
        }
    }

    fn take(&mut self, outcome: &Outcome) {
        let attempt = &outcome.attempt;
        match &attempt.failure {
            None => self.made += 1,
            Some(failure) if failure.code == FailureCode::AgentMissedSlot => self.missed += 1,
            Some(failure) => {
                if self.failed == 0 {
                    eprintln!("bench-agent: the first failure: {failure}");
                }
                self.failed += 1;
            }
        }
        let at = self.utc(outcome.due);
        let now = Instant::now();
        let settled = self.utc(now);
        let Some(recorder) = &mut self.recorder else {
            let figure = attempt.phases.get(Phase::Total).or(attempt.phases.get(Phase::Rtt));
            self.figures_us.extend(figure.map(Micros::get));
            return;
        };
        recorder.record(outcome.probe, at, attempt, AgentState::Well);
        if now.duration_since(self.last_close) >= Duration::from_secs(1) {
            self.last_close = now;
            let windows = recorder.close(settled, None);
            if !windows.is_empty() {
                self.report(windows);
            }
        }
    }

    fn utc(&self, at: Instant) -> UtcMicros {
        let (utc, monotonic) = self.began;
        let since = i64::try_from(at.saturating_duration_since(monotonic).as_micros());
        utc.checked_add_signed(since.expect("a bench is short")).expect("this century")
    }

    fn report(&mut self, windows: Vec<WindowReport>) {
        self.reports += 1;
        let report = Report {
            vantage: "market".parse().expect("an id"),
            boot: BootId::new([1; 16]),
            sequence: Sequence::new(self.reports).expect("above zero"),
            software: Software::from("bench-agent"),
            windows,
            health: Health::default(),
        };
        let sealed = Envelope::seal(&report, |_| [0; 64]).expect("a report");
        self.report_bytes += sealed.encode().len();
    }

    fn line(&mut self) -> String {
        self.figures_us.sort_unstable();
        let figure = |percent: usize| {
            self.figures_us.get(self.figures_us.len() * percent / 100).copied().unwrap_or(0)
        };
        format!(
            "{} {} {} {} {} {} {}",
            self.made,
            self.failed,
            self.missed,
            figure(50),
            figure(99),
            self.reports,
            self.report_bytes
        )
    }
}
