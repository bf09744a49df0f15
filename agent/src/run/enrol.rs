//! Becoming known to the aggregator.

use rand::Rng;
use vantage_service::Backoff;

use crate::clock::WallClock;
use crate::identity::{IdentityError, Registration, Token};
use crate::ship::{Aggregator, ExchangeError, LONGEST_WAIT, Transport};
use crate::spool::Storage;

/// Why the agent is not registered.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// There is neither a registration nor a token.
    #[error(
        "this agent is not enrolled: run `vantage enroll` at the aggregator and give the token \
         that it prints with --enrol-token-file or VANTAGE_ENROL_TOKEN"
    )]
    NoToken,
    /// The aggregator does not take the token.
    #[error("the token was not accepted, have another printed by `vantage enroll`: {0}")]
    Refused(ExchangeError),
    /// The registration cannot be read or kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// The agent's registration: the one that it has, or the one that the token is traded for. Tries
/// until there is an answer. A token that was traded before is not used again.
///
/// # Errors
/// [`EnrolError`].
pub async fn register<T: Transport, C: WallClock>(
    aggregator: &Aggregator<T, C>,
    folder: &mut impl Storage,
    token: Option<&Token>,
    random: &mut impl Rng,
) -> Result<Registration, EnrolError> {
    let held = Registration::load(folder)?;
    let token = match (held, token) {
        (Some(held), None) => return Ok(held),
        (Some(held), Some(token)) if held.is_for(token) => return Ok(held),
        (None, None) => return Err(EnrolError::NoToken),
        (_, Some(token)) => token,
    };
    let mut backoff = Backoff::up_to(LONGEST_WAIT);
    loop {
        let error = match aggregator.enrol(token).await {
            Ok(enrolment) => {
                tracing::info!(vantage = %enrolment.vantage, market = %enrolment.market, "enrolled");
                let registration = Registration::new(enrolment, token);
                registration.save(folder)?;
                return Ok(registration);
            }
            Err(error) => error,
        };
        let at_least = match &error {
            ExchangeError::Unknown { .. } | ExchangeError::Refused { .. } => {
                // An old token left in a file must not keep a good agent from its work.
                return match Registration::load(folder)? {
                    Some(held) => {
                        tracing::warn!(%error, "a new token was not accepted; the old registration stays");
                        Ok(held)
                    }
                    None => Err(EnrolError::Refused(error)),
                };
            }
            ExchangeError::Busy { retry_after, .. } => *retry_after,
            ExchangeError::Unreached(_) => None,
        };
        let wait = backoff.next(at_least, random);
        tracing::warn!(%error, ?wait, "not enrolled yet");
        tokio::time::sleep(wait).await;
    }
}
