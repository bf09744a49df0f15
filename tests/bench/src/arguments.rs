//! What a bench is told: how long it runs, or where its data are.

use std::path::PathBuf;
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

/// Reads the one argument of a bench that works on data: the folder they are in. Cargo's own `--bench`
/// is passed over. `None` where there is none, or more than one.
pub fn folder() -> Option<PathBuf> {
    folder_in(std::env::args().skip(1))
}

fn folder_in(arguments: impl Iterator<Item = String>) -> Option<PathBuf> {
    let mut given = arguments.filter(|argument| argument != "--bench");
    let folder = given.next()?;
    given.next().is_none().then(|| folder.into())
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

    #[test]
    fn there_is_one_folder() {
        let read = |text: &str| folder_in(text.split_whitespace().map(str::to_owned));
        assert_eq!(read("some/where --bench"), Some("some/where".into()));
        assert_eq!(read("--bench"), None);
        assert_eq!(read("one two"), None);
    }
}
