//! Documents stay whole: each is a chapter of the book, and every invariant names a test that exists.

use std::collections::BTreeSet;

use super::{File, Finding, Tree, links};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
/// What is said to hold, each with the test that holds it: numbered lists under these headings, the tests at the
/// end of an item or in a table of their own.
const HELD: [(&str, &str); 2] =
    [(ARCHITECTURE, "## Invariants"), ("docs/delivery.md", "## The contract")];
/// The table's heading; a row is `| NUMBER | tests |`.
const HOLDERS: &str = "## What holds each rule";
/// The folder of the book.
const BOOK: &str = "docs";
const SUMMARY: &str = "docs/SUMMARY.md";

/// Every document of `docs/` is a chapter of the book, once.
pub(super) fn chapters(tree: &Tree) -> Vec<Finding> {
    let Some(summary) = tree.get(SUMMARY) else {
        return vec![Finding::missing(SUMMARY)];
    };
    let mut findings = Vec::new();
    let mut chapters = BTreeSet::new();
    for (number, target) in links::of(summary) {
        if links::resolved(BOOK, target).is_some_and(|path| !chapters.insert(path)) {
            findings.push(summary.finding(number, format!("a chapter already: {target}")));
        }
    }
    for file in tree.with_extension("md").filter(|file| is_in_book(file)) {
        if !chapters.contains(&file.path) {
            findings.push(file.finding(0, format!("is no chapter yet: name it in {SUMMARY}")));
        }
    }
    findings
}

fn is_in_book(file: &File) -> bool {
    file.path != SUMMARY && file.path.split_once('/').is_some_and(|(folder, _)| folder == BOOK)
}

/// Each numbered item of what is held ends with `(test: path::name)`, tests parted by commas, or has a row with
/// them in the table.
pub(super) fn invariants(tree: &Tree) -> Vec<Finding> {
    let files = HELD.iter().filter_map(|(path, heading)| Some((tree.get(path)?, *heading)));
    files.flat_map(|(file, heading)| held(tree, file, heading)).collect()
}

fn held(tree: &Tree, file: &File, heading: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let items = items_under(file, heading);
    if items.is_empty() {
        findings.push(file.finding(0, format!("has no numbered list under «{heading}»")));
    }
    let rows = rows_under(file, HOLDERS);
    let mut tests: Vec<(usize, &str)> = Vec::new();
    for (line, item) in &items {
        let own = item.rsplit_once("(test: ").and_then(|(_, tests)| tests.strip_suffix(')'));
        if own.is_none() && !rows.iter().any(|(_, number, _)| *number == number_of(item)) {
            let wanted = "the invariant must end with (test: path::name)";
            let wanted = match rows.is_empty() {
                true => wanted.to_owned(),
                false => format!("{wanted} or have a row under «{HOLDERS}»"),
            };
            findings.push(file.finding(*line, wanted));
        }
        tests.extend(own.map(|own| (*line, own)));
    }
    for (line, number, of_row) in &rows {
        if !items.iter().any(|(_, item)| number_of(item) == *number) {
            findings.push(file.finding(*line, format!("there is no number {number} to hold")));
        }
        tests.push((*line, of_row));
    }
    for (line, test) in tests.iter().flat_map(|(line, all)| all.split(',').map(|one| (*line, one)))
    {
        let test = test.trim().trim_matches('`');
        if !test_exists(tree, test) {
            findings.push(file.finding(line, format!("there is no test {test}")));
        }
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// `7` of `7. **Every loss**…`.
fn number_of(item: &str) -> &str {
    item.split_once('.').map_or("", |(number, _)| number)
}

/// The line, first and second cell of each row that begins with a number.
fn rows_under<'a>(file: &'a File, heading: &str) -> Vec<(usize, &'a str, &'a str)> {
    let lines = file.lines().skip_while(|(_, line)| *line != heading).skip(1);
    let lines = lines.take_while(|(_, line)| !line.starts_with("## "));
    let cells = lines.filter_map(|(at, line)| {
        let (number, tests) = line.strip_prefix('|')?.strip_suffix('|')?.split_once('|')?;
        Some((at, number.trim(), tests.trim()))
    });
    cells.filter(|(_, number, _)| number.starts_with(|c: char| c.is_ascii_digit())).collect()
}

/// The items with the line each starts on; a wrapped item is joined.
fn items_under(file: &File, heading: &str) -> Vec<(usize, String)> {
    let mut items: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in file.lines() {
        if line.starts_with("## ") {
            inside = line == heading;
        } else if inside && line.starts_with(|c: char| c.is_ascii_digit()) {
            items.push((number, line.to_owned()));
        } else if inside
            && line.starts_with(' ')
            && let Some((_, item)) = items.last_mut()
        {
            item.push(' ');
            item.push_str(line.trim());
        }
    }
    items
}

/// `path::name`: the file has a function of that name, or in the UI a test of that title.
fn test_exists(tree: &Tree, test: &str) -> bool {
    let Some((path, name)) = test.split_once("::") else {
        return false;
    };
    let Some(file) = tree.get(path) else {
        return false;
    };
    let name = name.rsplit("::").next().unwrap_or(name);
    let forms =
        [format!("fn {name}("), format!("fn {name}<"), format!("'{name}'"), format!("\"{name}\"")];
    forms.iter().any(|form| file.text.contains(form.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_one_chapter() {
        let of = |summary: &str| -> Vec<String> {
            let files =
                [(SUMMARY, summary), ("docs/a.md", ""), ("docs/adr/1.md", ""), ("b.md", "")];
            chapters(&Tree::of(&files)).iter().map(ToString::to_string).collect()
        };
        assert_eq!(of("[A](a.md)\n- [One](adr/1.md)\n"), [""; 0]);
        assert_eq!(
            of("[A](a.md)\n[A again](./a.md)\n"),
            [
                "docs/SUMMARY.md:2: a chapter already: ./a.md",
                "docs/adr/1.md: is no chapter yet: name it in docs/SUMMARY.md"
            ]
        );
        let missing: Vec<String> =
            chapters(&Tree::of(&[])).iter().map(ToString::to_string).collect();
        assert_eq!(missing, ["docs/SUMMARY.md: missing"]);
    }

    fn invariant_messages(list: &str) -> Vec<String> {
        let architecture = format!("# A\n\n## Invariants\n\n{list}\n## Next\n\n1. Not one.\n");
        let tree = Tree::of(&[
            (ARCHITECTURE, &architecture),
            ("tests/it/uplink.rs", "#[test]\nfn resumes() {}\n"),
            ("web/live.test.ts", "it('reloads after a gap', () => {})\n"),
        ]);
        invariants(&tree).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn invariants_name_tests_that_exist() {
        let good = "1. **A.** Long\n   text. (test: `tests/it/uplink.rs::resumes`,\n   \
                    `web/live.test.ts::reloads after a gap`)\n";
        assert!(invariant_messages(good).is_empty());
        assert_eq!(
            invariant_messages("1. A. (test: `tests/it/uplink.rs::gone`)\n2. B.\n"),
            [
                "there is no test tests/it/uplink.rs::gone",
                "the invariant must end with (test: path::name)"
            ]
        );
        assert_eq!(invariant_messages("1. A. (test: …)\n"), ["there is no test …"]);
        let table = |rows: &str| format!("1. A.\n2. B.\n\n{HOLDERS}\n\n| Rule | Tests |\n{rows}");
        let test = "`tests/it/uplink.rs::resumes`";
        let rows =
            format!("| 1 | {test}, `web/live.test.ts::reloads after a gap` |\n| 2 | {test} |\n");
        assert!(invariant_messages(&table(&rows)).is_empty());
        let rows = format!("| 1 | `tests/it/uplink.rs::gone`, {test} |\n| 3 | |\n");
        assert_eq!(
            invariant_messages(&table(&rows)),
            [
                "the invariant must end with (test: path::name) or have a row under \
                 «## What holds each rule»",
                "there is no test tests/it/uplink.rs::gone",
                "there is no number 3 to hold",
                "there is no test "
            ]
        );
        assert_eq!(invariant_messages(""), ["has no numbered list under «## Invariants»"]);
    }
}
