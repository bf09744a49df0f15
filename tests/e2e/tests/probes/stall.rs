//! A target, or its path, that stands still for two seconds: the open loop shows every attempt
//! that would have met it.

use std::thread;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_agent::probe::Probe;
use vantage_agent::runner::{InFlight, Outcome, Runner};
use vantage_agent::spec::{Action, HttpSpec};
use vantage_agent::{Attempt, ProbeSpec};
use vantage_wire::{Micros, Phase};
use vantage_world::services::Behaviour;
use vantage_world::{World, WorldConfig};

use crate::stage;

const SERVICE: &str = "[[host.service]]\nkind = \"http\"";
/// Ten probes, each every 100 ms, for 30 s: 100 attempts a second.
const PROBES: u32 = 10;
const INTERVAL: Duration = Duration::from_millis(100);
const ATTEMPTS: u64 = 300;
const STALL: Duration = Duration::from_secs(2);
/// A path of 20 ms and two exchanges on it take 40 ms.
const SLOW: Micros = Micros::from_millis(50);

fn spec() -> ProbeSpec {
    let url = "http://192.0.2.2/".parse().unwrap();
    ProbeSpec { timeout: Duration::from_secs(10), ..stage::spec(Action::Http(HttpSpec::get(url))) }
}

/// Probes for 30 s; `stall` is called after 10 s and is to come back when the stall is over.
fn probe_through(world: &World, stall: impl FnOnce() + Send) -> Vec<Outcome> {
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_secs(10));
            stall();
        });
        let surroundings = stage::surroundings(world);
        stage::at(world, "market", || async {
            let mut runner = Runner::new(InFlight::default());
            let start = Instant::now();
            for number in 0..PROBES {
                let probe = Probe::new(spec(), surroundings.clone()).unwrap();
                runner.add(probe, start + INTERVAL * number / PROBES, INTERVAL, Some(ATTEMPTS));
            }
            let mut outcomes = Vec::new();
            runner.run(|outcome| outcomes.push(outcome), CancellationToken::new()).await;
            outcomes
        })
    })
}

/// Every slot is accounted for, and about 200 attempts (2 s at 100/s) show the stall.
fn assert_shows_the_stall(outcomes: &[Outcome]) {
    assert_eq!(outcomes.len() as u64, u64::from(PROBES) * ATTEMPTS);
    let is_slow =
        |attempt: &Attempt| attempt.phases.get(Phase::Total).is_some_and(|total| total > SLOW);
    let slow = outcomes.iter().filter(|outcome| is_slow(&outcome.attempt)).count();
    let missed = outcomes.iter().filter(|outcome| !outcome.attempt.is_ok()).count();
    println!("{} attempts, {slow} slower than 50 ms, {missed} failed or missed", outcomes.len());
    assert!(slow >= 190, "{slow} attempts were slow");
}

#[test]
fn a_target_that_stands_still_is_met_by_every_attempt() {
    let world = stage::world(SERVICE, "");
    let site = world.service("site", 0).unwrap();
    let outcomes = probe_through(&world, || {
        site.set_behaviour(Behaviour::Hold).unwrap();
        thread::sleep(STALL);
        site.set_behaviour(Behaviour::Ok).unwrap();
    });
    assert_shows_the_stall(&outcomes);
}

#[test]
fn a_path_that_goes_dark_is_met_by_every_attempt() {
    let up = stage::text(SERVICE, "");
    let dark = stage::text(SERVICE, "blackhole = true");
    let [up, dark] = [up, dark].map(|text| WorldConfig::from_toml(&text).unwrap());
    let world = World::start(&up).unwrap();
    let outcomes = probe_through(&world, || {
        world.change(&dark).unwrap();
        thread::sleep(STALL);
        world.change(&up).unwrap();
    });
    assert_shows_the_stall(&outcomes);
}
