//! What the agent says of itself to Prometheus, where it is told to (`metrics_listen`).
//!
//! ```text
//! recording, runner, shipper ──count──▶ Metrics ──▶ page: GET /metrics
//! ```
//!
//! Nothing is counted where nobody may ask. What is counted for each series is a few dozen numbers, so
//! that a hundred targets stay within a megabyte.

mod attempts;
pub mod names;
mod page;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use vantage_service::metrics::{Exposition, ProcessFacts, Sample, Value};
use vantage_wire::Micros;
use vantage_wire::exchange::Stored;
use vantage_wire::report::{ClockOffset, Health, ProbeKey};

use crate::attempt::Attempt;
use crate::ship::ExchangeError;

pub use page::serve;

use attempts::Attempts;

/// All that is counted. Clones of its [`Arc`] share.
#[derive(Debug, Default)]
pub struct Metrics {
    attempts: Mutex<Attempts>,
    in_flight: AtomicU64,
    deliveries: Mutex<BTreeMap<&'static str, u64>>,
    assignment: Mutex<Option<(String, Instant)>>,
}

/// What came of the delivery of a report: stored, or why it was not.
const DELIVERIES: [&str; 6] = ["stored", "duplicate", "refused", "unknown", "busy", "unreached"];

impl Metrics {
    /// Other probes from now on: what was counted of those that are no longer made is forgotten.
    pub(crate) fn begin(&self, keys: &[ProbeKey]) {
        lock(&self.attempts).begin(keys);
    }

    /// A slot of the schedule is over.
    pub(crate) fn attempt(&self, key: &ProbeKey, attempt: &Attempt) {
        lock(&self.attempts).count(key, attempt);
    }

    /// So many attempts are under way.
    pub(crate) fn in_flight(&self, attempts: usize) {
        self.in_flight.store(attempts as u64, Ordering::Relaxed);
    }

    /// An assignment is carried out from now on.
    pub(crate) fn assigned(&self, version: &str) {
        *lock(&self.assignment) = Some((version.to_owned(), Instant::now()));
    }

    /// The delivery of a report was tried.
    pub(crate) fn delivery(&self, outcome: Result<Stored, &ExchangeError>) {
        let outcome = match outcome {
            Ok(Stored::Stored) => "stored",
            Ok(Stored::Duplicate) => "duplicate",
            Err(ExchangeError::Refused { .. }) => "refused",
            Err(ExchangeError::Unknown { .. }) => "unknown",
            Err(ExchangeError::Busy { .. }) => "busy",
            Err(ExchangeError::Unreached(_)) => "unreached",
        };
        *lock(&self.deliveries).entry(outcome).or_default() += 1;
    }

    /// Everything, now.
    pub(crate) fn exposition(&self, health: &Health, clock: Option<ClockOffset>) -> Exposition {
        let mut exposition = Exposition::new();
        let version = Sample::new([env!("CARGO_PKG_VERSION")], Value::Count(1));
        exposition.put(names::BUILD, [version]);
        lock(&self.attempts).put(&mut exposition);
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        exposition.put_one(names::IN_FLIGHT, Value::Count(in_flight));
        put_health(health, &mut exposition);
        let deliveries = lock(&self.deliveries);
        let deliveries = DELIVERIES.map(|outcome| {
            let count = deliveries.get(outcome).copied().unwrap_or_default();
            Sample::new([outcome], Value::Count(count))
        });
        exposition.put(names::DELIVERIES, deliveries);
        let seconds = |us: f64| us / 1e6;
        exposition
            .put_known(names::CLOCK_OFFSET, clock.map(|clock| seconds(clock.offset_us as f64)));
        exposition
            .put_known(names::CLOCK_BOUND, clock.map(|clock| seconds(clock.bound.get() as f64)));
        if let Some((version, since)) = &*lock(&self.assignment) {
            exposition.put(names::ASSIGNMENT, [Sample::new([version.clone()], Value::Count(1))]);
            let age = since.elapsed().as_secs_f64();
            exposition.put_one(names::ASSIGNMENT_AGE, Value::Number(age));
        }
        ProcessFacts::read().put(&mut exposition);
        exposition
    }
}

/// How the machine fares, as it was last found.
fn put_health(health: &Health, exposition: &mut Exposition) {
    let lag = health.event_loop_lag_p99.map(|lag| Micros::get(lag) as f64 / 1e6);
    exposition.put_known(names::LAG, lag);
    let steal = health.cpu_steal_permille.map(|permille| f64::from(permille) / 1e3);
    exposition.put_known(names::STEAL, steal);
    exposition.put_known(names::ANCHORS_REACHABLE, health.anchors_reachable.map(f64::from));
    exposition.put_known(names::ANCHORS, health.anchors_total.map(f64::from));
    exposition.put_known(names::SPOOL_WINDOWS, health.spool_windows.map(|windows| windows as f64));
    exposition.put_known(names::SPOOL_BYTES, health.spool_bytes.map(|bytes| bytes as f64));
}

/// What is guarded here is only ever added to: a panic elsewhere ends the agent.
fn lock<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Metrics that are counted, or none.
pub(crate) type Counting = Option<Arc<Metrics>>;
