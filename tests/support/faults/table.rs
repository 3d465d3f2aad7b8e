//! What all rounds of a row came to.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Engine, Figure, Row};

/// Fewer prove little.
const ROUNDS_WANTED: u64 = 20;

/// What one round came to.
pub enum Outcome {
    Measured(Vec<Figure>),
    Skipped(String),
    /// Something the round waits for did not happen.
    Broken(String),
}

impl Outcome {
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Measured(figures) if figures.iter().all(Figure::is_met) => "kept",
            Self::Measured(_) => "NOT KEPT",
            Self::Skipped(_) => "skipped",
            Self::Broken(_) => "BROKEN",
        }
    }
}

/// A row on one engine.
pub struct Line {
    id: &'static str,
    title: &'static str,
    engine: Engine,
    rounds: u64,
    /// The worst of each.
    figures: Vec<Figure>,
    broken: Vec<String>,
    skipped: Option<String>,
}

impl Line {
    #[must_use]
    pub fn new(row: &Row, engine: Engine) -> Self {
        Self {
            id: row.id,
            title: row.title,
            engine,
            rounds: 0,
            figures: Vec::new(),
            broken: Vec::new(),
            skipped: None,
        }
    }

    pub fn add(&mut self, outcome: Outcome) {
        self.rounds += 1;
        match outcome {
            Outcome::Skipped(why) => self.skipped = Some(why),
            Outcome::Broken(said) => self.broken.push(said),
            Outcome::Measured(figures) => figures.into_iter().for_each(|figure| self.worst(figure)),
        }
    }

    fn worst(&mut self, figure: Figure) {
        match self.figures.iter_mut().find(|known| known.name == figure.name) {
            Some(known) => known.value = known.value.max(figure.value),
            None => self.figures.push(figure),
        }
    }

    #[must_use]
    pub fn is_skipped(&self) -> bool {
        self.skipped.is_some()
    }

    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.broken.is_empty() && self.figures.iter().all(Figure::is_met)
    }

    #[must_use]
    pub fn json(&self) -> Vec<String> {
        let (row, engine, rounds) = (self.id, self.engine.name(), self.rounds);
        let mut lines: Vec<_> = self
            .figures
            .iter()
            .map(|Figure { name, value, unit, limit }| {
                json!({ "row": row, "engine": engine, "rounds": rounds, "figure": name,
                        "promised": limit, "measured": value, "unit": unit })
            })
            .collect();
        let broken = self.broken.iter().map(|said| ("broken", said));
        let skipped = self.skipped.iter().map(|why| ("skipped", why));
        lines.extend(broken.chain(skipped).map(
            |(word, why)| json!({ "row": row, "engine": engine, "rounds": rounds, word: why }),
        ));
        lines.iter().map(ToString::to_string).collect()
    }

    fn counted(&self) -> String {
        counted(self.rounds as usize, "round")
    }

    fn cells(&self) -> Vec<[String; 7]> {
        let begin = |first: bool| match first {
            true => [self.id, self.engine.name()].map(str::to_owned),
            false => [String::new(), String::new()],
        };
        let mut cells: Vec<[String; 7]> = Vec::new();
        for figure in &self.figures {
            let [id, engine] = begin(cells.is_empty());
            let number = |value: f64| match value.fract() == 0.0 {
                true => format!("{value:.0}"),
                false => format!("{value:.2}"),
            };
            // Nothing is less than none.
            let promised = figure.limit.map(|limit| match limit {
                0.0 => "0".to_owned(),
                limit => format!("≤ {}", number(limit)),
            });
            let sign = match figure.limit {
                None => "",
                Some(_) if figure.is_met() => "kept",
                Some(_) => "NOT KEPT",
            };
            cells.push([
                id,
                engine,
                figure.name.to_owned(),
                promised.unwrap_or_default(),
                number(figure.value),
                figure.unit.to_owned(),
                sign.to_owned(),
            ]);
        }
        let words = self.broken.iter().map(|said| (said, "BROKEN"));
        for (said, sign) in words.chain(self.skipped.iter().map(|why| (why, "skipped"))) {
            let [id, engine] = begin(cells.is_empty());
            let said = said.lines().next().unwrap_or_default().to_owned();
            let nothing = String::new;
            cells.push([id, engine, said, nothing(), nothing(), nothing(), sign.to_owned()]);
        }
        cells
    }
}

/// Lined up, a heading above each row.
#[must_use]
pub fn table(lines: &[Line]) -> String {
    let heads = ["row", "engine", "figure", "promised", "worst", "unit", "verdict"];
    let heads = heads.map(str::to_owned);
    let all: Vec<(Option<String>, Vec<[String; 7]>)> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let is_first = at == 0 || lines[at - 1].id != line.id;
            let title =
                is_first.then(|| format!("{} {} ({})", line.id, line.title, line.counted()));
            (title, line.cells())
        })
        .collect();
    let mut widths = heads.clone().map(|head| head.chars().count());
    for row in all.iter().flat_map(|(_, rows)| rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let show = |row: &[String; 7]| {
        let cells: Vec<_> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    let mut text = vec![show(&heads)];
    for (title, rows) in &all {
        text.extend(title.iter().map(|title| format!("\n{title}")));
        text.extend(rows.iter().map(show));
    }
    text.join("\n")
}

/// `1 row`, `2 rows`.
#[must_use]
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What it all comes to, in a line.
#[must_use]
pub fn closing(lines: &[Line]) -> String {
    let rows: BTreeSet<_> = lines.iter().map(|line| line.id).collect();
    let engines: BTreeSet<_> = lines.iter().map(|line| line.engine.name()).collect();
    let (mut broken, mut skipped) = (Vec::new(), Vec::new());
    for line in lines {
        let name = format!("{} {}", line.id, line.engine.name());
        if !line.is_kept() {
            broken.push(name);
        } else if line.is_skipped() {
            skipped.push(name);
        }
    }
    let engines = Vec::from_iter(engines).join(" and ");
    let mut text = format!("{} on {engines}: ", counted(rows.len(), "row"));
    text += &match (&broken[..], &skipped[..]) {
        ([], []) => "all promises kept".to_owned(),
        ([], skipped) => format!("kept, but not done here: {}", skipped.join(", ")),
        (broken, _) => format!("NOT KEPT: {}", broken.join(", ")),
    };
    let fewest = lines.iter().map(|line| line.rounds).min().unwrap_or_default();
    if fewest < ROUNDS_WANTED {
        text += &format!(". Few rounds ({fewest}) prove little: --rounds {ROUNDS_WANTED}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::row;

    fn line(engine: Engine, figures: Vec<Figure>) -> Line {
        let mut line = Line::new(row("F1").unwrap(), engine);
        line.add(Outcome::Measured(figures));
        line
    }

    #[test]
    fn a_table_has_a_heading_for_each_column_and_ends_with_what_it_comes_to() {
        let never = |value| Figure::at_most("lost", value, "answers", 0.0);
        let good = || line(Engine::Sqlite, vec![never(0.0), Figure::told("answered", 7.0, "")]);
        let text = table(&[good()]);
        let lines: Vec<&str> = text.lines().collect();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            words(lines[0]),
            ["row", "engine", "figure", "promised", "worst", "unit", "verdict"]
        );
        assert_eq!(lines[2], "F1 kill -9 of the agent (1 round)");
        assert_eq!(words(lines[3]), ["F1", "sqlite", "lost", "0", "0", "answers", "kept"]);
        assert_eq!(words(lines[4]), ["answered", "7"]);
        let end = closing(&[good()]);
        assert_eq!(
            end,
            "1 row on sqlite: all promises kept. Few rounds (1) prove little: --rounds 20"
        );
        let bad = line(Engine::Postgres, vec![never(1.0)]);
        let end = closing(&[good(), bad]);
        assert!(
            end.starts_with("1 row on postgresql and sqlite: NOT KEPT: F1 postgresql"),
            "{end}"
        );
        let mut skipped = Line::new(row("F6").unwrap(), Engine::Sqlite);
        skipped.add(Outcome::Skipped("no root".into()));
        let end = closing(&[good(), skipped]);
        assert!(end.starts_with("2 rows on sqlite: kept, but not done here: F6 sqlite"), "{end}");
    }
}
