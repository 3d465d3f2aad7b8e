//! What a search tries, in its order, and which profiles it leaves out.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::reply::{Ref, SnmpVersion};
use crate::inventory::device::tag::Tags;
use crate::inventory::profile::reach::{InReach, in_force};
use crate::inventory::snmp::Credential;

/// Credentials that are tried in one go: the agent has 20 s.
pub(in crate::api) const CANDIDATES_MAX: usize = 32;

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ProfileTried {
    id: String,
    name: String,
    /// Null: it is of every site.
    site: Option<Ref>,
    /// Null: it is for devices with any tags or none.
    tag: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ProfileLeftOut {
    pub(in crate::api) profile: Ref,
    pub(in crate::api) reason: LeftOut,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum LeftOut {
    /// What is sealed of it does not open: it has to be given anew.
    Damaged,
    /// There are enough that are closer: a search tries 32 at most, a scan 16.
    TooMany,
}

/// One that is tried.
pub(in crate::api) struct Try {
    pub(super) place: Option<u32>,
    pub(in crate::api) profile: Option<InReach>,
    /// The profile that is closer.
    pub(super) instead: Option<Ref>,
    pub(in crate::api) version: SnmpVersion,
    pub(in crate::api) credential: Credential,
}

/// Has the profiles tried, until there are `max` to try: first those that would be in force, as the agent stops
/// at one that works; of these first those that a device with these tags takes without any more ado.
/// Says which were left out.
pub(in crate::api) fn add_profiles(
    tries: &mut Vec<Try>,
    all: Vec<InReach>,
    tags: &Tags,
    max: usize,
) -> Vec<ProfileLeftOut> {
    let closer = |one: &InReach| {
        let mut tags = tags.clone();
        tags.extend(one.tag.clone());
        let first = in_force(&all, one.kind, &tags);
        first.filter(|first| first.profile.id != one.profile.id).map(|it| it.profile.clone().into())
    };
    let instead: Vec<Option<Ref>> = all.iter().map(closer).collect();
    let mut order: Vec<_> = all.into_iter().zip(instead).collect();
    order.sort_by_key(|(one, instead)| (instead.is_some(), !one.reaches(tags)));
    let mut left_out = Vec::new();
    for (mut one, instead) in order {
        let leave = |reason| ProfileLeftOut { profile: one.profile.clone().into(), reason };
        match one.credential.take() {
            None => left_out.push(leave(LeftOut::Damaged)),
            Some(_) if tries.len() >= max => left_out.push(leave(LeftOut::TooMany)),
            Some(credential) => tries.push(of_profile(one, instead, credential)),
        }
    }
    left_out
}

/// A community is tried over v2c; the agent tries v1 where that is not answered.
fn of_profile(profile: InReach, instead: Option<Ref>, credential: Credential) -> Try {
    let version = match credential {
        Credential::User(_) => SnmpVersion::V3,
        Credential::Community(_) => SnmpVersion::V2c,
    };
    Try { place: None, profile: Some(profile), instead, version, credential }
}

impl Try {
    /// How the audit names it.
    pub(super) fn name(&self) -> String {
        match (&self.profile, self.place) {
            (Some(one), _) => one.profile.name.clone(),
            (None, place) => format!("credentials[{}]", place.unwrap_or(0)),
        }
    }

    pub(super) fn shown_profile(&self) -> Option<ProfileTried> {
        self.profile.as_ref().map(|one| ProfileTried {
            id: one.profile.id.to_string(),
            name: one.profile.name.clone(),
            site: one.site.clone().map(Into::into),
            tag: one.tag.clone(),
        })
    }
}
