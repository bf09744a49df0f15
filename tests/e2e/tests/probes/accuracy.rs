//! What the agent measures, against the packets that it measured.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_agent::probe::Probe;
use vantage_agent::runner::{InFlight, Outcome, Runner};
use vantage_agent::spec::{Action, TcpSpec};
use vantage_wire::Phase;
use vantage_world::World;
use vantage_world::truth::Flow;

use crate::stage;

/// The error of measurements in µs, either way, by rank.
pub struct Errors(Vec<f64>);

impl Errors {
    /// From pairs of a measured time and the truth, in µs.
    pub fn new(pairs: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut errors: Vec<_> = pairs.map(|(measured, truth)| (measured - truth).abs()).collect();
        errors.sort_by(f64::total_cmp);
        Self(errors)
    }

    /// The error that a share of the measurements does not exceed.
    pub fn quantile(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share).round() as usize]
    }
}

/// Runs probes of which each is due every 100 ms, at a rate in all, and returns the outcome of
/// every slot.
fn run(world: &World, action: &Action, rate: u32, attempts: u64) -> Vec<Outcome> {
    const INTERVAL: Duration = Duration::from_millis(100);
    let surroundings = stage::surroundings(world);
    let probes = (rate / 10).max(1);
    stage::at(world, "market", || async {
        let mut runner = Runner::new(InFlight::default());
        let start = Instant::now();
        for number in 0..probes {
            let probe = Probe::new(stage::spec(action.clone()), surroundings.clone()).unwrap();
            let first = start + INTERVAL * number / probes;
            runner.add(probe, first, INTERVAL, Some(attempts / u64::from(probes)));
        }
        let mut outcomes = Vec::new();
        runner.run(|outcome| outcomes.push(outcome), CancellationToken::new()).await;
        outcomes
    })
}

#[test]
fn the_tcp_handshake_is_true_to_the_packet() {
    let service = "[[host.service]]\nkind = \"tcp\"\nport = 7\nbehaviour = \"close\"";
    let world = stage::world(service, "");
    let action = Action::Tcp(TcpSpec { host: "192.0.2.2".parse().unwrap(), port: 7 });
    for (rate, attempts) in [(10, 40), (200, 1_000), (1_000, 4_000)] {
        let outcomes = run(&world, &action, rate, attempts);
        assert_eq!(outcomes.len() as u64, attempts, "every slot has one outcome");
        let truth = world.take_truth().unwrap();
        assert_eq!(truth.not_kept(), 0);
        let made: Vec<_> = outcomes.iter().filter(|outcome| outcome.attempt.is_ok()).collect();
        // A busy machine may miss slots; it counts them, and measures the others no worse.
        assert!(
            made.len() as u64 >= attempts / 2,
            "{} of {attempts} attempts were made",
            made.len()
        );
        let errors = Errors::new(made.iter().map(|outcome| {
            let attempt = &outcome.attempt;
            let flow = Flow {
                client: 0,
                client_port: attempt.facts.local_port.unwrap(),
                server: 1,
                server_port: 7,
            };
            let truth = truth.tcp_handshake(flow).unwrap();
            let measured = attempt.phases.get(Phase::Connect).unwrap();
            (measured.get() as f64, truth.as_secs_f64() * 1e6)
        }));
        let (p50, p99) = (errors.quantile(0.5), errors.quantile(0.99));
        println!(
            "tcp connect at {rate}/s: |agent − truth| p50 {p50:.1} µs, p99 {p99:.1} µs, {} missed",
            attempts as usize - made.len()
        );
        println!(
            "{:?}",
            made.iter()
                .take(12)
                .map(|o| {
                    let f = Flow {
                        client: 0,
                        client_port: o.attempt.facts.local_port.unwrap(),
                        server: 1,
                        server_port: 7,
                    };
                    o.attempt.phases.get(Phase::Connect).unwrap().get() as f64
                        - truth.tcp_handshake(f).unwrap().as_secs_f64() * 1e6
                })
                .collect::<Vec<_>>()
        );
    }
}
