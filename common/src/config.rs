//! One TOML file per binary, in layers: default < file < environment < flag.
//!
//! All problems are told at once, each with the path of its key: unknown keys, values of a wrong
//! type, and whatever the configuration's own `problems` finds.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Environment variables of this form are settings: `FARWATCH__LISTEN__HTTP` is `listen.http`.
pub const ENVIRONMENT_PREFIX: &str = "FARWATCH__";
/// After this many wrong values the rest is not looked for.
const PROBLEMS_MAX: usize = 50;

/// A binary's configuration.
pub trait Config: Default + Serialize + DeserializeOwned {
    /// What types cannot say: values out of range, settings that exclude each other.
    fn problems(&self) -> Vec<Problem>;
}

/// One wrong setting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// `listen.http`
    pub key: String,
    pub message: String,
}

impl Problem {
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} is not TOML: {message}")]
    Syntax { path: PathBuf, message: String },
    #[error("the default configuration is broken")]
    Default(#[source] toml::ser::Error),
    #[error("the configuration has {} problem(s):\n{}", .0.len(), list(.0))]
    Problems(Vec<Problem>),
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n")
}

/// Where settings come from, besides the defaults.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    pub file: Option<PathBuf>,
    /// The process's environment; other variables are ignored.
    pub environment: Vec<(String, String)>,
    /// Key path and value.
    pub flags: Vec<(&'static str, Value)>,
}

impl Layers {
    /// Puts the layers together.
    pub fn load<C: Config>(&self) -> Result<C, ConfigError> {
        let defaults = Table::try_from(C::default()).map_err(ConfigError::Default)?;
        let mut table = defaults.clone();
        if let Some(path) = &self.file {
            merge(&mut table, read_file(path)?);
        }
        let variables: BTreeMap<_, _> = self
            .environment
            .iter()
            .filter_map(|(name, text)| Some((name.strip_prefix(ENVIRONMENT_PREFIX)?, text)))
            .collect();
        for (name, text) in variables {
            let path: Vec<String> = name.split("__").map(str::to_ascii_lowercase).collect();
            let value = from_text(text, lookup(&defaults, &path));
            set(&mut table, &path, value);
        }
        for (key, value) in &self.flags {
            let path: Vec<String> = key.split('.').map(str::to_owned).collect();
            set(&mut table, &path, value.clone());
        }
        typed(table, &defaults)
    }
}

fn read_file(path: &Path) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        // Not the whole error: it quotes the line, which may hold a secret.
        message: place(&text, &error),
    })
}

fn place(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("line {line}: {}", error.message())
}

/// Lays `over` on `base`, table by table.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(over)) => merge(inner, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn lookup<'a>(table: &'a Table, path: &[String]) -> Option<&'a Value> {
    let (last, tables) = path.split_last()?;
    let mut table = table;
    for key in tables {
        table = table.get(key)?.as_table()?;
    }
    table.get(last)
}

fn set(table: &mut Table, path: &[String], value: Value) {
    let Some((last, tables)) = path.split_last() else { return };
    let mut table = table;
    for key in tables {
        let inner = table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()));
        if !inner.is_table() {
            *inner = Value::Table(Table::new());
        }
        let Some(next) = inner.as_table_mut() else { return };
        table = next;
    }
    table.insert(last.clone(), value);
}

/// A variable's text as the type the default has; without one, TOML if it is TOML, else text.
fn from_text(text: &str, default: Option<&Value>) -> Value {
    if default.is_some_and(Value::is_str) {
        return Value::String(text.to_owned());
    }
    format!("v = {text}")
        .parse::<Table>()
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Reads the type. A wrong value is noted and replaced by its default, to find the next one.
fn typed<C: Config>(mut table: Table, defaults: &Table) -> Result<C, ConfigError> {
    let mut problems = Vec::new();
    while problems.len() < PROBLEMS_MAX {
        let mut unknown = Vec::new();
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(table.clone(), &mut track);
        let read: Result<C, _> = serde_ignored::deserialize(tracked, |path| {
            unknown.push(Problem::new(path.to_string().replace(".?", ""), "no such setting"));
        });
        match read {
            Ok(config) => {
                problems.append(&mut unknown);
                problems.extend(config.problems());
                problems.sort();
                problems.dedup();
                let sound = problems.is_empty();
                return if sound { Ok(config) } else { Err(ConfigError::Problems(problems)) };
            }
            Err(error) => {
                let key = track.path().to_string().replace(".?", "");
                let path: Vec<String> = key.split('.').map(str::to_owned).collect();
                problems.push(Problem::new(key, error.message()));
                reset(&mut table, defaults, &path);
            }
        }
    }
    Err(ConfigError::Problems(problems))
}

/// Puts the default back at `path`, or takes the key away where there is none.
fn reset(table: &mut Table, defaults: &Table, path: &[String]) {
    if let Some(default) = lookup(defaults, path) {
        return set(table, path, default.clone());
    }
    let Some((last, tables)) = path.split_last() else { return };
    let mut inner = table;
    for key in tables {
        match inner.get_mut(key).and_then(Value::as_table_mut) {
            Some(next) => inner = next,
            None => return,
        }
    }
    // An element of a list has no key of its own: the list goes.
    let key = last.split('[').next().unwrap_or(last);
    inner.remove(key);
    if let Some(default) = lookup(defaults, &[tables, &[key.to_owned()]].concat()) {
        inner.insert(key.to_owned(), default.clone());
    }
}

#[cfg(test)]
mod tests;
