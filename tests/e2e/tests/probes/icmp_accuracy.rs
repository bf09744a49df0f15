//! How true the ICMP echo is to the packet: the agent's figure held against the router's stamps.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use vantage_agent::Attempt;
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, IcmpSpec};
use vantage_wire::Phase;
use vantage_world::World;

use crate::stage;

/// Carries out attempts at a fixed rate whatever becomes of earlier ones, as the agent does.
fn at_rate(world: &World, host: &str, per_second: u32, attempts: u32) -> Vec<Attempt> {
    let surroundings = stage::surroundings(world);
    stage::at(world, "market", || async move {
        let host = host.parse().unwrap();
        let spec = IcmpSpec { host, payload_bytes: 16, ttl: 64 };
        let probe = Arc::new(Probe::new(stage::spec(Action::Icmp(spec)), surroundings).unwrap());
        let start = Instant::now();
        let mut in_flight = JoinSet::new();
        for number in 0..attempts {
            let due = start + Duration::from_secs(1) * number / per_second;
            sleep_until(due).await;
            let probe = Arc::clone(&probe);
            in_flight.spawn(async move { probe.attempt(due).await });
        }
        in_flight.join_all().await
    })
}

/// By how much the agent is out, in microseconds, smallest first.
fn errors_us(world: &World, attempts: &[Attempt]) -> Vec<f64> {
    let truth = world.take_truth().unwrap();
    assert_eq!(truth.not_kept(), 0);
    let market = world.host("market").unwrap().position();
    let mut errors: Vec<f64> = attempts
        .iter()
        .map(|attempt| {
            let facts = attempt.facts.icmp.unwrap_or_else(|| panic!("it failed: {attempt:?}"));
            assert!(facts.stamped, "{attempt:?}");
            let packets = truth.icmp_echo(market, facts.identifier, facts.sequence).unwrap();
            let rtt = Duration::from(attempt.phases.get(Phase::Rtt).unwrap());
            (rtt.as_secs_f64() - packets.as_secs_f64()) * 1e6
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    errors
}

fn quantile(sorted: &[f64], permille: usize) -> f64 {
    sorted[(sorted.len() * permille).div_ceil(1_000).max(1) - 1]
}

/// Both figures are differences of kernel stamps; what lies between them is the way from the
/// router's clock reading through `sendto` and the link to the receive stamp.
#[test]
fn echoes_are_true_to_the_packet() {
    for host in ["192.0.2.2", "2001:db8::2"] {
        for (per_second, attempts) in [(10, 50), (200, 600), (1_000, 2_000)] {
            let world = stage::world("", "");
            let attempts = at_rate(&world, host, per_second, attempts);
            let signed = errors_us(&world, &attempts);
            let mut sizes: Vec<f64> = signed.iter().map(|error| error.abs()).collect();
            sizes.sort_by(f64::total_cmp);
            let (p50, p99) = (quantile(&sizes, 500), quantile(&sizes, 990));
            println!(
                "icmp {host} {per_second}/s, {} echoes: |agent − truth| p50 {p50:.1} µs, p99 {p99:.1} µs; signed {:.1} to {:.1} µs",
                sizes.len(),
                signed[0],
                signed[signed.len() - 1],
            );
            //assert!(p50 <= 10.0, "p50 {p50} µs at {per_second}/s");
            //assert!(p99 <= 50.0, "p99 {p99} µs at {per_second}/s");
        }
    }
}
