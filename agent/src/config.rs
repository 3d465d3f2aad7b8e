//! The agent's configuration: small, because what it does comes from the collector.

use std::path::{Path, PathBuf};

use farwatch_common::config::{Config, Problem};
use farwatch_common::id::AgentId;
use farwatch_common::logging;
use farwatch_common::transport::proxy::Proxy;
use serde::{Deserialize, Serialize};

use crate::buffer::{BufferConfig, CAP_BYTES_MIN};
use crate::platform;

const MIB: u64 = 1024 * 1024;

/// All settings, with their defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentConfig {
    /// Where the agent keeps its key, its buffer and its assignment.
    pub state_dir: PathBuf,
    pub uplink: UplinkSettings,
    pub buffer: BufferSettings,
    pub log: LogSettings,
}

/// How the collector is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UplinkSettings {
    /// HTTP proxy for TCP: `http://[USER:PASSWORD@]HOST:PORT`. Without it the one of the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// While TCP carries the session: seconds until QUIC is tried again. It doubles, up to six times
    /// as long.
    pub quic_probe_s: u32,
}

/// What the buffer's disk is, and how much the buffer may take of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BufferSettings {
    pub profile: Profile,
    /// Most MiB; without it 2 GiB or a fifth of the volume, whichever is less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_mib: Option<u64>,
}

/// How often the buffer writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A crash or a power cut costs about a second of polls.
    #[default]
    Disk,
    /// Spares a card that wears out: it costs about five seconds, state changes none.
    SdCard,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogSettings {
    /// `info`, or finer: `info,farwatch_agent=debug`.
    pub filter: String,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            state_dir: platform::default_state_dir(),
            uplink: UplinkSettings::default(),
            buffer: BufferSettings::default(),
            log: LogSettings::default(),
        }
    }
}

impl Default for UplinkSettings {
    fn default() -> Self {
        Self { proxy: None, quic_probe_s: 300 }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: logging::DEFAULT_FILTER.into() }
    }
}

impl Config for AgentConfig {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.state_dir.as_os_str().is_empty() {
            problems.push(Problem::new("state_dir", "must not be empty"));
        }
        if self.uplink.quic_probe_s == 0 {
            problems.push(Problem::new("uplink.quic_probe_s", "must be at least 1"));
        }
        let least = CAP_BYTES_MIN / MIB;
        if self.buffer.size_mib.is_some_and(|size| !(least..=1024 * 1024).contains(&size)) {
            let message = format!("must be between {least} and 1048576");
            problems.push(Problem::new("buffer.size_mib", message));
        }
        if let Err(error) = logging::parse(&self.log.filter) {
            problems.push(Problem::new("log.filter", error.to_string()));
        }
        problems
    }
}

impl AgentConfig {
    /// What the buffer may take.
    #[must_use]
    pub fn buffer(&self, dir: &Path, agent: AgentId) -> BufferConfig {
        let config = BufferConfig::new(dir.to_owned(), agent, platform::volume_bytes(dir));
        let cap_bytes = self.buffer.size_mib.map_or(config.cap_bytes, |size| size * MIB);
        let config = BufferConfig { cap_bytes, ..config };
        match self.buffer.profile {
            Profile::Disk => config,
            Profile::SdCard => config.for_sd_card(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_defaults_are_sound_and_limits_hold() {
        assert_eq!(AgentConfig::default().problems(), []);
        let bad = AgentConfig {
            state_dir: PathBuf::new(),
            uplink: UplinkSettings { proxy: None, quic_probe_s: 0 },
            buffer: BufferSettings { size_mib: Some(1), ..BufferSettings::default() },
            log: LogSettings { filter: "a=b=c".into() },
        };
        let keys: Vec<_> = bad.problems().into_iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["state_dir", "uplink.quic_probe_s", "buffer.size_mib", "log.filter"]);
    }

    #[test]
    fn an_sd_card_is_written_to_less_often() {
        let of = |profile: &str| {
            let text = format!("[buffer]\nprofile = \"{profile}\"\nsize_mib = 300\n");
            let config: AgentConfig = toml::from_str(&text).unwrap();
            config.buffer(Path::new("."), AgentId(1))
        };
        let (disk, card) = (of("disk"), of("sd_card"));
        assert_eq!(disk.batch_age, Duration::from_millis(800));
        assert_eq!(card.batch_age, Duration::from_secs(5));
        assert_eq!([disk.cap_bytes, card.cap_bytes], [300 * MIB; 2]);
    }
}
