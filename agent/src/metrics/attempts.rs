//! Attempts by what came of them, and how long their phases took.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use vantage_service::metrics::{Bounds, Durations, Exposition, Sample, Value};
use vantage_wire::report::{Family, ProbeKey, ProbeKind};
use vantage_wire::{FailureCode, Phase, ProbeId, TargetId};

use super::names;
use crate::attempt::Attempt;

/// From 1 ms to 64 s, by factors of 2: the bounds of a native histogram of schema 0. Finer ones would
/// make an answer about a hundred targets longer than a megabyte.
static BOUNDS: LazyLock<Bounds> = LazyLock::new(|| Bounds::exponential(0, -10..=6));

/// A series: what tells one from another at the scraper.
type Series = (TargetId, ProbeId, Family);

/// What came of attempts.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// By kind of probe; `None` where they succeeded.
    ended: BTreeMap<(ProbeKind, Option<FailureCode>), u64>,
    missed: BTreeMap<ProbeKind, u64>,
    took: BTreeMap<Series, BTreeMap<Phase, Durations>>,
}

fn series(key: &ProbeKey) -> Series {
    (key.target.clone(), key.probe.clone(), key.family)
}

impl Attempts {
    pub(super) fn begin(&mut self, keys: &[ProbeKey]) {
        let kept: BTreeSet<Series> = keys.iter().map(series).collect();
        self.took.retain(|series, _| kept.contains(series));
        for key in keys {
            // That no slot was missed yet is told, too.
            self.missed.entry(key.kind).or_default();
        }
    }

    pub(super) fn count(&mut self, key: &ProbeKey, attempt: &Attempt) {
        let code = attempt.failure.as_ref().map(|failure| failure.code);
        if code == Some(FailureCode::AgentMissedSlot) {
            *self.missed.entry(key.kind).or_default() += 1;
            return;
        }
        *self.ended.entry((key.kind, code)).or_default() += 1;
        let phases = self.took.entry(series(key)).or_default();
        for (phase, took) in attempt.phases.iter() {
            let durations = phases.entry(phase).or_insert_with(|| Durations::new(&BOUNDS));
            durations.add(&BOUNDS, took.get(), 1);
        }
    }

    pub(super) fn put(&self, exposition: &mut Exposition) {
        let ended = self.ended.iter().map(|((kind, code), count)| {
            let (outcome, code) =
                code.map_or(("ok", "none"), |code| (code.attribution().name(), code.name()));
            Sample::new([kind.name(), outcome, code], Value::Count(*count))
        });
        exposition.put(names::ATTEMPTS, ended);
        let missed = self.missed.iter();
        exposition.put(
            names::MISSED,
            missed.map(|(kind, count)| Sample::new([kind.name()], Value::Count(*count))),
        );
        let took = self.took.iter().flat_map(|((target, probe, family), phases)| {
            phases.iter().map(move |(phase, durations)| {
                let labels = [target.as_str(), probe.as_str(), family.name(), phase.name()];
                Sample::new(labels.map(str::to_owned), durations.value(&BOUNDS))
            })
        });
        exposition.put(names::DURATION, took);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vantage_service::metrics::Format;
    use vantage_wire::{Failure, Micros};

    use super::*;

    fn key(target: &str) -> ProbeKey {
        ProbeKey {
            target: target.parse().unwrap(),
            probe: "https".parse().unwrap(),
            kind: ProbeKind::Http,
            family: Family::Any,
            warm: false,
            interval: Micros::from_secs(1),
            timeout: Micros::from_secs(5),
        }
    }

    fn text(attempts: &Attempts) -> String {
        let mut exposition = Exposition::new();
        attempts.put(&mut exposition);
        String::from_utf8(Format::Text.write(exposition).unwrap()).unwrap()
    }

    #[test]
    fn attempts_count_by_outcome_and_missed_slots_are_none() {
        let mut attempts = Attempts::default();
        let mut slow = Attempt::new();
        slow.phases.set(Phase::Total, Duration::from_millis(1_500));
        attempts.begin(&[key("a"), key("b")]);
        attempts.count(&key("a"), &slow);
        for code in [FailureCode::TcpTimeout, FailureCode::AgentMissedSlot] {
            attempts.count(&key("a"), &Attempt::new().failed(Failure::new(code, "")));
        }
        let text = text(&attempts);
        for line in [
            r#"vantage_agent_attempts_total{kind="http",outcome="ok",code="none"} 1"#,
            r#"vantage_agent_attempts_total{kind="http",outcome="path",code="tcp_timeout"} 1"#,
            r#"vantage_agent_missed_slots_total{kind="http"} 1"#,
            r#"vantage_agent_phase_duration_seconds_count{target="a",probe="https",family="any",phase="total"} 1"#,
            r#"vantage_agent_phase_duration_seconds_bucket{target="a",probe="https",family="any",phase="total",le="1"} 0"#,
            r#"vantage_agent_phase_duration_seconds_bucket{target="a",probe="https",family="any",phase="total",le="2"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("code=\"agent_missed_slot\""), "{text}");
    }

    #[test]
    fn series_that_are_not_made_any_longer_are_forgotten() {
        let mut attempts = Attempts::default();
        let mut attempt = Attempt::new();
        attempt.phases.set(Phase::Connect, Duration::from_millis(3));
        for target in ["a", "b"] {
            attempts.count(&key(target), &attempt);
        }
        attempts.begin(&[key("b")]);
        let text = text(&attempts);
        assert!(!text.contains("target=\"a\"") && text.contains("target=\"b\""), "{text}");
        assert!(text.contains(r#"outcome="ok",code="none"} 2"#), "{text}");
    }
}
