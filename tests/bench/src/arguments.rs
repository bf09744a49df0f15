//! How long a bench runs.

use std::time::Duration;

/// Reads `--seconds N`, which shortens or lengthens a bench; `default` where it is not given.
/// Cargo's own `--bench` is passed over.
///
/// # Errors
/// A line that says what was wrong.
pub fn seconds(default: u32) -> Result<Duration, String> {
    seconds_in(std::env::args().skip(1), default)
}

fn seconds_in(arguments: impl Iterator<Item = String>, default: u32) -> Result<Duration, String> {
    let mut seconds = default;
    let mut rest = arguments;
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--bench" => {}
            "--seconds" => {
                let value = rest.next().unwrap_or_default();
                seconds = match value.parse() {
                    Ok(some @ 2..=86_400) => some,
                    _ => return Err(format!("--seconds wants 2 to 86400, not {value:?}")),
                };
            }
            other => return Err(format!("{other:?} is not understood; there is --seconds N")),
        }
    }
    Ok(Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_may_be_given() {
        let read = |text: &str| seconds_in(text.split_whitespace().map(str::to_owned), 30);
        assert_eq!(read("--bench").unwrap().as_secs(), 30);
        assert_eq!(read("--seconds 5 --bench").unwrap().as_secs(), 5);
        for wrong in ["--seconds", "--seconds 1", "--seconds x", "5"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
