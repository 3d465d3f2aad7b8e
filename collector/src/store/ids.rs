//! Ids that rise from one process to the next: lists, the latest of something, and how far a mirror
//! is go by the order of ids, also after a start with a clock that is behind the one of before.

use farwatch_common::id::IdGenerator;

use super::samples::read_all_stored;
use super::sql::sql;
use super::txn::{Mode, Scope};
use super::{Database, StoreError};

// Of all that is put in order by its id. Keys begin with the tenant: of each the last is looked up.
sql! { pub(crate) LAST =
    "SELECT COALESCE(MAX(l.id), 0) FROM (
         SELECT (SELECT MAX(d.device_id) FROM device d WHERE d.tenant_id = t.tenant_id) AS id
         FROM tenant t
         UNION ALL
         SELECT (SELECT MAX(a.alert_id) FROM alert a WHERE a.tenant_id = t.tenant_id)
         FROM tenant t
         UNION ALL
         SELECT (SELECT MAX(n.notification_id) FROM notification n
                 WHERE n.tenant_id = t.tenant_id)
         FROM tenant t
         UNION ALL
         SELECT (SELECT MAX(j.job_id) FROM config_job j WHERE j.tenant_id = t.tenant_id)
         FROM tenant t
         UNION ALL
         SELECT (SELECT MAX(v.version_id) FROM config_version v WHERE v.tenant_id = t.tenant_id)
         FROM tenant t) l"
}
sql! { pub(crate) LAST_GRANT = "SELECT COALESCE(MAX(grant_id), 0) FROM staff_grant" }

/// A generator for this node whose ids are above all that are kept.
pub async fn id_generator(database: &Database, node: u16) -> Result<IdGenerator, StoreError> {
    let last: i64 = LAST.query().scalar(&mut read_all_stored(database).await?).await?;
    // Only `identity` sees the grants of all tenants.
    let mut txn = database.begin(Mode::Read, Scope::identity()).await?;
    let grant: i64 = LAST_GRANT.query().scalar(&mut txn).await?;
    Ok(IdGenerator::new(node).behind(last).behind(grant))
}

#[cfg(test)]
mod tests {
    use farwatch_common::clock::Micros;

    use super::*;
    use crate::history::fixture::Place;
    use crate::store::fixture::scratch::composed;

    #[tokio::test]
    async fn ids_are_above_whatever_is_kept() {
        const NOW: Micros = Micros(1_800_000_000_000_000);
        for place in Place::each().await {
            let below = id_generator(&place.db, 0).await.unwrap().next(NOW);
            let ahead = IdGenerator::new(1023);
            let (mut at, mut last) = (NOW, below);
            let day = 86_400 * Micros::SECOND;
            for insert in [
                "INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port,
                                     interval_s, snmp_version, created_at)
                 VALUES (1, {}, 5, 10, 'ahead', '192.0.2.77', 161, 60, 'v2c', 0)",
                "INSERT INTO config_job (tenant_id, job_id, device_id, site_id, agent_id, reason,
                                         state, created_at)
                 VALUES (1, {}, 100, 5, 10, 'manual', 'failed', 0)",
                "INSERT INTO config_version (tenant_id, version_id, device_id, job_id, first_at,
                                             last_at, platform, facts, hash, significant, lines,
                                             added, removed, raw, raw_bytes, raw_key, key_version)
                 VALUES (1, {}, 100, 1, 0, 0, '', '[]', '', '', 0, 0, 0, '', 0, '', 1)",
                "INSERT INTO alert (tenant_id, alert_id, rule_id, rule_name, severity, site_id,
                                    agent_id, object, phase, began_at, last_at, evidence,
                                    created_at, updated_at)
                 VALUES (1, {}, 1, '', 1, 5, 10, '', 'resolved', 0, 0, '{}', 0, 0)",
            ] {
                at = Micros(at.0 + day);
                last = ahead.next(at);
                let insert = insert.replacen("{}", &last.to_string(), 1);
                place.raw().run(composed(insert.clone())).await;
                let next = id_generator(&place.db, 0).await.unwrap().next(NOW);
                assert!(next > last, "{next} after {last}: {insert}");
            }
            assert!(last > below);
            place.remove().await;
        }
    }
}
