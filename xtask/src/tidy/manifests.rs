//! Rules of `Cargo.toml` files: one place for versions, dependencies that point one way, one licence.

use super::{File, Finding, Tree};

const LICENCE: &str = "Apache-2.0";

/// What each member may not depend on. `tests` may use everything.
const NEVER: [(&str, &[&str]); 5] = [
    ("proto", &["farwatch-common", "farwatch-agent", "farwatch-collector", "farwatch-tests"]),
    ("common", &["farwatch-agent", "farwatch-collector", "farwatch-tests"]),
    ("agent", &["farwatch-collector", "farwatch-tests"]),
    ("collector", &["farwatch-agent", "farwatch-tests"]),
    ("xtask", &["farwatch-"]),
];

/// Members take every version from the workspace, so that a crate has one version and one reason.
pub(super) fn versions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in members(tree) {
        for (number, line) in dependency_lines(file) {
            if !line.contains(".workspace = true") && !line.contains("workspace = true") {
                findings.push(file.finding(number, "name the version in the root Cargo.toml"));
            }
        }
    }
    findings
}

/// Agent and collector never know each other; what both need is in common.
pub(super) fn directions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (member, never) in NEVER {
        let Some(file) = tree.get(&format!("{member}/Cargo.toml")) else {
            continue;
        };
        for (number, line) in dependency_lines(file) {
            if let Some(name) = never.iter().find(|name| line.starts_with(**name)) {
                findings.push(file.finding(number, format!("{member} must not depend on {name}")));
            }
        }
    }
    findings
}

pub(super) fn licence(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in members(tree) {
        for field in ["license.workspace = true", "[lints]\nworkspace = true"] {
            if !file.text.contains(field) {
                let shown = field.replace('\n', " ");
                findings.push(file.finding(0, format!("must say {shown}")));
            }
        }
    }
    if let Some(root) = tree.get("Cargo.toml")
        && !root.text.contains(&format!("license = \"{LICENCE}\""))
    {
        findings.push(root.finding(0, format!("must say license = \"{LICENCE}\"")));
    }
    if tree.get("Cargo.toml").is_some() && tree.get("LICENSE").is_none() {
        findings.push(Finding::missing("LICENSE"));
    }
    findings
}

fn members(tree: &Tree) -> impl Iterator<Item = &File> {
    let is_member = |file: &&File| {
        // The fuzz targets are a workspace of their own.
        file.path.ends_with("/Cargo.toml") && !file.text.contains("[workspace]")
    };
    tree.files.iter().filter(is_member)
}

/// The lines of all dependency sections that name a crate.
fn dependency_lines(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    file.lines().filter(move |(_, line)| {
        if line.starts_with('[') {
            inside = line.trim_end_matches(']').ends_with("dependencies");
            return false;
        }
        inside && !line.trim().is_empty() && !line.starts_with('#')
    })
}

#[cfg(test)]
mod tests {
    use super::super::lines_found;
    use super::*;

    #[test]
    fn versions_come_from_the_workspace() {
        let text = "[package]\nversion = \"1\"\n[dependencies]\na.workspace = true\nb = \"1\"\n\
                    c = { workspace = true, features = [\"x\"] }\n[target.'x'.dependencies]\n\
                    d = { version = \"1\" }\n[lints]\nworkspace = true\n";
        assert_eq!(lines_found(versions, "agent/Cargo.toml", text), [5, 8]);
        assert_eq!(lines_found(versions, "Cargo.toml", text), []);
    }

    #[test]
    fn agent_and_collector_are_strangers() {
        let text = "[dependencies]\nfarwatch-agent.workspace = true\n";
        assert_eq!(lines_found(directions, "collector/Cargo.toml", text), [2]);
        assert_eq!(lines_found(directions, "common/Cargo.toml", text), [2]);
        assert_eq!(lines_found(directions, "xtask/Cargo.toml", text), [2]);
        assert_eq!(lines_found(directions, "tests/Cargo.toml", text), []);
    }

    #[test]
    fn every_member_names_licence_and_lints() {
        let good = "license.workspace = true\n\n[lints]\nworkspace = true\n";
        assert_eq!(lines_found(licence, "agent/Cargo.toml", good), []);
        assert_eq!(lines_found(licence, "agent/Cargo.toml", "[lints]\n"), [0, 0]);
        assert_eq!(lines_found(licence, "Cargo.toml", "license = \"MIT\"\n"), [0, 0]);
    }
}
