//! Fetching one configuration: recognise the device, become privileged, switch paging off, ask.
//!
//! In: a target. Out: a snapshot, or why there is none. Bound: [`FETCH_TIME_MAX`] in all; then an
//! error. On a crash nothing is kept: the next fetch begins anew.

use std::time::Duration;

use super::answer::{Judgement, judge};
use super::console::{Console, Went};
use super::normalise::{is_noise, normalise, settle, significant};
use super::platform::{Command, Contexts, Platform, Platforms, Role};
use super::redact::{SiteKey, redact};
use super::terminal::TEXT_BYTES_MAX;
use super::{FetchError, Snapshot, Target};
use farwatch_common::secret::Secret;

/// A chassis on a slow line takes minutes.
pub const FETCH_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// Of a fact; what is longer is cut.
const FACT_CHARS_MAX: usize = 512;
/// Facts that are told beside the text, which has all of them.
const FACTS_MAX: usize = 64;
/// Devices within one: an ASA has up to 250.
const CONTEXTS_MAX: usize = 500;
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
    /// The device within the device that gave it.
    context: Option<String>,
    lines: Vec<String>,
}

/// What a device has answered.
#[derive(Default)]
struct Sections<'a> {
    all: Vec<Section<'a>>,
    bytes: usize,
}

impl<'a> Sections<'a> {
    fn push(&mut self, section: Section<'a>) -> Result<(), FetchError> {
        self.bytes += section.lines.iter().map(|line| line.len() + 1).sum::<usize>();
        self.all.push(section);
        if self.bytes > TEXT_BYTES_MAX { Err(FetchError::TooMuch) } else { Ok(()) }
    }

    /// The lines of configurations.
    fn config(&self) -> String {
        let of_config = |section: &&Section<'_>| section.command.role == Role::Config;
        let lines = self.all.iter().filter(of_config).flat_map(|section| &section.lines);
        lines.flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

/// Runs the commands of a platform, in each of the devices within the device.
async fn ask<'a>(
    platforms: &Platforms,
    platform: &'a Platform,
    console: &mut Console<'_>,
) -> Result<Vec<Section<'a>>, FetchError> {
    let mut sections = Sections::default();
    let contexts = where_all_are(platforms, platform, console).await?;
    for command in &platform.commands {
        if let Some(lines) = ask_one(platforms, platform, console, command).await? {
            sections.push(Section { command, context: None, lines })?;
        }
    }
    let Some(contexts) = contexts else { return Ok(sections.all) };
    let named = sections.config();
    let names = contexts.name.captures_iter(&named).filter_map(|found| found.name("v"));
    let names: Vec<&str> = names.map(|name| name.as_str()).take(CONTEXTS_MAX + 1).collect();
    if names.len() > CONTEXTS_MAX {
        return Err(FetchError::TooMuch);
    }
    for name in names {
        let went = console.go(&contexts.to(name)).await?.ok_or(FetchError::Refused)?;
        // Without it something would look as if it had been removed.
        if !is_there(platforms, platform, &went) {
            return Err(FetchError::Refused);
        }
        for command in platform.commands.iter().filter(|command| command.role == Role::Config) {
            if let Some(lines) = ask_one(platforms, platform, console, command).await? {
                sections.push(Section { command, context: Some(name.to_owned()), lines })?;
            }
        }
    }
    Ok(sections.all)
}

/// Goes to where the devices within this one are named, if there are any and one may see more than one.
async fn where_all_are<'a>(
    platforms: &Platforms,
    platform: &'a Platform,
    console: &mut Console<'_>,
) -> Result<Option<&'a Contexts>, FetchError> {
    let Some(contexts) = &platform.contexts else { return Ok(None) };
    if !console.run(&contexts.ask).await?.iter().any(|line| contexts.when.is_match(line)) {
        return Ok(None);
    }
    let went = console.go(&contexts.all).await?.ok_or(FetchError::Refused)?;
    if is_there(platforms, platform, &went) {
        return Ok(Some(contexts));
    }
    // Who may see one alone stays there. Who is only not let go this time would seem to have lost all
    // others.
    let is_denied = went.said.iter().any(|line| contexts.denied.is_match(line));
    if is_denied || went.has_other_prompt { Err(FetchError::Refused) } else { Ok(None) }
}

/// Whether going to another place was no refusal: then a device says nothing.
fn is_there(platforms: &Platforms, platform: &Platform, went: &Went) -> bool {
    let is_silent = |line: &String| line.trim().is_empty() || is_noise(platforms, platform, line);
    went.said.iter().all(is_silent)
}

/// The first answer that is one. Facts may be missing; a configuration may not.
async fn ask_one(
    platforms: &Platforms,
    platform: &Platform,
    console: &mut Console<'_>,
    command: &Command,
) -> Result<Option<Vec<String>>, FetchError> {
    let mut failure = FetchError::Empty;
    for send in &command.send {
        let lines = console.run(send).await?;
        match judge(platforms, platform, command, &lines) {
            Judgement::Whole => return Ok(Some(lines)),
            // Another command could show less, as if something had been removed.
            Judgement::Incomplete => return Err(FetchError::Incomplete),
            Judgement::Refused => failure = FetchError::Refused,
            Judgement::Blank => {}
        }
    }
    match command.role {
        Role::Facts => Ok(None),
        Role::Config => Err(failure),
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
                facts.extend(section.lines.iter().filter(wanted).map(|line| fact(line)));
            }
            Role::Config => {
                if let Some(context) = &section.context {
                    let [open, close] = &platform.comment;
                    config.push_str(&format!("{open}context {context}{close}\n"));
                }
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
    let facts = facts.iter().map(|one| fact(&redact(platforms, platform, key, one))).collect();
    Ok(Snapshot {
        platform: platform.id.clone(),
        significant: significant(platform, &normalised),
        raw: Secret::from(config),
        normalised,
        facts,
        fingerprint,
    })
}

/// A line without tabs, and not too long.
fn fact(line: &str) -> String {
    let plain = |c: char| if c == '\t' { ' ' } else { c };
    line.trim_end().chars().take(FACT_CHARS_MAX).map(plain).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Each answer has its bound, and so has all that the places of a device answer.
    #[test]
    fn all_answers_together_are_no_larger_than_one_may_be() {
        let command = &Platforms::embedded().get("asa").unwrap().commands[0];
        let section = |bytes: usize| {
            let lines = vec!["x".repeat(bytes - 1)];
            Section { command, context: Some("north".to_owned()), lines }
        };
        let mut sections = Sections::default();
        sections.push(section(TEXT_BYTES_MAX / 2)).unwrap();
        sections.push(section(TEXT_BYTES_MAX / 2)).unwrap();
        assert!(matches!(sections.push(section(1)), Err(FetchError::TooMuch)));
    }
}
