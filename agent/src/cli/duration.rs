//! Spans of time as people write them.

use std::time::Duration;

/// Reads a span such as `250us`, `100ms`, `1s`, `1.5s`, `2m` or `1h`. The unit is needed: `5` may
/// mean anything.
///
/// # Errors
/// What is wrong, in words for people.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no span of time, such as 100ms, 1s or 2m");
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let scale = match unit.trim_start() {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * scale).map_err(|_| wrong())
}

/// Reads a span that lies between two.
///
/// # Errors
/// As [`parse`], or that it is too short or too long.
pub fn parse_within(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let span = parse(text)?;
    if (least..=most).contains(&span) {
        Ok(span)
    } else {
        Err(format!("must be from {least:?} to {most:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_their_unit() {
        for (text, micros) in [
            ("100ms", 100_000),
            ("1s", 1_000_000),
            ("1.5s", 1_500_000),
            ("2m", 120_000_000),
            ("1h", 3_600_000_000),
            ("250us", 250),
            ("250µs", 250),
            ("0s", 0),
            ("3 s", 3_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "5", "s", "1d", "-1s", "1.2.3s", "1s2", "nans", "99999999999999999999h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_have_limits() {
        let read = |text| parse_within(text, Duration::from_millis(10), Duration::from_mins(1));
        assert_eq!(read("10ms"), Ok(Duration::from_millis(10)));
        assert_eq!(read("0s").unwrap_err(), "must be from 10ms to 60s");
        assert_eq!(read("61s").unwrap_err(), "must be from 10ms to 60s");
    }
}
