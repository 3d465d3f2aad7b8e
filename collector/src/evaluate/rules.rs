//! Rules as people keep them: the changes are the tenant administrator's, and stand in the audit.

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, RuleId, TenantId};
use serde_json::{Value, json};

use super::rule::{RULES_MAX, Rule, Scope, Written};
use super::store::rules::{insert, rule};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::site::site_named;
use crate::inventory::{InventoryError, Listed, Named, Page, get, list, tenant_set};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn, Write};

/// A rule, and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub rule: Rule,
    pub tenant: Named<TenantId>,
}

macro_rules! select_rule {
    () => {
        concat!(
            "SELECT r.rule_id, r.name, r.severity, r.enabled, r.scope, r.condition, r.for_s,
                    r.resolve_after_s, t.tenant_id, t.name
             FROM alert_rule r JOIN tenant t ON t.tenant_id = r.tenant_id WHERE r.tenant_id IN ",
            tenant_set!()
        )
    };
}

sql! { pub(crate) TOTAL = "SELECT COUNT(*) FROM alert_rule WHERE tenant_id IN ", tenant_set!() }
sql! { pub(crate) PAGE =
    select_rule!(),
    " AND ($2 = 0 OR (r.name, r.rule_id) > ($3, $4)) ORDER BY r.name, r.rule_id LIMIT $5"
}
sql! { pub(crate) GET = select_rule!(), " AND r.rule_id = $2" }

fn read(row: &Row) -> Result<Kept, StoreError> {
    let tenant = Named { id: TenantId(row.get(8)?), name: row.get(9)? };
    Ok(Kept { rule: rule(tenant.id, row)?, tenant })
}

/// The rules of the caller's tenants, by name.
pub async fn rule_list(
    db: &Database,
    context: &TenantContext,
    page: &Page,
) -> Result<Listed<Kept>, InventoryError> {
    list(db, context, page, (&TOTAL, &PAGE), read).await
}

pub async fn rule_get(
    db: &Database,
    context: &TenantContext,
    id: RuleId,
) -> Result<Kept, InventoryError> {
    get(db, context, &GET, id.0, read).await
}

sql! { pub(crate) COUNT = "SELECT COUNT(*) FROM alert_rule WHERE tenant_id = $1" }

fn taken(name: &str) -> InventoryError {
    InventoryError::Exists { what: "rule of this name", there: name.to_owned() }
}

/// What the audit tells of a rule.
fn told(rule: &Rule) -> Value {
    json!(Written::of(rule))
}

/// The sites of a scope have to be the tenant's.
async fn sites_are_there(
    txn: &mut Txn,
    tenant: TenantId,
    scope: &Scope,
) -> Result<(), InventoryError> {
    for site in &scope.sites {
        site_named(txn, tenant, site.0).await?;
    }
    Ok(())
}

/// Makes a rule that was checked.
pub async fn rule_create(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    (tenant, written): (TenantId, Written),
    now: Micros,
) -> Result<Kept, InventoryError> {
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    sites_are_there(&mut txn, tenant, &written.scope).await?;
    let rules: i64 = COUNT.bind(tenant).scalar(&mut txn).await?;
    if rules >= RULES_MAX.into() {
        let what = "rules; delete one that nobody needs";
        return Err(InventoryError::Full { what, max: RULES_MAX });
    }
    let made = written.into_rule(tenant, RuleId(ids.next(now)));
    if !insert(&mut txn, &made, now).await? {
        return Err(taken(&made.name));
    }
    let change = Change::new("rule", "create", made.id.0, &made.name);
    txn.commit([change.after(told(&made))], now).await?;
    rule_get(db, context, made.id).await
}

sql! { pub(crate) NAMED =
"SELECT rule_id FROM alert_rule WHERE tenant_id = $1 AND name = $2 AND rule_id <> $3" }
sql! { pub(crate) UPDATE =
"UPDATE alert_rule SET name = $3, severity = $4, enabled = $5, scope = $6, condition = $7,
            for_s = $8, resolve_after_s = $9, updated_at = $10
     WHERE tenant_id = $1 AND rule_id = $2" }

/// Puts what `change` makes of a rule, checked, in its place. Of changes at the same time each is made
/// of what the one before has left.
pub async fn rule_change<E: From<InventoryError>>(
    db: &Database,
    context: &TenantContext,
    (tenant, id): (TenantId, RuleId),
    change: impl FnOnce(&Rule) -> Result<Rule, E>,
    now: Micros,
) -> Result<Kept, E> {
    let mut txn = db.change(context, tenant, Access::Admin).await.map_err(InventoryError::from)?;
    let before = rule_of(&mut txn, tenant, id).await?;
    let changed = change(&before.rule)?;
    Ok(rule_put(txn, before, changed, now).await?)
}

async fn rule_of(txn: &mut Write, tenant: TenantId, id: RuleId) -> Result<Kept, InventoryError> {
    let row = GET.bind(format!("[{}]", tenant.0)).bind(id).optional(txn).await?;
    Ok(read(&row.ok_or(InventoryError::NotFound)?)?)
}

async fn rule_put(
    mut txn: Write,
    before: Kept,
    changed: Rule,
    now: Micros,
) -> Result<Kept, InventoryError> {
    let Rule { tenant, id, .. } = changed;
    if before.rule == changed {
        return Ok(before);
    }
    sites_are_there(&mut txn, tenant, &changed.scope).await?;
    let other = NAMED.bind(tenant).bind(&changed.name).bind(id).optional(&mut txn).await?;
    if other.is_some() {
        return Err(taken(&changed.name));
    }
    let corrupt = |error: serde_json::Error| StoreError::Corrupt { what: error.to_string() };
    let scope = serde_json::to_string(&changed.scope).map_err(corrupt)?;
    let condition = serde_json::to_string(&changed.condition).map_err(corrupt)?;
    let written = Written::of(&changed);
    let update = UPDATE.bind(tenant).bind(id).bind(&changed.name).bind(changed.severity as i64);
    let update = update.bind(changed.enabled).bind(scope).bind(condition);
    let update = update.bind(written.for_s).bind(written.resolve_after_s).bind(now);
    update.execute(&mut txn).await?;
    let change = Change::new("rule", "update", id.0, &changed.name);
    let change = change.before(told(&before.rule)).after(told(&changed));
    txn.commit([change], now).await?;
    Ok(Kept { rule: changed, tenant: before.tenant })
}

sql! { pub(crate) DELETE = "DELETE FROM alert_rule WHERE tenant_id = $1 AND rule_id = $2" }

/// Deletes a rule. Its open alerts are resolved by who evaluates.
pub async fn rule_delete(
    db: &Database,
    context: &TenantContext,
    id: RuleId,
    now: Micros,
) -> Result<TenantId, InventoryError> {
    let Kept { rule, tenant } = rule_get(db, context, id).await?;
    let mut txn = db.change(context, tenant.id, Access::Admin).await?;
    if DELETE.bind(tenant.id).bind(id).execute(&mut txn).await? == 0 {
        return Err(InventoryError::NotFound);
    }
    let change = Change::new("rule", "delete", id.0, &rule.name);
    txn.commit([change.before(told(&rule))], now).await?;
    Ok(tenant.id)
}
