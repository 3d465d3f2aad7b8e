//! No file says where packages come from: that is each machine's own setting, and a lock file that
//! names a mirror works on one network only.

use super::{File, Finding, Tree};

const CRATES_IO: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

/// Files that can choose a registry or a mirror by a line `registry = …` or `index-url = …`.
const SETTINGS: [&str; 5] = [".npmrc", ".yarnrc", ".yarnrc.yml", "pip.conf", ".pip.conf"];

/// Words that come with a registry's address, in configuration and scripts.
const WORDS: [&str; 6] = [
    "--registry",
    "--index-url",
    "--extra-index-url",
    "replace-with",
    "registry-url",
    "npm_config_registry",
];

pub(super) fn hosts(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        if SETTINGS.contains(&file.name()) {
            findings.extend(locked(file, |line| !chooses_registry(line)));
        }
        match file.name() {
            "package-lock.json" => findings
                .extend(locked(file, |line| !line.trim_start().starts_with("\"resolved\":"))),
            "Cargo.lock" => findings
                .extend(locked(file, |line| !line.starts_with("source = ") || line == CRATES_IO)),
            // This file has to name what it looks for.
            "registries.rs" => {}
            _ => findings.extend(worded(file)),
        }
    }
    findings
}

/// `registry=…`, `@scope:registry=…`, `index-url = …`; not `omit-lockfile-registry-resolved=…`.
fn chooses_registry(line: &str) -> bool {
    let key = line.split(['=', ' ']).next().unwrap_or(line).trim_end_matches(':');
    let key = key.rsplit(':').next().unwrap_or(key);
    ["registry", "npmRegistryServer", "index-url", "extra-index-url"].contains(&key)
}

fn locked(file: &File, is_fine: impl Fn(&str) -> bool) -> Vec<Finding> {
    let lines = file.lines().filter(|(_, line)| !is_fine(line));
    lines.map(|(number, _)| file.finding(number, "names where a package comes from")).collect()
}

fn worded(file: &File) -> Vec<Finding> {
    let hosts = ["registry.npm", "index.crates", "pythonhosted.", "pypi."];
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        let found = WORDS.iter().chain(&hosts).find(|word| line.contains(**word));
        findings
            .extend(found.map(|word| file.finding(number, format!("names a registry: {word}"))));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::lines_found;
    use super::*;

    #[test]
    fn lock_files_name_no_address() {
        let npm =
            "{\n  \"resolved\": \"https://mirror.example/a.tgz\",\n  \"integrity\": \"x\"\n}\n";
        assert_eq!(lines_found(hosts, "collector/web/package-lock.json", npm), [2]);
        let cargo = format!("{CRATES_IO}\nsource = \"git+https://x.example/a\"\n");
        assert_eq!(lines_found(hosts, "Cargo.lock", &cargo), [2]);
    }

    #[test]
    fn settings_and_scripts_name_none_either() {
        let npmrc = "omit-lockfile-registry-resolved=true\nregistry=http://m.example\n\
                     @x:registry = http://m.example\n";
        assert_eq!(lines_found(hosts, "collector/web/.npmrc", npmrc), [2, 3]);
        assert_eq!(lines_found(hosts, "x", "npm ci\nnpm ci --registry=http://m.example\n"), [2]);
    }
}
