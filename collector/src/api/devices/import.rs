//! Devices from a table, as spreadsheets write it: looked at first, then made.

mod agents;
mod row;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::task::to_the_end;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Data, added, device, exists};
use crate::api::agents::agent_named;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::request::Json;
use crate::api::tenants::tenant_named;
use crate::api::{AppState, Parts};
use crate::identity::Access;
use crate::inventory::InventoryError;
use crate::inventory::device::create::{devices_create, devices_look};
use row::{Problem, Ready, Site};
use table::Table;

/// Of the table.
const CSV_BYTES_MAX: usize = 1024 * 1024;
/// Of the request: in JSON a table has marks before its quotes and ends of lines.
pub(in crate::api) const BODY_BYTES_MAX: usize = 2 * CSV_BYTES_MAX + 64 * 1024;

/// Has no `Debug`: communities are in it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Import {
    tenant: String,
    /// The first row names the columns: `address`, and any of `name`, `site`, `agent`, `interval_s`,
    /// `tags` (`a;b`), `snmp_version`, `community`, `user`, `auth`, `auth_password`, `privacy`,
    /// `privacy_password`, `context`, `profile` and `ping` (yes or no). Separated by commas, semicolons
    /// or tabs, quoted as in RFC 4180; 1 MiB and 2000 rows at most.
    #[schema(format = Password)]
    csv: String,
    /// Whether nothing is made, and only told what would be.
    dry_run: bool,
    /// Of rows that name none.
    agent: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Imported {
    dry_run: bool,
    /// In the order of the table.
    rows: Vec<ImportRow>,
    /// How many devices were made, or would be.
    create: u32,
    /// How many are there already.
    exists: u32,
    /// How many cannot be made as they are.
    errors: u32,
    /// Columns that mean nothing here, and were not read.
    unknown_columns: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum ImportOutcome {
    Create,
    Exists,
    Error,
}

/// What becomes of one row. No credential is ever in it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ImportRow {
    /// Where it begins in the table, from 1.
    line: u64,
    /// Null: it has none that can be one.
    address: Option<String>,
    name: Option<String>,
    outcome: ImportOutcome,
    /// The column that something is wrong with, if it is one.
    field: Option<String>,
    message: Option<String>,
    /// That was made.
    device: Option<String>,
}

/// Make many devices of a table
///
/// Rows that are in order are made, all at once; of the others the answer says what is wrong. Those of an
/// address that the agent has already are left as they are.
#[utoipa::path(post, path = "/api/v1/devices/import", tag = "devices", request_body = Import,
    responses((status = 200, body = Data<Imported>)))]
pub(in crate::api) async fn device_import(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<Import>,
) -> Result<Data<Imported>, Error> {
    let tenant = tenant_named(&caller.context, &body.tenant, Access::Write)?;
    let fallback = match &body.agent {
        None => None,
        Some(agent) => Some(default_agent(&state, &caller, tenant, agent).await?),
    };
    if body.csv.len() > CSV_BYTES_MAX {
        return Err(Error::field("csv", "must be 1 MiB at most: make several tables of it"));
    }
    state.limits.searches.check(&tenant)?;
    let table = Table::read(&body.csv).map_err(|error| Error::field("csv", error.to_string()))?;
    let mut site = Site::of(&state, &caller.context, (tenant, fallback)).await?;
    let mut rows = Vec::with_capacity(table.rows.len());
    let mut lines = BTreeMap::new();
    for row in &table.rows {
        let ready = site.ready(row).await?.and_then(|ready| once(&mut lines, row.line, ready));
        rows.push((row.line, ready));
    }
    let (dry_run, unknown_columns) = (body.dry_run, table.unknown);
    to_the_end(async move {
        let new = rows.iter().filter_map(|(_, row)| Some(row.as_ref().ok()?.new.clone()));
        let new: Vec<_> = new.collect();
        let made = if dry_run {
            let seen = devices_look(&state.db, (&caller.context, tenant), &new).await?;
            seen.into_iter().map(|one| one.map(|()| None)).collect()
        } else {
            create(&state, &caller, tenant, &new).await?
        };
        let mut made = made.into_iter();
        let rows = rows.into_iter().map(|(line, row)| match row {
            Ok(ready) => told(line, ready, made.next().unwrap_or(Err(InventoryError::NotFound))),
            Err(problem) => problem.told(line),
        });
        let rows: Vec<_> = rows.collect();
        let count = |outcome| {
            let count = rows.iter().filter(|row| row.outcome == outcome).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        let [create, exists, errors] =
            [ImportOutcome::Create, ImportOutcome::Exists, ImportOutcome::Error].map(count);
        tracing::info!(stage = "api", %tenant, dry_run, create, errors, "devices from a table");
        Ok(Data { data: Imported { dry_run, rows, create, exists, errors, unknown_columns } })
    })
    .await
}

async fn default_agent(
    state: &AppState,
    caller: &Caller,
    tenant: TenantId,
    agent: &str,
) -> Result<AgentId, Error> {
    let (agent, of) = agent_named(state, &caller.context, ("agent", agent)).await?;
    if of != tenant {
        return Err(Error::field("agent", "must be of this tenant"));
    }
    Ok(agent)
}

/// Refuses an address that a row before has.
fn once(
    lines: &mut BTreeMap<(AgentId, String, u16), u64>,
    line: u64,
    ready: Ready,
) -> Result<Ready, Problem> {
    let address = (ready.new.agent, ready.new.host.clone(), ready.new.port);
    match lines.get(&address) {
        Some(first) => {
            let message = format!("is in line {first} already, of the same agent");
            Err(ready.refused("address", message))
        }
        None => {
            lines.insert(address, line);
            Ok(ready)
        }
    }
}

/// What became of one device: made, and so with its id, or only looked at.
type Made = Result<Option<DeviceId>, InventoryError>;

/// Makes devices, in their order.
async fn create(
    state: &AppState,
    caller: &Caller,
    tenant: TenantId,
    new: &[device::NewDevice],
) -> Result<Vec<Made>, Error> {
    let Parts { db, vault, ids, clock, live, changes, .. } = &**state;
    let turn = live.turn(tenant).await;
    let made =
        devices_create(db, (vault, ids), (&caller.context, tenant), new, clock.now()).await?;
    let agents: BTreeSet<_> = made.iter().flatten().map(|row| row.agent.id).collect();
    for row in made.iter().flatten() {
        added(state, row);
    }
    drop(turn);
    for agent in agents {
        changes.notify(agent);
    }
    Ok(made.into_iter().map(|one| one.map(|row| Some(row.id))).collect())
}

fn told(line: u64, ready: Ready, made: Made) -> ImportRow {
    let (outcome, device, why) = match made {
        Ok(id) => (ImportOutcome::Create, id.map(|id| id.to_string()), None),
        Err(error @ InventoryError::Exists { .. }) => {
            (ImportOutcome::Exists, None, Some(exists(error)))
        }
        Err(error) => (ImportOutcome::Error, None, Some(error.into())),
    };
    ImportRow {
        line,
        address: Some(ready.address),
        name: Some(ready.new.name),
        outcome,
        field: None,
        message: why.map(|error| error.detail().to_owned()),
        device,
    }
}
