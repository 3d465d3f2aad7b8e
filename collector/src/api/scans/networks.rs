//! The networks that an agent is in: what a scan of its site most likely begins with.

use std::net::Ipv4Addr;

use axum::extract::State;
use farwatch_common::id::AgentId;
use farwatch_proto::v1 as proto;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::AppState;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::reply::Data;
use crate::api::request::PathId;
use crate::command::told_text;
use crate::identity::Access;
use crate::inventory::agent::agent_get;
use crate::inventory::{InventoryError, require};

/// Of one host.
const NETWORKS_MAX: usize = 64;

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AgentNetworks {
    /// Without loopback and those of containers. Empty where the agent's system does not tell them.
    networks: Vec<AgentNetwork>,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::api) struct AgentNetwork {
    interface: Option<String>,
    /// Like `192.168.88.0/24`: a range of a scan.
    network: String,
    /// How many hosts it has room for; a scan takes 4096.
    addresses: u32,
}

/// Networks that an agent is in
///
/// As its host says now; the agent has 20 s to answer.
#[utoipa::path(get, path = "/api/v1/agents/{id}/networks", tag = "scans",
    params(("id" = String, Path)), responses((status = 200, body = Data<AgentNetworks>)))]
pub(in crate::api) async fn agent_networks(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AgentId>,
) -> Result<Data<AgentNetworks>, Error> {
    let agent = agent_get(&state.db, &caller.context, id).await?;
    let tenant = agent.tenant.id;
    require(&caller.context, tenant, Access::Write)?;
    if agent.revoked_at.is_some() {
        return Err(InventoryError::Revoked.into());
    }
    let told = state.commands.begin(tenant, id)?.list_networks().await?;
    let networks = told.iter().take(NETWORKS_MAX).filter_map(show).collect();
    Ok(Data { data: AgentNetworks { networks } })
}

/// `None` of what is no network.
fn show(told: &proto::Network) -> Option<AgentNetwork> {
    let address: Ipv4Addr = told.address.parse().ok()?;
    let prefix = told.prefix;
    let hosts = u32::MAX.checked_shr(prefix).filter(|_| (1..=31).contains(&prefix))?;
    let first = Ipv4Addr::from_bits(address.to_bits() & !hosts);
    Some(AgentNetwork {
        interface: told_text(&told.interface),
        network: format!("{first}/{prefix}"),
        addresses: if prefix == 31 { 2 } else { hosts - 1 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_network_is_left_out() {
        let told = |address: &str, prefix| {
            let (interface, address) = ("e\u{7}0".to_owned(), address.to_owned());
            show(&proto::Network { interface, address, prefix })
        };
        let shown = told("192.168.88.7", 24).unwrap();
        assert_eq!((&shown.network[..], shown.addresses), ("192.168.88.0/24", 254));
        assert_eq!(shown.interface.as_deref(), Some("e 0"));
        assert_eq!(told("10.0.0.8", 31).unwrap().addresses, 2);
        for (address, prefix) in [("10.0.0.0", 0), ("10.0.0.0", 32), ("10.0.0.0", 99), ("::1", 24)]
        {
            assert_eq!(told(address, prefix), None, "{address}/{prefix}");
        }
    }
}
