//! `POST /api/v1/enrolments`: a new agent trades its token for its registration.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::StatusCode;
use vantage_wire::exchange::{Enrolment, EnrolmentRequest, enrolment_signing_input};
use vantage_wire::report::Software;

use super::{ApiError, App, Problem};
use crate::identity;
use crate::store::Enrolled;

/// A request is a few hundred bytes.
const MAX_BYTES: usize = 4_096;

pub(super) async fn create(
    State(app): State<App>,
    body: Body,
) -> Result<(StatusCode, Json<Enrolment>), ApiError> {
    let body = super::read(body, MAX_BYTES).await?;
    // The message of a JSON error could quote the token; it names the place only.
    let request: EnrolmentRequest = serde_json::from_slice(&body).map_err(|error| {
        let place =
            format!("no enrolment request, line {} column {}", error.line(), error.column());
        Problem::BadRequest.because(place)
    })?;
    let key = identity::from_base64::<32>(&request.public_key)
        .ok_or_else(|| Problem::BadRequest.because("public_key is not 32 bytes of base64"))?;
    let signature = identity::from_base64::<64>(&request.signature)
        .ok_or_else(|| Problem::BadRequest.because("signature is not 64 bytes of base64"))?;
    let message = enrolment_signing_input(&request.token, &key);
    identity::verify(&key, &message, &signature)
        .map_err(|error| Problem::BadSignature.because(error))?;
    let token = identity::hash_secret(&request.token);
    let software = Software::new(&request.software);
    let enrolled = app.store.enrol(&token, &key, &software, app.clock.now()).await?;
    let registration = match enrolled {
        Enrolled::Done(registration) => registration,
        Enrolled::UnknownToken => return Err(Problem::UnknownToken.into()),
        Enrolled::Expired => {
            return Err(Problem::ExpiredToken.because("make another with `vantage enroll`"));
        }
        Enrolled::Used => {
            return Err(Problem::UsedToken.because("make another with `vantage enroll`"));
        }
        Enrolled::KeyTaken => {
            return Err(Problem::KeyTaken.because("remove the agent's key and enrol again"));
        }
        Enrolled::Revoked => return Err(Problem::RevokedAgent.into()),
    };
    app.registrations.forget(&registration.vantage);
    tracing::info!(vantage = %registration.vantage, market = %registration.market, "enrolled");
    let enrolment = Enrolment { vantage: registration.vantage, market: registration.market };
    Ok((StatusCode::CREATED, Json(enrolment)))
}
