//! What the doctor found, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There was nothing to try.
    Skipped,
    Ok,
    /// The agent works, though not as well as it could.
    Warning,
    Failed,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warning => "WARNING",
            Self::Failed => "FAILED",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub check: &'static str,
    /// Which collector it is about, if it is about one.
    pub subject: Option<String>,
    pub verdict: Verdict,
    pub found: String,
    /// What to do, one sentence; none where there is nothing to do.
    pub advice: Option<String>,
}

impl Check {
    fn new(check: &'static str, verdict: Verdict, found: String, advice: Option<&str>) -> Self {
        Self { check, subject: None, verdict, found, advice: advice.map(str::to_owned) }
    }

    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, found.into(), None)
    }

    pub(super) fn skipped(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Skipped, found.into(), None)
    }

    pub(super) fn warning(check: &'static str, found: impl Into<String>, advice: &str) -> Self {
        Self::new(check, Verdict::Warning, found.into(), Some(advice))
    }

    pub(super) fn failed(check: &'static str, found: impl Into<String>, advice: &str) -> Self {
        Self::new(check, Verdict::Failed, found.into(), Some(advice))
    }

    pub(super) fn about(self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self }
    }
}

/// All checks, in the order in which one stands on the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The worst of all.
    pub verdict: Verdict,
    pub checks: Vec<Check>,
}

impl Report {
    pub(super) fn new(checks: Vec<Check>) -> Self {
        let worst = checks.iter().map(|check| check.verdict).max();
        Self { verdict: worst.unwrap_or(Verdict::Skipped).max(Verdict::Ok), checks }
    }

    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.verdict == Verdict::Failed
    }

    /// Some lines for a person.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            let Check { check: name, subject, verdict, found, advice } = check;
            let subject = subject.as_ref().map(|subject| format!("{subject}: "));
            let subject = subject.unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<12} {:<8} {subject}{found}", verdict.word());
            if let Some(advice) = advice {
                let _ = writeln!(text, "{:<21} -> {advice}", "");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts_and_every_line_is_aligned() {
        let checks = vec![
            Check::ok("state", "/var/lib/x"),
            Check::skipped("proxy", "none"),
            Check::warning("udp", "no answer", "open UDP").about("noc:443"),
        ];
        let report = Report::new(checks.clone());
        assert_eq!((report.verdict, report.has_failed()), (Verdict::Warning, false));
        let text = "state        ok       /var/lib/x\n\
                    proxy        skipped  none\n\
                    udp          WARNING  noc:443: no answer\n\
                    \x20                     -> open UDP\n";
        assert_eq!(report.to_text(), text);
        let failed = [&checks[..], &[Check::failed("disk", "full", "clean up")]].concat();
        assert!(Report::new(failed).has_failed());
        assert_eq!(Report::new(vec![Check::skipped("proxy", "none")]).verdict, Verdict::Ok);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["checks"][2]["subject"], "noc:443");
        assert_eq!(
            (&json["verdict"], &json["checks"][0]["advice"]),
            (&"warning".into(), &().into())
        );
    }
}
