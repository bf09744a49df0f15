//! Slots of the schedule that the agent itself spoils.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_agent::ProbeSpec;
use vantage_agent::probe::Probe;
use vantage_agent::runner::{InFlight, Outcome, Runner};
use vantage_agent::spec::{Action, TcpSpec};
use vantage_wire::{Attribution, FailureCode, Phase};
use vantage_world::World;

use crate::stage;

const ECHO: &str = "[[host.service]]\nkind = \"tcp\"\nport = 7\nbehaviour = \"echo\"";
const INTERVAL: Duration = Duration::from_millis(100);

fn spec() -> ProbeSpec {
    stage::spec(Action::Tcp(TcpSpec { host: "192.0.2.2".parse().unwrap(), port: 7 }))
}

/// Carries out so many attempts; `settled` is called with the number of each as it ends.
fn run(
    world: &World,
    attempts: u64,
    stop: &CancellationToken,
    settled: impl Fn(usize) + Sync,
) -> Vec<Outcome> {
    let surroundings = stage::surroundings(world);
    stage::at(world, "market", || async {
        let mut runner = Runner::new(InFlight::default());
        let probe = Probe::new(spec(), surroundings).unwrap();
        runner.add(probe, Instant::now(), INTERVAL, Some(attempts));
        let mut outcomes = Vec::new();
        let take = |outcome| {
            settled(outcomes.len());
            outcomes.push(outcome);
        };
        runner.run(take, stop.clone()).await;
        outcomes
    })
}

#[test]
fn an_agent_that_stands_still_misses_the_slots_meanwhile() {
    let world = stage::world(ECHO, "");
    let stand_still = |number| {
        if number == 0 {
            std::thread::sleep(4 * INTERVAL);
        }
    };
    let outcomes = run(&world, 10, &CancellationToken::new(), stand_still);
    assert_eq!(outcomes.len(), 10, "every slot has one outcome");
    let missed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.attempt.is_ok()).collect();
    // Of the four slots, the last may still have been in time. A busy machine may miss more.
    assert!(missed.len() >= 3, "{outcomes:?}");
    for Outcome { attempt, .. } in missed {
        stage::assert_fails(
            attempt,
            FailureCode::AgentMissedSlot,
            Phase::Total,
            Attribution::Agent,
        );
        assert_eq!(attempt.address, None, "nothing was sent");
    }
}

#[test]
fn an_agent_that_stops_gives_up_what_is_under_way() {
    let world = stage::world(ECHO, "blackhole = true");
    let stop = CancellationToken::new();
    let outcomes = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(INTERVAL);
            stop.cancel();
        });
        run(&world, 1, &stop, |_| {})
    });
    let [Outcome { attempt, .. }] = &outcomes[..] else { panic!("{outcomes:?}") };
    stage::assert_fails(attempt, FailureCode::AgentCancelled, Phase::Total, Attribution::Agent);
}
