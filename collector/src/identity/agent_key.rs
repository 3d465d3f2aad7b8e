//! Which key speaks for which agent.
//!
//! Looked up by hash on every accepted connection: certificates admit nobody by themselves, so a
//! revocation counts from the next connection on (and live ones are closed by `listen`).

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_common::tls::KeyHash;
use farwatch_common::transport::Carrier;

use super::IdentityKey;
use super::peer::{PeerInfo, Remote};
use crate::store::sql::sql;
use crate::store::txn::Scope;
use crate::store::{Database, StoreError, Txn};

/// An admitted key: whose it is and until when.
#[derive(Clone, Debug)]
pub struct AdmittedKey {
    pub tenant: TenantId,
    pub site: SiteId,
    pub agent: AgentId,
    pub not_after: Micros,
}

impl AdmittedKey {
    /// The peer of one connection.
    #[must_use]
    pub fn peer(
        &self,
        key_hash: KeyHash,
        remote: Remote,
        transport: Carrier,
        connection: u64,
    ) -> PeerInfo {
        PeerInfo {
            tenant: self.tenant,
            site: self.site,
            agent: self.agent,
            key_hash,
            remote,
            transport,
            connection,
        }
    }
}

sql! { pub(crate) FIND =
    "SELECT a.tenant_id, a.site_id, a.agent_id, k.not_after
     FROM agent_key k
     JOIN agent a ON a.tenant_id = k.tenant_id AND a.agent_id = k.agent_id
     WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND a.revoked_at IS NULL
       AND k.not_after > $2"
}

/// The owner of a key; `None` if it is unknown, expired or revoked, or its agent is revoked.
pub async fn agent_key_find(
    database: &Database,
    key_hash: &KeyHash,
    now: Micros,
) -> Result<Option<AdmittedKey>, StoreError> {
    let mut txn = database.identity_read(IdentityKey::new()).await?;
    let Some(row) = FIND.bind(key_hash).bind(now).optional(&mut txn).await? else {
        return Ok(None);
    };
    Ok(Some(AdmittedKey {
        tenant: TenantId(row.get(0)?),
        site: SiteId(row.get(1)?),
        agent: AgentId(row.get(2)?),
        not_after: Micros(row.get(3)?),
    }))
}

sql! { pub(crate) DELETE_EXPIRED =
    "DELETE FROM agent_key
     WHERE tenant_id = $1 AND agent_id = $2 AND not_after <= $3 AND revoked_at IS NULL"
}
sql! { pub(crate) ADMIT =
    "INSERT INTO agent_key (key_hash, tenant_id, agent_id, not_after, created_at)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (key_hash) DO UPDATE SET not_after = excluded.not_after
     WHERE agent_key.tenant_id = excluded.tenant_id
       AND agent_key.agent_id = excluded.agent_id AND agent_key.revoked_at IS NULL"
}

/// Admits a key for an agent, or extends it if it is admitted already.
///
/// The agent's expired keys are deleted; revoked ones stay, so that they stay refused.
/// A key that belongs to another agent is refused by the WHERE: it would let one agent speak as
/// another. Returns whether the key is now admitted.
pub async fn agent_key_admit(
    txn: &mut Txn,
    (tenant, agent): (TenantId, AgentId),
    key_hash: &KeyHash,
    not_after: Micros,
    now: Micros,
) -> Result<bool, StoreError> {
    DELETE_EXPIRED.bind(tenant).bind(agent).bind(now).execute(txn).await?;
    let admit = ADMIT.bind(key_hash).bind(tenant).bind(agent).bind(not_after).bind(now);
    Ok(admit.execute(txn).await? == 1)
}

sql! { pub(crate) REVOKE =
    "UPDATE agent_key SET revoked_at = $3
     WHERE tenant_id = $1 AND agent_id = $2 AND revoked_at IS NULL"
}

/// Ends all keys of an agent, in the transaction that ends the agent: as `identity`, and back.
pub async fn agent_keys_revoke(
    txn: &mut Txn,
    (tenant, agent): (TenantId, AgentId),
    now: Micros,
) -> Result<(), StoreError> {
    let before = txn.scope().clone();
    txn.switch(IdentityKey::new(), Scope::identity()).await?;
    REVOKE.bind(tenant).bind(agent).bind(now).execute(txn).await?;
    txn.switch(IdentityKey::new(), before).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{AGENT, NEIGHBOUR, TENANT, World};

    #[tokio::test]
    async fn admitting_a_key_deletes_the_expired_ones_of_its_agent() {
        let world = World::open().await;
        let mut txn = world.database.identity(IdentityKey::new()).await.unwrap();
        let mut admit = async |agent, key: u8, not_after, now| {
            let owner = (TENANT, agent);
            agent_key_admit(&mut txn, owner, &[key; 32], Micros(not_after), Micros(now)).await
        };
        assert!(admit(AGENT, 1, 100, 0).await.unwrap());
        assert!(admit(NEIGHBOUR, 2, 100, 0).await.unwrap());
        assert!(admit(AGENT, 3, 300, 99).await.unwrap());
        assert!(admit(AGENT, 4, 400, 100).await.unwrap());
        txn.commit().await.unwrap();
        assert_eq!(world.count("SELECT count(*) FROM agent_key WHERE agent_id = 10").await, 2);
        assert_eq!(world.count("SELECT count(*) FROM agent_key WHERE agent_id = 11").await, 1);
    }
}
