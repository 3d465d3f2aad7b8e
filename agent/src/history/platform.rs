//! What is known of each make of device, as data: how it is recognised, what to type, what of its
//! answers is noise and what is secret. The mechanisms are in the modules beside; none of them
//! knows a vendor. Sources of the facts: the vendors' command references.

mod rule;

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

pub use self::rule::{Quiet, Rule, Within};

const DATA: &str = include_str!("platforms.toml");
/// The platform of devices that are not recognised.
pub const GENERIC: &str = "generic";

/// All that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platforms {
    #[serde(rename = "pager")]
    pub pagers: Vec<Pager>,
    #[serde(rename = "ask")]
    pub asks: Vec<Ask>,
    /// Commands that tell platforms apart, in the order in which they are tried.
    pub probes: Vec<String>,
    /// An answer of a few lines, one of which is like this, is a refusal.
    #[serde(deserialize_with = "rule::patterns")]
    pub refused: Vec<Regex>,
    /// Rules for every platform.
    #[serde(deserialize_with = "rule::patterns")]
    pub noise: Vec<Regex>,
    pub volatile: Vec<Rule>,
    /// What is no value at all, where nothing but a secret can stand, too.
    #[serde(deserialize_with = "rule::patterns")]
    pub no_value: Vec<Regex>,
    /// Values that stand where a secret could, and are none.
    #[serde(deserialize_with = "rule::patterns")]
    pub not_secret: Vec<Regex>,
    /// Names of secrets, where a secret could stand.
    pub name: Vec<Rule>,
    pub secret: Vec<Rule>,
    #[serde(rename = "platform")]
    platforms: Vec<Platform>,
}

/// What shows that there is more to come behind a key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pager {
    #[serde(deserialize_with = "rule::pattern")]
    pub when: Regex,
    /// What turns the page.
    #[serde(default = "space")]
    pub key: String,
    /// A line of an answer may begin so: only a longer silence tells.
    #[serde(default)]
    pub likely: bool,
}

fn space() -> String {
    " ".to_owned()
}

/// A question of a device before or between prompts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    #[serde(deserialize_with = "rule::pattern")]
    pub when: Regex,
    /// A line that was said before, where the question alone does not tell what an answer does.
    #[serde(default, deserialize_with = "rule::pattern_or_none")]
    pub after: Option<Regex>,
    pub answer: Answer,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Keys(String),
    User,
    Password,
    EnablePassword,
}

/// Where a device takes commands.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// At its prompt.
    #[default]
    Shell,
    /// One command, one channel, no terminal.
    Exec,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    pub id: String,
    #[serde(default)]
    pub channel: Channel,
    /// Text in front of a line that is a comment, and behind it.
    pub comment: [String; 2],
    /// Facts stand behind the configuration: its format wants to be first.
    #[serde(default)]
    pub facts_last: bool,
    /// What is told at login, the prompt included, by this platform alone.
    #[serde(default, deserialize_with = "rule::patterns")]
    pub greeting: Vec<Regex>,
    /// What its answer to a probe holds.
    #[serde(default, deserialize_with = "rule::patterns")]
    pub recognise: Vec<Regex>,
    /// How it alone refuses what it does not know.
    #[serde(default, deserialize_with = "rule::patterns")]
    pub refusal: Vec<Regex>,
    /// SNMP sysObjectID prefixes, to know the platform before the first session.
    #[serde(default)]
    pub object_ids: Vec<String>,
    /// Text in SNMP sysDescr.
    #[serde(default, deserialize_with = "rule::patterns")]
    pub sys_descr: Vec<Regex>,
    /// Behind the user's name at login: options of the console.
    #[serde(default)]
    pub user_suffix: String,
    /// At a prompt like `unprivileged`, this command gives the right to see everything.
    #[serde(default)]
    pub enable: Option<String>,
    /// Commands that switch paging and wrapping off; refusals do not matter.
    #[serde(default)]
    pub paging_off: Vec<String>,
    pub commands: Vec<Command>,
    /// Devices within the device.
    #[serde(default)]
    pub contexts: Option<Contexts>,
    /// Lines that are no part of a configuration.
    #[serde(default, deserialize_with = "rule::patterns")]
    pub noise: Vec<Regex>,
    /// Values that change without a change of the configuration.
    #[serde(default)]
    pub volatile: Vec<Rule>,
    /// Blocks that the device changes by itself: shown, and no reason for a version.
    #[serde(default)]
    pub quiet: Vec<Quiet>,
    #[serde(default)]
    pub name: Vec<Rule>,
    #[serde(default)]
    pub secret: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Config,
    /// Shown as comments; a device may refuse it.
    Facts,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    pub role: Role,
    /// The first that is not refused counts.
    pub send: Vec<String>,
    /// Of facts, only lines like these: what is not named cannot be noise.
    #[serde(default, deserialize_with = "rule::patterns")]
    pub keep: Vec<Regex>,
    /// A line that every such configuration has; without one, it is something else.
    #[serde(default, deserialize_with = "rule::pattern_or_none")]
    pub has: Option<Regex>,
    /// A line that says that something is missing from the answer.
    #[serde(default, deserialize_with = "rule::pattern_or_none")]
    pub broken: Option<Regex>,
    /// The last line of a whole answer; without it, any line may be the last.
    #[serde(default, deserialize_with = "rule::pattern_or_none")]
    pub end: Option<Regex>,
}

/// How the devices within a device are found, each with a configuration of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contexts {
    /// What tells whether there may be any, by a line like `when`.
    pub ask: String,
    #[serde(deserialize_with = "rule::pattern")]
    pub when: Regex,
    /// Leads to where all are named. Who is refused may see the one that they logged in to, alone.
    pub all: String,
    /// Such a line of a refusal says that the command was not permitted, and not that there is nowhere to
    /// go: there may be others to see.
    #[serde(deserialize_with = "rule::pattern")]
    pub denied: Regex,
    /// Their names, the group `v`, in the configuration there.
    #[serde(deserialize_with = "rule::pattern")]
    pub name: Regex,
    /// Leads to one of them; `{name}` stands for its name.
    pub one: String,
}

impl Contexts {
    /// What leads to the one of this name.
    #[must_use]
    pub fn to(&self, name: &str) -> String {
        self.one.replace("{name}", name)
    }
}

impl Platforms {
    /// What this program was built with.
    #[must_use]
    pub fn embedded() -> &'static Self {
        #[expect(clippy::expect_used, reason = "the data is part of the program, and tested")]
        static PLATFORMS: LazyLock<Platforms> =
            LazyLock::new(|| toml::from_str(DATA).expect("the embedded platforms are sound"));
        &PLATFORMS
    }

    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Platform> {
        self.platforms.iter().find(|platform| platform.id == id)
    }

    /// All names, for those who have to choose one.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.platforms.iter().map(|platform| platform.id.as_str())
    }

    /// The platform that greets so.
    #[must_use]
    pub fn by_greeting(&self, text: &str) -> Option<&Platform> {
        self.first(text, |platform| &platform.greeting)
    }

    /// The platform that answers a probe so.
    #[must_use]
    pub fn by_answer(&self, text: &str) -> Option<&Platform> {
        self.first(text, |platform| &platform.recognise)
    }

    /// The platform that refuses a probe so.
    #[must_use]
    pub fn by_refusal(&self, text: &str) -> Option<&Platform> {
        self.first(text, |platform| &platform.refusal)
    }

    /// The platform of what SNMP has told.
    #[must_use]
    pub fn by_snmp(&self, object_id: &str, descr: &str) -> Option<&Platform> {
        let under = |prefix: &String| {
            let rest = object_id.trim_start_matches('.').strip_prefix(prefix.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let by_words = self.first(descr, |platform| &platform.sys_descr);
        by_words.or_else(|| self.platforms.iter().find(|one| one.object_ids.iter().any(under)))
    }

    /// True for the answer of a device that does not know or permit a command.
    #[must_use]
    pub fn is_refusal(&self, lines: &[String]) -> bool {
        const REFUSAL_LINES_MAX: usize = 8;
        let said: Vec<&String> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
        said.len() <= REFUSAL_LINES_MAX
            && said.iter().any(|line| self.refused.iter().any(|refused| refused.is_match(line)))
    }

    fn first(&self, text: &str, patterns: fn(&Platform) -> &Vec<Regex>) -> Option<&Platform> {
        let matches = |platform: &&Platform| patterns(platform).iter().any(|p| p.is_match(text));
        self.platforms.iter().find(matches)
    }
}

#[cfg(test)]
mod tests;
