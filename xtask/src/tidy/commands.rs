//! `./x` and its twin for Windows: every document begins with them.

use super::{Finding, Tree};

const UNIX: &str = "x";
const WINDOWS: &str = "x.cmd";

pub(super) fn bootstrap(tree: &Tree) -> Vec<Finding> {
    let missing = [UNIX, WINDOWS].into_iter().filter(|path| tree.get(path).is_none());
    let mut findings: Vec<_> = missing.map(Finding::missing).collect();
    if let Some(x) = tree.get(UNIX).filter(|x| !x.is_program) {
        findings.push(x.finding(0, "may not be run: git update-index --add --chmod=+x x"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::program;

    #[test]
    fn both_are_there_and_the_one_may_be_run() {
        let found = |tree: &Tree| -> Vec<String> {
            bootstrap(tree).iter().map(ToString::to_string).collect()
        };
        assert_eq!(found(&Tree::of(&[])), ["x: missing", "x.cmd: missing"]);
        let mut tree = Tree::of(&[("x", "#!/bin/sh\n"), ("x.cmd", "@echo off\r\n")]);
        assert_eq!(found(&tree), ["x: may not be run: git update-index --add --chmod=+x x"]);
        tree.files[0].is_program = true;
        assert_eq!(found(&tree), [""; 0]);
    }

    #[test]
    fn git_tells_what_may_be_run() {
        let hash = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        assert_eq!(program(&format!("100755 {hash} 0\tx")), Some("x"));
        assert_eq!(program(&format!("100644 {hash} 0\tx.cmd")), None);
    }
}
