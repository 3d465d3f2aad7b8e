//! `./x bench [NAME] [--json]`: a release build, then every `bench-*` binary of `farwatch-tests`.
//! Each prints one JSON line per figure, `{"bench","figure","value","unit","yardstick","ratio"}`.

use std::fs;

use crate::build::{self, Profile};
use crate::json::Json;
use crate::{Result, cmd, cmd::Cmd, repo};

const PREFIX: &str = "bench-";
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
    let all = names(&fs::read_to_string(repo::root().join("tests/Cargo.toml"))?);
    let wanted = |name: &&String| options.name.as_ref().is_none_or(|wanted| wanted == *name);
    let chosen: Vec<&String> = all.iter().filter(wanted).collect();
    if chosen.is_empty() {
        let there_are = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        return Err(format!("no such benchmark in tests/Cargo.toml; there are: {there_are}").into());
    }
    let folder = build::binaries(Profile::Release)?;
    let mut figures = Vec::new();
    for name in chosen {
        let printed = Cmd::new(build::binary(&folder, &format!("{PREFIX}{name}"))).stdout()?;
        for line in printed.lines() {
            if !line.starts_with('{') {
                cmd::note(line);
                continue;
            }
            figures.push(Json::parse(line).map_err(|e| format!("{PREFIX}{name}: {e}"))?);
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

/// The benchmarks that the manifest of `farwatch-tests` declares, without their prefix.
fn names(manifest: &str) -> Vec<String> {
    let name = |line: &str| {
        let value = line.strip_prefix("name")?.trim_start().strip_prefix('=')?.trim();
        Some(value.trim_matches('"').strip_prefix(PREFIX)?.to_owned())
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
        let manifest = "[[bin]]\nname = \"farwatch-sim\"\n[[bin]]\nname = \"bench-poll\"\n";
        assert_eq!(names(manifest), ["poll"]);
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
