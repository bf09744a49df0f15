//! What agents and aggregator say to each other beside reports, over HTTP and in JSON.
//!
//! | request | who | answer |
//! |---|---|---|
//! | `POST` [`ENROLMENTS`] with an [`EnrolmentRequest`] | a new agent | an [`Enrolment`] |
//! | `POST` [`REPORTS`] with an [`Envelope`](crate::report::Envelope) | an agent | an [`Acknowledgement`] |
//! | `GET` [`ASSIGNMENT`]`?version=…`, [signed](request) | an agent | an [`Assignment`], or 204 where there is nothing newer |
//!
//! Anything else is answered with a [`ProblemDocument`]. Every answer bears two times of the
//! aggregator's clock, [`RECEIVED_HEADER`] and [`ANSWERED_HEADER`], from which the agent
//! [estimates](clock) how far its own is off.
//!
//! Changes only add: a reader ignores keys that it does not know. Aggregators are updated before
//! agents.

pub mod assignment;
pub mod clock;
mod enrolment;
mod problem;
pub mod request;
mod retry_after;

pub use assignment::Assignment;
pub use enrolment::{Enrolment, EnrolmentRequest, enrolment_signing_input};
pub use problem::ProblemDocument;
pub use retry_after::retry_after;

use serde::{Deserialize, Serialize};

/// Where a new agent trades its token for its registration.
pub const ENROLMENTS: &str = "/api/v1/enrolments";
/// Where reports go.
pub const REPORTS: &str = "/api/v1/reports";
/// Where an agent asks what to probe.
pub const ASSIGNMENT: &str = "/api/v1/assignment";

/// Header of every answer: when the aggregator had the whole request, in microseconds of its UTC
/// clock since the Unix epoch.
pub const RECEIVED_HEADER: &str = "vantage-received-us";
/// Header of every answer: when the aggregator began to send it, in microseconds of its UTC clock
/// since the Unix epoch.
pub const ANSWERED_HEADER: &str = "vantage-answered-us";

/// The media type of an [`Envelope`](crate::report::Envelope).
pub const REPORT_MEDIA_TYPE: &str = "application/vnd.vantage.report";

/// The answer to a report: it is stored for good, and the agent may forget it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Whether this was the first time that it came.
    pub outcome: Stored,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stored {
    /// It was new and is stored now.
    Stored,
    /// It had been stored before.
    Duplicate,
}
