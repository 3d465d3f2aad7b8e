//! Why a configuration was not fetched: a word for programs, and what to do for people.

use std::io;

use super::session::SessionError;

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the name has no address; check it and the DNS of this site")]
    NoName { source: io::Error },
    #[error("there is no way to the device; check its address and the routes of this site")]
    Unreachable { source: io::Error },
    #[error("nothing answers at the address; check it, the port, and the firewalls on the way")]
    NoAnswer,
    #[error("the port is closed; let the device serve SSH, or name the port that it serves it at")]
    PortClosed,
    #[error("what answers there does not speak SSH; check the port")]
    NoSsh,
    #[error(
        "the device hangs up before a login; check which addresses it lets in, and whether too \
         many are logged in"
    )]
    HangsUp,
    #[error(
        "the host key is {shown} and not the pinned one; if the device was replaced, pin the new \
         key, else somebody may be in between"
    )]
    HostKey { shown: String },
    #[error("the device knows none of today's algorithms; update it, or allow broken ones for it")]
    Algorithms,
    #[error("the device refuses the user; check its name and its password or key")]
    Login,
    #[error(
        "the device does not answer the login in time; check the servers that it asks who may log \
         in"
    )]
    LoginSilent,
    #[error("the private key cannot be read; give one in OpenSSH's form without a passphrase")]
    PrivateKey,
    #[error("the password or key is not text")]
    NotText,
    #[error("there is no platform {0}; `farwatch-agent backup --help` names those of this agent")]
    NoPlatform(String),
    #[error("the device ended the session; check that the user may have a command line")]
    Closed,
    #[error("the device fell silent without a prompt; name its platform, or report it")]
    Silent,
    #[error("the device asks what nobody answers; log in by hand once and see")]
    Questions,
    #[error("the device refuses to show its configuration; give the user the right to read it")]
    Refused,
    #[error("the device shows an empty configuration; check the rights of the user")]
    Empty,
    #[error("the configuration ends in its middle; the connection or the device failed: try again")]
    Incomplete,
    #[error("the configuration is larger than 16 MiB")]
    TooMuch,
    #[error("the fetch was given up after 15 minutes; the device or the line to it is too slow")]
    TooSlow,
    #[error("SSH failed; try `ssh` by hand from this host")]
    Protocol(#[from] russh::Error),
    #[error("the key of the marks cannot be used; see to `history.key` in the state directory")]
    SiteKey { source: io::Error },
    #[error(
        "the agent has no room for what its collector has not taken yet; see why they are apart, \
         then fetch again"
    )]
    NoRoom,
    #[error("the agent failed at what the device sent; report the device")]
    Agent,
}

impl FetchError {
    /// A word for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoName { .. } => "no_name",
            Self::Unreachable { .. } => "unreachable",
            Self::NoAnswer => "no_answer",
            Self::PortClosed => "port_closed",
            Self::NoSsh => "no_ssh",
            Self::HangsUp => "hangs_up",
            Self::HostKey { .. } => "host_key",
            Self::Algorithms => "algorithms",
            Self::Login => "login",
            Self::LoginSilent => "login_silent",
            Self::PrivateKey => "private_key",
            Self::NotText => "not_text",
            Self::NoPlatform(_) => "no_platform",
            Self::Closed => "closed",
            Self::Silent => "silent",
            Self::Questions => "questions",
            Self::Refused => "refused",
            Self::Empty => "empty",
            Self::Incomplete => "incomplete",
            Self::TooMuch => "too_much",
            Self::TooSlow => "too_slow",
            Self::Protocol(_) => "protocol",
            Self::SiteKey { .. } => "site_key",
            Self::NoRoom => "no_room",
            Self::Agent => "agent",
        }
    }
}

impl From<SessionError> for FetchError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::TooMuch => Self::TooMuch,
            SessionError::Questions => Self::Questions,
        }
    }
}
