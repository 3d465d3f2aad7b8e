//! `./x bench [NAME] [--json]`: a release build, then every `bench-*` binary of `farwatch-tests`.
//! Each prints one JSON line per figure, `{"bench","figure","value","unit","yardstick","ratio"}`.

use std::fs;

use crate::build;
use crate::json::Json;
use crate::{Result, cmd, cmd::Cmd, repo};

const PREFIX: &str = "bench-";
/// What is measured.
const PRODUCT: [&str; 2] = ["farwatch-collector", "farwatch-agent"];
const COLUMNS: [&str; 6] = ["bench", "figure", "value", "unit", "yardstick", "ratio"];

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    name: Option<String>,
    json: bool,
}

impl Options {
    pub(crate) fn parse(args: &[&str]) -> std::result::Result<Self, String> {
        let mut options = Self::default();
        for arg in args {
            match *arg {
                "--json" => options.json = true,
                name if options.name.is_none() && !name.starts_with('-') => {
                    options.name = Some(name.trim_start_matches(PREFIX).to_owned());
                }
                other => return Err(format!("bench: what is {other}?")),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> Result {
    let all = binaries(&fs::read_to_string(repo::root().join("tests/Cargo.toml"))?);
    let (benches, helpers): (Vec<&str>, Vec<&str>) =
        all.iter().map(String::as_str).partition(|name| name.starts_with(PREFIX));
    let wanted = |name: &&str| {
        options.name.as_ref().is_none_or(|wanted| name.strip_prefix(PREFIX) == Some(wanted))
    };
    let chosen: Vec<&str> = benches.iter().copied().filter(wanted).collect();
    if chosen.is_empty() {
        let there_are = benches.iter().filter_map(|name| name.strip_prefix(PREFIX));
        let there_are = there_are.collect::<Vec<_>>().join(", ");
        return Err(format!("no such benchmark in tests/Cargo.toml; there are: {there_are}").into());
    }
    let folder = build::release(PRODUCT.iter().chain(&helpers).chain(&chosen).copied())?;
    let mut figures = Vec::new();
    for name in chosen {
        let printed = Cmd::new(build::binary(&folder, name)).stdout()?;
        for line in printed.lines() {
            if !line.starts_with('{') {
                cmd::note(line);
                continue;
            }
            figures.push(Json::parse(line).map_err(|e| format!("{name}: {e}"))?);
            if options.json {
                cmd::result(line);
            }
        }
    }
    if !options.json {
        cmd::result(&table(&figures));
    }
    Ok(())
}

/// The binaries that the manifest of `farwatch-tests` declares: benchmarks, and what they start.
fn binaries(manifest: &str) -> Vec<String> {
    let name = |line: &str| {
        let value = line.strip_prefix("name")?.trim_start().strip_prefix('=')?.trim();
        let value = value.trim_matches('"');
        let is_binary = [PREFIX, "farwatch-"].iter().any(|prefix| value.starts_with(prefix));
        (is_binary && value != "farwatch-tests").then(|| value.to_owned())
    };
    manifest.lines().filter_map(name).collect()
}

/// Numbers to the right, text to the left, a line of heads above.
fn table(figures: &[Json]) -> String {
    let cell =
        |figure: &Json, column: &str| figure.get(column).map(Json::plain).unwrap_or_default();
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(figures.iter().map(|figure| COLUMNS.map(|column| cell(figure, column))));
    let mut widths = [0; COLUMNS.len()];
    for row in &rows {
        for (width, text) in widths.iter_mut().zip(row) {
            *width = (*width).max(text.chars().count());
        }
    }
    let line = |row: &[String; COLUMNS.len()]| {
        let cells =
            row.iter().zip(widths).zip(COLUMNS).map(|((text, width), column)| match column {
                "value" | "ratio" => format!("{text:>width$}"),
                _ => format!("{text:<width$}"),
            });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benchmarks_are_found_by_their_name() {
        let manifest = "[package]\nname = \"farwatch-tests\"\n[[bin]]\nname = \"farwatch-sim\"\n\
                        [[bin]]\nname = \"bench-poll\"\n[[test]]\nname = \"it\"\n";
        assert_eq!(binaries(manifest), ["farwatch-sim", "bench-poll"]);
    }

    #[test]
    fn figures_line_up() {
        let figure = Json::parse(
            r#"{"bench":"poll","figure":"cpu per poll","value":23.5,"unit":"us","yardstick":"gosnmp","ratio":7.6}"#,
        );
        let expected = "bench  figure        value  unit  yardstick  ratio\n\
                        poll   cpu per poll   23.5  us    gosnmp       7.6";
        assert_eq!(table(&[figure.unwrap()]), expected);
    }

    #[test]
    fn options_are_read_or_refused() {
        let both = Options::parse(&["bench-poll", "--json"]).unwrap();
        assert_eq!(both, Options { name: Some("poll".into()), json: true });
        assert!(Options::parse(&["a", "b"]).is_err());
        assert!(Options::parse(&["--wrong"]).is_err());
    }
}
