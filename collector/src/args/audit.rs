//! `audit verify`: walks the chains of the audit.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Subcommand;
use data_encoding::HEXLOWER;
use farwatch_common::id::TenantId;
use serde_json::json;

use super::local::Local;
use super::place::Place;
use super::{complain, runtime, say};
use crate::audit::INSTALLATION;
use crate::audit::chain::Head;
use crate::audit::verify::{Verified, audit_verify};
use crate::config::Config;
use crate::inventory::Page;
use crate::inventory::tenant::tenant_list;

/// The name of the chain that belongs to no tenant.
const INSTALLATION_NAME: &str = "installation";
const TENANTS_PER_PAGE: u32 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Walk the chains of the audit and name every row that was changed, moved or taken out
    ///
    /// Whoever can write the whole database can also make a whole chain anew. Against that, keep the
    /// ends of the chains elsewhere: --write-heads notes them, --heads holds a later walk to them.
    Verify {
        #[command(flatten)]
        place: Place,
        /// Id or name, or `installation` [default: all chains]
        #[arg(long)]
        tenant: Option<String>,
        /// Ends of the chains noted by an earlier --write-heads
        #[arg(long, value_name = "FILE")]
        heads: Option<PathBuf>,
        /// Note the ends of the chains here if all are sound
        #[arg(long, value_name = "FILE", conflicts_with = "tenant")]
        write_heads: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
}

impl AuditCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Self::Verify { place, tenant, heads, write_heads, json } = self;
        let config = place.load(Vec::new())?;
        runtime()?.block_on(verify(&config, Verify { tenant, heads, write_heads, json }))
    }
}

/// What to walk and what to hold it to.
struct Verify {
    tenant: Option<String>,
    heads: Option<PathBuf>,
    write_heads: Option<PathBuf>,
    json: bool,
}

/// Fails if a chain is not sound, after all were walked.
async fn verify(config: &Config, wanted: Verify) -> anyhow::Result<()> {
    let local = Local::open(config).await?;
    let mut witnesses = match &wanted.heads {
        Some(file) => read_heads(file)?,
        None => BTreeMap::new(),
    };
    let chains = match wanted.tenant.as_deref() {
        None => all_chains(&local).await?,
        Some(INSTALLATION_NAME) => vec![(INSTALLATION, INSTALLATION_NAME.to_owned())],
        Some(text) => {
            let tenant = local.find(text).await?.ok_or_else(|| {
                anyhow!("no tenant has the name or id `{text}`; without --tenant all are named")
            })?;
            vec![(tenant, text.to_owned())]
        }
    };
    let (mut noted, mut broken) = (String::new(), 0);
    for (tenant, name) in chains {
        let witness = witnesses.remove(&tenant);
        let verified = audit_verify(&local.db, &local.context.for_audit(), tenant, witness).await?;
        broken += usize::from(!verified.is_sound());
        // Writing to a String does not fail.
        let Head { seq, hash } = verified.head;
        let _ = writeln!(noted, "{} {seq} {}", id_text(tenant), HEXLOWER.encode(&hash));
        tell(&name, tenant, &verified, wanted.json)?;
    }
    local.db.close().await;
    if wanted.tenant.is_none() {
        broken += witnesses.len();
        witnesses.keys().try_for_each(|tenant| tell_gone(*tenant, wanted.json))?;
    }
    if broken > 0 {
        bail!(
            "{broken} of the chains are not what was written; keep this output and a copy of the database"
        );
    }
    if let Some(file) = &wanted.write_heads {
        fs::write(file, noted).with_context(|| format!("cannot write {}", file.display()))?;
        complain(&format!("the ends of the chains are in {}: keep it elsewhere", file.display()));
    }
    Ok(())
}

async fn all_chains(local: &Local) -> anyhow::Result<Vec<(TenantId, String)>> {
    let mut chains = vec![(INSTALLATION, INSTALLATION_NAME.to_owned())];
    let mut page = Page { after: None, limit: TENANTS_PER_PAGE };
    loop {
        let rows = tenant_list(&local.db, &local.context, &page).await?.rows;
        let Some(last) = rows.last() else { return Ok(chains) };
        page.after = Some((last.name.clone(), last.id.0));
        chains.extend(rows.into_iter().map(|tenant| (tenant.id, tenant.name)));
    }
}

fn tell(name: &str, tenant: TenantId, verified: &Verified, as_json: bool) -> anyhow::Result<()> {
    let Verified { head, report, holds_witness } = verified;
    let mut findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    if report.more > 0 {
        findings.push(format!("{} more rows do not fit", report.more));
    }
    if !holds_witness {
        findings.push("the noted end is not in this chain: it was made anew".to_owned());
    }
    if as_json {
        let line = json!({
            "tenant": id_text(tenant),
            "name": name,
            "sound": verified.is_sound(),
            "rows": head.seq,
            "head": HEXLOWER.encode(&head.hash),
            "findings": findings,
        });
        return say(&line.to_string());
    }
    if verified.is_sound() {
        return say(&format!("{name}: {} rows, sound", head.seq));
    }
    say(&format!("{name}: {} rows, NOT sound", head.seq))?;
    findings.iter().try_for_each(|finding| say(&format!("  {finding}")))
}

/// Of a chain whose end was noted, and that is not there.
fn tell_gone(tenant: TenantId, as_json: bool) -> anyhow::Result<()> {
    let (id, finding) = (id_text(tenant), "its end was noted, but there is no such tenant");
    if as_json {
        let line = json!({ "tenant": id, "sound": false, "findings": [finding] });
        return say(&line.to_string());
    }
    say(&format!("{id}: NOT sound\n  {finding}"))
}

fn id_text(tenant: TenantId) -> String {
    if tenant == INSTALLATION { INSTALLATION_NAME.to_owned() } else { tenant.to_string() }
}

/// A line for each chain: the tenant, the place of the last row, its hash.
fn read_heads(file: &Path) -> anyhow::Result<BTreeMap<TenantId, Head>> {
    let text = fs::read_to_string(file);
    let text = text.with_context(|| format!("cannot read the heads from {}", file.display()))?;
    let read = |line: &str| {
        let mut words = line.split_whitespace();
        let (tenant, seq, hash) = (words.next()?, words.next()?, words.next()?);
        let tenant =
            if tenant == INSTALLATION_NAME { INSTALLATION } else { tenant.parse().ok()? };
        let hash = HEXLOWER.decode(hash.as_bytes()).ok()?.try_into().ok()?;
        Some((tenant, Head { seq: seq.parse().ok()?, hash }))
    };
    (1..)
        .zip(text.lines())
        .map(|(number, line)| {
            read(line).ok_or_else(|| anyhow!("{}, line {number}: no head", file.display()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noted_heads_are_read_back_and_others_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("heads");
        let hash = HEXLOWER.encode(&[7; 32]);
        let lines = format!("installation 1 {hash}\n{} 5 {hash}\n", TenantId(9));
        fs::write(&file, lines).unwrap();
        let heads = read_heads(&file).unwrap();
        assert_eq!(heads[&INSTALLATION], Head { seq: 1, hash: [7; 32] });
        assert_eq!(heads[&TenantId(9)], Head { seq: 5, hash: [7; 32] });
        fs::write(&file, "installation 1 short").unwrap();
        assert!(read_heads(&file).unwrap_err().to_string().contains("line 1"));
    }
}
