//! Figures for people: milliseconds, shares, intervals.

use crate::analysis::Interval;

/// A latency: `183 ms`, `48.1 ms`, `0.85 ms`; `–` where there is none.
pub(super) fn latency(us: Option<f64>) -> String {
    us.map_or_else(nothing, |us| format!("{} ms", digits(us)))
}

/// A latency with its 95 % interval: `48.1 ms (47.0 … 49.3)`.
pub(super) fn latency_within(us: Option<f64>, interval: Option<Interval>) -> String {
    let Some(value) = us else { return nothing() };
    match interval {
        None => format!("{} ms", digits(value)),
        Some(Interval { low, high }) => {
            format!("{} ms ({} … {})", digits(value), digits(low), digits(high))
        }
    }
}

/// A difference of latencies, with its sign and its 95 % interval.
pub(super) fn difference_within(us: Option<f64>, interval: Option<Interval>) -> String {
    let Some(value) = us else { return nothing() };
    match interval {
        None => format!("{} ms", signed(value)),
        Some(Interval { low, high }) => {
            format!("{} ms ({} … {})", signed(value), signed(low), signed(high))
        }
    }
}

/// A share as a percentage: `2.1 %`.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(nothing, |share| {
        let digits = rate_digits(share * 100.0);
        format!("{} %", digits.strip_suffix(".0").unwrap_or(&digits))
    })
}

/// A share with its 95 % interval: `2.1 % (1.8 … 2.5)`.
pub(super) fn percent_within(share: Option<f64>, interval: Option<Interval>) -> String {
    let Some(value) = share else { return nothing() };
    let percent = |share: f64| rate_digits(share * 100.0);
    match interval {
        None => format!("{} %", percent(value)),
        Some(Interval { low, high }) => {
            format!("{} % ({} … {})", percent(value), percent(low), percent(high))
        }
    }
}

/// A change as a percentage, with its sign.
pub(super) fn signed_percent(share: Option<f64>) -> String {
    share.map_or_else(nothing, |share| {
        let percent = share * 100.0;
        format!("{}{} %", sign(percent), rate_digits(percent.abs()))
    })
}

/// A number as programs read it; empty where there is none.
pub(super) fn exact(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// What stands where there is no figure.
pub(super) fn nothing() -> String {
    "–".to_owned()
}

/// Milliseconds with about three digits.
fn digits(us: f64) -> String {
    let ms = us / 1e3;
    let decimals = match ms.abs() {
        size if size < 1.0 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{ms:.decimals$}");
    // A small negative number must not read as minus nothing.
    if text.trim_start_matches(['-', '0', '.']).is_empty() {
        return text.replace('-', "");
    }
    text.replace('-', "−")
}

fn signed(us: f64) -> String {
    let text = digits(us);
    let zero = text.trim_start_matches(['0', '.']).is_empty();
    if us > 0.0 && !zero { format!("+{text}") } else { text }
}

const fn sign(value: f64) -> &'static str {
    if value < 0.0 { "−" } else { "+" }
}

fn rate_digits(percent: f64) -> String {
    let decimals = match percent.abs() {
        0.0 => 0,
        size if size < 1.0 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    };
    format!("{percent:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_about_three_digits() {
        for (us, text) in [
            (183_400.0, "183 ms"),
            (48_120.0, "48.1 ms"),
            (850.0, "0.85 ms"),
            (99_960.0, "100 ms"),
            (-850.0, "−0.85 ms"),
            (-1.0, "0.00 ms"),
        ] {
            assert_eq!(latency(Some(us)), text);
        }
        assert_eq!(latency(None), "–");
    }

    #[test]
    fn differences_have_a_sign() {
        let interval = Some(Interval { low: -140_000.0, high: 1_000.0 });
        assert_eq!(difference_within(Some(-70_000.0), interval), "−70.0 ms (−140 … +1.0)");
        assert_eq!(difference_within(Some(0.0), None), "0.00 ms");
        assert_eq!(signed_percent(Some(-0.735)), "−73.5 %");
    }

    #[test]
    fn shares_are_percentages() {
        assert_eq!(percent(Some(0.0)), "0 %");
        assert_eq!(percent(Some(0.2)), "20 %");
        assert_eq!(percent(Some(0.0012)), "0.12 %");
        let interval = Some(Interval { low: 0.018, high: 0.025 });
        assert_eq!(percent_within(Some(0.021), interval), "2.1 % (1.8 … 2.5)");
    }
}
