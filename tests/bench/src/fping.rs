//! `fping`, the fastest of the known ping programs.

use std::io;
use std::process::Command;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use vantage_world::{Host, clock};

/// The program, in Debian's package of the same name.
pub const PROGRAM: &str = "fping";

/// What a run did and used.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    /// Echoes that were asked for.
    pub sent: u64,
    /// Echoes that were answered.
    pub answered: u64,
    /// How long it took.
    pub took: Duration,
    /// CPU time of the program, start-up included.
    pub cpu: Duration,
}

/// Sends so many echoes to each target as fast as it can, from a host. It can have no more than
/// 65 535 sequence numbers in use, and keeps each for ten seconds.
///
/// # Errors
/// The operating system's, or that its output could not be understood.
pub fn flood(host: &Host, targets: &[String], each: u32) -> io::Result<Flood> {
    let mut command = host.command(PROGRAM);
    command.args(["-q", "-i", "0", "-p", "1", "-c", &each.to_string()]).args(targets);
    let (start, cpu) = (clock::now(), children_cpu()?);
    // Summaries, one line for each target: "… : xmt/rcv/%loss = 5/5/0%, min/avg/max = …".
    let output = command.output()?;
    let (took, cpu) = (clock::now().since(start), children_cpu()?.saturating_sub(cpu));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let (mut sent, mut answered) = (0, 0);
    for line in text.lines() {
        let counts = line.split("%loss = ").nth(1).unwrap_or_default();
        let mut counts = counts.split('/').map_while(|count| count.parse::<u64>().ok());
        sent += counts.next().unwrap_or(0);
        answered += counts.next().unwrap_or(0);
    }
    if sent == 0 { Err(io::Error::other(text)) } else { Ok(Flood { sent, answered, took, cpu }) }
}

/// Asks for echoes one after another and gives each round trip as it printed it, in order; `None`
/// for those without an answer.
///
/// # Errors
/// The operating system's.
pub fn round_trips(
    mut command: Command,
    target: &str,
    count: u32,
    period: Duration,
) -> io::Result<Vec<Option<Duration>>> {
    let period = period.as_millis().to_string();
    let output = command.args(["-c", &count.to_string(), "-p", &period, target]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut trips = vec![None; count as usize];
    for line in text.lines() {
        if let Some((number, trip)) = numbered(line)
            && let Some(slot) = trips.get_mut(number)
        {
            *slot = Some(trip);
        }
    }
    Ok(trips)
}

/// Reads `192.0.2.2 : [3], 64 bytes, 8.05 ms (8.05 avg, 0% loss)`.
fn numbered(line: &str) -> Option<(usize, Duration)> {
    let (number, rest) = line.split_once('[')?.1.split_once(']')?;
    let ms = rest.split_once("bytes, ")?.1.split_once(" ms")?.0;
    let trip = Duration::try_from_secs_f64(ms.parse::<f64>().ok()? / 1e3).ok()?;
    Some((number.trim().parse().ok()?, trip))
}

/// CPU time of all programs that this one has started and seen end.
fn children_cpu() -> io::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let span = |time: TimeVal| {
        let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    };
    Ok(span(usage.user_time()) + span(usage.system_time()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read() {
        let line = "192.0.2.2 : [3], 64 bytes, 8.05 ms (8.05 avg, 0% loss)";
        assert_eq!(numbered(line), Some((3, Duration::from_micros(8_050))));
        assert_eq!(numbered("192.0.2.2 : [4], timed out (8.05 avg, 50% loss)"), None);
    }
}
