//! Which of the probes that the targets have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vantage_wire::id::IdError;
use vantage_wire::report::ProbeKind;
use vantage_wire::{Phase, ProbeId, TargetId};

use super::error::{AnswerError, unknown};
use crate::catalogue::{Catalogue, Probe};
use vantage_wire::exchange::assignment::Action;

/// Which probes a question is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum ProbeChoice {
    /// Those of a kind, on connections of their own where there are such.
    Kind(ProbeKind),
    /// Those of this name.
    Id(ProbeId),
}

impl FromStr for ProbeChoice {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.parse() {
            Ok(kind) => Ok(Self::Kind(kind)),
            Err(_) => text.parse().map(Self::Id),
        }
    }
}

impl fmt::Display for ProbeChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => fmt::Display::fmt(kind, f),
            Self::Id(id) => fmt::Display::fmt(id, f),
        }
    }
}

impl TryFrom<String> for ProbeChoice {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ProbeChoice> for String {
    fn from(choice: ProbeChoice) -> Self {
        choice.to_string()
    }
}

/// The kinds in the order in which they are preferred: the nearer to what users do, the better.
const PREFERRED: [ProbeKind; 6] = [
    ProbeKind::Http,
    ProbeKind::Quic,
    ProbeKind::Tls,
    ProbeKind::Tcp,
    ProbeKind::Icmp,
    ProbeKind::Dns,
];

/// The probes of the targets asked about that answer the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// What was chosen.
    pub choice: ProbeChoice,
    /// The phase.
    pub phase: Phase,
    /// The probes, by target.
    pub probes: BTreeSet<(TargetId, ProbeId)>,
}

impl Probed {
    /// Chooses among the probes of `targets`, each of which belongs to some subject: without a
    /// choice, the kind that most subjects have.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] where no target has such a probe.
    pub fn choose<S: Ord>(
        catalogue: &Catalogue,
        targets: &BTreeMap<TargetId, S>,
        choice: Option<&ProbeChoice>,
        phase: Option<Phase>,
    ) -> Result<Self, AnswerError> {
        let all = || {
            targets.iter().flat_map(|(target, subject)| {
                let probes = catalogue.targets.get(target).into_iter().flat_map(|t| &t.probes);
                probes.map(move |(id, probe)| (target, subject, id, probe))
            })
        };
        let choice = choice.cloned().or_else(|| {
            let subjects = |kind| {
                let of_kind = all().filter(|(.., probe)| probe.kind == kind);
                of_kind.map(|(_, subject, ..)| subject).collect::<BTreeSet<_>>().len()
            };
            // The last of equals wins, so the preferred kind goes last.
            let best = PREFERRED.into_iter().rev().max_by_key(|kind| subjects(*kind))?;
            (subjects(best) > 0).then_some(ProbeChoice::Kind(best))
        });
        let Some(choice) = choice else {
            let message = "the catalogue has no target there".to_owned();
            return Err(AnswerError::NotEnoughData(message));
        };
        let fits = |id: &ProbeId, probe: &Probe| match &choice {
            ProbeChoice::Kind(kind) => probe.kind == *kind,
            ProbeChoice::Id(wanted) => id == wanted,
        };
        let fitting: Vec<_> = all().filter(|(.., id, probe)| fits(id, probe)).collect();
        // A warm connection is another thing: not to be mixed with what has to connect first.
        let by_kind = matches!(choice, ProbeChoice::Kind(_));
        let cold = fitting.iter().any(|(.., probe)| !is_warm(probe));
        let kept = fitting.iter().filter(|(.., probe)| !(by_kind && cold && is_warm(probe)));
        let kinds: BTreeSet<_> = kept.clone().map(|(.., probe)| probe.kind).collect();
        let Some(kind) = kinds.first() else {
            let known: BTreeSet<_> = all().map(|(_, _, id, _)| id.as_str()).collect();
            return Err(unknown("probe", &choice.to_string(), known.into_iter()));
        };
        Ok(Self {
            phase: phase.unwrap_or_else(|| kind.outcome_phase()),
            probes: kept.map(|(target, _, id, _)| ((*target).clone(), (*id).clone())).collect(),
            choice,
        })
    }
}

fn is_warm(probe: &Probe) -> bool {
    matches!(&probe.action, Action::Http(http) if http.reuse)
}
