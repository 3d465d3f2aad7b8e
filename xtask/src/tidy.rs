//! `./x tidy`: tests of the repository itself, for the rules that no compiler or linter knows.
//! Each check is a pure function from the tree to findings, and has tests of its own.

mod code;
mod commands;
mod documents;
mod links;
mod manifests;
mod migrations;
mod registries;
mod rust;
mod text;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use crate::{Result, cmd, cmd::Cmd, cmd::note, repo};

/// The files of the repository that git knows or would add, binary ones left out.
pub(crate) struct Tree {
    files: Vec<File>,
}

pub(crate) struct File {
    /// From the root, with `/`.
    path: String,
    text: String,
    /// Git says that it may be run. The disk does not know that everywhere.
    is_program: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    /// 0: the file as a whole.
    line: usize,
    message: String,
}

type Check = fn(&Tree) -> Vec<Finding>;

const CHECKS: [Check; 15] = [
    text::whitespace,
    text::length,
    rust::module_files,
    rust::cores,
    rust::operating_systems,
    rust::forgotten_marks,
    manifests::versions,
    manifests::directions,
    manifests::licence,
    migrations::numbers,
    links::targets,
    documents::chapters,
    documents::invariants,
    registries::hosts,
    commands::bootstrap,
];

pub(crate) fn run() -> Result {
    let tree = Tree::read()?;
    let findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(&tree)).collect();
    for finding in &findings {
        cmd::result(&finding.to_string());
    }
    for long in text::long_files(&tree) {
        note(&format!("warning: {long}"));
    }
    if findings.is_empty() {
        note(&format!("tidy: {} files, {} checks, no findings", tree.files.len(), CHECKS.len()));
        return Ok(());
    }
    Err(format!("{} findings", findings.len()).into())
}

impl Tree {
    fn read() -> Result<Self> {
        let listed = Cmd::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .stdout()?;
        let staged = Cmd::new("git").args(["ls-files", "--stage", "-z"]).stdout()?;
        let programs: BTreeSet<&str> = staged.split('\0').filter_map(program).collect();
        let mut files = Vec::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            // A file that was deleted but not yet from the index, and a link to a folder, cannot be read.
            let Ok(bytes) = fs::read(repo::root().join(path)) else {
                continue;
            };
            let text = if bytes.contains(&0) { None } else { String::from_utf8(bytes).ok() };
            // Binary files stay in the tree by name: links may point at them.
            let (text, is_program) = (text.unwrap_or_default(), programs.contains(path));
            files.push(File { path: path.to_owned(), text, is_program });
        }
        Ok(Self { files })
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File::of(path, text);
        Self { files: files.iter().map(file).collect() }
    }

    fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A file, or a folder with a file in it.
    fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        self.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
    }

    fn with_extension<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.extension() == extension)
    }
}

impl Finding {
    /// Of a file that has to be there.
    fn missing(path: &str) -> Self {
        Self { path: path.to_owned(), line: 0, message: "missing".to_owned() }
    }
}

impl File {
    #[cfg(test)]
    fn of(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), is_program: false }
    }

    fn extension(&self) -> &str {
        Path::new(&self.path).extension().and_then(|e| e.to_str()).unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Lines with their numbers, from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.split('\n').enumerate().map(|(index, line)| (index + 1, line))
    }

    fn finding(&self, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, message: message.into() }
    }
}

/// The path in a line of `git ls-files --stage`, `MODE HASH STAGE<TAB>PATH`, of a file that may be run.
fn program(staged: &str) -> Option<&str> {
    let (of, path) = staged.split_once('\t')?;
    of.starts_with("100755 ").then_some(path)
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Runs one check on a tree of one file, for the checks' own tests.
#[cfg(test)]
fn lines_found(check: Check, path: &str, text: &str) -> Vec<usize> {
    check(&Tree::of(&[(path, text)])).iter().map(|finding| finding.line).collect()
}
