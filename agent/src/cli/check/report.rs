//! Findings, as text and as JSON.

use serde::Serialize;

use crate::cli::paint::{Colour, Paint};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Some measurements cannot be made, or are less true.
    Warning,
    /// The agent cannot do its work.
    Problem,
}

/// What was found about one matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    check: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Finding {
    /// All is as it should be.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, found: found.into(), remedy: None }
    }

    /// Something to know, and what to do about it.
    pub fn warning(
        check: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { check, verdict: Verdict::Warning, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// Something to mend, and how.
    pub fn problem(
        check: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { check, verdict: Verdict::Problem, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// Whether the agent cannot do its work.
    pub fn is_problem(&self) -> bool {
        self.verdict == Verdict::Problem
    }
}

/// Lines for people.
pub fn text(findings: &[Finding], paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in findings {
        let (word, colour) = match finding.verdict {
            Verdict::Ok => ("ok", Colour::Green),
            Verdict::Warning => ("warning", Colour::Yellow),
            Verdict::Problem => ("problem", Colour::Red),
        };
        let word = paint.paint(colour, format_args!("{word:<7}"));
        let check = paint.paint(Colour::Bold, format_args!("{:<12}", finding.check));
        lines.push(format!("{word}  {check}  {}", finding.found));
        lines.extend(finding.remedy.as_ref().map(|remedy| format!("{:23}→ {remedy}", "")));
    }
    lines
}

#[derive(Serialize)]
struct FindingDocument<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    finding: &'a Finding,
}

#[derive(Serialize)]
struct SummaryDocument {
    r#type: &'static str,
    ok: usize,
    warnings: usize,
    problems: usize,
}

/// One JSON document a line, described in `agent/JSON.md`.
pub fn json(findings: &[Finding]) -> Vec<String> {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let summary = SummaryDocument {
        r#type: "summary",
        ok: count(Verdict::Ok),
        warnings: count(Verdict::Warning),
        problems: count(Verdict::Problem),
    };
    let documents = findings.iter().map(|finding| FindingDocument { r#type: "finding", finding });
    // Documents of strings and numbers cannot fail to be written.
    let mut lines: Vec<_> =
        documents.filter_map(|document| serde_json::to_string(&document).ok()).collect();
    lines.extend(serde_json::to_string(&summary));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_told_with_their_remedy() {
        let findings = [
            Finding::ok("clock", "tsc"),
            Finding::problem("icmp", "no socket is allowed", "grant CAP_NET_RAW"),
        ];
        assert_eq!(
            text(&findings, Paint::PLAIN),
            [
                "ok       clock         tsc",
                "problem  icmp          no socket is allowed",
                "                       → grant CAP_NET_RAW",
            ]
        );
        assert_eq!(
            json(&findings),
            [
                r#"{"type":"finding","check":"clock","verdict":"ok","found":"tsc"}"#,
                r#"{"type":"finding","check":"icmp","verdict":"problem","found":"no socket is allowed","remedy":"grant CAP_NET_RAW"}"#,
                r#"{"type":"summary","ok":1,"warnings":0,"problems":1}"#,
            ]
        );
    }
}
