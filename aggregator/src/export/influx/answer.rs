//! What the server's answers mean: written, refused for good, to be tried again, or nothing that
//! trying again would mend.

use std::fmt;
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use serde::Deserialize;
use vantage_wire::exchange;
use vantage_wire::text::Text;

/// The longest wait between two tries that nobody asked for.
pub const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// The longest `Retry-After` that is believed.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// The shortest wait where only an operator can help.
const DENIED_PAUSE: Duration = Duration::from_mins(1);

/// What a server says, fit for one line of a log.
pub type Saying = Text<300>;

/// Why points were not written, or not all of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The server will never take some of these points, or any.
    #[error("InfluxDB refuses points: {}", .0.saying)]
    Refused(Refusal),
    /// Too much at once.
    #[error("too much at once for InfluxDB: status 413")]
    TooLarge,
    /// The server cannot take anything now.
    #[error("InfluxDB cannot take points now: status {status}{}", detail(.saying))]
    Busy {
        /// The status.
        status: u16,
        /// How long to wait at least.
        pause: Option<Duration>,
        /// What it says.
        saying: Saying,
    },
    /// There was no answer.
    #[error("InfluxDB does not answer: {0}")]
    Unreached(Saying),
    /// Nothing will be taken before an operator has changed something: the token is not accepted,
    /// there is no such bucket, or this is no InfluxDB.
    #[error("InfluxDB does not let us write: {}{}", hint(.status.to_owned()), detail(.saying))]
    Denied {
        /// The status.
        status: u16,
        /// What it says.
        saying: Saying,
    },
    /// The token cannot be read.
    #[error("failed to read the token of InfluxDB: {0}")]
    Token(Saying),
}

impl WriteError {
    /// How long to wait at least before the next try: what the server asked for, or a minute where
    /// only an operator can help.
    pub const fn at_least(&self) -> Option<Duration> {
        match self {
            Self::Busy { pause, .. } => *pause,
            Self::Denied { .. } | Self::Token(_) => Some(DENIED_PAUSE),
            Self::Refused(_) | Self::TooLarge | Self::Unreached(_) => None,
        }
    }
}

/// That points will never be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// How many of the points were not written, where the server says that all others were.
    pub dropped: Option<usize>,
    /// What the server says.
    pub saying: Saying,
}

/// Why points are never taken, as far as it is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A field was written before with another type.
    TypeConflict,
    /// The server does not understand the line.
    Unparsable,
    /// It is older than what the bucket keeps.
    OutsideRetention,
    /// It is more than the server takes at once, by itself.
    TooLarge,
    /// Something else.
    Other,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::TypeConflict, Self::Unparsable, Self::OutsideRetention, Self::TooLarge, Self::Other];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TypeConflict => "type_conflict",
            Self::Unparsable => "unparsable",
            Self::OutsideRetention => "outside_retention",
            Self::TooLarge => "too_large",
            Self::Other => "other",
        }
    }

    fn of(message: &str) -> Self {
        let has = |words: &str| message.contains(words);
        if has("field type conflict") {
            Self::TypeConflict
        } else if has("retention policy") {
            Self::OutsideRetention
        } else if has("unable to parse") || has("invalid line protocol") {
            Self::Unparsable
        } else {
            Self::Other
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn detail(saying: &Saying) -> String {
    if saying.is_empty() { String::new() } else { format!(": {saying}") }
}

fn hint(status: u16) -> String {
    let hint = match status {
        401 => "the token is not accepted (status 401)",
        403 => "the token may not write to this bucket (status 403)",
        404 => "there is no such bucket, organisation or page (status 404)",
        _ => return format!("is it an InfluxDB 2? it answers with status {status}"),
    };
    hint.to_owned()
}

/// An error as InfluxDB 2 (`message`) or 1 (`error`) writes it.
#[derive(Deserialize)]
struct ErrorDocument {
    #[serde(alias = "error")]
    message: String,
}

/// What an answer other than success means.
///
/// Only InfluxDB's own word, a JSON document with a message, refuses points for good: what a proxy
/// answers in its place passes, or waits for an operator.
pub fn judge(status: u16, headers: &HeaderMap, body: &[u8]) -> WriteError {
    let document: Option<ErrorDocument> = serde_json::from_slice(body).ok();
    let message = document.as_ref().map(|document| document.message.as_str());
    let saying = Saying::new(message.unwrap_or_default());
    match (status, message) {
        (413, _) => WriteError::TooLarge,
        (400 | 422, Some(message)) => WriteError::Refused(Refusal {
            reason: Reason::of(message),
            dropped: dropped(message),
            saying,
        }),
        (408 | 425 | 429 | 500.., _) => WriteError::Busy { status, pause: pause(headers), saying },
        _ => WriteError::Denied { status, saying },
    }
}

/// The number in `… dropped=3`: so many points of a write were left out, all others taken. Where
/// lines could not be parsed it counts nothing (`dropped=0`), and says nothing.
fn dropped(message: &str) -> Option<usize> {
    let (_, after) = message.rsplit_once("dropped=")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|count| *count > 0)
}

fn pause(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let pause = exchange::retry_after(text(RETRY_AFTER)?, text(DATE))?;
    Some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> WriteError {
        judge(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn only_influxdb_itself_refuses_points_for_good() {
        let own = r#"{"code":"invalid","message":"unable to parse 'x'"}"#;
        for (status, by_itself, by_others) in [
            (400, "Refused", "Denied"),
            (422, "Refused", "Denied"),
            (401, "Denied", "Denied"),
            (403, "Denied", "Denied"),
            (404, "Denied", "Denied"),
            (302, "Denied", "Denied"),
            (405, "Denied", "Denied"),
            (413, "TooLarge", "TooLarge"),
            (408, "Busy", "Busy"),
            (429, "Busy", "Busy"),
            (500, "Busy", "Busy"),
            (503, "Busy", "Busy"),
        ] {
            for (body, expected) in [(own, by_itself), ("<html>", by_others)] {
                let judged = format!("{:?}", judged(status, body));
                assert!(judged.starts_with(expected), "{status} {body}: {judged}");
            }
        }
    }

    #[test]
    fn refusals_say_why_and_how_many() {
        for (body, reason, dropped) in [
            (
                r#"{"code":"invalid","message":"partial write: field type conflict: input field \"x\" on measurement \"m\" is type float, already exists as type integer dropped=2"}"#,
                Reason::TypeConflict,
                Some(2),
            ),
            (
                r#"{"error":"partial write: unable to parse 'm x=': missing field value dropped=0"}"#,
                Reason::Unparsable,
                None,
            ),
            (
                r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: points beyond retention policy dropped=7"}"#,
                Reason::OutsideRetention,
                Some(7),
            ),
            (r#"{"code":"invalid","message":"no"}"#, Reason::Other, None),
        ] {
            let WriteError::Refused(refusal) = judged(400, body) else { panic!("{body}") };
            assert_eq!((refusal.reason, refusal.dropped), (reason, dropped), "{body}");
        }
    }

    #[test]
    fn operators_are_not_pressed() {
        assert_eq!(judged(401, "").at_least(), Some(DENIED_PAUSE));
        assert_eq!(judged(500, "").at_least(), None);
    }

    #[test]
    fn the_pause_asked_for_is_honoured_within_reason() {
        let pause = |asked: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, asked.parse().unwrap());
            headers.insert(DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
            judge(503, &headers, b"").at_least()
        };
        assert_eq!(pause("7"), Some(Duration::from_secs(7)));
        assert_eq!(pause("Sun, 06 Nov 1994 08:51:37 GMT"), Some(Duration::from_mins(2)));
        assert_eq!(pause("99999999"), Some(LONGEST_PAUSE));
        assert_eq!(pause("soon"), None);
    }
}
