//! Scans: look for what stands at a site, and see what was found.

pub(super) mod adopt;
pub(super) mod networks;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use axum::extract::State;
use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, CredentialId, DeviceId, ScanId};
use farwatch_common::task::to_the_end;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::commands::NoWishes;
use super::commands::find::tries::{LeftOut, Try, add_profiles};
use super::devices::version_inside;
use super::error::{Error, FieldError};
use super::guard::Caller;
use super::reply::{Cause, Data, List, Meta, Paging, Ref, SnmpVersion, Time, cursor};
use super::request::{Json, MaybeJson, Params, PathId, id};
use super::tenants::narrowed;
use super::{AppState, Parts};
use crate::command::CommandError;
use crate::identity::places::Full;
use crate::identity::{Access, TenantContext};
use crate::inventory::agent::{self, agent_get};
use crate::inventory::device::SNMP_PORT;
use crate::inventory::device::tag::Tags;
use crate::inventory::profile::reach::{InReach, profiles_in_reach};
use crate::inventory::{InventoryError, Named, require};
use crate::scan::propose::{Proposal, propose};
use crate::scan::store::{Watched, scan_begin, scan_end, scan_get, scan_hosts, scan_list, watched};
use crate::scan::{
    self, CANDIDATES_MAX, Candidate, PACKETS_PER_SECOND, PACKETS_PER_SECOND_MAX,
    PACKETS_PER_SECOND_MIN, Tried, Wish, ranges,
};

/// When as many scans as may be are under way, one has ended by then most likely.
const BUSY_RETRY_S: u64 = 30;

/// What is to be looked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewScan {
    /// 1 to 64: networks (`192.168.88.0/24`), spans (`10.0.0.20-10.0.0.99`) or addresses of IPv4; 4096
    /// addresses at most. A network's own address and its broadcast address are left out.
    ranges: Vec<String>,
    /// Credential profiles in reach of the agent's site, in the order to try them, 16 at most; if not
    /// given, all of them, first those that would be in force; `detail` tells how many were too many.
    profiles: Option<Vec<String>>,
    /// 161 if not given.
    port: Option<u16>,
    /// 20 to 500, to all hosts together; 100 if not given.
    packets_per_second: Option<u32>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ScanState {
    Running,
    /// For its agent, which has five minutes to be back.
    Waiting,
    Done,
    Failed,
    Cancelled,
}

/// A search for what stands at a site.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Scan {
    id: String,
    tenant: Ref,
    site: Ref,
    agent: Ref,
    asked_by: String,
    ranges: Vec<String>,
    /// Which are tried, in this order.
    profiles: Vec<Ref>,
    port: u16,
    packets_per_second: u32,
    state: ScanState,
    /// Of `total` addresses.
    asked: u32,
    /// Without those that are devices already.
    total: u32,
    /// Hosts, those that are devices already among them.
    found: u32,
    /// What it waits for, why it has failed, or what came of it.
    detail: Option<String>,
    started_at: Time,
    ended_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScanDetail {
    #[serde(flatten)]
    scan: Scan,
    /// In the order of their addresses.
    hosts: Vec<ScanHost>,
}

/// A host that was found, and the device that it would be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScanHost {
    address: String,
    echo: ScanEcho,
    snmp: ScanSnmp,
    /// `sysName`.
    name: Option<String>,
    /// `sysDescr`.
    descr: Option<String>,
    /// `sysObjectID`.
    object_id: Option<String>,
    /// Vendor and model in words, as far as they are known.
    kind: Option<String>,
    /// What it calls itself, or its address; no device of the site has this name.
    proposed_name: String,
    /// What the profile that works asks of devices that are to be asked with it.
    proposed_tags: Vec<String>,
    /// The device of the site that has this address now, or whose host name led the agent there. One
    /// that was there before was not asked.
    device: Option<String>,
    /// The first address of what is most likely the same device.
    duplicate_of: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScanEcho {
    /// Null: it answers no echo requests.
    rtt_ms: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScanSnmp {
    /// Whether one of the profiles does.
    works: bool,
    /// Which.
    profile: Option<Ref>,
    version: Option<SnmpVersion>,
    /// Why none does.
    cause: Option<Cause>,
    /// What to do about the cause, one sentence.
    advice: Option<String>,
}

fn show(scan: scan::Scan) -> Scan {
    Scan {
        id: scan.id.to_string(),
        tenant: scan.tenant.into(),
        site: scan.site.into(),
        agent: scan.agent.into(),
        asked_by: scan.asked_by,
        ranges: scan.ranges,
        profiles: scan.profiles.into_iter().map(|tried| tried.profile.into()).collect(),
        port: scan.port,
        packets_per_second: scan.packets_per_second,
        state: match scan.state {
            scan::State::Running => ScanState::Running,
            scan::State::Waiting => ScanState::Waiting,
            scan::State::Done => ScanState::Done,
            scan::State::Failed => ScanState::Failed,
            scan::State::Cancelled => ScanState::Cancelled,
        },
        asked: scan.asked,
        total: scan.total,
        found: scan.found,
        detail: scan.detail,
        started_at: Time(scan.started_at),
        ended_at: scan.ended_at.map(Time),
    }
}

fn show_host(scan: &scan::Scan, proposed: Proposed) -> ScanHost {
    let Proposed { host, proposal, device } = proposed;
    let rtt_ms = host.echo_us.map(|us| f64::from(us) / 1_000.0);
    let (profile, version) = host.works.map(|works| (works.profile, works.version)).unzip();
    let of_profile = |id: CredentialId| {
        let tried = scan.profiles.iter().find(|tried| tried.profile.id == id);
        tried.and_then(|tried| tried.tag.clone())
    };
    let proposed_tags = profile.as_ref().and_then(|known| of_profile(known.id));
    ScanHost {
        address: host.address.to_string(),
        echo: ScanEcho { rtt_ms },
        snmp: ScanSnmp {
            works: profile.is_some(),
            profile: profile.map(Into::into),
            version: version.and_then(SnmpVersion::from_name),
            cause: host.cause.as_deref().and_then(Cause::from_name),
            advice: host.advice,
        },
        name: host.sys_name,
        descr: host.sys_descr,
        object_id: host.sys_object_id,
        kind: proposal.kind,
        proposed_name: proposal.name,
        proposed_tags: proposed_tags.into_iter().collect(),
        device: device.map(|id| id.to_string()),
        duplicate_of: proposal.duplicate_of.map(|address| address.to_string()),
    }
}

/// A host of a scan.
struct Proposed {
    host: scan::Host,
    proposal: Proposal,
    /// That it is now.
    device: Option<DeviceId>,
}

/// The hosts of a scan, and what is proposed of each.
async fn proposed(
    state: &AppState,
    context: &TenantContext,
    scan: &scan::Scan,
) -> Result<Vec<Proposed>, Error> {
    let hosts = scan_hosts(&state.db, context, scan).await?;
    let there = watched(&state.db, context, (scan.tenant.id, scan.site.id)).await?;
    let proposals = propose(&hosts, &there.names);
    let one = |(host, proposal)| {
        let device = there.device(&host);
        Proposed { host, proposal, device }
    };
    Ok(hosts.into_iter().zip(proposals).map(one).collect())
}

/// Look for what stands at a site
///
/// Answers at once: the scan tells what comes of it. An agent has one scan at a time.
#[utoipa::path(post, path = "/api/v1/agents/{id}/scans", tag = "scans",
    params(("id" = String, Path)), request_body = NewScan,
    responses((status = 202, body = Data<Scan>)))]
pub(super) async fn scan_new(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AgentId>,
    Json(body): Json<NewScan>,
) -> Result<(StatusCode, Data<Scan>), Error> {
    // An agent that is not theirs is told before any field is.
    let agent = agent_get(&state.db, &caller.context, id).await?;
    let tenant = agent.tenant.id;
    require(&caller.context, tenant, Access::Write)?;
    if agent.revoked_at.is_some() {
        return Err(InventoryError::Revoked.into());
    }
    let of = (tenant, agent.site.id);
    let reach = profiles_in_reach(&state.db, &state.vault, &caller.context, of).await?;
    let tries = candidates(reach, body.profiles.as_deref())?;
    let checked = checked(body)?;
    if state.commands.connection(id).is_none() {
        return Err(CommandError::Offline.into());
    }
    let there = watched(&state.db, &caller.context, of).await?;
    state.limits.searches.check(&tenant)?;
    let now = state.clock.now();
    let new = ScanId(state.ids.next(now));
    let turn = state.scans.turn(tenant, new).map_err(busy)?;
    to_the_end(async move {
        let Parts { db, scans, .. } = &*state;
        let (wish, known) = checked.wish(&caller, agent, tries, (new, &there, now));
        let scan = wish.scan.clone();
        if let Err(running) = scan_begin(db, &wish, &known, now).await? {
            let detail = format!(
                "This agent is scanning already ({running}): wait for the end of that scan, or cancel it."
            );
            return Err(Error::new(StatusCode::CONFLICT, "scan_running", detail));
        }
        if !scans.begin(turn, wish) {
            return Err(Error::unavailable("The collector is stopping; try again in a moment."));
        }
        tracing::info!(stage = "api", scan = %scan.id, agent_id = %scan.agent.id, "a scan begins");
        Ok((StatusCode::ACCEPTED, Data { data: show(scan) }))
    })
    .await
}

fn busy(full: Full) -> Error {
    let (code, detail) = match full {
        Full::ForKey => {
            ("tenant_busy", "As many scans of this tenant as may be are under way; wait for one.")
        }
        Full::ForAll => (
            "scans_busy",
            "As many scans as this collector carries out are under way; wait a moment.",
        ),
    };
    Error::busy(code, detail, BUSY_RETRY_S)
}

/// A request that is in order.
struct Checked {
    ranges: Vec<String>,
    addresses: Vec<Ipv4Addr>,
    port: u16,
    packets_per_second: u32,
}

fn checked(body: NewScan) -> Result<Checked, Error> {
    let mut errors = Vec::new();
    let mut wrong = |field: String, message: String| errors.push(FieldError { field, message });
    let addresses = ranges::addresses(&body.ranges).unwrap_or_else(|error| {
        let place = error.range().map(|range| format!("[{range}]")).unwrap_or_default();
        wrong(format!("ranges{place}"), error.to_string());
        Vec::new()
    });
    let port = body.port.unwrap_or(SNMP_PORT);
    if port == 0 {
        wrong("port".into(), "must be 1 to 65535".into());
    }
    let packets_per_second = body.packets_per_second.unwrap_or(PACKETS_PER_SECOND);
    if !(PACKETS_PER_SECOND_MIN..=PACKETS_PER_SECOND_MAX).contains(&packets_per_second) {
        let rule = format!("must be {PACKETS_PER_SECOND_MIN} to {PACKETS_PER_SECOND_MAX}");
        wrong("packets_per_second".into(), rule);
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    let ranges = body.ranges.iter().map(|range| range.trim().to_owned()).collect();
    Ok(Checked { ranges, addresses, port, packets_per_second })
}

/// What is tried.
struct Tries {
    candidates: Vec<Candidate>,
    profiles: Vec<Tried>,
    /// Profiles that are too many.
    left_out: usize,
}

/// The profiles that are named, or those that a scan finds in reach.
fn candidates(reach: Vec<InReach>, named: Option<&[String]>) -> Result<Tries, Error> {
    let (mut tries, mut left_out) = (Vec::new(), 0);
    match named {
        None => {
            let left = add_profiles(&mut tries, reach, &Tags::new(), CANDIDATES_MAX);
            // What is damaged says so on the page of the profiles.
            left_out = left.iter().filter(|one| matches!(one.reason, LeftOut::TooMany)).count();
        }
        Some(named) => {
            if named.is_empty() || named.len() > CANDIDATES_MAX {
                return Err(Error::field("profiles", format!("must be 1 to {CANDIDATES_MAX}")));
            }
            let mut seen = BTreeSet::new();
            for text in named {
                let profile: CredentialId = id(text).map_err(|error| error.in_field("profiles"))?;
                let one = reach.iter().find(|one| one.profile.id == profile);
                let one = one.ok_or_else(|| Error::not_found().in_field("profiles"))?;
                if !seen.insert(profile) {
                    continue;
                }
                let left =
                    add_profiles(&mut tries, vec![one.clone()], &Tags::new(), CANDIDATES_MAX);
                if left.iter().any(|left| matches!(left.reason, LeftOut::Damaged)) {
                    return Err(InventoryError::Damaged.into());
                }
            }
        }
    }
    let one = |one: Try| {
        let known = one.profile?;
        let tried = Tried { profile: known.profile.clone(), tag: known.tag };
        let version = version_inside(one.version);
        Some((Candidate { profile: known.profile, version, credential: one.credential }, tried))
    };
    let (candidates, profiles) = tries.into_iter().filter_map(one).unzip();
    Ok(Tries { candidates, profiles, left_out })
}

impl Checked {
    /// The scan that is to begin, and the addresses of it that are devices already.
    fn wish(
        self,
        caller: &Caller,
        agent: agent::Agent,
        Tries { candidates, profiles, left_out }: Tries,
        (id, there, now): (ScanId, &Watched, Micros),
    ) -> (Wish, Vec<Ipv4Addr>) {
        let (known, hosts): (Vec<_>, Vec<_>) =
            self.addresses.into_iter().partition(|at| there.addresses.contains_key(at));
        let context = caller.context.clone();
        let scan = scan::Scan {
            id,
            tenant: agent.tenant,
            site: agent.site,
            agent: Named { id: agent.id, name: agent.name },
            asked_by: context.who().name.to_string(),
            ranges: self.ranges,
            profiles,
            port: self.port,
            packets_per_second: self.packets_per_second,
            state: scan::State::Running,
            asked: 0,
            total: u32::try_from(hosts.len()).unwrap_or(u32::MAX),
            found: u32::try_from(known.len()).unwrap_or(u32::MAX),
            detail: None,
            started_at: now,
            ended_at: None,
        };
        (Wish { scan, context, hosts, candidates, left_out }, known)
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ScanQuery {
    tenant: Option<String>,
    agent: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Scans, the newest first
///
/// The last 20 of each tenant are kept.
#[utoipa::path(get, path = "/api/v1/scans", tag = "scans", params(ScanQuery),
    responses((status = 200, body = List<Scan>)))]
pub(super) async fn scans(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<ScanQuery>,
) -> Result<List<Scan>, Error> {
    let context = narrowed(&caller.context, query.tenant.as_deref())?;
    let agent = match &query.agent {
        Some(agent) => Some(agent_get(&state.db, &context, id(agent)?).await?.id),
        None => None,
    };
    let paging = Paging { limit: query.limit, cursor: query.cursor };
    let limit = paging.limit()?;
    let mut rows = scan_list(&state.db, &context, agent, (paging.after()?, limit + 1)).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| cursor(&row.id.0)).transpose()?;
    let data = rows.into_iter().map(show).collect();
    Ok(List { data, meta: Meta { next_cursor, total: None } })
}

/// One scan with what it has found so far
#[utoipa::path(get, path = "/api/v1/scans/{id}", tag = "scans",
    params(("id" = String, Path)), responses((status = 200, body = Data<ScanDetail>)))]
pub(super) async fn scan(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ScanId>,
) -> Result<Data<ScanDetail>, Error> {
    let scan = scan_get(&state.db, &caller.context, id).await?;
    let hosts = proposed(&state, &caller.context, &scan).await?;
    let hosts = hosts.into_iter().map(|proposed| show_host(&scan, proposed)).collect();
    Ok(Data { data: ScanDetail { scan: show(scan), hosts } })
}

/// End a scan
///
/// No more addresses are asked; those that the agent is asking now end by themselves. What was found
/// stays.
#[utoipa::path(post, path = "/api/v1/scans/{id}/cancel", tag = "scans",
    params(("id" = String, Path)), request_body = Option<NoWishes>,
    responses((status = 200, body = Data<Scan>)))]
pub(super) async fn scan_cancel(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ScanId>,
    _: MaybeJson<NoWishes>,
) -> Result<Data<Scan>, Error> {
    let scan = scan_get(&state.db, &caller.context, id).await?;
    to_the_end(async move {
        let detail = format!("Cancelled by {}.", caller.context.who().name);
        let (how, now) = ((scan::State::Cancelled, detail.as_str()), state.clock.now());
        match scan_end(&state.db, &caller.context, &scan, how, now).await? {
            Some(ended) => {
                state.scans.cancel(id);
                Ok(Data { data: show(ended) })
            }
            None => {
                let detail = "This scan has ended: there is nothing to cancel.";
                Err(Error::new(StatusCode::CONFLICT, "scan_ended", detail))
            }
        }
    })
    .await
}
