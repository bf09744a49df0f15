//! For how long a target asks to be left alone (RFC 9110 §10.2.3).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};

/// The longest pause that is granted: a target that asks for more is asked again the next day,
/// when its operator may have noticed.
pub const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// The pause that a response's head asks for, at most [`LONGEST_PAUSE`]: in seconds, or as a date.
///
/// A date is held against the date of the same answer, so that neither clock has to be right and
/// the agent's own is not read: who sends a date has a clock, and must then say what it shows
/// (RFC 9110 §6.6.1). A date that is over asks for no pause, one without another says nothing.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let asked = text(headers, &RETRY_AFTER)?;
    let pause = if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        // What is too large for the number is too long in any case.
        asked.parse().map_or(Duration::MAX, Duration::from_secs)
    } else {
        let (until, now) = (date(asked)?, date(text(headers, &DATE)?)?);
        until.duration_since(now).unwrap_or_default()
    };
    Some(pause.min(LONGEST_PAUSE))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// A date in any of the three forms that must be understood (RFC 9110 §5.6.7).
fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(asked: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, asked.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        retry_after(&headers).map(|pause| pause.as_secs())
    }

    #[test]
    fn seconds_are_read_and_bounded() {
        let day = LONGEST_PAUSE.as_secs();
        for (asked, expected) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("86401", Some(day)),
            ("18446744073709551615", Some(day)),
            ("99999999999999999999999", Some(day)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(pause(asked, None), expected, "{asked:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn a_date_counts_from_that_of_the_answer() {
        let now = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (until, expected) in [
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
            ("Sunday, 06-Nov-94 08:51:37 GMT", Some(120)),
            ("Sun Nov  6 08:51:37 1994", Some(120)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(LONGEST_PAUSE.as_secs())),
            ("Sun, 06 Nov 1994 08:51:37 +0100", None),
            ("Sun, 99 Nov 1994 08:51:37 GMT", None),
        ] {
            assert_eq!(pause(until, Some(now)), expected, "{until}");
        }
        assert_eq!(pause("Sun, 06 Nov 1994 08:51:37 GMT", None), None);
        assert_eq!(pause("Sun, 06 Nov 1994 08:51:37 GMT", Some("now")), None);
    }
}
