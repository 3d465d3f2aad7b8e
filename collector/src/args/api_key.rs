//! `api-key`: keys of programs, so that the first one needs no browser.

use anyhow::Context as _;
use clap::Subcommand;
use farwatch_common::clock::Micros;
use farwatch_common::id::ApiKeyId;
use farwatch_common::secret::Secret;
use serde_json::json;

use super::local::Local;
use super::place::Place;
use super::{name, runtime, say};
use crate::config::Config;
use crate::identity::api_key::{LIFE_DAYS, LIFE_DAYS_MAX, Scope, api_key_create};
use crate::live::view::rfc3339;

#[derive(Debug, Subcommand)]
pub(super) enum ApiKeyCommand {
    /// Make a key of the API and print it, this once
    #[command(visible_alias = "add")]
    Create {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        wanted: Wanted,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Wanted {
    /// Id or name
    #[arg(long)]
    tenant: String,
    /// What uses it
    #[arg(long, value_parser = name)]
    name: String,
    /// It may change things too, as an operator does; otherwise it reads
    #[arg(long)]
    write: bool,
    /// It is good this long, 365 days at most
    #[arg(long, value_name = "DAYS", default_value_t = LIFE_DAYS,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(LIFE_DAYS_MAX)))]
    expires_in_days: u32,
}

impl Wanted {
    /// Who may write may read, and the key says so.
    fn scopes(&self) -> &'static [Scope] {
        if self.write { &[Scope::Read, Scope::Write] } else { &[Scope::Read] }
    }
}

impl ApiKeyCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Self::Create { place, wanted, json } = self;
        let config = place.load(Vec::new())?;
        runtime()?.block_on(create(&config, &wanted, json))
    }
}

async fn create(config: &Config, wanted: &Wanted, as_json: bool) -> anyhow::Result<()> {
    let local = Local::open(config).await?;
    let (key, id, expires_at) = make(&local, wanted).await?;
    local.db.close().await;
    let key = str::from_utf8(key.expose()).context("the key is not text")?;
    if !as_json {
        return say(key);
    }
    let scopes: Vec<_> = wanted.scopes().iter().map(|scope| scope.name()).collect();
    say(&json!({
        "key": key,
        "id": id.to_string(),
        "name": wanted.name,
        "scopes": scopes,
        "expires_at": rfc3339(expires_at),
    })
    .to_string())
}

async fn make(local: &Local, wanted: &Wanted) -> anyhow::Result<(Secret, ApiKeyId, Micros)> {
    let tenant = local.tenant(&wanted.tenant).await?;
    let what = (tenant, wanted.name.as_str());
    let how = (wanted.scopes(), wanted.expires_in_days);
    Ok(api_key_create(&local.db, &local.context, &local.ids, what, how, local.now).await?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::audit::list::{AuditCursor, AuditFilter, audit_list};
    use crate::identity::Access;
    use crate::identity::api_key::api_key_get;
    use crate::inventory::Vault;
    use crate::inventory::tenant::tenant_create;

    async fn local(dir: &Path) -> Local {
        Local::open(&Config { data_dir: dir.to_owned(), ..Config::default() }).await.unwrap()
    }

    fn wanted(tenant: &str, name: &str, write: bool) -> Wanted {
        let (tenant, name) = (tenant.to_owned(), name.to_owned());
        Wanted { tenant, name, write, expires_in_days: 1 }
    }

    async fn audited(local: &Local) -> Vec<(String, String)> {
        let filter = AuditFilter {
            action: "api_key".to_owned(),
            search: String::new(),
            from: Micros(0),
            to: Micros(i64::MAX),
        };
        let context = local.context.for_audit();
        let rows = audit_list(&local.db, &context, &filter, AuditCursor::NEWEST, 9).await.unwrap();
        let of_row = |row: crate::audit::list::Listed| (row.entry.action, row.entry.object_name);
        rows.into_iter().map(of_row).collect()
    }

    #[tokio::test]
    async fn a_key_does_what_it_was_made_for_and_the_audit_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::open(dir.path()).unwrap();
        let before = local(dir.path()).await;
        let Local { db, context, ids, now } = &before;
        let tenant = tenant_create(db, &vault, context, ids, "North", *now).await.unwrap().id;
        // Opened anew, it knows the tenant.
        let local = local(dir.path()).await;
        for write in [false, true] {
            let made = make(&local, &wanted("North", "script", write)).await;
            let (key, id, expires_at) = made.unwrap();
            let text = str::from_utf8(key.expose()).unwrap();
            let known = api_key_get(&local.db, text, local.now).await.unwrap().unwrap();
            assert_eq!(known.id, id);
            let may = [Access::Read, Access::Write, Access::Admin]
                .map(|access| known.context.may(tenant, access));
            assert_eq!(may, [true, write, false]);
            assert!(api_key_get(&local.db, text, expires_at).await.unwrap().is_none());
        }
        assert!(make(&local, &wanted("South", "script", true)).await.is_err());
        let row = ("api_key.create".to_owned(), "script".to_owned());
        assert_eq!(audited(&local).await, [row.clone(), row]);
    }
}
