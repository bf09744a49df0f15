//! Which key belongs to which agent, remembered for a moment.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use vantage_wire::VantageId;

use crate::store::{Registration, Store, StoreError};

/// How long a registration is believed: so long after `vantage agents revoke` an agent may still
/// be heard.
const BELIEVED: Duration = Duration::from_secs(2);
/// Unknown names are not remembered, so only enrolled agents take room here.
const MOST: usize = 100_000;

/// Registrations from the store, looked up at most every two seconds each.
#[derive(Debug, Default)]
pub struct Registrations {
    known: Mutex<HashMap<VantageId, (Instant, Registration)>>,
}

impl Registrations {
    /// The registration of an agent, `None` where none was enrolled under this name.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn get(
        &self,
        store: &Store,
        vantage: &VantageId,
    ) -> Result<Option<Registration>, StoreError> {
        if let Some(registration) = self.remembered(vantage) {
            return Ok(Some(registration));
        }
        let Some(registration) = store.vantage(vantage).await? else { return Ok(None) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(vantage.clone(), (Instant::now(), registration.clone()));
        Ok(Some(registration))
    }

    /// Forgets an agent whose registration changed.
    pub fn forget(&self, vantage: &VantageId) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(vantage);
    }

    fn remembered(&self, vantage: &VantageId) -> Option<Registration> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, registration) = known.get(vantage)?;
        (since.elapsed() < BELIEVED).then(|| registration.clone())
    }
}
