//! `./x test [GROUP]`: installs what is missing, runs the tests and sums them up; the last line is
//! `N passed, N failed`. Dev profile, so that the demo and every group share one build.

mod count;
mod demo;
mod e2e;

use std::process::ExitCode;
use std::time::Instant;

use crate::build;
use crate::install::python;
use crate::postgres::{self, Postgres};
use crate::{Result, cmd, cmd::Cmd, cmd::note, install, web};
use count::Count;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Tests beside the code, and the model of the road.
    Unit,
    /// Real processes on loopback, all of `tests/it`.
    It,
    /// The part of `It` about transport and bad networks.
    Network,
    /// The store's contract, on every engine that is there.
    Store,
    /// The UI without a collector.
    Web,
    /// A browser against a whole running stack.
    E2e,
    /// The demo in a hurry.
    Demo,
}

/// What `./x test` runs: `Network` and `Store` are parts of these.
const ALL: [Group; 5] = [Group::Unit, Group::It, Group::Web, Group::E2e, Group::Demo];

impl Group {
    pub(crate) fn parse(name: &str) -> std::result::Result<Self, String> {
        Ok(match name {
            "unit" => Self::Unit,
            "it" => Self::It,
            "network" => Self::Network,
            "store" => Self::Store,
            "web" => Self::Web,
            "e2e" => Self::E2e,
            "demo" => Self::Demo,
            _ => {
                return Err(format!(
                    "no test group {name}: there are unit, it, network, store, web, e2e, demo"
                ));
            }
        })
    }

    fn needs_processes(self) -> bool {
        matches!(self, Self::It | Self::Network | Self::Store | Self::E2e | Self::Demo)
    }

    /// The store is tested on both engines, beside the code and from outside.
    fn needs_postgres(self) -> bool {
        matches!(self, Self::Unit | Self::It | Self::Store)
    }

    /// Cargo's choice of targets, and the module that its tests are in where that is not all of them.
    fn targets(self) -> (&'static [&'static str], Option<&'static str>) {
        match self {
            Self::Network => (&["--workspace", "--test", "it"], Some("network")),
            Self::Store => (&["--workspace", "--lib", "--test", "it"], Some("store")),
            Self::It => (&["--workspace", "--test", "it"], None),
            Self::Unit | Self::Web | Self::E2e | Self::Demo => {
                (&["--workspace", "--lib", "--bins", "--test", "model"], None)
            }
        }
    }
}

pub(crate) fn run(group: Option<Group>) -> Result<ExitCode> {
    let groups = group.map_or(ALL.to_vec(), |group| vec![group]);
    let runner = prepare(&groups)?;
    let needed = groups.iter().any(|group| group.needs_postgres());
    let postgres = if needed { Some(Postgres::start()?) } else { None };
    let mut variables = Vec::new();
    variables.extend(postgres.as_ref().map(|one| (postgres::VARIABLE, one.url().to_owned())));
    if groups.contains(&Group::It) {
        variables.extend(python::of_recordings().map(|path| (python::VARIABLE, path)));
    }
    let mut total = Count::default();
    for group in groups {
        let start = Instant::now();
        let counted = match group {
            Group::Web => web_tests(),
            Group::E2e => e2e::run(),
            Group::Demo => demo::run(),
            _ => cargo_tests(group, runner, &variables),
        };
        // A group that could not run is a failure like any other; the others still run.
        let count = counted.unwrap_or_else(|problem| {
            note(&format!("{group:?}: {problem}"));
            Count { passed: 0, failed: 1 }
        });
        note(&format!("== {group:?}: {count} ({} s)", start.elapsed().as_secs()));
        total += count;
    }
    cmd::result(&total.to_string());
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runner {
    Nextest,
    CargoTest,
}

/// Everything the groups stand on: packages, the runner, the UI, the binaries.
fn prepare(groups: &[Group]) -> Result<Runner> {
    if groups.iter().any(|group| matches!(group, Group::It | Group::Network)) {
        install::snmp()?;
        install::ssh()?;
        install::proxy()?;
        install::sinks()?;
        install::ping()?;
    }
    if groups.contains(&Group::E2e) {
        install::browser()?;
    }
    if groups.iter().any(|group| group.needs_postgres()) {
        install::postgres()?;
    }
    let with_cargo =
        groups.iter().any(|group| !matches!(group, Group::Web | Group::E2e | Group::Demo));
    let runner = if with_cargo && install::nextest() { Runner::Nextest } else { Runner::CargoTest };
    if groups.iter().any(|group| group.needs_processes()) {
        web::build()?;
    }
    if groups.iter().any(|group| group.needs_processes() || group.needs_postgres()) {
        build::binaries()?;
    }
    Ok(runner)
}

fn cargo_tests(
    group: Group,
    runner: Runner,
    variables: &[(&'static str, String)],
) -> Result<Count> {
    let (targets, module) = group.targets();
    let with = |cargo: Cmd, (name, value): &(&'static str, String)| cargo.env(name, value);
    let cargo = variables.iter().fold(Cmd::new("cargo"), with);
    let command = match (runner, module) {
        (Runner::Nextest, None) => cargo.args(["nextest", "run"]).args(targets),
        (Runner::Nextest, Some(module)) => cargo
            .args(["nextest", "run"])
            .args(targets)
            .args(["-E", &format!("test(/(^|::){module}::/)")]),
        (Runner::CargoTest, None) => cargo.args(["test", "--no-fail-fast"]).args(targets),
        (Runner::CargoTest, Some(module)) => cargo
            .args(["test", "--no-fail-fast"])
            .args(targets)
            .args(["--", &format!("{module}::")]),
    };
    let output = command.tee()?;
    let count = Count::of_cargo(&output.text);
    if !output.status.success() && count.failed == 0 {
        return Err(format!("no test failed, but the runner ended with {}", output.status).into());
    }
    Ok(count)
}

/// The checks of the UI; each that is not a test runner counts as one test.
fn web_tests() -> Result<Count> {
    web::install()?;
    let mut total = Count::default();
    for script in ["typecheck", "lint"] {
        total += Count::of_check(script, web::npm(["run", script]).run());
    }
    let vitest = web::npm(["run", "test"]).tee()?;
    let mut count = Count::of_vitest(&vitest.text);
    if !vitest.status.success() && count.failed == 0 {
        count.failed = 1;
    }
    total += count;
    total += Count::of_check("build", web::build());
    total += Count::of_check("size", web::npm(["run", "size"]).run());
    Ok(total)
}
