//! What an answer means: settled, try again, or never.

use std::time::Duration;

use vantage_wire::exchange::ProblemDocument;

use super::Answer;

/// The longest `Retry-After` that is believed.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Why a request has not had the answer that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// There was no answer, or one of something that is no aggregator: a proxy, a login page. To
    /// be tried again.
    #[error("no answer of the aggregator: {0}")]
    Unreached(String),
    /// The aggregator, or what stands before it, cannot take it now. To be tried again.
    #[error("the aggregator cannot take it now: {status} {code}")]
    Busy {
        /// Status.
        status: u16,
        /// The problem's name, or nothing.
        code: String,
        /// How long to wait at least.
        retry_after: Option<Duration>,
    },
    /// The aggregator does not know the agent, or no longer. To be tried again, seldom: an
    /// operator may change that.
    #[error("the aggregator does not accept this agent: {code}{}", detail_of(.detail))]
    Unknown {
        /// The problem's name.
        code: String,
        /// What is wrong.
        detail: String,
    },
    /// The aggregator will never take this request. It is a waste to send it again.
    #[error("the aggregator refuses it for good: {status} {code}{}", detail_of(.detail))]
    Refused {
        /// Status.
        status: u16,
        /// The problem's name.
        code: String,
        /// What is wrong.
        detail: String,
    },
}

fn detail_of(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(": {detail}") }
}

/// What an answer other than the one asked for means.
///
/// Only the aggregator's own word, a problem document, can refuse for good: what a proxy says in
/// its place passes. Of its words, only those that blame the request itself do.
pub fn judge(answer: &Answer) -> ExchangeError {
    let problem = problem(answer);
    let status = answer.status;
    let code = problem.as_ref().map(|problem| scrubbed(problem.code())).unwrap_or_default();
    let detail = problem.as_ref().map(|problem| scrubbed(&problem.detail)).unwrap_or_default();
    match (status, problem.is_some()) {
        (401 | 403, true) => ExchangeError::Unknown { code, detail },
        (400 | 409 | 410 | 413 | 415 | 422, true) => {
            ExchangeError::Refused { status, code, detail }
        }
        (408 | 425 | 429 | 500.., _) | (_, true) => {
            ExchangeError::Busy { status, code, retry_after: retry_after(answer) }
        }
        _ => ExchangeError::Unreached(format!("status {status} of something else")),
    }
}

fn problem(answer: &Answer) -> Option<ProblemDocument> {
    let kind = answer.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    if !kind.starts_with(ProblemDocument::MEDIA_TYPE) {
        return None;
    }
    serde_json::from_slice(&answer.body).ok()
}

/// Fit for one line of a log.
fn scrubbed(text: &str) -> String {
    vantage_wire::text::Text::<200>::new(text).as_str().to_owned()
}

/// Seconds (RFC 9110 §10.2.3); the other form, a date, would need a right clock.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let text = answer.headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use tokio::time::Instant;

    use super::*;

    fn answer(status: u16, code: Option<&str>, retry_after: Option<&'static str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(seconds) = retry_after {
            headers.insert("retry-after", HeaderValue::from_static(seconds));
        }
        let body = code.map_or(String::from("<html>"), |code| {
            let kind = HeaderValue::from_static(ProblemDocument::MEDIA_TYPE);
            headers.insert("content-type", kind);
            format!(r#"{{"type":"/problems/{code}","title":"t","status":{status}}}"#)
        });
        Answer { status, headers, body: body.into(), arrived: Instant::now() }
    }

    #[test]
    fn only_the_aggregator_itself_refuses_for_good() {
        for (status, by_aggregator, by_others) in [
            (400, "Refused", "Unreached"),
            (401, "Unknown", "Unreached"),
            (403, "Unknown", "Unreached"),
            (404, "Busy", "Unreached"),
            (405, "Busy", "Unreached"),
            (407, "Busy", "Unreached"),
            (408, "Busy", "Busy"),
            (409, "Refused", "Unreached"),
            (413, "Refused", "Unreached"),
            (415, "Refused", "Unreached"),
            (422, "Refused", "Unreached"),
            (429, "Busy", "Busy"),
            (302, "Busy", "Unreached"),
            (200, "Busy", "Unreached"),
            (500, "Busy", "Busy"),
            (502, "Busy", "Busy"),
            (503, "Busy", "Busy"),
            (511, "Busy", "Busy"),
        ] {
            for (code, expected) in [(Some("too-old"), by_aggregator), (None, by_others)] {
                let judged = format!("{:?}", judge(&answer(status, code, None)));
                assert!(judged.starts_with(expected), "{status} {code:?}: {judged}");
            }
        }
    }

    #[test]
    fn the_pause_asked_for_is_honoured_within_reason() {
        for (text, expected) in [
            (Some("7"), Some(Duration::from_secs(7))),
            (Some("99999999"), Some(LONGEST_PAUSE)),
            (Some("Wed, 21 Oct 2015 07:28:00 GMT"), None),
            (None, None),
        ] {
            let ExchangeError::Busy { retry_after, .. } = judge(&answer(429, None, text)) else {
                panic!("429 is busy");
            };
            assert_eq!(retry_after, expected);
        }
    }
}
