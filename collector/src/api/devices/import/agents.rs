//! Which agent a row is of, by what the row calls it and its site.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::id::{AgentId, SiteId};

use super::row::{Wrong, wrong};
use crate::identity::TenantContext;
use crate::inventory::agent::agent_list;
use crate::inventory::{InventoryError, Page};
use crate::store::Database;

/// Agents that are read in one go.
const PAGE: u32 = 1_000;

/// The agents of a tenant that are not revoked.
#[derive(Default)]
pub(super) struct Agents {
    all: BTreeMap<AgentId, SiteId>,
    /// By name and by id, in lower case; a name may be that of several.
    by_name: BTreeMap<String, BTreeSet<AgentId>>,
    /// By their site's.
    by_site: BTreeMap<String, BTreeSet<AgentId>>,
}

/// Those of the caller's only tenant.
pub(super) async fn agents(
    db: &Database,
    context: &TenantContext,
) -> Result<Agents, InventoryError> {
    let mut known = Agents::default();
    let mut page = Page { after: None, limit: PAGE };
    loop {
        let rows = agent_list(db, context, &page).await?.rows;
        page.after = rows.last().map(|last| (last.name.clone(), last.id.0));
        let is_last = rows.len() < PAGE as usize;
        for agent in rows.iter().filter(|agent| agent.revoked_at.is_none()) {
            known.add((agent.id, &agent.name), (agent.site.id, &agent.site.name));
        }
        if is_last {
            return Ok(known);
        }
    }
}

impl Agents {
    fn add(&mut self, (agent, name): (AgentId, &str), (site, site_name): (SiteId, &str)) {
        self.all.insert(agent, site);
        for name in [name.to_ascii_lowercase(), agent.to_string()] {
            self.by_name.entry(name).or_default().insert(agent);
        }
        for name in [site_name.to_ascii_lowercase(), site.to_string()] {
            self.by_site.entry(name).or_default().insert(agent);
        }
    }

    /// The agent and its site: the one that the row names, the only one of the site that it names, or the
    /// given one.
    pub(super) fn of_row(
        &self,
        (site, agent): (Option<&str>, Option<&str>),
        given: Option<AgentId>,
    ) -> Result<(AgentId, SiteId), Wrong> {
        let of_site = match site {
            None => None,
            Some(site) => match self.by_site.get(&site.to_ascii_lowercase()) {
                Some(agents) => Some(agents),
                None => return wrong("site", "names no site of this tenant that has an agent"),
            },
        };
        let is_there = |agent: &AgentId| of_site.is_none_or(|agents| agents.contains(agent));
        let place = |agent: AgentId| self.all.get(&agent).map(|site| (agent, *site));
        if let Some(agent) = agent {
            let named = self.by_name.get(&agent.to_ascii_lowercase()).into_iter().flatten();
            let mut named = named.copied().filter(is_there).filter_map(place);
            return match (named.next(), named.next()) {
                (Some(one), None) => Ok(one),
                (None, _) => wrong("agent", "names no agent of this tenant, or none of that site"),
                _ => wrong("agent", "is the name of several agents; give the id"),
            };
        }
        if let Some(given) = given.filter(is_there).and_then(place) {
            return Ok(given);
        }
        let two: Vec<AgentId> = match of_site {
            Some(agents) => agents.iter().take(2).copied().collect(),
            None => self.all.keys().take(2).copied().collect(),
        };
        let only = match two[..] {
            [one] if given.is_none() || of_site.is_some() => place(one),
            _ => None,
        };
        match (only, &two[..], of_site) {
            (Some(only), ..) => Ok(only),
            (None, [], _) => wrong("agent", "must be named: this tenant has no agent yet"),
            (None, _, Some(_)) => wrong("agent", "must be named: this site has several"),
            (None, _, None) => wrong("agent", "must be named here, or for all rows"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(agents: &[(i64, &str, i64, &str)]) -> Agents {
        let mut known = Agents::default();
        for (id, name, site, site_name) in agents {
            known.add((AgentId(*id), name), (SiteId(*site), site_name));
        }
        known
    }

    #[test]
    fn a_row_is_of_the_agent_that_it_names_or_of_the_only_one_there() {
        let (north, south) = ((1, "North"), (2, "South"));
        let agents = known(&[
            (7, "Edge", north.0, north.1),
            (8, "edge", south.0, south.1),
            (9, "Core", north.0, north.1),
        ]);
        let of = |site: Option<&str>, agent: Option<&str>, given: Option<i64>| {
            let found = agents.of_row((site, agent), given.map(AgentId));
            found.map(|(agent, site)| (agent.0, site.0))
        };
        let column = |found: Result<(i64, i64), Wrong>| found.unwrap_err().0;
        assert_eq!(of(None, Some("CORE"), None), Ok((9, 1)));
        assert_eq!(of(Some("south"), Some("edge"), None), Ok((8, 2)), "of two the one there");
        assert!(of(None, Some("edge"), Some(9)).unwrap_err().1.contains("several"));
        assert_eq!(of(None, Some(&AgentId(8).to_string()), None), Ok((8, 2)));
        assert_eq!(of(Some(&SiteId(2).to_string()), None, None), Ok((8, 2)));
        assert_eq!(of(Some("North"), None, Some(9)), Ok((9, 1)), "the given one is there");
        assert_eq!(of(Some("South"), None, Some(9)), Ok((8, 2)), "the given one is elsewhere");
        assert_eq!(column(of(Some("North"), None, None)), "agent");
        assert_eq!(column(of(Some("Attic"), None, Some(9))), "site");
        assert_eq!(column(of(Some("South"), Some("core"), None)), "agent");
        assert_eq!(column(of(None, None, None)), "agent");
        assert_eq!(of(None, None, Some(9)), Ok((9, 1)));
        let one = known(&[(7, "Edge", 1, "North")]);
        assert_eq!(one.of_row((None, None), None).unwrap().0, AgentId(7));
        let none = known(&[]).of_row((None, None), None).unwrap_err();
        assert!(none.1.contains("no agent yet"));
    }
}
