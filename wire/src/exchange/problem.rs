//! Why a request was refused (RFC 9457).

use serde::{Deserialize, Serialize};

/// A problem document, media type `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemDocument {
    /// The stable name of the problem as a URI reference, such as `/problems/unknown-agent`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the problem is, the same for every occurrence.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What went wrong this time; empty where there is nothing to add.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl ProblemDocument {
    /// The media type.
    pub const MEDIA_TYPE: &str = "application/problem+json";

    /// The last part of the stable name: `unknown-agent`.
    pub fn code(&self) -> &str {
        self.kind.rsplit('/').next().unwrap_or_default()
    }
}
