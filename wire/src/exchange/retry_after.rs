//! For how long a server asks to be left alone (RFC 9110 §10.2.3).

use std::time::{Duration, SystemTime};

/// The pause that the header `Retry-After` asks for, in seconds or as a date; the longest span
/// there is where it does not fit. `None` for what is neither.
///
/// A date is held against the header `Date` of the same answer, so that neither clock has to be
/// right and our own is not read: who sends a date has a clock, and must then say what it shows
/// (RFC 9110 §6.6.1). A date that is over asks for no pause, one without another says nothing.
pub fn retry_after(asked: &str, date: Option<&str>) -> Option<Duration> {
    let asked = asked.trim();
    if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        // What is too large for the number is too long in any case.
        return Some(asked.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let (until, now) = (instant(asked)?, instant(date?.trim())?);
    Some(until.duration_since(now).unwrap_or_default())
}

/// A date in any of the three forms that must be understood (RFC 9110 §5.6.7).
fn instant(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(asked: &str, date: Option<&str>) -> Option<u64> {
        retry_after(asked, date).map(|pause| pause.as_secs())
    }

    #[test]
    fn seconds_are_read() {
        for (asked, expected) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("86401", Some(86_401)),
            ("18446744073709551615", Some(u64::MAX)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(pause(asked, None), expected, "{asked:?}");
        }
    }

    #[test]
    fn a_date_counts_from_that_of_the_answer() {
        let now = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (until, expected) in [
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
            ("Sunday, 06-Nov-94 08:51:37 GMT", Some(120)),
            ("Sun Nov  6 08:51:37 1994", Some(120)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(252_618_189_022)),
            ("Sun, 06 Nov 1994 08:51:37 +0100", None),
            ("Sun, 99 Nov 1994 08:51:37 GMT", None),
        ] {
            assert_eq!(pause(until, Some(now)), expected, "{until}");
        }
        assert_eq!(pause("Sun, 06 Nov 1994 08:51:37 GMT", None), None);
        assert_eq!(pause("Sun, 06 Nov 1994 08:51:37 GMT", Some("now")), None);
    }
}
