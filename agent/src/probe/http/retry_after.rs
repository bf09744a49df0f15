//! For how long a target asks to be left alone.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};

/// The longest pause that is granted: a target that asks for more is asked again the next day,
/// when its operator may have noticed.
pub const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// The pause that a response's head [asks for](vantage_wire::exchange::retry_after), at most
/// [`LONGEST_PAUSE`].
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let asked = text(headers, &RETRY_AFTER)?;
    let pause = vantage_wire::exchange::retry_after(asked, text(headers, &DATE))?;
    Some(pause.min(LONGEST_PAUSE))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(asked: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, asked.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        retry_after(&headers)
    }

    #[test]
    fn the_pause_is_that_of_the_headers_within_a_bound() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let until = "Sun, 06 Nov 1994 08:51:37 GMT";
        assert_eq!(pause("120", None), Some(Duration::from_mins(2)));
        assert_eq!(pause(until, now), Some(Duration::from_mins(2)));
        assert_eq!(pause(until, None), None);
        assert_eq!(pause("86401", None), Some(LONGEST_PAUSE));
        assert_eq!(pause("Fri, 31 Dec 9999 23:59:59 GMT", now), Some(LONGEST_PAUSE));
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
