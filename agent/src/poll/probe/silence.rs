//! Core: why a device does not answer, as far as it can be told, and what to do about it.

use crate::poll::Access;

/// What a device was asked with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asked {
    #[default]
    Community,
    User,
}

impl Asked {
    #[must_use]
    pub fn with(access: &Access) -> Self {
        match access {
            Access::Community { .. } | Access::Nothing => Self::Community,
            Access::User(_) => Self::User,
        }
    }
}

/// What is known of a silence. One that stands further down tells more: of several addresses of a
/// name it is the one to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Silence {
    /// Echo requests are not answered either.
    HostSilent,
    /// Nothing more is known: this user may not send echo requests.
    Unexplained,
    /// Echo requests are answered.
    HostAnswers,
    /// A firewall says that it lets nothing through to the port (ICMP, RFC 1812 §5.2.7.1).
    Filtered,
    /// It is said that nobody listens at the port (ICMP port unreachable): by the host, or by a firewall
    /// that refuses for it.
    PortClosed,
    /// Somebody speaks SNMP at the port, and is silent to this credential.
    CredentialIgnored,
}

impl Silence {
    /// For programs. What tells no more than a time-out has the name of that cause.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unexplained | Self::HostAnswers => "timeout",
            Self::HostSilent => "host_silent",
            Self::Filtered => "filtered",
            Self::PortClosed => "port_closed",
            Self::CredentialIgnored => "credential_ignored",
        }
    }

    /// The only place where a silence is explained.
    #[must_use]
    pub fn advice(self, asked: Asked) -> &'static str {
        match (self, asked) {
            (Self::HostSilent, _) => {
                "it answers neither SNMP nor ping; check the address, and whether the device is on \
                 and the way to it open"
            }
            (Self::Unexplained, Asked::Community) => {
                "no answer; check the address, the port, the community and whether the device lets \
                 this host ask (a wrong community is answered by silence)"
            }
            (Self::Unexplained, Asked::User) => {
                "no answer; check the address, the port, whether SNMPv3 is on and whether the \
                 device lets this host ask"
            }
            (Self::HostAnswers, Asked::Community) => {
                "it answers ping, but not SNMP; check the port, the community and whether the \
                 device lets this host ask (a wrong community is answered by silence)"
            }
            (Self::HostAnswers, Asked::User) => {
                "it answers ping, but not SNMP; check the port, whether SNMPv3 is on and whether \
                 the device lets this host ask"
            }
            (Self::Filtered, _) => {
                "a firewall refuses the way to this UDP port; let this host through to it"
            }
            (Self::PortClosed, _) => {
                "nothing listens on this UDP port, or a firewall refuses for it; turn the device's \
                 SNMP agent on, or check the port and the address it listens at"
            }
            (Self::CredentialIgnored, Asked::Community) => {
                "SNMP answers there, but not to this community; check the community, that its \
                 version of SNMP is on, and that the device lets this host ask"
            }
            (Self::CredentialIgnored, Asked::User) => {
                "SNMP answers there, but not to this user; check that the device lets this host ask"
            }
        }
    }
}

/// A device that was asked in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    pub silence: Silence,
    pub asked: Asked,
    /// The UDP port.
    pub port: u16,
}

impl NoAnswer {
    #[must_use]
    pub fn advice(self) -> String {
        let advice = self.silence.advice(self.asked);
        advice.replace("this UDP port", &format!("UDP {}", self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_as_a_user_hears_nothing_of_communities() {
        for silence in [Silence::Unexplained, Silence::HostAnswers, Silence::CredentialIgnored] {
            assert!(silence.advice(Asked::Community).contains("community"), "{silence:?}");
            assert!(!silence.advice(Asked::User).contains("community"), "{silence:?}");
        }
        let (silence, asked) = (Silence::PortClosed, Asked::User);
        let advice = NoAnswer { silence, asked, port: 161 }.advice();
        assert!(advice.starts_with("nothing listens on UDP 161, or"));
    }
}
