//! Core: credentials as they are assigned, checked and taken.

use farwatch_common::secret::Secret;
use farwatch_proto::v1 as proto;
use farwatch_proto::v1::{SnmpAuth, SnmpPrivacy};

use crate::poll::{Access, SnmpUser, SnmpVersion};

const COMMUNITY_BYTES_MAX: usize = 255;
/// msgUserName (RFC 3414 §2.4).
const NAME_BYTES_MAX: usize = 32;
/// RFC 3414 §11.2.
const PASSWORD_BYTES_MIN: usize = 8;
const PASSWORD_BYTES_MAX: usize = 255;
/// contextName (RFC 3411 §5).
const CONTEXT_BYTES_MAX: usize = 32;

/// What a device is asked with; refused with a sentence that says why.
pub(crate) fn access(
    community: Option<&proto::SnmpCommunity>,
    user: Option<&proto::SnmpUser>,
) -> Result<Access, &'static str> {
    match (community, user) {
        (None, None) => Ok(Access::Nothing),
        (Some(community), None) => of_community(community),
        (None, Some(user)) => of_user(user).map(Access::User),
        (Some(_), Some(_)) => Err("there are both a community and a user"),
    }
}

fn of_community(given: &proto::SnmpCommunity) -> Result<Access, &'static str> {
    let version = match given.version() {
        proto::SnmpVersion::V1 => SnmpVersion::V1,
        proto::SnmpVersion::V2c => SnmpVersion::V2c,
        proto::SnmpVersion::V3 | proto::SnmpVersion::Unspecified => {
            return Err("the SNMP version is unknown to this agent");
        }
    };
    if given.community.is_empty() || given.community.len() > COMMUNITY_BYTES_MAX {
        return Err("the community is empty or too long");
    }
    Ok(Access::Community { version, community: Secret::new(given.community.clone()) })
}

fn of_user(given: &proto::SnmpUser) -> Result<SnmpUser, &'static str> {
    let auth = SnmpAuth::try_from(given.auth)
        .map_err(|_| "the authentication protocol is unknown to this agent")?;
    let privacy = SnmpPrivacy::try_from(given.privacy)
        .map_err(|_| "the privacy protocol is unknown to this agent")?;
    if given.name.is_empty() || given.name.len() > NAME_BYTES_MAX {
        return Err("the user's name has not 1 to 32 octets");
    }
    if given.context.len() > CONTEXT_BYTES_MAX {
        return Err("the context has more than 32 octets");
    }
    let auth = match auth {
        SnmpAuth::None if given.auth_password.is_empty() => None,
        SnmpAuth::None => return Err("there is an authentication password but no protocol for it"),
        protocol if is_password(&given.auth_password) => {
            Some((protocol, Secret::new(given.auth_password.clone())))
        }
        _ => return Err("the authentication password has not 8 to 255 octets"),
    };
    let privacy = match privacy {
        SnmpPrivacy::None if given.privacy_password.is_empty() => None,
        SnmpPrivacy::None => return Err("there is a privacy password but no protocol for it"),
        _ if auth.is_none() => return Err("there is privacy without authentication"),
        protocol if is_password(&given.privacy_password) => {
            Some((protocol, Secret::new(given.privacy_password.clone())))
        }
        _ => return Err("the privacy password has not 8 to 255 octets"),
    };
    Ok(SnmpUser { name: given.name.clone(), auth, privacy, context: given.context.clone() })
}

fn is_password(given: &[u8]) -> bool {
    (PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&given.len())
}
