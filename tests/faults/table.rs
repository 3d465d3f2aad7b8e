//! What all rounds of a row came to.

use farwatch_support::faults::{Engine, Figure, Row};
use serde_json::json;

/// What one round came to.
pub(crate) enum Outcome {
    Measured(Vec<Figure>),
    Skipped(String),
    /// Something the round waits for did not happen.
    Broken(String),
}

impl Outcome {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Measured(figures) if figures.iter().all(Figure::is_met) => "kept",
            Self::Measured(_) => "NOT KEPT",
            Self::Skipped(_) => "skipped",
            Self::Broken(_) => "BROKEN",
        }
    }
}

/// A row on one engine.
pub(crate) struct Line {
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
    pub(crate) fn new(row: &Row, engine: Engine) -> Self {
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

    pub(crate) fn add(&mut self, outcome: Outcome) {
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

    pub(crate) fn is_skipped(&self) -> bool {
        self.skipped.is_some()
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.broken.is_empty() && self.figures.iter().all(Figure::is_met)
    }

    pub(crate) fn json(&self) -> Vec<String> {
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
            let promised = figure.limit.map(|limit| format!("≤ {}", number(limit)));
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
pub(crate) fn table(lines: &[Line]) -> String {
    let heads = ["row", "engine", "figure", "promised", "worst", "unit", ""].map(str::to_owned);
    let all: Vec<(Option<String>, Vec<[String; 7]>)> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let is_first = at == 0 || lines[at - 1].id != line.id;
            let title =
                is_first.then(|| format!("{} {} ({} rounds)", line.id, line.title, line.rounds));
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
