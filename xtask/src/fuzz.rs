//! `./x fuzz [TARGET] [SECONDS]`: the fuzz targets of `tests/fuzz`, each for so long.
//!
//! With libFuzzer and the coverage that rustc itself can put in, so that neither a nightly toolchain
//! nor another tool is needed. What failed is kept in `target/fuzz`; what was found on the way stays
//! there too, and the next run begins with it.

use std::fs;

use crate::{Result, cmd::Cmd, repo};

const SECONDS: u32 = 60;
/// Of one input; the slowest of ours take some milliseconds.
const INPUT_SECONDS_MAX: u32 = 10;
const MANIFEST: &str = "tests/fuzz/Cargo.toml";
/// Counters on edges and the operands of comparisons, as libFuzzer wants them.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    target: Option<String>,
    seconds: u32,
}

impl Options {
    pub(crate) fn parse(args: &[&str]) -> std::result::Result<Self, String> {
        let mut options = Self { target: None, seconds: SECONDS };
        for arg in args {
            match arg.parse() {
                Ok(seconds) => options.seconds = seconds,
                Err(_) if options.target.is_none() && !arg.starts_with('-') => {
                    options.target = Some((*arg).to_owned());
                }
                Err(_) => return Err(format!("fuzz: what is {arg}?")),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> Result {
    let all = targets()?;
    let wanted = |name: &&String| options.target.as_ref().is_none_or(|wanted| wanted == *name);
    let chosen: Vec<&String> = all.iter().filter(wanted).collect();
    if chosen.is_empty() {
        return Err(format!("no such fuzz target; there are: {}", all.join(", ")).into());
    }
    let (folder, host) = (repo::target().join("fuzz"), host()?);
    let cargo = Cmd::new("cargo").args(["build", "--release", "--manifest-path", MANIFEST]);
    // With a target of its own name, build scripts go without the coverage.
    let cargo = cargo.args(["--bins", "--target", &host, "--target-dir"]).arg(&folder);
    cargo.env("RUSTFLAGS", COVERAGE).run()?;
    for name in chosen {
        let found = folder.join("corpus").join(name);
        fs::create_dir_all(&found)?;
        Cmd::new(folder.join(&host).join("release").join(name))
            .arg(format!("-max_total_time={}", options.seconds))
            .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
            .arg(format!("-artifact_prefix={}/{name}-", folder.display()))
            .arg(found)
            .arg(format!("tests/fuzz/corpus/{name}"))
            .run()?;
    }
    Ok(())
}

/// The names of all targets.
fn targets() -> Result<Vec<String>> {
    let folder = repo::root().join("tests/fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The target that rustc builds for by itself.
fn host() -> Result<String> {
    let told = Cmd::new("rustc").arg("-vV").stdout()?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc -vV names no host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_or_refused() {
        let both = Options { target: Some("usm".into()), seconds: 5 };
        assert_eq!(Options::parse(&["usm", "5"]).unwrap(), both);
        assert_eq!(Options::parse(&[]).unwrap(), Options { target: None, seconds: SECONDS });
        assert!(Options::parse(&["usm", "snmp"]).is_err());
        assert!(Options::parse(&["--wrong"]).is_err());
    }

    #[test]
    fn each_target_has_a_corpus() {
        for name in targets().unwrap() {
            let corpus = repo::root().join("tests/fuzz/corpus").join(&name);
            assert!(fs::read_dir(corpus).is_ok_and(|mut files| files.next().is_some()), "{name}");
        }
    }
}
