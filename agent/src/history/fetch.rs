//! Fetching one configuration: recognise the device, become privileged, switch paging off, ask.
//!
//! In: a target. Out: a snapshot, or why there is none. Bound: [`FETCH_TIME_MAX`] in all; then an
//! error. On a crash nothing is kept: the next fetch begins anew.

use std::time::Duration;

use super::line::{CommandLine, execute};
use super::normalise::{is_whole, normalise, significant};
use super::platform::{Channel, Command, GENERIC, Platform, Platforms, Role};
use super::redact::{SiteKey, redact};
use super::ssh::{self, Connection};
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
    let named = match &target.platform {
        Some(id) => Some(platforms.get(id).ok_or_else(|| FetchError::NoPlatform(id.clone()))?),
        None => None,
    };
    let suffix = named.map_or("", |platform| platform.user_suffix.as_str());
    let user = format!("{}{suffix}", target.login.user);
    let connection = ssh::connect(target, &user).await?;
    let fingerprint = connection.fingerprint.clone();
    let (platform, sections) = match named {
        Some(platform) if platform.channel == Channel::Exec => {
            (platform, ask(platforms, platform, Console::Exec(&connection)).await?)
        }
        _ => {
            let name = &target.login.user;
            let mut line = CommandLine::open(&connection, platforms, name, &target.login).await?;
            let platform = match named {
                Some(platform) => platform,
                None => recognise(platforms, &mut line).await?,
            };
            match platform.channel {
                Channel::Shell => {
                    prepare(platform, &mut line).await?;
                    (platform, ask(platforms, platform, Console::Shell(&mut line)).await?)
                }
                Channel::Exec => {
                    // Some devices give one channel a connection.
                    drop(line);
                    let user = format!("{name}{}", platform.user_suffix);
                    let connection = ssh::connect(target, &user).await?;
                    (platform, ask(platforms, platform, Console::Exec(&connection)).await?)
                }
            }
        }
    };
    // A large one takes a second of computing.
    let key = key.clone();
    let making = move || snapshot(platforms, platform, &sections, &key, fingerprint);
    tokio::task::spawn_blocking(making).await.map_err(|_| FetchError::Agent)?
}

async fn recognise<'a>(
    platforms: &'a Platforms,
    line: &mut CommandLine<'_>,
) -> Result<&'a Platform, FetchError> {
    if let Some(platform) = platforms.by_greeting(&line.greeting()) {
        return Ok(platform);
    }
    for probe in &platforms.probes {
        let answer = line.run(probe).await?;
        if platforms.is_refusal(&answer) {
            continue;
        }
        if let Some(platform) = platforms.by_answer(&answer.join("\n")) {
            return Ok(platform);
        }
    }
    platforms.get(GENERIC).ok_or_else(|| FetchError::NoPlatform(GENERIC.to_owned()))
}

/// The answer to a command of a platform.
struct Section<'a> {
    command: &'a Command,
    lines: Vec<String>,
}

/// Where commands are typed.
enum Console<'c, 'l> {
    Shell(&'c mut CommandLine<'l>),
    Exec(&'c Connection),
}

impl Console<'_, '_> {
    async fn run(&mut self, command: &str) -> Result<Vec<String>, FetchError> {
        match self {
            Self::Shell(line) => line.run(command).await,
            Self::Exec(connection) => execute(connection, command).await,
        }
    }
}

/// Makes a command line show everything, and all of it at once.
async fn prepare(platform: &Platform, line: &mut CommandLine<'_>) -> Result<(), FetchError> {
    if let Some(enable) = platform.enable.as_ref().filter(|_| line.prompt().ends_with('>')) {
        // Without the right, the commands that need it are refused, and that is told.
        line.run(enable).await?;
    }
    for off in &platform.paging_off {
        line.run(off).await?;
    }
    Ok(())
}

/// Runs the commands of a platform.
async fn ask<'a>(
    platforms: &Platforms,
    platform: &'a Platform,
    mut console: Console<'_, '_>,
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
    let with_facts = join(platform, &facts, &normal);
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
