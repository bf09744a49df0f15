//! Which agent speaks, by its signature.

use vantage_wire::exchange::request::{Authorization, MAX_SKEW, signing_input};
use vantage_wire::{UtcMicros, VantageId};

use super::{ApiError, App, Problem};
use crate::identity;
use crate::store::{Registration, StoreError};

impl App {
    /// The registration of an agent that may speak.
    pub(super) async fn registration(&self, vantage: &VantageId) -> Result<Registration, ApiError> {
        let found = self.registrations.get(&self.store, vantage).await?;
        let registration = found
            .ok_or_else(|| Problem::UnknownAgent.because(format!("{vantage} is not enrolled")))?;
        if registration.revoked.is_some() {
            return Err(Problem::RevokedAgent.because(format!("{vantage} was revoked")));
        }
        Ok(registration)
    }

    /// Who signed a request without a body.
    pub(super) async fn signer(
        &self,
        method: &http::Method,
        uri: &http::Uri,
        headers: &http::HeaderMap,
    ) -> Result<Registration, ApiError> {
        let header = headers.get(http::header::AUTHORIZATION);
        let authorization: Authorization = header
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .ok_or_else(|| Problem::BadSignature.because("the request is not signed"))?;
        let registration = self.registration(&authorization.vantage).await?;
        let Authorization { vantage, signed_at, signature } = &authorization;
        let path = uri.path_and_query().map_or("", |path| path.as_str());
        let message = signing_input(method.as_str(), path, vantage, *signed_at);
        let signature = identity::from_base64::<64>(signature).unwrap_or([0; 64]);
        identity::verify(&registration.public_key, &message, &signature)
            .map_err(|error| Problem::BadSignature.because(error))?;
        check_skew(*signed_at, self.clock.now())?;
        Ok(registration)
    }
}

fn check_skew(signed_at: UtcMicros, now: UtcMicros) -> Result<(), ApiError> {
    if signed_at.get().abs_diff(now.get()) > MAX_SKEW.get() {
        return Err(Problem::ClockSkew.because("sign with the time of the answer's headers"));
    }
    Ok(())
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full(_) => Problem::StoreFull.because("").retry_after(super::PAUSE),
            StoreError::Busy(_) => Problem::StoreBusy.because("").retry_after(super::PAUSE),
            error => {
                tracing::error!(error = %crate::log::chain(&error), "the store failed");
                Problem::Internal.because("")
            }
        }
    }
}
