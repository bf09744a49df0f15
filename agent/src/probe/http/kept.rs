//! A connection that is kept between attempts.
//!
//! An attempt that finds it usable is *warm*: it has the phases `request`, `transfer` and `total`
//! only. One that does not (the first, after a failure, after the server closed it, while another
//! attempt is on it) makes the connection and is not warm. A server may close a connection just
//! when a request is on its way: then the attempt makes another connection and is not warm, with
//! the lost time in its `total`.

use std::sync::PoisonError;

use vantage_wire::report::Family;
use vantage_wire::{Failure, FailureCode};

use super::super::{Stopwatch, Surroundings};
use super::HttpProbe;
use super::connection::Connection;
use super::exchange::Exchanged;
use crate::attempt::PhaseTimes;
use crate::net::Network;
use crate::spec::HttpSpec;

impl HttpProbe {
    /// Makes the request on the connection kept, or on a new one.
    pub(super) async fn run_kept<N: Network>(
        &self,
        spec: &HttpSpec,
        surroundings: &Surroundings<N>,
        family: Family,
        watch: &mut Stopwatch,
    ) -> Result<(), Failure> {
        if let Some(mut connection) = self.keep(None)
            && connection.is_alive().await
        {
            connection.stamps.renew();
            watch.attempt.warm = true;
            watch.attempt.address = connection.identity.address;
            watch.attempt.facts.tls.clone_from(&connection.identity.tls);
            let exchanged =
                self.ask(&mut connection, &self.template, &spec.url, spec, watch).await?;
            if !was_closed_meanwhile(&exchanged) {
                return self.judge_and_keep(connection, exchanged, spec, watch).await;
            }
            watch.attempt.warm = false;
            watch.attempt.phases = PhaseTimes::default();
        }
        let mut connection = self.open(&self.origin, spec, surroundings, family, watch).await?;
        let exchanged = self.ask(&mut connection, &self.template, &spec.url, spec, watch).await?;
        self.judge_and_keep(connection, exchanged, spec, watch).await
    }

    async fn judge_and_keep(
        &self,
        mut connection: Connection,
        exchanged: Exchanged,
        spec: &HttpSpec,
        watch: &mut Stopwatch,
    ) -> Result<(), Failure> {
        let whole = exchanged.outcome.as_ref().is_ok_and(|content| !content.cut);
        let judged = self.judge(exchanged, &spec.url, spec, watch);
        if whole && connection.is_alive().await {
            self.keep(Some(connection));
        }
        judged.map(|_| ())
    }

    /// Puts a connection by and takes the one that was.
    fn keep(&self, connection: Option<Connection>) -> Option<Connection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *kept, connection)
    }
}

/// Whether the server closed a kept connection before it saw the request: no failure, and no
/// reason not to ask again. A probe asks again and again in any case, so this holds for methods
/// that are not idempotent, too.
fn was_closed_meanwhile(exchanged: &Exchanged) -> bool {
    let code = exchanged.outcome.as_ref().err().map(|failure| failure.code);
    !exchanged.began && matches!(code, Some(FailureCode::HttpEof | FailureCode::HttpReset))
}
