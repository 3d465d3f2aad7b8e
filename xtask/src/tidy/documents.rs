//! Documents stay true: links lead somewhere, and every invariant names a test that exists.

use super::{File, Finding, Tree};

const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// Every relative link of every Markdown file points at a file or folder of the repository.
pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.with_extension("md") {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, line) in prose_lines(file) {
            for target in link_targets(line) {
                if target.contains("://")
                    || target.starts_with("mailto:")
                    || target.starts_with('#')
                {
                    continue;
                }
                let path = target.split('#').next().unwrap_or_default();
                match resolved(folder, path) {
                    Some(path) if path.is_empty() || tree.has(&path) => {}
                    _ => findings.push(file.finding(number, format!("broken link: {target}"))),
                }
            }
        }
    }
    findings
}

/// Each numbered item under «## Invariants» ends with `(test: path::name)`, tests parted by commas.
pub(super) fn invariants(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.get(ARCHITECTURE) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let items = invariant_items(file);
    if items.is_empty() {
        findings.push(file.finding(0, "has no numbered list under «## Invariants»"));
    }
    for (number, item) in items {
        let tests = item.rsplit_once("(test: ").and_then(|(_, tests)| tests.strip_suffix(')'));
        let Some(tests) = tests else {
            findings.push(file.finding(number, "the invariant must end with (test: path::name)"));
            continue;
        };
        for test in tests.split(',').map(|test| test.trim().trim_matches('`')) {
            if !test_exists(tree, test) {
                findings.push(file.finding(number, format!("there is no test {test}")));
            }
        }
    }
    findings
}

/// The items with the line each starts on; a wrapped item is joined.
fn invariant_items(file: &File) -> Vec<(usize, String)> {
    let mut items: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in file.lines() {
        if line.starts_with("## ") {
            inside = line == "## Invariants";
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
    let forms = [format!("fn {name}("), format!("'{name}'"), format!("\"{name}\"")];
    forms.iter().any(|form| file.text.contains(form.as_str()))
}

/// Lines outside of code fences.
fn prose_lines(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    file.lines().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The targets of `[text](target)` and `![text](target)`.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split(')').next()?;
        Some(target.split(' ').next().unwrap_or(target))
    })
}

/// `path` as seen from `folder`, from the root of the repository; `None` where it leaves that.
fn resolved(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_somewhere() {
        let text = "[a](../a.md#x) [b](adr) ![c](c.png)\n[d](https://x.example) [e](#e)\n\
                    [f](gone.md)\n[g](../../out.md)\n```\n[h](fenced.md)\n```\n[i](..)\n";
        let tree = Tree::of(&[("docs/d.md", text), ("a.md", ""), ("docs/adr/1.md", "")]);
        let found: Vec<String> = links(&tree).into_iter().map(|f| f.message).collect();
        assert_eq!(
            found,
            ["broken link: c.png", "broken link: gone.md", "broken link: ../../out.md"]
        );
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
        assert_eq!(invariant_messages(""), ["has no numbered list under «## Invariants»"]);
    }
}
