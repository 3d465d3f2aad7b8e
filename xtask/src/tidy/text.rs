//! Form of every text file: whitespace and length.

use super::{File, Finding, Tree};

const WARN_LINES: usize = 500;
const FAIL_LINES: usize = 800;
/// Written by hand and read by people, so kept short.
const SOURCES: [&str; 9] = ["rs", "ts", "tsx", "mjs", "js", "css", "sh", "proto", "py"];

/// No mark of a conflict, no tab, no carriage return, no space at the end of a line; one line feed at the end of a file.
pub(super) fn whitespace(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !is_free_form(file)) {
        let tabs_belong = file.path.starts_with("packaging/deb/");
        for (number, line) in file.lines() {
            if ["<<<<<<< ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark)) {
                findings.push(file.finding(number, "left over from a merge"));
            } else if line.contains('\r') {
                findings.push(file.finding(number, "carriage return"));
            } else if line.ends_with([' ', '\t']) {
                findings.push(file.finding(number, "whitespace at the end of the line"));
            } else if line.contains('\t') && !tabs_belong {
                findings.push(file.finding(number, "tab: indent with spaces"));
            }
        }
        if !file.text.is_empty() && (!file.text.ends_with('\n') || file.text.ends_with("\n\n")) {
            findings.push(file.finding(0, "must end with exactly one line feed"));
        }
    }
    findings
}

/// A source file past the limit must be split.
pub(super) fn length(tree: &Tree) -> Vec<Finding> {
    sources(tree)
        .filter(|(_, lines)| *lines > FAIL_LINES)
        .map(|(file, lines)| {
            file.finding(0, format!("{lines} lines, {FAIL_LINES} at most: split it"))
        })
        .collect()
}

/// What should be split soon, for a person to read.
pub(super) fn long_files(tree: &Tree) -> Vec<String> {
    sources(tree)
        .filter(|(_, lines)| (WARN_LINES + 1..=FAIL_LINES).contains(lines))
        .map(|(file, lines)| format!("{}: {lines} lines, aim at 300", file.path))
        .collect()
}

fn sources(tree: &Tree) -> impl Iterator<Item = (&File, usize)> {
    let by_hand = |file: &&File| {
        SOURCES.contains(&file.extension()) && !is_generated(file) && !is_free_form(file)
    };
    tree.files.iter().filter(by_hand).map(|file| (file, file.text.lines().count()))
}

fn is_generated(file: &File) -> bool {
    file.path.contains(".gen.")
}

/// Data of tests and pictures keep the form they came in; `.cmd` files need carriage returns.
fn is_free_form(file: &File) -> bool {
    let data = ["tests/data/", "tests/fuzz/corpus/"];
    data.iter().any(|folder| file.path.starts_with(folder))
        || ["cmd", "svg", "snap", "patch", "diff"].contains(&file.extension())
}

#[cfg(test)]
mod tests {
    use super::super::lines_found;
    use super::*;

    #[test]
    fn whitespace_is_found_by_line() {
        assert_eq!(lines_found(whitespace, "a.rs", "a\nb \nc\t\nd\te\nf\r\n"), [2, 3, 4, 5]);
        assert_eq!(lines_found(whitespace, "a.rs", "a"), [0]);
        assert_eq!(lines_found(whitespace, "a.rs", "a\n\n"), [0]);
        assert_eq!(lines_found(whitespace, "a.rs", "a\n\nb\n"), []);
        assert_eq!(
            lines_found(whitespace, "a.rs", "a\n<<<<<<< HEAD\n=======\n>>>>>>> b\n"),
            [2, 4]
        );
        assert_eq!(lines_found(whitespace, "x.cmd", "a\r\n"), []);
        assert_eq!(lines_found(whitespace, "packaging/deb/rules", "\ta\n"), []);
    }

    #[test]
    fn long_sources_warn_then_fail() {
        let lines = |n: usize| "x\n".repeat(n);
        assert_eq!(lines_found(length, "a.rs", &lines(FAIL_LINES)), []);
        assert_eq!(lines_found(length, "a.rs", &lines(FAIL_LINES + 1)), [0]);
        assert_eq!(lines_found(length, "api.gen.ts", &lines(2000)), []);
        assert_eq!(lines_found(length, "migrations/x.sql", &lines(2000)), []);
        assert_eq!(long_files(&Tree::of(&[("a.rs", &lines(WARN_LINES + 1))])).len(), 1);
        assert!(long_files(&Tree::of(&[("a.rs", &lines(WARN_LINES))])).is_empty());
    }
}
