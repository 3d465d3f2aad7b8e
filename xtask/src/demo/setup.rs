//! What the demo tells the collector's API once: devices, logins, a policy, people.

use std::collections::BTreeMap;

use super::network::Network;
use super::site::Plot;
use super::world::{COMMUNITY, Device, SNMP_USER, SSH_PASSWORD, SSH_TAG, SSH_USER, Snmp, TENANTS};
use crate::Result;
use crate::http::Client;
use crate::json::{Json, quote};

/// Of one tenant, who may look and change nothing.
pub(crate) const VIEWER: &str = "viewer@borealis.example";
/// Fetched by itself so often, the least that a policy takes; the demo asks more often.
const FETCH_EVERY_S: u32 = 900;

/// Ids of the collector by the demo's names.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// By site.
    pub(crate) agents: BTreeMap<String, String>,
    /// By name.
    pub(crate) devices: BTreeMap<String, String>,
    tenants: BTreeMap<String, String>,
}

impl Known {
    pub(super) fn ask(client: &Client) -> Result<Self> {
        let mut known = Self::default();
        for agent in items(client, "/api/v1/agents?limit=1000")? {
            let site = agent.get("site").and_then(|site| site.text("name"));
            let (site, id) = pair(site, agent.text("id"))?;
            known.agents.insert(site, id);
        }
        for device in items(client, "/api/v1/devices?limit=1000")? {
            let (name, id) = pair(device.text("name"), device.text("id"))?;
            known.devices.insert(name, id);
        }
        for tenant in items(client, "/api/v1/tenants?limit=1000")? {
            let (name, id) = pair(tenant.text("name"), tenant.text("id"))?;
            known.tenants.insert(name, id);
        }
        Ok(known)
    }

    fn tenant(&self, name: &str) -> Result<&str> {
        let id = self.tenants.get(name).ok_or_else(|| format!("there is no tenant {name}"))?;
        Ok(id)
    }
}

pub(crate) fn items(client: &Client, path: &str) -> Result<Vec<Json>> {
    let answer = client.get(path)?;
    Ok(answer.get("data").map(Json::items).unwrap_or_default().to_vec())
}

fn pair(name: Option<&str>, id: Option<&str>) -> Result<(String, String)> {
    match (name, id) {
        (Some(name), Some(id)) => Ok((name.to_owned(), id.to_owned())),
        _ => Err("the collector lists something without a name or an id".into()),
    }
}

/// Adds the devices that are not there yet; returns the ids of all.
pub(super) fn devices(client: &Client, plots: &[Plot<'_>], network: Network) -> Result<Known> {
    let known = Known::ask(client)?;
    for plot in plots {
        let site = plot.site.name;
        let agent = known.agents.get(site).ok_or_else(|| format!("{site} has no agent"))?;
        for device in plot.site.devices {
            if known.devices.contains_key(device.name) {
                continue;
            }
            let at = network.whereabouts(device, &plot.folder)?;
            client.post("/api/v1/devices", &new_device(device, agent, &at.address))?;
        }
    }
    let known = Known::ask(client)?;
    if network.is_loopback() {
        for plot in plots {
            for device in plot.site.devices.iter().filter(|device| device.ssh.is_some()) {
                let port = network.whereabouts(device, &plot.folder)?.ssh_port;
                let id = known.devices.get(device.name).map_or("", String::as_str);
                let path = format!("/api/v1/devices/{id}/backup");
                client.patch(&path, &format!("{{\"port\":{port}}}"))?;
            }
        }
    }
    Ok(known)
}

fn new_device(device: &Device, agent: &str, address: &str) -> String {
    let snmp = match device.snmp {
        Snmp::V2c => format!("{{\"version\":\"v2c\",\"community\":{}}}", quote(COMMUNITY)),
        Snmp::V3 => {
            let [name, auth, privacy] = SNMP_USER.map(quote);
            format!(
                "{{\"version\":\"v3\",\"user\":{{\"name\":{name},\"auth\":\"sha256\",\
                 \"auth_password\":{auth},\"privacy\":\"aes128\",\"privacy_password\":{privacy}}}}}"
            )
        }
    };
    let tags = if device.ssh.is_some() { format!("[{}]", quote(SSH_TAG)) } else { "[]".into() };
    let (name, address, interval_s) = (quote(device.name), quote(address), device.interval_s);
    format!(
        "{{\"agent\":{},\"name\":{name},\"address\":{address},\"interval_s\":{interval_s},\
         \"tags\":{tags},\"snmp\":{snmp}}}",
        quote(agent)
    )
}

/// Hosts of one name would make agents of one name.
pub(super) fn name_agents(client: &Client, plots: &[Plot<'_>], known: &Known) -> Result {
    for plot in plots {
        let id = known.agents.get(plot.site.name).map_or("", String::as_str);
        let name = quote(&format!("agent-{}", plot.site.key));
        client.patch(&format!("/api/v1/agents/{id}"), &format!("{{\"name\":{name}}}"))?;
    }
    Ok(())
}

/// The login of each tenant's devices, and that it is used.
pub(super) fn backups(client: &Client, known: &Known) -> Result {
    for tenant in &TENANTS {
        let id = quote(known.tenant(tenant.name)?);
        let login = format!(
            "{{\"tenant\":{id},\"name\":\"SSH\",\"kind\":\"ssh_login\",\"tag\":{},\
             \"login\":{{\"user\":{},\"password\":{}}}}}",
            quote(SSH_TAG),
            quote(SSH_USER),
            quote(SSH_PASSWORD)
        );
        client.post("/api/v1/credential-profiles", &login)?;
        let policy = format!(
            "{{\"tenant\":{id},\"enabled\":true,\"every_s\":{FETCH_EVERY_S},\"per_site_max\":4,\
             \"keep_days\":365,\"keep_versions\":100,\"window\":null}}"
        );
        client.put("/api/v1/backup-policy", &policy)?;
    }
    Ok(())
}

/// Somebody who sees the last tenant only.
pub(super) fn viewer(client: &Client, known: &Known, password: &str) -> Result {
    let [.., tenant] = &TENANTS;
    let body = format!(
        "{{\"email\":{},\"password\":{},\"role\":\"viewer\",\"tenant\":{}}}",
        quote(VIEWER),
        quote(password),
        quote(known.tenant(tenant.name)?)
    );
    client.post("/api/v1/users", &body)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::world::sites;

    #[test]
    fn devices_are_json_with_what_they_are_asked_with() {
        for device in sites().flat_map(|(_, site)| site.devices) {
            let body = Json::parse(&new_device(device, "agt_1", "192.0.2.1")).unwrap();
            let snmp = body.get("snmp").unwrap();
            let has_user = snmp.get("user").is_some();
            assert_eq!(has_user, device.snmp == Snmp::V3, "{}", device.name);
        }
    }
}
