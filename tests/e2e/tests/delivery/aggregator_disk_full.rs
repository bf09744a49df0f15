//! An aggregator whose disk is full: it says so, takes nothing, loses nothing, and goes on by itself
//! when there is space.

use std::thread::sleep;
use std::time::Duration;

use crate::deployment::{Deployment, LOG_DELIVERIES};
use crate::exactly_once::judge;
use crate::small_disk::SmallDisk;

/// Waits until something is so; that it never is is the failure, after a minute.
fn wait_until(deployment: &Deployment, what: &str, is: impl Fn(&Deployment) -> bool) {
    for _ in 0..600 {
        if is(deployment) {
            return;
        }
        sleep(Duration::from_millis(100));
    }
    panic!("never: {what}");
}

#[test]
fn a_full_disk_costs_no_attempt_and_the_aggregator_recovers_by_itself() {
    let mut deployment = Deployment::new();
    let disk = SmallDisk::at(&deployment.data(), 24);
    deployment.start_all(&LOG_DELIVERIES);
    sleep(Duration::from_secs(5));
    assert_eq!(deployment.get("/readyz"), (200, "ready\n".to_owned()));

    disk.fill();
    let every_agent = |deployment: &Deployment, says: &str| {
        deployment.agents().all(|(name, _)| deployment.log(&format!("{name}.log")).contains(says))
    };
    wait_until(&deployment, "not ready", |deployment| {
        deployment.get("/readyz") == (503, "the disk is full\n".to_owned())
    });
    wait_until(&deployment, "every agent keeps its reports", |deployment| {
        every_agent(deployment, "507 store-full")
    });
    assert_eq!(deployment.get("/healthz").0, 200);

    disk.make_room();
    wait_until(&deployment, "every agent delivers again", |deployment| {
        every_agent(deployment, "the aggregator takes reports again")
    });
    assert!(deployment.log("aggregator.log").contains("the store can be written again"));
    assert_eq!(deployment.get("/readyz"), (200, "ready\n".to_owned()));
    deployment.finish_agents();
    judge(&deployment);
    let checked = deployment.vantage(&["store", "check"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
