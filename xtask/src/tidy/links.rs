//! Links of documents lead somewhere: to a file or folder of the repository, and to a heading in it.

use std::collections::BTreeSet;

use super::{File, Finding, Tree};

/// Every relative link and every picture of every Markdown file. Addresses elsewhere are not asked.
pub(super) fn targets(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.with_extension("md") {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, target) in of(file) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = match path {
                "" => Some(file.path.clone()),
                path => resolved(folder, path),
            };
            match path {
                Some(path) if path.is_empty() || tree.has(&path) => {
                    let page = tree.get(&path).filter(|page| page.extension() == "md");
                    if !anchor.is_empty() && page.is_none_or(|page| !has_anchor(page, anchor)) {
                        findings.push(file.finding(number, format!("no such heading: {target}")));
                    }
                }
                _ => findings.push(file.finding(number, format!("broken link: {target}"))),
            }
        }
    }
    findings
}

/// The targets of `[text](target)` and `![text](target)` with their lines, outside of code.
pub(super) fn of(file: &File) -> impl Iterator<Item = (usize, &str)> {
    prose_lines(file).flat_map(|(number, line)| {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(begin) = line[at..].find("](").map(|place| at + place + 2) {
            let target = line[begin..].split([')', ' ']).next().unwrap_or_default();
            if !is_in_code(line, begin) {
                found.push((number, target));
            }
            at = begin;
        }
        found
    })
}

/// `path` as seen from `folder`, from the root of the repository; `None` where it leaves that.
pub(super) fn resolved(folder: &str, path: &str) -> Option<String> {
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

/// Lines outside of code fences.
fn prose_lines(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    file.lines().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// Whether the place is between backticks of its line.
fn is_in_code(line: &str, at: usize) -> bool {
    let ticks = |text: &str| text.matches('`').count();
    ticks(&line[..at]) % 2 == 1 && ticks(&line[at..]) % 2 == 1
}

/// Whether the page has a heading that readers of Markdown give this anchor.
fn has_anchor(page: &File, anchor: &str) -> bool {
    let mut taken = BTreeSet::new();
    for (_, line) in prose_lines(page) {
        let text = line.trim_start_matches('#');
        if text.len() == line.len() || !text.starts_with(' ') {
            continue;
        }
        // The second heading of the same words is `words-1`.
        let slug = slug(text.trim());
        let same = (1..).map(|n| format!("{slug}-{n}"));
        let free = std::iter::once(slug.clone()).chain(same).find(|slug| !taken.contains(slug));
        taken.extend(free);
    }
    taken.contains(anchor)
}

/// The anchor of a heading: its letters and digits in small ones, hyphens for spaces.
fn slug(heading: &str) -> String {
    let mut text = String::new();
    let mut rest = heading;
    // Of a link its text counts.
    while let Some((before, after)) = rest.split_once("](") {
        text.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let kept = |c: char| c.is_alphanumeric() || "-_ ".contains(c);
    text.to_lowercase()
        .chars()
        .filter(|c| kept(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        targets(&Tree::of(files)).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn links_lead_to_files() {
        let text = "[a](../a.md) [b](adr) ![c](c.png)\n[d](https://x.example)\n\
                    [f](gone.md)\n[g](../../out.md)\n```\n[h](fenced.md)\n```\n[i](..)\n\
                    `[j](in-code.md)` [`k`](k.md)\n";
        assert_eq!(
            found(&[("docs/d.md", text), ("a.md", ""), ("docs/adr/1.md", "")]),
            [
                "broken link: c.png",
                "broken link: gone.md",
                "broken link: ../../out.md",
                "broken link: k.md"
            ]
        );
    }

    #[test]
    fn links_lead_to_headings() {
        let page = "# A [page](x.md)\n\n## `run`, and then?\n\n## Same\n\n## Same\n\n\
                    ```\n# no heading\n```\n#no heading\n";
        let to = |anchor: &str| {
            let text = format!("[l](page.md#{anchor})\n");
            found(&[("docs/d.md", &text), ("docs/page.md", page), ("docs/x.md", "")]).len()
        };
        for anchor in ["a-page", "run-and-then", "same", "same-1"] {
            assert_eq!(to(anchor), 0, "{anchor}");
        }
        for anchor in ["run", "same-2", "no-heading", "A-page"] {
            assert_eq!(to(anchor), 1, "{anchor}");
        }
        assert_eq!(
            found(&[("a.md", "# Top\n[own](#top) [x](#gone)\n")]),
            ["no such heading: #gone"]
        );
        assert_eq!(
            found(&[("a.md", "[x](b.rs#L3)\n"), ("b.rs", "")]),
            ["no such heading: b.rs#L3"]
        );
    }
}
