//! Whether the agents there are, taken together, probe a target more often than it may be.
//!
//! A catalogue is refused where the vantage points that it lists would; but others may enrol.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::catalogue::{Catalogue, ExceededCap};
use crate::store::Store;

/// Between two looks; agents enrol seldom.
const EVERY: Duration = Duration::from_mins(1);

/// Looks at the start, whenever the catalogue changes and from time to time, until draining. Warns
/// of each target once, and again when its numbers have changed.
///
/// # Errors
///
/// None: a store that cannot be read is asked again.
pub async fn watch(
    store: Store,
    mut catalogue: watch::Receiver<Arc<Catalogue>>,
    draining: CancellationToken,
) -> anyhow::Result<()> {
    let mut known = Vec::new();
    loop {
        let current = Arc::clone(&catalogue.borrow_and_update());
        if let Some(exceeded) = exceeded(&store, &current).await {
            for cap in exceeded.iter().filter(|cap| !known.contains(*cap)) {
                tracing::warn!("{cap}");
            }
            known = exceeded;
        }
        tokio::select! {
            () = draining.cancelled() => return Ok(()),
            // Its sender is gone when draining only.
            Ok(()) = catalogue.changed() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn exceeded(store: &Store, catalogue: &Catalogue) -> Option<Vec<ExceededCap>> {
    let agents = match store.vantages().await {
        Ok(agents) => agents,
        Err(error) => {
            tracing::debug!(error = %crate::log::chain(&error), "the agents cannot be counted");
            return None;
        }
    };
    let registrations = agents.iter().map(|agent| &agent.registration);
    let active = registrations.filter(|registration| registration.revoked.is_none());
    Some(catalogue.exceeded_caps(active.map(|each| (&each.vantage, &each.market))))
}
