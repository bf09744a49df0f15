//! What the agent measures, against the packets that it measured.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_agent::probe::Probe;
use vantage_agent::runner::{InFlight, Outcome, Runner};
use vantage_agent::spec::{Action, TcpSpec};
use vantage_wire::Phase;
use vantage_world::World;
use vantage_world::truth::{Flow, Truth};

use crate::stage;

/// How much longer measurements were than their packets took, in µs.
struct Excess(Vec<f64>);

impl Excess {
    fn new(mut excess_us: Vec<f64>) -> Self {
        excess_us.sort_by(f64::total_cmp);
        Self(excess_us)
    }

    /// The excess that so many percent of the measurements do not exceed.
    fn percentile(&self, percent: usize) -> f64 {
        self.0[(self.0.len() - 1) * percent / 100]
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
        let capture = world.capture("market").unwrap();
        let outcomes = run(&world, &action, rate, attempts);
        assert_eq!(outcomes.len() as u64, attempts, "every slot has one outcome");
        let capture = capture.finish().unwrap();
        let truth = world.take_truth().unwrap();
        assert_eq!((capture.not_kept(), truth.not_kept()), (0, 0));
        let made: Vec<_> = outcomes.iter().filter(|outcome| outcome.attempt.is_ok()).collect();
        // A busy machine may miss slots; it counts them, and measures the others no worse.
        assert!(
            made.len() as u64 >= attempts / 2,
            "{} of {attempts} attempts were made",
            made.len()
        );
        let excess_over = |packets: &Truth| {
            let excess = made.iter().map(|outcome| {
                let attempt = &outcome.attempt;
                let client_port = attempt.facts.local_port.unwrap();
                let flow = Flow { client: 0, client_port, server: 1, server_port: 7 };
                let packets = packets.tcp_handshake(flow).unwrap();
                let measured = attempt.phases.get(Phase::Connect).unwrap();
                measured.get() as f64 - packets.as_secs_f64() * 1e6
            });
            Excess::new(excess.collect())
        };
        let (by_capture, by_router) = (excess_over(&capture), excess_over(&truth));
        let least = by_capture.percentile(0);
        let [least_by_router, p50, p99] = [0, 50, 99].map(|percent| by_router.percentile(percent));
        let missed = attempts - made.len() as u64;
        println!(
            "tcp connect at {rate}/s: agent − truth p50 {p50:.1} µs, p99 {p99:.1} µs, {missed} missed"
        );
        // The kernel stamps its SYN, then the capture does, then the router's end of the link; the
        // answer comes the other way round. So the agent's figure is the longest of the three, whoever
        // is held up in between, and the capture, which does not pass through the router's thread, the
        // strictest bound from below. The kernel's figure is whole microseconds.
        assert!(
            least >= -2.0,
            "{least:.1} µs ({least_by_router:.1} by the router): shorter than the packets took"
        );
        // What the kernel adds between its own clock and the link; the budget is measured by the
        // bench, on a machine that does nothing else.
        assert!(p50 <= 150.0, "p50 {p50:.1} µs at {rate}/s");
    }
}
