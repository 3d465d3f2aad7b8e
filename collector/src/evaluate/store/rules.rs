//! The rules of tenants, as evaluation reads them and as tenants begin with them.

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, RuleId, TenantId};

use crate::evaluate::defaults;
use crate::evaluate::rule::written::SeverityText;
use crate::evaluate::rule::{Rule, Written};
use crate::evaluate::severity::Severity;
use crate::store::sql::{Row, sql};
use crate::store::{StoreError, Txn};

sql! { pub(crate) TENANTS = "SELECT tenant_id, rules_given FROM tenant ORDER BY tenant_id" }

/// All tenants, and whether they were given the rules that they begin with.
pub(in crate::evaluate) async fn tenants(
    txn: &mut Txn,
) -> Result<Vec<(TenantId, bool)>, StoreError> {
    let rows = TENANTS.query().all(txn).await?;
    rows.iter().map(|row| Ok((TenantId(row.get(0)?), row.get(1)?))).collect()
}

sql! { pub(crate) LIST =
"SELECT rule_id, name, severity, enabled, scope, condition, for_s, resolve_after_s
 FROM alert_rule WHERE tenant_id = $1 ORDER BY rule_id" }

pub(crate) async fn list(txn: &mut Txn, tenant: TenantId) -> Result<Vec<Rule>, StoreError> {
    let rows = LIST.bind(tenant).all(txn).await?;
    let read = |row: &Row| match rule(tenant, row) {
        // One that a later version wrote must not keep the others from being looked at.
        Err(StoreError::Corrupt { what }) => {
            tracing::warn!(tenant_id = %tenant, what, "a rule cannot be read");
            None
        }
        read => Some(read),
    };
    rows.iter().filter_map(read).collect()
}

/// Reads the columns of [`LIST`].
pub(crate) fn rule(tenant: TenantId, row: &Row) -> Result<Rule, StoreError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt { what: error.to_string() };
    let unknown = || StoreError::Corrupt { what: "the severity of a rule".to_owned() };
    let whole = |index| Ok::<_, StoreError>(u32::try_from(row.get::<i64>(index)?).unwrap_or(0));
    let written = Written {
        name: row.get(1)?,
        severity: SeverityText(Severity::from_number(row.get(2)?).ok_or_else(unknown)?),
        enabled: row.get(3)?,
        scope: serde_json::from_str(&row.get::<String>(4)?).map_err(corrupt)?,
        condition: serde_json::from_str(&row.get::<String>(5)?).map_err(corrupt)?,
        for_s: whole(6)?,
        resolve_after_s: whole(7)?,
    };
    Ok(written.into_rule(tenant, RuleId(row.get(0)?)))
}

sql! { pub(crate) INSERT =
"INSERT INTO alert_rule (tenant_id, rule_id, name, severity, enabled, scope, condition, for_s,
    resolve_after_s, created_at, updated_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT DO NOTHING" }

/// Writes a rule; false if the tenant has one of that name.
pub(crate) async fn insert(txn: &mut Txn, rule: &Rule, now: Micros) -> Result<bool, StoreError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt { what: error.to_string() };
    let scope = serde_json::to_string(&rule.scope).map_err(corrupt)?;
    let condition = serde_json::to_string(&rule.condition).map_err(corrupt)?;
    let written = Written::of(rule);
    let insert = INSERT.bind(rule.tenant).bind(rule.id).bind(&rule.name);
    let insert = insert.bind(rule.severity as i64).bind(rule.enabled).bind(scope).bind(condition);
    let insert = insert.bind(written.for_s).bind(written.resolve_after_s).bind(now);
    Ok(insert.execute(txn).await? == 1)
}

sql! { pub(crate) GIVEN =
"UPDATE tenant SET rules_given = 1 WHERE tenant_id = $1 AND rules_given = 0" }

/// Gives a tenant the rules that it begins with, once.
pub(in crate::evaluate) async fn give(
    txn: &mut Txn,
    tenant: TenantId,
    ids: &IdGenerator,
    now: Micros,
) -> Result<(), StoreError> {
    if GIVEN.bind(tenant).execute(txn).await? == 0 {
        return Ok(());
    }
    for written in defaults::rules() {
        insert(txn, &written.into_rule(tenant, RuleId(ids.next(now))), now).await?;
    }
    Ok(())
}
