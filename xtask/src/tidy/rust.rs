//! Rules of Rust sources: pure cores, portable code, module files, nothing left half done.

use super::code::{code_only, has_word};
use super::{File, Finding, Tree};

const CORE: &str = "//! Core:";
/// I/O, the runtime and the databases that a core must not know.
const NOT_IN_CORES: [&str; 8] =
    ["tokio", "sqlx", "quinn", "rusqlite", "SystemTime", "Instant", "UdpSocket", "TcpStream"];

/// A core gets time and events passed in: it imports no I/O and reads no clock.
pub(super) fn cores(tree: &Tree) -> Vec<Finding> {
    let is_core = |file: &&File| file.text.starts_with(CORE);
    code_lines(tree.with_extension("rs").filter(is_core), |line| {
        if let Some(word) = NOT_IN_CORES.iter().find(|word| has_word(line, word)) {
            return Some(format!("a core knows no {word}: pass what it needs in"));
        }
        line.contains("::now()").then(|| "a core reads no clock: pass the time in".to_owned())
    })
}

/// Where `cfg` on the operating system may stand; `xtask` is the developer's, not the product's.
const PLATFORMS: [&str; 3] = ["agent/src/platform", "common/src/platform", "xtask/"];

/// `cfg` on the operating system has its homes, so that everything else is the same everywhere.
pub(super) fn operating_systems(tree: &Tree) -> Vec<Finding> {
    let elsewhere = |file: &&File| !PLATFORMS.iter().any(|home| file.path.starts_with(home));
    code_lines(tree.with_extension("rs").filter(elsewhere), |line| {
        let conditional =
            line.contains("cfg(") || line.contains("cfg!(") || line.contains("cfg_attr(");
        let system = ["target_os", "target_family", "unix", "windows"];
        let named = system.iter().any(|word| has_word(line, word));
        (conditional && named)
            .then(|| "cfg on the operating system belongs in a crate's platform module".to_owned())
    })
}

/// `foo.rs` beside `foo/`: twenty tabs named mod.rs help nobody.
pub(super) fn module_files(tree: &Tree) -> Vec<Finding> {
    let is_mod = |file: &&File| file.name() == "mod.rs";
    let advice = |file: &File| file.finding(0, "name the module's file after it, not mod.rs");
    tree.with_extension("rs").filter(is_mod).map(advice).collect()
}

/// What is fine on the way to a commit and not in one.
pub(super) fn forgotten_marks(tree: &Tree) -> Vec<Finding> {
    let mut findings = code_lines(tree.with_extension("rs"), |line| {
        let marks = ["#[ignore", "todo!(", "unimplemented!(", "dbg!("];
        marks.iter().find(|mark| line.contains(**mark)).map(|mark| format!("forgotten: {mark}"))
    });
    let in_web = |file: &&File| ["ts", "tsx", "mjs"].contains(&file.extension());
    for file in tree.files.iter().filter(in_web) {
        for (number, line) in file.lines() {
            let marks = ["it.only(", "test.only(", "describe.only(", "it.skip(", "test.skip("];
            let mark = marks.iter().find(|mark| line.contains(**mark));
            findings.extend(mark.map(|mark| file.finding(number, format!("forgotten: {mark}"))));
            if line.trim() == "debugger;" {
                findings.push(file.finding(number, "forgotten: debugger"));
            }
        }
    }
    findings
}

fn code_lines<'a>(
    files: impl Iterator<Item = &'a File>,
    judge: impl Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (index, line) in code_only(&file.text).split('\n').enumerate() {
            findings.extend(judge(line).map(|message| file.finding(index + 1, message)));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::lines_found;
    use super::*;

    #[test]
    fn cores_import_no_io_and_no_clock() {
        let text = "//! Core: rules.\nuse tokio::net;\nuse std::time::Duration;\n// tokio\n\
                    let a = Instant::now();\nlet b = Timestamp::now();\n";
        assert_eq!(lines_found(cores, "agent/src/a.rs", text), [2, 5, 6]);
        let shell = text.replace("Core:", "Shell:");
        assert_eq!(lines_found(cores, "agent/src/a.rs", &shell), []);
    }

    #[test]
    fn operating_systems_have_their_homes() {
        let text =
            "#[cfg(target_os = \"linux\")]\n#[cfg(test)]\nif cfg!(unix) {}\n// cfg(windows)\n";
        assert_eq!(lines_found(operating_systems, "common/src/a.rs", text), [1, 3]);
        assert_eq!(lines_found(operating_systems, "agent/src/platform/a.rs", text), []);
        assert_eq!(lines_found(operating_systems, "agent/src/platform.rs", text), []);
        assert_eq!(lines_found(operating_systems, "common/src/platform/a.rs", text), []);
        assert_eq!(lines_found(operating_systems, "collector/src/platform.rs", text), [1, 3]);
    }

    #[test]
    fn modules_are_named_after_themselves() {
        assert_eq!(lines_found(module_files, "agent/src/poll/mod.rs", ""), [0]);
        assert_eq!(lines_found(module_files, "agent/src/poll.rs", ""), []);
    }

    #[test]
    fn marks_are_found_in_code_only() {
        let text = "#[ignore]\nfn a() { todo!() }\n// todo!()\nlet s = \"dbg!(x)\";\n";
        assert_eq!(lines_found(forgotten_marks, "a.rs", text), [1, 2]);
        assert_eq!(lines_found(forgotten_marks, "a.test.ts", "it('a')\nit.only('b')\n"), [2]);
    }
}
