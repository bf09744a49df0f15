//! Spans of time on the command line: `90s`, `15m`, `6h`, `35d`.

use std::time::Duration;

/// Reads a span.
///
/// # Errors
///
/// Where it is not a whole number with a unit, or absurdly long.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let expected = || format!("{text:?} is no span; write a whole number and s, m, h or d: 35d");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_| expected())?;
    let unit_s = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(expected()),
    };
    let seconds = number.checked_mul(unit_s).filter(|s| *s <= 1_000 * 366 * 86_400);
    seconds.map(Duration::from_secs).ok_or_else(|| format!("{text} is longer than 1000 years"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_written() {
        assert_eq!(parse("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("35d"), Ok(Duration::from_hours(35 * 24)));
        for wrong in ["", "5", "d", "1.5h", "-3s", "3 h", "3w", "99999999999d"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
