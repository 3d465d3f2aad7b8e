//! One patch for devices of a tenant, written in sets: a thousand devices take about as many
//! statements as one, besides those that carry a blob each.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, IdGenerator, SiteId, TenantId};
use serde_json::json;

use super::change::DevicePatch;
use super::credential::{Purpose, follow, put, take_away};
use super::tag::{self, Tags};
use super::{Device, Manner, among, ids_json};
use crate::audit::Change;
use crate::inventory::snmp::{Credential, Kind};
use crate::inventory::vault::Vault;
use crate::inventory::{InventoryError, Named, differences, in_order, set_of};
use crate::store::Txn;
use crate::store::sql::{Sql, sql};

/// A device that came to be different.
pub(super) struct Applied {
    pub(super) after: Device,
    pub(super) change: Change,
}

static LOCK: Sql = Sql::new(
    "SELECT device_id FROM device
     WHERE tenant_id = $1 AND device_id IN (SELECT value FROM json_each($2))
     ORDER BY device_id FOR NO KEY UPDATE",
    file!(),
    line!(),
);

/// Those of these devices that the tenant has, by id, and nobody else changes them until the end of
/// the transaction; under the tenant's lock.
pub(super) async fn locked(
    txn: &mut Txn,
    tenant: TenantId,
    ids: &[DeviceId],
) -> Result<Vec<Device>, InventoryError> {
    in_order(txn, LOCK.bind(tenant).bind(ids_json(ids))).await?;
    among(txn, &set_of(tenant), ids).await
}

/// Writes the change of devices of one tenant, which are [`locked`]. Those that are so already are
/// left out of the answer.
pub(super) async fn apply(
    txn: &mut Txn,
    parts: (&Vault, &IdGenerator),
    before: &[Device],
    patch: &DevicePatch,
    now: Micros,
) -> Result<Vec<Applied>, InventoryError> {
    let Some(tenant) = before.first().map(|device| device.tenant.id) else {
        return Ok(Vec::new());
    };
    let place = match patch.agent {
        Some(agent) => Some(place_of(txn, tenant, agent).await?),
        None => None,
    };
    let pairs: Vec<_> =
        before.iter().map(|device| (device, patch.on(device, place.as_ref()))).collect();
    rows_store(txn, tenant, &pairs, patch).await?;
    let tags = pairs.iter().map(|(before, after)| (after.id, &before.tags, &after.tags));
    tag::store(txn, tenant, tags).await?;
    let had = credentials_store(txn, parts, tenant, &pairs, patch, now).await?;
    let applied = pairs.into_iter().filter_map(|(before, after)| {
        let (mut was, mut is) = (before.told(), after.told());
        let (had, has) = (had.contains(&after.id), matches!(patch.credential, Some(Some(_))));
        if had || has {
            was["credential"] = json!(if had { "own" } else { "profile" });
            is["credential"] = json!(if has { "own, new" } else { "profile" });
        }
        let (was, is) = differences(&was, &is)?;
        let change = Change::new("device", "change", after.id.0, &after.name);
        Some(Applied { change: change.before(was).after(is), after })
    });
    Ok(applied.collect())
}

impl DevicePatch {
    /// The device as it will be, at the place of the agent it moves to.
    fn on(&self, before: &Device, place: Option<&Place>) -> Device {
        let mut after = before.clone();
        if let Some((name, named)) = self.name.clone() {
            (after.name, after.named) = (name, named);
        }
        if let Some((host, port)) = self.address.clone() {
            (after.host, after.port) = (host, port);
        }
        if let Some((agent, site)) = place.cloned() {
            (after.agent, after.site) = (agent, site);
        }
        // Seen by another agent, or of another host, it is told anew.
        if (&after.host, after.agent.id) != (&before.host, before.agent.id) {
            after.facts.answers_from = None;
        }
        after.interval_s = self.interval_s.unwrap_or(before.interval_s);
        let version = self.snmp_version.unwrap_or(&before.snmp_version);
        let given = self.credential.as_ref().and_then(Option::as_ref).map(Credential::kind);
        let version = match given.filter(|kind| *kind != Kind::of_version(version)) {
            Some(kind) => kind.version(),
            None => version,
        };
        after.snmp_version = version.to_owned();
        after.manner = Manner {
            ping: self.ping.unwrap_or(before.manner.ping),
            strict_source: self.strict_source.unwrap_or(before.manner.strict_source),
            request_gap_ms: self.request_gap_ms.unwrap_or(before.manner.request_gap_ms),
        };
        let tags = self.tags.as_ref().unwrap_or(&before.tags).union(&self.add_tags);
        after.tags = tags.filter(|tag| !self.remove_tags.contains(*tag)).cloned().collect::<Tags>();
        after
    }

    /// Whether it changes what no two devices of an agent have alike, or the agent.
    fn is_of_each(&self) -> bool {
        self.name.is_some() || self.address.is_some() || self.agent.is_some()
    }
}

type Place = (Named<AgentId>, Named<SiteId>);

sql! { pub(crate) PLACE =
    "SELECT a.name, s.site_id, s.name
     FROM agent a JOIN site s ON s.tenant_id = a.tenant_id AND s.site_id = a.site_id
     WHERE a.tenant_id = $1 AND a.agent_id = $2"
}

async fn place_of(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
) -> Result<Place, InventoryError> {
    let row = PLACE.bind(tenant).bind(agent).optional(txn).await?;
    let row = row.ok_or(InventoryError::NotFound)?;
    let agent = Named { id: agent, name: row.get(0)? };
    Ok((agent, Named { id: SiteId(row.get(1)?), name: row.get(2)? }))
}

sql! { pub(crate) TAKEN =
    "SELECT name FROM device
     WHERE tenant_id = $1 AND agent_id = $2 AND host = $3 AND port = $4 AND device_id <> $5"
}
sql! { pub(crate) UPDATE =
    "UPDATE device SET name = $3, named = $4, host = $5, port = $6, interval_s = $7,
            snmp_version = $8, agent_id = $9, site_id = $10, ping_off = $11,
            strict_source = $12, request_gap_ms = $13,
            answers_from = CASE WHEN host = $5 AND agent_id = $9 THEN answers_from END
     WHERE tenant_id = $1 AND device_id = $2"
}
sql! { pub(crate) UPDATE_ALL =
    "UPDATE device SET interval_s = COALESCE($3, interval_s), snmp_version = $4,
            ping_off = COALESCE($5, ping_off), strict_source = COALESCE($6, strict_source),
            request_gap_ms = COALESCE($7, request_gap_ms)
     WHERE tenant_id = $1 AND device_id IN (SELECT value FROM json_each($2))"
}

/// The name of another device of this address.
pub(super) async fn address_taken(
    txn: &mut Txn,
    (tenant, id): (TenantId, DeviceId),
    (agent, host, port): (AgentId, &str, u16),
) -> Result<Option<String>, InventoryError> {
    let taken = TAKEN.bind(tenant).bind(agent).bind(host).bind(port).bind(id);
    Ok(taken.optional(txn).await?.map(|row| row.get(0)).transpose()?)
}

pub(super) fn address_exists(there: String) -> InventoryError {
    InventoryError::Exists { what: "device of this address", there }
}

async fn rows_store(
    txn: &mut Txn,
    tenant: TenantId,
    pairs: &[(&Device, Device)],
    patch: &DevicePatch,
) -> Result<(), InventoryError> {
    let row = |of: &Device| Device { tags: Tags::new(), ..of.clone() };
    let changed: Vec<_> =
        pairs.iter().filter(|(before, after)| row(before) != row(after)).collect();
    if changed.is_empty() {
        return Ok(());
    }
    if !patch.is_of_each() {
        // A credential may decide the version: those that come to have the same are written at once.
        let mut of_version: BTreeMap<&str, Vec<DeviceId>> = BTreeMap::new();
        for (_, after) in changed {
            of_version.entry(&after.snmp_version).or_default().push(after.id);
        }
        for (version, ids) in of_version {
            let update = UPDATE_ALL.bind(tenant).bind(ids_json(&ids)).bind(patch.interval_s);
            let update = update.bind(version).bind(patch.ping.map(|ping| !ping));
            update.bind(patch.strict_source).bind(patch.request_gap_ms).execute(txn).await?;
        }
        return Ok(());
    }
    for (_, after) in changed {
        let (id, agent) = (after.id, after.agent.id);
        let address = (agent, after.host.as_str(), after.port);
        if let Some(there) = address_taken(txn, (tenant, id), address).await? {
            return Err(address_exists(there));
        }
        let update = UPDATE.bind(tenant).bind(id).bind(&after.name).bind(after.named);
        let update = update.bind(&after.host).bind(after.port).bind(after.interval_s);
        let update = update.bind(&after.snmp_version).bind(agent).bind(after.site.id);
        let Manner { ping, strict_source, request_gap_ms } = after.manner;
        let update = update.bind(!ping).bind(strict_source).bind(request_gap_ms);
        update.execute(txn).await?;
    }
    Ok(())
}

/// Says which of them had a credential of their own that is taken away or replaced.
async fn credentials_store(
    txn: &mut Txn,
    parts: (&Vault, &IdGenerator),
    tenant: TenantId,
    pairs: &[(&Device, Device)],
    patch: &DevicePatch,
    now: Micros,
) -> Result<BTreeSet<DeviceId>, InventoryError> {
    // What the version does not take is not kept for later: nobody would see that it is there.
    let kind = |device: &Device| Kind::of_version(&device.snmp_version);
    let other = pairs.iter().filter(|(before, after)| kind(before) != kind(after));
    let other: Vec<_> = other.map(|(_, after)| after.id).collect();
    let had = match &patch.credential {
        Some(own) => {
            let places: Vec<_> = pairs.iter().map(|(_, after)| (after.site.id, after.id)).collect();
            let own = own.clone().map(Into::into);
            put(txn, parts, tenant, &places, (Purpose::Snmp, own.as_ref()), now).await?
        }
        None if other.is_empty() => BTreeSet::new(),
        None => take_away(txn, tenant, Purpose::Snmp, &other).await?,
    };
    for (_, after) in pairs.iter().filter(|(before, after)| before.site.id != after.site.id) {
        follow(txn, parts.0, (tenant, after.id), after.site.id).await?;
    }
    Ok(had)
}
