//! Kill -9, again and again: agents, aggregator, both at once.

use std::thread::sleep;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::deployment::{Deployment, MARKETS};
use crate::ledger;

/// Kills in all, at least.
const KILLS: usize = 200;
/// Between two; an agent is killed every six of them, on average, so that it closes some windows.
const PAUSE: Duration = Duration::from_millis(550);

#[test]
fn every_attempt_is_counted_once_through_two_hundred_kills() {
    let seed = 2014;
    println!("seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut deployment = Deployment::start(&[]);
    sleep(Duration::from_secs(5));
    let mut kills = 0;
    while kills < KILLS {
        // Anywhere between two windows and two commits.
        sleep(PAUSE.mul_f64(random.random_range(0.5..1.5)));
        let number = random.random_range(0..MARKETS.len());
        match random.random_range(0..4) {
            0 => {
                deployment.kill_agent(number);
                deployment.start_agent(number, &[]);
                kills += 1;
            }
            1 => {
                deployment.kill_agent(number);
                deployment.kill_aggregator();
                sleep(Duration::from_millis(random.random_range(0..300)));
                deployment.start_aggregator();
                deployment.start_agent(number, &[]);
                kills += 2;
            }
            _ => {
                deployment.kill_aggregator();
                sleep(Duration::from_millis(random.random_range(0..300)));
                deployment.start_aggregator();
                kills += 1;
            }
        }
    }
    sleep(Duration::from_secs(3));
    deployment.finish_agents();
    judge(&deployment);
}

/// Every series of every agent against the schedule, and the store against itself.
fn judge(deployment: &Deployment) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = deployment.store().await;
        for (name, kills) in deployment.agents() {
            let windows = ledger::windows(&store, &name.parse().unwrap()).await;
            assert_eq!(windows.len(), 12, "{name} has six targets with two probes each");
            let whole = ledger::check(name, &windows, kills);
            println!("{name}: {} kills, {whole} undisturbed windows, all whole", kills.len());
            assert!(whole > 12, "{name}: too few undisturbed windows to tell anything");
        }
        while store.roll_up(1_000).await.unwrap().is_more {}
        let report = store.check().await.unwrap();
        assert!(report.is_sound(), "{report:?}");
        store.close().await;
    });
}

#[test]
fn a_cut_link_delays_and_loses_nothing() {
    let mut deployment = Deployment::start(&[]);
    sleep(Duration::from_secs(4));
    deployment.cut(true);
    sleep(Duration::from_secs(8));
    deployment.cut(false);
    // Until the agents, which back off, have come through.
    sleep(Duration::from_secs(20));
    deployment.finish_agents();
    judge(&deployment);
}
