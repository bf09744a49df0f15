//! `--histogram FILE`: the text log that the analysers of `HdrHistogram` open.
//!
//! One line for each target and phase, spanning the whole run.

use std::io::{self, Write};
use std::time::Duration;

use vantage_wire::histogram::log;

use super::tally::Tally;

/// Writes the log of a run that began so long after the Unix epoch and lasted so long.
///
/// # Errors
/// The writer's.
pub fn write(
    to: &mut impl Write,
    tallies: &[Tally],
    began: Duration,
    lasted: Duration,
) -> io::Result<()> {
    let note = "Histograms of vantage-agent probe, in microseconds; tags are PHASE@TARGET";
    to.write_all(log::header(&[note], began).as_bytes())?;
    for tally in tallies {
        for phase in tally.completed() {
            let tag = format!("{phase}@{}", tally.target);
            let (longest, histogram) = (tally.longest(phase), tally.histogram(phase));
            let line = log::line(&tag, Duration::ZERO, lasted, longest, histogram);
            to.write_all(line.as_bytes())?;
        }
    }
    to.flush()
}

#[cfg(test)]
mod tests {
    use vantage_wire::Phase;
    use vantage_wire::report::ProbeKind;

    use super::*;
    use crate::attempt::Attempt;

    /// The Python package `hdrhistogram` 0.10 reads the golden file as 1000 values with these
    /// quantiles: 50 % 500 223 µs, 99 % 990 207 µs, 100 % 1 000 447 µs (upper ends of buckets).
    #[test]
    fn other_libraries_open_the_log() {
        let mut tally = Tally::new("api.test, spaced", ProbeKind::Icmp);
        for ms in 1..=1_000 {
            let mut attempt = Attempt::new();
            attempt.phases.set(Phase::Rtt, Duration::from_millis(ms));
            tally.add(&attempt);
        }
        let mut bytes = Vec::new();
        let began = Duration::from_secs(1_700_000_000);
        write(&mut bytes, &[tally], began, Duration::from_millis(12_500)).unwrap();
        let found = String::from_utf8(bytes).unwrap();
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/probe.hlog");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(golden, &found).unwrap();
        }
        assert_eq!(found, std::fs::read_to_string(golden).unwrap());
    }
}
