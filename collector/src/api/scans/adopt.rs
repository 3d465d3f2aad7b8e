//! Hosts of a scan become devices.

use std::collections::BTreeMap;

use axum::extract::State;
use farwatch_common::id::ScanId;
use farwatch_common::task::to_the_end;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Proposed, proposed};
use crate::api::devices::{INTERVAL_S, TAG_RULE, added, exists, tags};
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::reply::Data;
use crate::api::request::{Json, NAME_RULE, PathId};
use crate::api::{AppState, Parts};
use crate::identity::Access;
use crate::inventory::agent::agent_get;
use crate::inventory::device::create::devices_create;
use crate::inventory::device::{self, Manner, NewDevice, own_name};
use crate::inventory::profile::reach::{InReach, Missing, own_copy, profiles_in_reach};
use crate::inventory::{InventoryError, is_name, require};
use crate::scan::Scan;
use crate::scan::store::scan_get;

/// Hosts of one call.
const HOSTS_MAX: usize = 1_000;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Adoption {
    /// 1 to 1000.
    hosts: Vec<AdoptedHost>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct AdoptedHost {
    /// Of a host of the scan.
    address: String,
    /// The proposed one if not given.
    name: Option<String>,
    /// The proposed ones if not given.
    tags: Option<Vec<String>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Adopted {
    /// How many devices were made.
    devices: u32,
    /// In the order of the request.
    outcomes: Vec<AdoptOutcome>,
}

/// What became of one host.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AdoptOutcome {
    address: String,
    /// That was made of it.
    device: Option<String>,
    name: Option<String>,
    /// Why there is none: the stable code of the problem.
    code: Option<String>,
    /// The same for people.
    detail: Option<String>,
}

/// Make devices of hosts that a scan has found
///
/// Each is asked with the profile that works: where that is not the one in force for it, the device gets
/// the same credential as its own. All are made at once; of those that cannot be, the outcome says why. A
/// host whose profile is gone since, or does not open any more, is not made; nor is any where the agent was
/// moved to another site since.
#[utoipa::path(post, path = "/api/v1/scans/{id}/adopt", tag = "scans",
    params(("id" = String, Path)), request_body = Adoption,
    responses((status = 200, body = Data<Adopted>)))]
pub(in crate::api) async fn scan_adopt(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ScanId>,
    Json(body): Json<Adoption>,
) -> Result<Data<Adopted>, Error> {
    let scan = scan_get(&state.db, &caller.context, id).await?;
    let tenant = scan.tenant.id;
    require(&caller.context, tenant, Access::Write)?;
    if body.hosts.is_empty() || body.hosts.len() > HOSTS_MAX {
        return Err(Error::field("hosts", format!("must be 1 to {HOSTS_MAX}")));
    }
    let agent = agent_get(&state.db, &caller.context, scan.agent.id).await?;
    if agent.site.id != scan.site.id {
        let detail = "The agent was moved to another site since: scan again, from there.";
        return Err(Error::new(StatusCode::CONFLICT, "site_changed", detail));
    }
    let of = (tenant, scan.site.id);
    let reach = profiles_in_reach(&state.db, &state.vault, &caller.context, of).await?;
    let hosts = proposed(&state, &caller.context, &scan).await?;
    let hosts: BTreeMap<_, _> =
        hosts.into_iter().map(|one| (one.host.address.to_string(), one)).collect();
    let wanted = body.hosts.into_iter().map(|one| {
        let address = one.address.chars().take(ADDRESS_CHARS_MAX).collect();
        (address, checked(&scan, hosts.get(&one.address), &reach, one))
    });
    let wanted: Vec<(String, Result<NewDevice, Error>)> = wanted.collect();
    to_the_end(async move {
        let Parts { db, vault, ids, clock, live, .. } = &*state;
        let new: Vec<NewDevice> =
            wanted.iter().filter_map(|(_, one)| one.as_ref().ok().cloned()).collect();
        let turn = live.turn(tenant).await;
        let of = (&caller.context, tenant);
        let made = devices_create(db, (vault, ids), of, &new, clock.now()).await?;
        for row in made.iter().flatten() {
            added(&state, row);
        }
        drop(turn);
        let devices = made.iter().flatten().count();
        if devices > 0 {
            state.changes.notify(scan.agent.id);
        }
        tracing::info!(stage = "api", scan = %scan.id, devices, "devices were made of a scan");
        let mut made = made.into_iter();
        let outcomes = wanted.into_iter().map(|(address, one)| match one {
            Ok(_) => told(address, made.next().unwrap_or(Err(InventoryError::NotFound))),
            Err(error) => refused(address, &error),
        });
        let outcomes = outcomes.collect();
        let devices = u32::try_from(devices).unwrap_or(u32::MAX);
        Ok(Data { data: Adopted { devices, outcomes } })
    })
    .await
}

/// An address of IPv4.
const ADDRESS_CHARS_MAX: usize = 15;

fn checked(
    scan: &Scan,
    host: Option<&Proposed>,
    reach: &[InReach],
    wish: AdoptedHost,
) -> Result<NewDevice, Error> {
    let in_scan = "must be of a host that this scan has found";
    let Proposed { host, proposal, .. } = host.ok_or_else(|| Error::field("address", in_scan))?;
    let given = wish.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    if given.as_ref().is_some_and(|name| !is_name(name)) {
        return Err(Error::field("name", NAME_RULE));
    }
    let works = host.works.as_ref();
    let wanted_tag = works.and_then(|works| {
        let tried = scan.profiles.iter().find(|tried| tried.profile.id == works.profile.id);
        tried.and_then(|tried| tried.tag.clone())
    });
    let texts = wish.tags.unwrap_or_else(|| wanted_tag.into_iter().collect());
    let tags = tags(texts).ok_or_else(|| Error::field("tags", TAG_RULE))?;
    // A name that had to be told apart from another does not follow what the device says.
    let own = host.sys_name.as_deref().and_then(own_name);
    let is_apart = own.is_some_and(|own| own != proposal.name);
    let named = given.is_some() || is_apart;
    let credential = match works {
        Some(works) => own_copy(reach, works.profile.id, &tags).map_err(missing)?,
        None => None,
    };
    Ok(NewDevice {
        agent: scan.agent.id,
        name: given.unwrap_or_else(|| proposal.name.clone()),
        named,
        host: host.address.to_string(),
        port: scan.port,
        interval_s: INTERVAL_S,
        snmp_version: works.map_or("v2c", |works| works.version),
        credential,
        manner: Manner::default(),
        tags,
    })
}

fn missing(why: Missing) -> Error {
    match why {
        Missing::Gone => {
            let detail = "The profile that works there is gone: scan again.";
            Error::new(StatusCode::CONFLICT, "profile_gone", detail)
        }
        Missing::Damaged => {
            let detail = "The credential of the profile that works there is damaged: give the \
                          profile its credential anew.";
            Error::new(StatusCode::CONFLICT, "credential_damaged", detail)
        }
    }
}

fn told(address: String, made: Result<device::Device, InventoryError>) -> AdoptOutcome {
    match made {
        Ok(row) => AdoptOutcome {
            address,
            device: Some(row.id.to_string()),
            name: Some(row.name),
            code: None,
            detail: None,
        },
        Err(error) => refused(address, &exists(error)),
    }
}

fn refused(address: String, error: &Error) -> AdoptOutcome {
    let detail = match error.errors() {
        [one, ..] => format!("`{}` {}.", one.field, one.message),
        [] => error.detail().to_owned(),
    };
    let code = Some(error.code().to_owned());
    AdoptOutcome { address, device: None, name: None, code, detail: Some(detail) }
}
