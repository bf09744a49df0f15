//! Kill -9, again and again: agents, aggregator, both at once; the aggregator always in a commit.

use std::thread::sleep;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::deployment::{Deployment, LOG_DELIVERIES};
use crate::ledger;
use crate::places::MARKETS;
use crate::write_ahead_log::{end_of, wait_for_write};

/// Kills in all, at least.
const KILLS: usize = 200;
/// Between two; an agent is killed every six of them, on average, so that it closes some windows.
const PAUSE: Duration = Duration::from_millis(550);

/// Most time to wait for a commit to begin; agents that back off may not send for a while.
const MOST_WAIT: Duration = Duration::from_secs(2);
/// From the first byte that a commit writes to the kill, at most: longer than a commit takes.
const AFTER_FIRST_BYTE: Duration = Duration::from_micros(300);
/// Bytes that a commit may still write, at most: less than the five frames of the smallest.
const MOST_BYTES: usize = 4 * 4_120;
/// Commits that have to be cut short. Of the 119 kills of the aggregator about half are aimed at a
/// byte, and of those three quarters let a whole frame through, without which a cut does not show.
const CUT_COMMITS: usize = 20;

/// Kills the aggregator in a commit: either soon after the commit has begun to write, or where it
/// has written so many bytes. Returns whether a commit was begun and never finished.
fn kill_in_commit(deployment: &mut Deployment, random: &mut ChaCha8Rng) -> bool {
    let log = deployment.write_ahead_log();
    if random.random_bool(0.5) {
        let delay = AFTER_FIRST_BYTE.mul_f64(random.random_range(0.0..1.0));
        wait_for_write(&log, delay, MOST_WAIT);
    } else {
        let more = random.random_range(0..MOST_BYTES);
        let end = end_of(&std::fs::read(&log).unwrap()).bytes + more;
        deployment.end_aggregator_where_it_writes(end, MOST_WAIT);
    }
    deployment.kill_aggregator();
    end_of(&std::fs::read(log).unwrap()).within_a_commit
}

#[test]
fn every_attempt_is_counted_once_through_two_hundred_kills() {
    let seed = 2014;
    println!("seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut deployment = Deployment::start(&LOG_DELIVERIES);
    sleep(Duration::from_secs(5));
    let (mut kills, mut cut_commits) = (0, 0);
    while kills < KILLS {
        // Anywhere between two windows.
        sleep(PAUSE.mul_f64(random.random_range(0.5..1.5)));
        let number = random.random_range(0..MARKETS.len());
        let (agent, aggregator) = match random.random_range(0..4) {
            0 => (true, false),
            1 => (true, true),
            _ => (false, true),
        };
        if aggregator {
            cut_commits += usize::from(kill_in_commit(&mut deployment, &mut random));
            kills += 1;
        }
        if agent {
            deployment.kill_agent(number);
            kills += 1;
        }
        if aggregator {
            sleep(Duration::from_millis(random.random_range(0..300)));
            deployment.start_aggregator();
        }
        if agent {
            deployment.start_agent(number, &LOG_DELIVERIES);
        }
    }
    sleep(Duration::from_secs(3));
    deployment.finish_agents();
    let lost_answers = deployment.lost_answers();
    println!("{cut_commits} commits were cut short, {lost_answers} finished but not answered");
    assert!(cut_commits >= CUT_COMMITS, "only {cut_commits} commits were cut short");
    judge(&deployment);
}

/// Every series of every agent against the schedule, and the store against itself.
pub(crate) fn judge(deployment: &Deployment) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = deployment.store().await;
        for (name, kills) in deployment.agents() {
            let windows = ledger::windows(&store, &name.parse().unwrap()).await;
            assert_eq!(windows.len(), 12, "{name} has six targets with two probes each");
            let found = ledger::check(name, &windows, kills);
            println!("{name}: {} kills, {found:?}", kills.len());
            assert!(found.whole > 12, "{name}: too few undisturbed windows to tell anything");
            assert!(found.starved * 2 < found.attempts, "{name}: too busy to tell anything");
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
