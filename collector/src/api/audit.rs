//! The audit: who changed what, and its export.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use farwatch_common::clock::Micros;
use farwatch_common::id::{
    AgentId, AlertId, ApiKeyId, ConfigVersionId, CredentialId, DeviceId, RuleId, ScreenId, SiteId,
    TenantId, UserId,
};
use farwatch_common::task::chain;
use futures_util::stream::try_unfold;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{List, Meta, Paging, Ref, Time, cursor};
use super::request::{Params, id, span};
use crate::audit::INSTALLATION;
use crate::audit::list::{AuditCursor, AuditFilter, Listed, audit_list};
use crate::identity::{Access, TenantContext};
use crate::inventory::require;
use crate::store::StoreError;

/// Rows of an export that are read at once.
const EXPORT_ROWS: u32 = 1_000;
const TEXT_CHARS_MAX: usize = 200;
/// The name in `tenant` for the chain of the installation.
const OF_INSTALLATION: &str = "installation";

/// A change or a sign-in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditRow {
    /// Null in the installation's own chain.
    tenant: Option<Ref>,
    /// The place in the tenant's chain, from 1.
    seq: i64,
    at: Time,
    actor: AuditActor,
    /// Where the request came from; null on the collector's own machine.
    address: Option<String>,
    /// Kind of the object and what was done: `device.create`.
    action: String,
    object: AuditObject,
    /// As it was, as far as it changed.
    #[schema(value_type = Option<Object>)]
    before: Option<serde_json::Value>,
    /// As it is since, as far as it changed.
    #[schema(value_type = Option<Object>)]
    after: Option<serde_json::Value>,
    request_id: Option<String>,
}

/// Who did it, named as they were then.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditActor {
    /// `user`, `api_key`, `agent`, `token`, `local` (the command line) or `nobody`.
    kind: String,
    id: Option<String>,
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditObject {
    kind: String,
    id: Option<String>,
    name: String,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Only this tenant's chain, or `installation`.
    tenant: Option<String>,
    /// `device.create`, or `device` for all that happens to devices.
    action: Option<String>,
    /// In the names, the address, or the whole id of a request.
    q: Option<String>,
    /// RFC 3339 or microseconds.
    from: Option<String>,
    /// Not included.
    to: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditExport {
    /// As in the list.
    tenant: Option<String>,
    action: Option<String>,
    q: Option<String>,
    from: Option<String>,
    to: Option<String>,
    #[param(inline)]
    format: AuditFormat,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AuditFormat {
    #[default]
    Csv,
    /// A JSON object on each line.
    Jsonl,
}

/// What is asked for, in the words of the store.
struct Asked {
    context: TenantContext,
    filter: AuditFilter,
}

impl Asked {
    fn new(
        context: &TenantContext,
        tenant: Option<&str>,
        [action, search, from, to]: [Option<String>; 4],
    ) -> Result<Self, Error> {
        let context = match tenant {
            None => context.for_audit(),
            Some(OF_INSTALLATION) => {
                require(&context.for_audit(), INSTALLATION, Access::Read)?;
                context.for_audit().narrowed(INSTALLATION)
            }
            Some(tenant) => {
                let tenant: TenantId = id(tenant)?;
                require(context, tenant, Access::Admin)?;
                context.narrowed(tenant)
            }
        };
        for (name, text) in [("action", &action), ("q", &search)] {
            let refused = |text: &String| {
                text.chars().count() > TEXT_CHARS_MAX || text.chars().any(char::is_control)
            };
            if text.as_ref().is_some_and(refused) {
                let detail = format!("`{name}` must be text of at most 200 characters.");
                return Err(Error::bad_request("bad_query", detail));
            }
        }
        let (from, to) = span(from.as_deref(), to.as_deref())?;
        let filter = AuditFilter {
            action: action.unwrap_or_default(),
            search: search.unwrap_or_default(),
            from: from.unwrap_or(Micros(i64::MIN)),
            to: to.unwrap_or(Micros(i64::MAX)),
        };
        Ok(Self { context, filter })
    }
}

/// Who changed what and who signed in
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = List<AuditRow>)))]
pub(super) async fn audit(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<AuditQuery>,
) -> Result<List<AuditRow>, Error> {
    let AuditQuery { tenant, action, q, from, to, limit, cursor: place } = query;
    let asked = Asked::new(&caller.context, tenant.as_deref(), [action, q, from, to])?;
    let paging = Paging { limit, cursor: place };
    let limit = paging.limit()?;
    let after = paging.after::<(i64, i64, i64)>()?;
    let after = after.map_or(AuditCursor::NEWEST, |(at, tenant, seq)| AuditCursor {
        at: Micros(at),
        tenant: TenantId(tenant),
        seq,
    });
    // One more, to know whether there is a next page.
    let Asked { context, filter } = asked;
    let mut rows = audit_list(&state.db, &context, &filter, after, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().filter(|_| more).map(Listed::cursor);
    let place = last.map(|place| cursor(&(place.at.0, place.tenant.0, place.seq)));
    let meta = Meta { next_cursor: place.transpose()?, total: None };
    Ok(List { data: rows.into_iter().map(show).collect(), meta })
}

/// All rows of the audit that match, as a file
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "audit", params(AuditExport),
    responses((status = 200, body = String, content_type = "text/csv")))]
pub(super) async fn audit_export(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<AuditExport>,
) -> Result<Response, Error> {
    let AuditExport { tenant, action, q, from, to, format } = query;
    let Asked { context, filter } =
        Asked::new(&caller.context, tenant.as_deref(), [action, q, from, to])?;
    // The first rows before the headers: an error there is still an answer.
    let first = audit_list(&state.db, &context, &filter, AuditCursor::NEWEST, EXPORT_ROWS).await?;
    let begin = (Some(first), true);
    let body = try_unfold(begin, move |(rows, is_first)| {
        let (state, context, filter) = (state.clone(), context.clone(), filter.clone());
        async move {
            let Some(rows) = rows else { return Ok(None) };
            let next = match rows.last().filter(|_| rows.len() == EXPORT_ROWS as usize) {
                Some(last) => {
                    let after = last.cursor();
                    Some(audit_list(&state.db, &context, &filter, after, EXPORT_ROWS).await?)
                }
                None => None,
            };
            Ok::<_, StoreError>(Some((written(rows, format, is_first), (next, false))))
        }
    });
    // What breaks off in the middle closes the connection, so that half a file is none.
    let body = Body::from_stream(futures_util::TryStreamExt::inspect_err(body, |error| {
        tracing::warn!(stage = "api", error = chain(error), "an export broke off");
    }));
    let (kind, name) = match format {
        AuditFormat::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        AuditFormat::Jsonl => {
            ("application/jsonl; charset=utf-8", "attachment; filename=\"audit.jsonl\"")
        }
    };
    Ok(([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, name)], body).into_response())
}

fn written(rows: Vec<Listed>, format: AuditFormat, is_first: bool) -> Bytes {
    match format {
        AuditFormat::Csv => csv_rows(rows, is_first),
        AuditFormat::Jsonl => {
            let mut lines = Vec::new();
            for row in rows {
                // A row of texts and numbers can be written, and a Vec takes all.
                let _ = serde_json::to_writer(&mut lines, &show(row));
                lines.push(b'\n');
            }
            lines.into()
        }
    }
}

const CSV_HEADER: [&str; 15] = [
    "tenant",
    "tenant_id",
    "seq",
    "at",
    "actor_kind",
    "actor_id",
    "actor_name",
    "address",
    "action",
    "object_kind",
    "object_id",
    "object_name",
    "before",
    "after",
    "request_id",
];

fn csv_rows(rows: Vec<Listed>, with_header: bool) -> Bytes {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // A Vec takes all that is written.
    if with_header {
        let _ = writer.write_record(CSV_HEADER);
    }
    for Listed { entry, tenant } in rows {
        let (tenant, tenant_id) =
            tenant.map_or_else(Default::default, |tenant| (tenant.name, tenant.id.to_string()));
        let record = [
            tenant,
            tenant_id,
            entry.seq.to_string(),
            Time(entry.at).to_string(),
            entry.actor_kind.clone(),
            id_text(&entry.actor_kind, entry.actor_id).unwrap_or_default(),
            entry.actor_name,
            entry.address,
            entry.action,
            entry.object_kind.clone(),
            id_text(&entry.object_kind, entry.object_id).unwrap_or_default(),
            entry.object_name,
            entry.before.unwrap_or_default(),
            entry.after.unwrap_or_default(),
            entry.request_id,
        ];
        let _ = writer.write_record(record.map(inert));
    }
    writer.into_inner().unwrap_or_default().into()
}

/// What a spreadsheet would run as a formula gets a quote before it: names come from anybody.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
fn inert(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

fn show(row: Listed) -> AuditRow {
    let Listed { entry, tenant } = row;
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let value = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
    AuditRow {
        tenant: tenant.map(Ref::from),
        seq: entry.seq,
        at: Time(entry.at),
        actor: AuditActor {
            id: id_text(&entry.actor_kind, entry.actor_id),
            kind: entry.actor_kind,
            name: entry.actor_name,
        },
        address: filled(entry.address),
        action: entry.action,
        object: AuditObject {
            id: id_text(&entry.object_kind, entry.object_id),
            kind: entry.object_kind,
            name: entry.object_name,
        },
        before: value(entry.before),
        after: value(entry.after),
        request_id: filled(entry.request_id),
    }
}

/// The id as the rest of the API writes it; `None` of what has none.
fn id_text(kind: &str, id: i64) -> Option<String> {
    if id == 0 {
        return None;
    }
    Some(match kind {
        "tenant" => TenantId(id).to_string(),
        "site" => SiteId(id).to_string(),
        "agent" => AgentId(id).to_string(),
        "device" => DeviceId(id).to_string(),
        "user" | "member" => UserId(id).to_string(),
        "credential_profile" => CredentialId(id).to_string(),
        "api_key" => ApiKeyId(id).to_string(),
        "screen" => ScreenId(id).to_string(),
        "rule" => RuleId(id).to_string(),
        "alert" => AlertId(id).to_string(),
        "config" => ConfigVersionId(id).to_string(),
        _ => id.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula_in_a_spreadsheet() {
        for text in ["=1+1", "+1", "-1", "@x"] {
            assert_eq!(inert(text.to_owned()), format!("'{text}"));
        }
        assert_eq!(inert("router-1".to_owned()), "router-1");
    }
}
