//! The credentials that SNMP may ask a host of a site with which is not a device yet: the profiles in
//! reach.

use farwatch_common::id::{CredentialId, SiteId, TenantId};

use super::{PROFILES_MAX, closeness};
use crate::identity::{Access, TenantContext};
use crate::inventory::credential;
use crate::inventory::device::tag::Tags;
use crate::inventory::sealed::{Sealed, version};
use crate::inventory::snmp::{Credential, Kind};
use crate::inventory::vault::{Place, Vault};
use crate::inventory::{InventoryError, Named, require};
use crate::store::sql::sql;
use crate::store::{Database, StoreError};

/// A profile that a device of the site may be asked with, if it has the tag.
#[derive(Clone, Debug)]
pub struct InReach {
    pub profile: Named<CredentialId>,
    pub kind: Kind,
    /// `None`: of every site.
    pub site: Option<Named<SiteId>>,
    /// `None`: with any tags or none.
    pub tag: Option<String>,
    /// `None`: what is sealed is damaged.
    pub credential: Option<Credential>,
}

impl InReach {
    /// Whether a device of the site that has these tags is in its reach.
    #[must_use]
    pub fn reaches(&self, tags: &Tags) -> bool {
        self.tag.as_ref().is_none_or(|tag| tags.contains(tag))
    }
}

/// Which of the profiles of a site, the closest first, a device with these tags is asked with.
#[must_use]
pub fn in_force<'a>(all: &'a [InReach], kind: Kind, tags: &Tags) -> Option<&'a InReach> {
    all.iter().find(|one| one.kind == kind && one.reaches(tags))
}

/// Why no device can be asked as a profile says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is not in reach, or not any more.
    Gone,
    /// What is sealed of it does not open.
    Damaged,
}

/// What a device with these tags has to have as its own to be asked as this profile says: nothing where
/// the profile is in force.
pub fn own_copy(
    all: &[InReach],
    profile: CredentialId,
    tags: &Tags,
) -> Result<Option<Credential>, Missing> {
    let wanted = all.iter().find(|one| one.profile.id == profile).ok_or(Missing::Gone)?;
    let credential = wanted.credential.as_ref().ok_or(Missing::Damaged)?;
    let first = in_force(all, wanted.kind, tags);
    let is_in_force = first.is_some_and(|first| first.profile.id == profile);
    Ok((!is_in_force).then(|| credential.clone()))
}

// In the order in which `profile_of` chooses.
sql! { pub(crate) REACH =
    "SELECT q.profile_id, q.name, q.kind, COALESCE(q.site_id, 0), q.key_version, q.sealed,
            COALESCE(s.name, ''), q.tag
     FROM credential_profile q
     LEFT JOIN site s ON s.tenant_id = q.tenant_id AND s.site_id = q.site_id
     WHERE q.tenant_id = $1 AND (q.site_id IS NULL OR q.site_id = $2) AND q.kind <> 'ssh_login'
     ORDER BY ",
    closeness!(),
    ", q.profile_id LIMIT $3"
}

/// The profiles of every tag that a device of this site could have, open, the closest first. To be
/// sent to the site's agent, for who may change devices.
pub async fn profiles_in_reach(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    (tenant, site): (TenantId, SiteId),
) -> Result<Vec<InReach>, InventoryError> {
    require(context, tenant, Access::Write)?;
    let mut txn = db.read(&context.narrowed(tenant)).await?;
    let rows = REACH.bind(tenant).bind(site).bind(PROFILES_MAX).all(&mut txn).await?;
    let mut all = Vec::with_capacity(rows.len());
    let mut key = None;
    for row in &rows {
        let site = SiteId(row.get(3)?);
        let site = (site != SiteId(0)).then_some(site);
        let kind = Kind::from_name(&row.get::<String>(2)?).ok_or_else(corrupt)?;
        let profile = Named { id: CredentialId(row.get(0)?), name: row.get(1)? };
        let place = Place::of_profile(tenant, site.unwrap_or(SiteId(0)), profile.id);
        let (version, blob) = (version(row, 4)?, row.get(5)?);
        let sealed = Sealed { place, version, blob, kind: credential::Kind::Snmp(kind) };
        let credential = sealed.look(&mut txn, vault, &mut key).await?;
        let credential = credential.and_then(credential::Credential::into_snmp);
        let name = row.get(6)?;
        let site = site.map(|id| Named { id, name });
        all.push(InReach { profile, kind, site, tag: row.get(7)?, credential });
    }
    Ok(all)
}

fn corrupt() -> StoreError {
    StoreError::Corrupt { what: "a credential profile".to_owned() }
}
