//! Which of many credentials a host takes: those of the request first, then the profiles in reach.

use axum::extract::State;
use farwatch_common::id::{AgentId, CredentialId};
use farwatch_proto::v1 as proto;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{PingResult, cause, measured_ms, ping_result, text};
use crate::api::AppState;
use crate::api::address::{Address, parse_address};
use crate::api::devices::{ADDRESS_RULE, version_inside};
use crate::api::error::{Error, FieldError};
use crate::api::guard::Caller;
use crate::api::reply::{Cause, Data, Ref, SnmpVersion};
use crate::api::request::{Json, PathId};
use crate::api::snmp::{NewSnmpUser, Wrong};
use crate::audit::Change;
use crate::command::noted;
use crate::identity::Access;
use crate::inventory::agent::agent_get;
use crate::inventory::device::SNMP_PORT;
use crate::inventory::profile::reach::profiles_in_reach;
use crate::inventory::snmp::{Credential, version_sent};
use crate::inventory::{InventoryError, Named, require};

/// Credentials that are tried in one go: the agent has 20 s.
const CANDIDATES_MAX: usize = 32;

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
    /// not given. The closest come first.
    profiles: Option<bool>,
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
    /// Of those that were tried, in their order: the last one works, or none does.
    outcomes: Vec<CredentialOutcome>,
    /// How many there were to try.
    candidates: u32,
    /// Null: it was not pinged.
    ping: Option<PingResult>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CredentialOutcome {
    /// Place in `credentials` of the request, from 0; null for a profile's.
    credential: Option<u32>,
    /// Null for one of the request.
    profile: Option<Ref>,
    version: SnmpVersion,
    ok: bool,
    cause: Option<Cause>,
    /// What to do about the cause, one sentence.
    advice: Option<String>,
    rtt_ms: Option<f64>,
    sys_name: Option<String>,
    sys_descr: Option<String>,
    sys_object_id: Option<String>,
}

/// One that is tried.
struct Try {
    place: Option<u32>,
    profile: Option<Named<CredentialId>>,
    version: SnmpVersion,
    credential: Credential,
}

/// Find the credential that a host takes
///
/// The host may not be a device yet. The agent of its site tries one after the other until one
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
    let (address, mut tries) = checked(body)?;
    let errand = state.commands.begin(id)?;
    if with_profiles {
        let of = (tenant, agent.site.id);
        let left = CANDIDATES_MAX - tries.len();
        let profiles = profiles_in_reach(&state.db, &state.vault, &caller.context, of, left);
        tries.extend(profiles.await?.into_iter().map(of_profile));
    }
    let change = Change::new("agent", "find_credential", id.0, &agent.name);
    let change = change.after(told(&address, &tries));
    noted(&state.db, &caller.context, tenant, change, state.clock.now()).await?;
    let candidates = (0..).zip(&tries).map(|(id, one)| {
        let version = version_sent(version_inside(one.version)).unwrap_or_default();
        let (community, user) = one.credential.sent(version);
        proto::CredentialCandidate { id, community, user }
    });
    let candidates = candidates.collect();
    let wanted =
        proto::FindCredential { host: address.host, port: address.port.into(), candidates };
    let result = errand.find_credential(wanted).await?;
    Ok(Data { data: show(&result, &tries) })
}

fn checked(body: CredentialSearch) -> Result<(Address, Vec<Try>), Error> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: &str| {
        errors.push(FieldError { field: field.to_owned(), message: message.to_owned() });
    };
    if body.port == Some(0) {
        wrong("port", "must be 1 to 65535");
    }
    let address = parse_address(&body.host, body.port.unwrap_or(SNMP_PORT));
    if address.is_none() {
        wrong("host", ADDRESS_RULE);
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
                tries.push(Try { place: Some(place), profile: None, version, credential });
            }
            Err(mut of_one) => errors.append(&mut of_one),
        }
    }
    match address {
        Some(address) if errors.is_empty() => Ok((address, tries)),
        _ => Err(Error::invalid(errors)),
    }
}

/// A community is tried over v2c; the agent tries v1 where that is not answered.
fn of_profile((profile, credential): (Named<CredentialId>, Credential)) -> Try {
    let version = match credential {
        Credential::User(_) => SnmpVersion::V3,
        Credential::Community(_) => SnmpVersion::V2c,
    };
    Try { place: None, profile: Some(profile), version, credential }
}

/// For the audit: what is tried where, by name.
fn told(address: &Address, tries: &[Try]) -> serde_json::Value {
    let profiles = tries.iter().filter_map(|one| one.profile.as_ref());
    let profiles: Vec<_> = profiles.map(|profile| &profile.name).collect();
    let given = tries.len() - profiles.len();
    json!({
        "host": address.host, "port": address.port, "profiles": profiles, "credentials": given,
    })
}

fn show(result: &proto::FindCredentialResult, tries: &[Try]) -> CredentialsTried {
    // What it was not asked about, nobody can place.
    let known = result.outcomes.iter().take(CANDIDATES_MAX).filter_map(|outcome| {
        let one = usize::try_from(outcome.id).ok().and_then(|place| tries.get(place))?;
        Some(CredentialOutcome {
            credential: one.place,
            profile: one.profile.clone().map(Into::into),
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
        })
    });
    CredentialsTried {
        outcomes: known.collect(),
        candidates: u32::try_from(tries.len()).unwrap_or(u32::MAX),
        ping: result.ping.as_ref().map(ping_result),
    }
}
