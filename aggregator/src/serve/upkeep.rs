//! What has to be done again and again: rolling windows up, and forgetting what is too old.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use vantage_wire::MarketId;

use crate::catalogue::Catalogue;
use crate::clock::WallClock;
use crate::store::{Retention, Store, StoreError, TimeZoneName};

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(5);
/// Rounds between two of rolling up: what is merged again is the hour that is not over yet, and its
/// cost does not grow with how often.
const ROLL_UP_EVERY: u32 = 12;
/// Rounds between two of forgetting.
const EXPIRE_EVERY: u32 = 120;
/// Hours, and days, that are brought up to date before the end is looked for.
const AT_ONCE: u32 = 64;

/// Rolls up and expires until draining.
///
/// # Errors
///
/// Where a row cannot be read that the store itself wrote. A store that is busy, full or away is
/// tried again.
pub async fn keep_up(
    store: Store,
    mut catalogue: watch::Receiver<Arc<Catalogue>>,
    clock: Arc<dyn WallClock>,
    retention: Retention,
    draining: CancellationToken,
) -> anyhow::Result<()> {
    let mut round = 0_u32;
    while draining.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        if catalogue.has_changed().unwrap_or(false) {
            let zones = time_zones(&catalogue.borrow_and_update());
            passing(store.set_time_zones(&zones).await)?;
        }
        if round.is_multiple_of(ROLL_UP_EVERY) {
            while let Some(done) = passing(store.roll_up(AT_ONCE).await)? {
                for fault in &done.faults {
                    tracing::error!(
                        vantage = %fault.vantage, level = ?fault.level, start_s = fault.start.unix_seconds_floor(),
                        "cannot be rolled up: {}", fault.problem
                    );
                }
                if !done.is_more || draining.is_cancelled() {
                    break;
                }
            }
        }
        if round.is_multiple_of(EXPIRE_EVERY) {
            passing(store.expire(clock.now(), &retention).await)?;
        }
        round = round.wrapping_add(1);
    }
    Ok(())
}

/// The time zones of a catalogue's markets, as the store has them.
pub(super) fn time_zones(catalogue: &Catalogue) -> BTreeMap<MarketId, TimeZoneName> {
    let zones = catalogue.time_zones().into_iter();
    zones
        .filter_map(|(market, zone)| Some((market, TimeZoneName::new(zone.iana_name()?).ok()?)))
        .collect()
}

/// `None` where the store could not do it at the moment.
fn passing<T>(outcome: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(error @ (StoreError::Busy(_) | StoreError::Full(_) | StoreError::Backend(_))) => {
            tracing::warn!(error = %crate::log::chain(&error), "upkeep of the store has to wait");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
