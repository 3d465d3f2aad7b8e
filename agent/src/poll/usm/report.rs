//! Core: Reports, by which an agent says why it does not answer.

use crate::poll::message::{Body, Head};

/// usmStats (SNMP-USER-BASED-SM-MIB, RFC 3414 §5), 1.3.6.1.6.3.15.1.1.
const USM_STATS: &[u8] = &[0x2b, 6, 1, 6, 3, 15, 1, 1];
/// snmpUnavailableContexts and snmpUnknownContexts (SNMP-TARGET-MIB, RFC 3413 §4.1.1),
/// 1.3.6.1.6.3.12.1.4 and .5.
const CONTEXTS: &[u8] = &[0x2b, 6, 1, 6, 3, 12, 1];

/// What a Report says is wrong with the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Complaint {
    UnsupportedLevel,
    NotInTimeWindow,
    UnknownUser,
    UnknownEngine,
    WrongDigest,
    DecryptionError,
    UnknownContext,
    /// Something no question of ours gives reason for.
    Other,
}

impl Complaint {
    /// Reads the name of a Report's first variable; `None` if it has none.
    pub(super) fn read(head: &Head<'_>) -> Option<Self> {
        let mut varbinds = Body::read(head).ok()?.varbinds;
        let (name, _) = varbinds.next()?.ok()?;
        if let Some([4 | 5, 0]) = name.strip_prefix(CONTEXTS) {
            return Some(Self::UnknownContext);
        }
        let Some([counter, 0]) = name.strip_prefix(USM_STATS) else {
            return Some(Self::Other);
        };
        Some(match counter {
            1 => Self::UnsupportedLevel,
            2 => Self::NotInTimeWindow,
            3 => Self::UnknownUser,
            4 => Self::UnknownEngine,
            5 => Self::WrongDigest,
            6 => Self::DecryptionError,
            _ => Self::Other,
        })
    }
}
