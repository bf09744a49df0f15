//! Every refusal, and what it looks like (RFC 9457).

use std::time::Duration;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use vantage_wire::exchange::ProblemDocument;

/// A refusal. Its name is stable: programs act on it, and it labels metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Problem {
    /// No agent of this name was enrolled.
    UnknownAgent,
    /// The agent was revoked.
    RevokedAgent,
    /// The signature does not fit the agent's key.
    BadSignature,
    /// A signed request bears a time too far from the aggregator's.
    ClockSkew,
    /// The enrolment token does not exist.
    UnknownToken,
    /// The enrolment token is too old.
    ExpiredToken,
    /// The enrolment token was traded for another key.
    UsedToken,
    /// The key is registered for another agent.
    KeyTaken,
    /// A reader without a valid token.
    ReaderUnauthorized,
    /// The bytes are no report, or one that does not add up.
    MalformedReport,
    /// A report in a format that this version does not read.
    UnsupportedVersion,
    /// The report speaks of another vantage point than the one that signed it.
    AnotherVantage,
    /// The body is too large.
    TooLarge,
    /// A window begins in the future.
    FutureWindow,
    /// A window is older than what is kept.
    AncientWindow,
    /// The request makes no sense.
    BadRequest,
    /// There is not enough data to answer the question.
    NotEnoughData,
    /// No such page.
    NotFound,
    /// The page does not know this method.
    MethodNotAllowed,
    /// The request took too long to arrive.
    RequestTimeout,
    /// More comes in than can be stored.
    Overloaded,
    /// The store cannot be written at the moment.
    StoreBusy,
    /// The disk is full.
    StoreFull,
    /// A fault of the aggregator; its log has the details.
    Internal,
}

impl Problem {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::UnknownAgent,
        Self::RevokedAgent,
        Self::BadSignature,
        Self::ClockSkew,
        Self::UnknownToken,
        Self::ExpiredToken,
        Self::UsedToken,
        Self::KeyTaken,
        Self::ReaderUnauthorized,
        Self::MalformedReport,
        Self::UnsupportedVersion,
        Self::AnotherVantage,
        Self::TooLarge,
        Self::FutureWindow,
        Self::AncientWindow,
        Self::BadRequest,
        Self::NotEnoughData,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::Overloaded,
        Self::StoreBusy,
        Self::StoreFull,
        Self::Internal,
    ];

    /// Status, stable name, title.
    const fn facts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::UnknownAgent => {
                (StatusCode::UNAUTHORIZED, "unknown-agent", "No agent of this name is enrolled")
            }
            Self::RevokedAgent => (StatusCode::UNAUTHORIZED, "revoked-agent", "Agent was revoked"),
            Self::BadSignature => {
                (StatusCode::UNAUTHORIZED, "bad-signature", "Signature does not fit")
            }
            Self::ClockSkew => {
                (StatusCode::UNAUTHORIZED, "clock-skew", "Time of signing is too far from ours")
            }
            Self::UnknownToken => {
                (StatusCode::UNAUTHORIZED, "unknown-token", "No such enrolment token")
            }
            Self::ExpiredToken => {
                (StatusCode::UNAUTHORIZED, "expired-token", "Enrolment token has expired")
            }
            Self::UsedToken => {
                (StatusCode::CONFLICT, "used-token", "Enrolment token was used with another key")
            }
            Self::KeyTaken => {
                (StatusCode::CONFLICT, "key-taken", "Key is registered for another agent")
            }
            Self::ReaderUnauthorized => {
                (StatusCode::UNAUTHORIZED, "reader-unauthorized", "A read token is needed")
            }
            Self::MalformedReport => {
                (StatusCode::BAD_REQUEST, "malformed-report", "Report is malformed")
            }
            Self::UnsupportedVersion => (
                StatusCode::BAD_REQUEST,
                "unsupported-version",
                "Report has a format version that is not read here",
            ),
            Self::AnotherVantage => {
                (StatusCode::FORBIDDEN, "another-vantage", "Report is about another vantage point")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Body is too large"),
            Self::FutureWindow => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "future-window",
                "Report has a window that begins in the future",
            ),
            Self::AncientWindow => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "ancient-window",
                "Report has a window older than what is kept",
            ),
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "Request makes no sense"),
            Self::NotEnoughData => {
                (StatusCode::CONFLICT, "not-enough-data", "Not enough data to answer")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "No such page"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method is not known here")
            }
            Self::RequestTimeout => {
                (StatusCode::REQUEST_TIMEOUT, "request-timeout", "Request took too long to arrive")
            }
            Self::Overloaded => {
                (StatusCode::TOO_MANY_REQUESTS, "overloaded", "More comes in than can be stored")
            }
            Self::StoreBusy => {
                (StatusCode::SERVICE_UNAVAILABLE, "store-busy", "Store is busy or away")
            }
            Self::StoreFull => (StatusCode::INSUFFICIENT_STORAGE, "store-full", "Disk is full"),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Aggregator has a fault")
            }
        }
    }

    /// The status of the answer.
    pub const fn status(self) -> StatusCode {
        self.facts().0
    }

    /// The stable name, such as `unknown-agent`.
    pub const fn name(self) -> &'static str {
        self.facts().1
    }

    /// With what went wrong this time, for people.
    pub fn because(self, detail: impl std::fmt::Display) -> ApiError {
        ApiError { problem: self, detail: format!("{detail}"), retry_after: None }
    }
}

/// A refusal of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What it is.
    pub problem: Problem,
    /// What went wrong this time; goes to the client, so never anything internal or secret.
    pub detail: String,
    /// When the client may try again.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// With a time after which the client may try again.
    #[must_use]
    pub const fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        problem.because("")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, name, title) = self.problem.facts();
        let document = ProblemDocument {
            kind: format!("/problems/{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail,
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(ProblemDocument::MEDIA_TYPE));
        if self.problem == Problem::ReaderUnauthorized {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(pause) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(pause.as_secs().max(1)));
        }
        // A document of strings and a number always serialises.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        // Beside the answer, for whoever counts.
        (status, Extension(self.problem), headers, body).into_response()
    }
}
