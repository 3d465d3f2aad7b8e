//! One row of a table: the device that it would be, or what is wrong with it.

use std::collections::BTreeMap;

use farwatch_common::id::{AgentId, CredentialId, SiteId, TenantId};

use super::super::{NewDevice, NewSnmp, checked, interval_rule};
use super::agents::{Agents, agents};
use super::table::TableRow;
use super::{ImportOutcome, ImportRow};
use crate::api::AppState;
use crate::api::address::parse_address;
use crate::api::error::Error;
use crate::api::reply::{SnmpAuth, SnmpPrivacy, SnmpVersion};
use crate::api::snmp::NewSnmpUser;
use crate::identity::TenantContext;
use crate::inventory::device::{self, SNMP_PORT};
use crate::inventory::is_name;
use crate::inventory::profile::reach::{InReach, Missing, own_copy, profiles_in_reach};
use crate::inventory::snmp::Kind;

/// A row that is in order.
pub(super) struct Ready {
    /// As the answer shows it.
    pub(super) address: String,
    pub(super) new: device::NewDevice,
}

/// A row that is not.
pub(super) struct Problem {
    address: Option<String>,
    name: Option<String>,
    field: Option<String>,
    message: String,
}

impl Ready {
    pub(super) fn refused(self, field: &str, message: String) -> Problem {
        let (address, name) = (Some(self.address), Some(self.new.name));
        Problem { address, name, field: Some(field.to_owned()), message }
    }
}

impl Problem {
    /// Nothing of such a row is shown: a community may stand where a name is looked for.
    fn of_broken(broken: &str) -> Self {
        Self { address: None, name: None, field: None, message: broken.to_owned() }
    }

    pub(super) fn told(self, line: u64) -> ImportRow {
        let Self { address, name, field, message } = self;
        let (outcome, message) = (ImportOutcome::Error, Some(message));
        ImportRow { line, address, name, outcome, field, message, device: None }
    }
}

/// What is wrong with which cell.
pub(super) type Wrong = (&'static str, String);

pub(super) fn wrong<T>(column: &'static str, message: &str) -> Result<T, Wrong> {
    Err((column, message.to_owned()))
}

/// The tenant that rows are of: its agents, and the profiles of sites that were asked for.
pub(super) struct Site<'a> {
    state: &'a AppState,
    context: &'a TenantContext,
    tenant: TenantId,
    fallback: Option<AgentId>,
    agents: Agents,
    reach: BTreeMap<SiteId, Vec<InReach>>,
}

impl<'a> Site<'a> {
    pub(super) async fn of(
        state: &'a AppState,
        context: &'a TenantContext,
        (tenant, fallback): (TenantId, Option<AgentId>),
    ) -> Result<Self, Error> {
        let agents = agents(&state.db, &context.narrowed(tenant)).await?;
        Ok(Self { state, context, tenant, fallback, agents, reach: BTreeMap::new() })
    }

    /// The outer error is of the whole table.
    pub(super) async fn ready(&mut self, row: &TableRow) -> Result<Result<Ready, Problem>, Error> {
        if let Some(broken) = row.broken {
            return Ok(Err(Problem::of_broken(broken)));
        }
        let address = row.cell("address").and_then(|text| parse_address(text, SNMP_PORT).ok());
        let address = address.map(|address| address.to_string());
        let name = row.cell("name").filter(|name| is_name(name)).map(str::to_owned);
        let refused = |field: Option<String>, message| {
            Err(Problem { address: address.clone(), name: name.clone(), field, message })
        };
        let named = (row.cell("site"), row.cell("agent"));
        let (agent, site) = match self.agents.of_row(named, self.fallback) {
            Ok(place) => place,
            Err((column, message)) => return Ok(refused(Some(column.to_owned()), message)),
        };
        let profile = match row.cell("profile") {
            Some(named) => match self.profile(site, named).await? {
                Some(profile) => Some(profile),
                None => {
                    let message = missing(Missing::Gone);
                    return Ok(refused(Some("profile".into()), message.into()));
                }
            },
            None => None,
        };
        let body = match body(row, agent, profile.as_ref()) {
            Ok(body) => body,
            Err((column, message)) => return Ok(refused(Some(column.to_owned()), message)),
        };
        let mut new = match checked(agent, body) {
            Ok(new) => new,
            Err(error) => {
                let Some(first) = error.errors().first() else { return Err(error) };
                let field = first.field.rsplit("snmp.").next().unwrap_or(&first.field);
                let field = field.strip_prefix("user.").unwrap_or(field);
                let field =
                    if field == "name" && first.field.contains("user.") { "user" } else { field };
                return Ok(refused(Some(field.to_owned()), first.message.clone()));
            }
        };
        if let Some(profile) = profile {
            let all = self.reach.get(&site).map(Vec::as_slice).unwrap_or_default();
            new.credential = match own_copy(all, profile.profile.id, &new.tags) {
                Ok(own) => own,
                Err(why) => return Ok(refused(Some("profile".into()), missing(why).into())),
            };
        }
        Ok(Ok(Ready { address: address.unwrap_or_default(), new }))
    }

    async fn profile(&mut self, site: SiteId, named: &str) -> Result<Option<InReach>, Error> {
        if !self.reach.contains_key(&site) {
            let Self { state, context, tenant, .. } = *self;
            let of = (tenant, site);
            let all = profiles_in_reach(&state.db, &state.vault, context, of).await?;
            self.reach.insert(site, all);
        }
        let all = self.reach.get(&site).map(Vec::as_slice).unwrap_or_default();
        let id: Option<CredentialId> = named.parse().ok();
        let is_named = |one: &&InReach| one.profile.name == named || Some(one.profile.id) == id;
        Ok(all.iter().find(is_named).cloned())
    }
}

fn missing(why: Missing) -> &'static str {
    match why {
        Missing::Gone => "names no SNMP profile in reach of the agent's site",
        Missing::Damaged => "names a profile whose credential is damaged: give it there anew",
    }
}

/// The row as a request to make one device: what is checked there is not checked here.
fn body(row: &TableRow, agent: AgentId, profile: Option<&InReach>) -> Result<NewDevice, Wrong> {
    let text = |column| row.cell(column).map(str::to_owned);
    let Some(address) = text("address") else { return wrong("address", "is missing") };
    let interval_s = match row.cell("interval_s").map(str::parse) {
        None => None,
        Some(Ok(seconds)) => Some(seconds),
        Some(Err(_)) => return wrong("interval_s", &interval_rule()),
    };
    let tags = row.cell("tags").map(|tags| {
        let each = tags.split(';').map(str::trim).filter(|tag| !tag.is_empty());
        each.map(str::to_owned).collect()
    });
    let ping = match row.cell("ping").map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("yes" | "true" | "1" | "on") => Some(true),
        Some("no" | "false" | "0" | "off") => Some(false),
        Some(_) => return wrong("ping", "must be yes or no"),
    };
    Ok(NewDevice {
        agent: agent.to_string(),
        name: text("name"),
        address,
        interval_s,
        snmp: snmp(row, profile)?,
        tags,
        ping,
        strict_source: None,
        request_gap_ms: None,
    })
}

fn snmp(row: &TableRow, profile: Option<&InReach>) -> Result<Option<NewSnmp>, Wrong> {
    let text = |column| row.cell(column).map(str::to_owned);
    let community = text("community");
    let user = user(row)?;
    if profile.is_some() && (community.is_some() || user.is_some()) {
        return wrong("profile", "goes without a community or a user of the row's own");
    }
    let usual = match (&user, profile.map(|profile| profile.kind)) {
        (Some(_), _) | (None, Some(Kind::User)) => SnmpVersion::V3,
        (None, _) => SnmpVersion::V2c,
    };
    let version = match row.cell("snmp_version").map(str::to_ascii_lowercase).as_deref() {
        None => usual,
        Some("v1" | "1") => SnmpVersion::V1,
        Some("v2c" | "2c" | "v2" | "2") => SnmpVersion::V2c,
        Some("v3" | "3") => SnmpVersion::V3,
        Some(_) => return wrong("snmp_version", "must be v1, v2c or v3"),
    };
    let is_v3 = version == SnmpVersion::V3;
    if profile.is_some_and(|profile| (profile.kind == Kind::User) != is_v3) {
        return wrong("snmp_version", "is not one that the profile is for");
    }
    Ok(Some(NewSnmp { version, community, user }))
}

fn user(row: &TableRow) -> Result<Option<NewSnmpUser>, Wrong> {
    let text = |column| row.cell(column).map(str::to_owned);
    let lower = |column| row.cell(column).map(str::to_ascii_lowercase);
    let Some(name) = text("user") else {
        let of_user = ["auth", "auth_password", "privacy", "privacy_password", "context"];
        let lonely = of_user.into_iter().find(|column| row.cell(column).is_some());
        return match lonely {
            Some(column) => wrong(column, "goes with a `user`"),
            None => Ok(None),
        };
    };
    let auth = match lower("auth") {
        None => None,
        Some(known) => match SnmpAuth::from_name(&known) {
            Some(auth) => Some(auth),
            None => {
                return wrong("auth", "must be none, md5, sha1, sha224, sha256, sha384 or sha512");
            }
        },
    };
    let privacy = match lower("privacy") {
        None => None,
        Some(known) => match SnmpPrivacy::from_name(&known) {
            Some(privacy) => Some(privacy),
            None => {
                let message =
                    "must be none, des, aes128, aes192, aes256, aes192_cisco or aes256_cisco";
                return wrong("privacy", message);
            }
        },
    };
    let (auth_password, privacy_password) = (text("auth_password"), text("privacy_password"));
    let context = text("context");
    Ok(Some(NewSnmpUser { name, auth, auth_password, privacy, privacy_password, context }))
}
