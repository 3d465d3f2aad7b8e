//! `./x audit`: dependencies against the advisory database. Not part of `./x ci`: the database is
//! fetched, and a new advisory must not turn yesterday's commit red.
//!
//! Exit codes: 0 nothing found, 1 advisories found, 69 the database could not be reached: an audit
//! that did not happen is no pass.

use std::process::ExitCode;

use crate::{Result, cmd::Cmd, cmd::note, install};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Clean,
    Found,
    Unreachable,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Clean => Self::SUCCESS,
            Outcome::Found => Self::FAILURE,
            Outcome::Unreachable => Self::from(69),
        }
    }
}

pub(crate) fn run() -> Result<Outcome> {
    install::cargo_deny()?;
    let output =
        Cmd::new("cargo").args(["deny", "check", "--hide-inclusion-graph", "advisories"]).tee()?;
    let outcome = judge(output.status.success(), &output.text);
    match outcome {
        Outcome::Clean => note("audit: no advisory concerns the dependencies"),
        Outcome::Found => note(
            "audit: see above; update the crate, or ignore it in deny.toml with a reason and a date",
        ),
        Outcome::Unreachable => {
            note("audit: the advisory database cannot be reached from here: nothing was compared");
        }
    }
    Ok(outcome)
}

fn judge(success: bool, text: &str) -> Outcome {
    if success {
        Outcome::Clean
    } else if text.contains("failed to fetch advisory database")
        || text.contains("failed to load advisory database")
    {
        Outcome::Unreachable
    } else {
        Outcome::Found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreachable_database_is_neither_clean_nor_a_finding() {
        let unreachable = "[ERROR] failed to fetch advisory database https://…: timed out";
        assert_eq!(judge(false, unreachable), Outcome::Unreachable);
        assert_eq!(judge(false, "error[vulnerability]: …\nadvisories FAILED"), Outcome::Found);
        assert_eq!(judge(true, "advisories ok"), Outcome::Clean);
    }
}
