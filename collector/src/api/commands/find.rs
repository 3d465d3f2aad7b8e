//! Which of many credentials a host takes: those of the request first, then the profiles in reach.
//!
//! Whoever may ask this may have the agent send the communities of all profiles to a host of their
//! choice. They need what they need to make profiles, and to add the device that would be asked with
//! one; a tenant may search a few times in a minute, and the audit names every host.

pub(in crate::api) mod tries;

use axum::extract::State;
use farwatch_common::id::AgentId;
use farwatch_proto::v1 as proto;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::record::Record;
use super::{PingResult, cause, measured_ms, ping_result, text};
use crate::api::AppState;
use crate::api::address::{Address, parse_address};
use crate::api::devices::{TAG_RULE, tags, version_inside};
use crate::api::error::{Error, FieldError};
use crate::api::guard::Caller;
use crate::api::reply::{Cause, Data, Ref, SnmpVersion};
use crate::api::request::{Json, PathId};
use crate::api::snmp::{NewSnmpUser, Wrong};
use crate::identity::Access;
use crate::inventory::agent::agent_get;
use crate::inventory::device::SNMP_PORT;
use crate::inventory::device::tag::Tags;
use crate::inventory::profile::reach::profiles_in_reach;
use crate::inventory::snmp::version_sent;
use crate::inventory::{InventoryError, require};
use tries::{CANDIDATES_MAX, ProfileLeftOut, ProfileTried, Try, add_profiles};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct CredentialSearch {
    /// `IP`, `IP:port`, `[v6]:port` or a host name, as the agent reaches it.
    host: String,
    /// 161 if not given.
    port: Option<u16>,
    /// Tried first, in this order; 32 at most.
    credentials: Option<Vec<CredentialCandidate>>,
    /// Whether the tenant's credential profiles in reach of the agent's site are tried too; true if
    /// not given. Those come first that would be in force, and of these the ones that a device with
    /// `tags` is in reach of, the closest at the front.
    profiles: Option<bool>,
    /// Whether an answer from another address than was asked is refused; false if not given.
    strict_source: Option<bool>,
    /// That the device is to have; none if not given.
    tags: Option<Vec<String>>,
}

/// Either `community` or `user`, as the version takes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct CredentialCandidate {
    version: SnmpVersion,
    #[schema(format = Password)]
    community: Option<String>,
    user: Option<NewSnmpUser>,
}

/// What became of the credentials.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CredentialsTried {
    /// Of those that were tried to their end, in their order: the last one works, or none does.
    outcomes: Vec<CredentialOutcome>,
    /// How many there were to try.
    candidates: u32,
    /// How many of them were not tried to their end: another one works, or the time was up. They may
    /// have been sent to the host all the same.
    not_tried: u32,
    /// Profiles in reach that were not among them.
    left_out: Vec<ProfileLeftOut>,
    /// Null: it was not pinged.
    ping: Option<PingResult>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CredentialOutcome {
    /// Place in `credentials` of the request, from 0; null for a profile's.
    credential: Option<u32>,
    /// Null for one of the request.
    profile: Option<ProfileTried>,
    /// Whether a device that the agent polls at this address would be asked with it: one of the
    /// request, given to the device as its own; a profile, if the device has its tag besides `tags`.
    in_force: bool,
    /// The closer profile that such a device would be asked with instead.
    instead: Option<Ref>,
    version: SnmpVersion,
    ok: bool,
    cause: Option<Cause>,
    /// What to do about the cause, one sentence.
    advice: Option<String>,
    rtt_ms: Option<f64>,
    sys_name: Option<String>,
    sys_descr: Option<String>,
    sys_object_id: Option<String>,
    /// Which of the host's addresses has answered; null: none.
    address: Option<String>,
}

/// Find the credential that a host takes
///
/// The host may not be a device yet. The agent of its site tries a few at a time until one
/// works, and has 20 s.
#[utoipa::path(post, path = "/api/v1/agents/{id}/find-credential", tag = "agents",
    params(("id" = String, Path)), request_body = CredentialSearch,
    responses((status = 200, body = Data<CredentialsTried>)))]
pub(in crate::api) async fn credential_find(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AgentId>,
    Json(body): Json<CredentialSearch>,
) -> Result<Data<CredentialsTried>, Error> {
    // An agent that is not theirs is told before any field is.
    let agent = agent_get(&state.db, &caller.context, id).await?;
    let tenant = agent.tenant.id;
    require(&caller.context, tenant, Access::Write)?;
    if agent.revoked_at.is_some() {
        return Err(InventoryError::Revoked.into());
    }
    let with_profiles = body.profiles.unwrap_or(true);
    let strict_source = body.strict_source.unwrap_or(false);
    let Checked { address, tags, mut tries } = checked(body)?;
    let errand = state.commands.begin(tenant, id)?;
    // What cannot be sent does not count.
    state.limits.searches.check(&tenant)?;
    let mut left_out = Vec::new();
    if with_profiles {
        let of = (tenant, agent.site.id);
        let all = profiles_in_reach(&state.db, &state.vault, &caller.context, of).await?;
        left_out = add_profiles(&mut tries, all, &tags, CANDIDATES_MAX);
    }
    let verbs = ("agent", "find_credential", "find_credential_outcome");
    let record = Record::of(verbs, id.0, agent.name).wanted(told(&address, &tries));
    let candidates = (0..).zip(&tries).map(|(id, one)| {
        let version = version_sent(version_inside(one.version)).unwrap_or_default();
        let (community, user) = one.credential.sent(version);
        proto::CredentialCandidate { id, community, user }
    });
    let candidates = candidates.collect();
    let (host, port) = (address.host.clone(), address.port.into());
    let wanted = proto::FindCredential { host, port, candidates, strict_source };
    let names: Vec<String> = tries.iter().map(Try::name).collect();
    let told = move |result: &proto::FindCredentialResult| came_of(&address, result, &names);
    let asked = errand.find_credential(wanted);
    let result = record.keep((state, caller), tenant, asked, told).await?;
    Ok(Data { data: show(&result, &tries, left_out) })
}

/// A request that is in order.
struct Checked {
    address: Address,
    tags: Tags,
    tries: Vec<Try>,
}

fn checked(body: CredentialSearch) -> Result<Checked, Error> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: &str| {
        errors.push(FieldError { field: field.to_owned(), message: message.to_owned() });
    };
    if body.port == Some(0) {
        wrong("port", "must be 1 to 65535");
    }
    let address = parse_address(&body.host, body.port.unwrap_or(SNMP_PORT));
    if let Err(error) = address {
        wrong("host", error.rule());
    }
    let tags = tags(body.tags.unwrap_or_default());
    if tags.is_none() {
        wrong("tags", TAG_RULE);
    }
    let given = body.credentials.unwrap_or_default();
    if given.len() > CANDIDATES_MAX {
        wrong("credentials", "must be 32 at most");
    }
    let mut tries = Vec::new();
    for (place, one) in (0..).zip(given.into_iter().take(CANDIDATES_MAX)) {
        let CredentialCandidate { version, community, user } = one;
        let of_one = Wrong::within(format!("credentials[{place}]."));
        match of_one.needed(version, community, user) {
            Ok(credential) => {
                let (place, profile, instead) = (Some(place), None, None);
                tries.push(Try { place, profile, instead, version, credential });
            }
            Err(mut of_one) => errors.append(&mut of_one),
        }
    }
    match (address, tags) {
        (Ok(address), Some(tags)) if errors.is_empty() => Ok(Checked { address, tags, tries }),
        _ => Err(Error::invalid(errors)),
    }
}

/// For the audit: which of them, by name, the host took; null is none.
fn came_of(
    address: &Address,
    result: &proto::FindCredentialResult,
    names: &[String],
) -> serde_json::Value {
    let works = result.outcomes.iter().find(|outcome| outcome.cause == 0);
    let works = works.and_then(|one| names.get(usize::try_from(one.id).ok()?));
    let (ended, cut) = (result.outcomes.len(), not_tried(result, names.len()));
    json!({
        "host": address.host, "port": address.port, "works": works,
        "tried_to_end": ended, "not_tried_to_end": cut,
    })
}

/// As the agent counts them, of what it was asked to try.
fn not_tried(result: &proto::FindCredentialResult, candidates: usize) -> u32 {
    result.not_tried.min(u32::try_from(candidates).unwrap_or(u32::MAX))
}

/// For the audit: what is tried where, by name.
fn told(address: &Address, tries: &[Try]) -> serde_json::Value {
    let profiles = tries.iter().filter_map(|one| one.profile.as_ref());
    let profiles: Vec<_> = profiles.map(|one| &one.profile.name).collect();
    let given = tries.len() - profiles.len();
    json!({
        "host": address.host, "port": address.port, "profiles": profiles, "credentials": given,
    })
}

fn show(
    result: &proto::FindCredentialResult,
    tries: &[Try],
    left_out: Vec<ProfileLeftOut>,
) -> CredentialsTried {
    // What it was not asked about, nobody can place.
    let known = result.outcomes.iter().take(CANDIDATES_MAX).filter_map(|outcome| {
        let one = usize::try_from(outcome.id).ok().and_then(|place| tries.get(place))?;
        Some(CredentialOutcome {
            credential: one.place,
            profile: one.shown_profile(),
            in_force: one.instead.is_none(),
            instead: one.instead.clone(),
            version: match outcome.version() {
                proto::SnmpVersion::V1 => SnmpVersion::V1,
                proto::SnmpVersion::V2c => SnmpVersion::V2c,
                proto::SnmpVersion::V3 => SnmpVersion::V3,
                proto::SnmpVersion::Unspecified => one.version,
            },
            ok: outcome.cause == 0,
            cause: cause(outcome.cause),
            advice: text(&outcome.advice),
            rtt_ms: measured_ms(outcome.rtt_us),
            sys_name: text(&outcome.sys_name),
            sys_descr: text(&outcome.sys_descr),
            sys_object_id: text(&outcome.sys_object_id),
            address: text(&outcome.address),
        })
    });
    CredentialsTried {
        outcomes: known.collect(),
        candidates: u32::try_from(tries.len()).unwrap_or(u32::MAX),
        not_tried: not_tried(result, tries.len()),
        left_out,
        ping: result.ping.as_ref().map(ping_result),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(outcomes: usize, not_tried: u32) -> (usize, u32, serde_json::Value) {
        let tries: Vec<_> = (0..3)
            .map(|place| Try {
                place: Some(place),
                profile: None,
                instead: None,
                version: SnmpVersion::V2c,
                credential: "a-community".into(),
            })
            .collect();
        let outcome = |id| proto::CredentialOutcome { id, cause: 1, ..Default::default() };
        let outcomes = (0..).take(outcomes).map(outcome).collect();
        let result = proto::FindCredentialResult { outcomes, ping: None, not_tried };
        let names: Vec<_> = tries.iter().map(Try::name).collect();
        let audited = came_of(&Address::default(), &result, &names)["not_tried_to_end"].clone();
        let shown = show(&result, &tries, Vec::new());
        (shown.outcomes.len(), shown.not_tried, audited)
    }

    #[test]
    fn what_was_not_tried_to_its_end_is_as_the_agent_says_and_no_more_than_was_asked() {
        assert_eq!(told(1, 2), (1, 2, json!(2)));
        assert_eq!(told(0, u32::MAX), (0, 3, json!(3)));
    }
}
