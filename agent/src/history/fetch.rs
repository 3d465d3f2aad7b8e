//! Fetching one configuration: recognise the device, become privileged, switch paging off, ask.
//!
//! In: a target. Out: a snapshot, or why there is none. Bound: [`FETCH_TIME_MAX`] in all; then an
//! error. On a crash nothing is kept: the next fetch begins anew.

use std::time::Duration;

use super::console::Console;
use super::normalise::{is_whole, normalise, settle, significant};
use super::platform::{Command, Platform, Platforms, Role};
use super::redact::{SiteKey, redact};
use super::{FetchError, Snapshot, Target};
use farwatch_common::secret::Secret;

/// A chassis on a slow line takes minutes.
pub const FETCH_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// Of a fact; what is longer is cut.
const FACT_CHARS_MAX: usize = 512;
/// Facts that are told beside the text, which has all of them.
const FACTS_MAX: usize = 64;
/// What is sent of a text at most (proto, `ConfigSnapshot`).
const NORMALISED_BYTES_MAX: usize = 17 * 1024 * 1024;

/// Fetches the configuration of a device.
pub async fn fetch(target: &Target, key: &SiteKey) -> Result<Snapshot, FetchError> {
    let fetching = fetch_untimed(target, key);
    tokio::time::timeout(FETCH_TIME_MAX, fetching).await.unwrap_or(Err(FetchError::TooSlow))
}

async fn fetch_untimed(target: &Target, key: &SiteKey) -> Result<Snapshot, FetchError> {
    let platforms = Platforms::embedded();
    let (platform, mut console) = Console::open(platforms, target).await?;
    console.prepare(platform).await?;
    let sections = ask(platforms, platform, &mut console).await?;
    let fingerprint = console.fingerprint().to_owned();
    drop(console);
    // A large one takes a second of computing.
    let key = key.clone();
    let making = move || snapshot(platforms, platform, &sections, &key, fingerprint);
    tokio::task::spawn_blocking(making).await.map_err(|_| FetchError::Agent)?
}

/// The answer to a command of a platform.
struct Section<'a> {
    command: &'a Command,
    lines: Vec<String>,
}

/// Runs the commands of a platform.
async fn ask<'a>(
    platforms: &Platforms,
    platform: &'a Platform,
    console: &mut Console<'_>,
) -> Result<Vec<Section<'a>>, FetchError> {
    let mut sections = Vec::new();
    for command in &platform.commands {
        let mut refused = Vec::new();
        let mut taken = None;
        for send in &command.send {
            let lines = console.run(send).await?;
            if platforms.is_refusal(&lines) || is_blank(&lines) {
                refused = lines;
                continue;
            }
            taken = Some(lines);
            break;
        }
        let taken = section(command, taken, &refused)?;
        let cut = |one: &Section<'_>| !is_whole(platforms, platform, command, &one.lines);
        if taken.as_ref().is_some_and(cut) {
            return Err(FetchError::Incomplete);
        }
        sections.extend(taken);
    }
    Ok(sections)
}

fn is_blank(lines: &[String]) -> bool {
    lines.iter().all(|line| line.trim().is_empty())
}

/// Facts may be missing; a configuration may not.
fn section<'a>(
    command: &'a Command,
    lines: Option<Vec<String>>,
    refused: &[String],
) -> Result<Option<Section<'a>>, FetchError> {
    match (lines, command.role) {
        (Some(lines), _) => Ok(Some(Section { command, lines })),
        (None, Role::Facts) => Ok(None),
        (None, Role::Config) if is_blank(refused) => Err(FetchError::Empty),
        (None, Role::Config) => Err(FetchError::Refused),
    }
}

fn snapshot(
    platforms: &Platforms,
    platform: &Platform,
    sections: &[Section<'_>],
    key: &SiteKey,
    fingerprint: String,
) -> Result<Snapshot, FetchError> {
    let mut facts: Vec<String> = Vec::new();
    let mut config = String::new();
    for section in sections {
        match section.command.role {
            Role::Facts => {
                let wanted =
                    |line: &&String| section.command.keep.iter().any(|keep| keep.is_match(line));
                let short = |line: &String| line.trim_end().chars().take(FACT_CHARS_MAX).collect();
                facts.extend(section.lines.iter().filter(wanted).map(short));
            }
            Role::Config => {
                for line in &section.lines {
                    config.push_str(line);
                    config.push('\n');
                }
            }
        }
    }
    let normal = normalise(platforms, platform, &config);
    let with_facts = settle(platforms, platform, &join(platform, &facts, &normal));
    let normalised = redact(platforms, platform, key, &with_facts);
    // Marks are longer than some secrets.
    if normalised.len() > NORMALISED_BYTES_MAX {
        return Err(FetchError::TooMuch);
    }
    facts.truncate(FACTS_MAX);
    let facts = facts.iter().map(|fact| redact(platforms, platform, key, fact)).collect();
    Ok(Snapshot {
        platform: platform.id.clone(),
        significant: significant(platform, &normalised),
        raw: Secret::from(config),
        normalised,
        facts,
        fingerprint,
    })
}

/// Facts as comments of the platform's own kind.
fn join(platform: &Platform, facts: &[String], config: &str) -> String {
    let [open, close] = &platform.comment;
    let comments: Vec<String> = facts.iter().map(|fact| format!("{open}{fact}{close}\n")).collect();
    if platform.facts_last {
        // Behind its last line, which is the end of the document.
        format!("{}{}", config.trim_end(), comments.concat())
    } else {
        format!("{}{config}", comments.concat())
    }
}
