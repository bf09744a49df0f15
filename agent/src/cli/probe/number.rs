//! Times in as few characters as a person can use.

use vantage_wire::Micros;

/// Three digits that count and a unit: `812 µs`, `1.24 ms`, `163 ms`, `2.05 s`.
pub fn short(time: Micros) -> String {
    let micros = time.get();
    let (value, unit) = match micros {
        0..1_000 => return format!("{micros} µs"),
        // From where three digits would round up to the next unit.
        1_000..999_500 => (micros as f64 / 1e3, "ms"),
        _ => (micros as f64 / 1e6, "s"),
    };
    let decimals = match value {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count() {
        for (micros, expected) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_000, "1.00 ms"),
            (9_994, "9.99 ms"),
            (9_995, "10.0 ms"),
            (163_420, "163 ms"),
            (999_499, "999 ms"),
            (999_500, "1.00 s"),
            (60_031_000, "60.0 s"),
        ] {
            assert_eq!(short(Micros::new(micros)), expected);
        }
    }
}
