//! Spans of time as operators write them: `"500ms"`, `"1s"`, `"2m"`, `"36h"`, `"1d"`.

use std::time::Duration;

/// The units, the longest first, with their length in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a whole number with a unit: `ms`, `s`, `m`, `h` or `d`. `None` for anything else: `5` may
/// mean anything, and `1.5s` is written `1500ms`.
pub fn parse(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*millis).map(Duration::from_millis)
}

/// Writes a span in the longest unit that divides it; what is finer than a millisecond is left out.
pub fn print(span: Duration) -> String {
    let millis = span.as_millis();
    let (unit, length) = UNITS
        .into_iter()
        .find(|(_, length)| millis.is_multiple_of(u128::from(*length)))
        .filter(|_| millis > 0)
        .unwrap_or(("ms", 1));
    format!("{}{unit}", millis / u128::from(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_are_read_with_their_unit() {
        for (text, millis) in
            [("500ms", 500), ("1s", 1_000), ("2m", 120_000), ("1h", 3_600_000), ("1d", 86_400_000)]
        {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(print(Duration::from_millis(millis)), text);
        }
        let far = "99999999999999999999h";
        for text in
            ["", "5", "s", "1 s", "1.5s", "-1s", "1s2", "1us", "1S", far, "999999999999999999d"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn no_time_prints_as_such() {
        assert_eq!(print(Duration::ZERO), "0ms");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_the_same(millis in 0_u64..1 << 50) {
            let span = Duration::from_millis(millis);
            prop_assert_eq!(parse(&print(span)), Some(span));
        }
    }
}
