//! What commands stand on that work on the database, beside a collector that may serve.

use std::io::Read as _;
use std::path::Path;
use std::{fs, io};

use anyhow::{Context as _, anyhow};
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{IdGenerator, TenantId};
use farwatch_common::platform::create_private_dir;
use farwatch_common::secret::Secret;

use crate::config::Config;
use crate::identity::{Access, TenantContext};
use crate::inventory::tenant::tenant_by_name;
use crate::store::Database;
use crate::store::ids::id_generator;

/// The node lease of commands; a serving collector has another, so their ids cannot meet.
const COMMAND_NODE: u16 = 1023;
const PASSWORD_FILE_BYTES_MAX: u64 = 4096;

/// What a command works with.
pub(super) struct Local {
    pub(super) db: Database,
    pub(super) ids: IdGenerator,
    pub(super) now: Micros,
    pub(super) context: TenantContext,
}

impl Local {
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let dir = &config.data_dir;
        create_private_dir(dir).with_context(|| {
            let dir = dir.display();
            format!("cannot use {dir}; check that this user owns it, or name another with --data-dir DIR")
        })?;
        let db = Database::open_target(config.database()?).await?;
        let context = TenantContext::local(&db).await?;
        let now = Clock::system().now();
        let ids = id_generator(&db, COMMAND_NODE).await?;
        Ok(Self { db, ids, now, context })
    }

    pub(super) async fn tenant(&self, text: &str) -> anyhow::Result<TenantId> {
        self.find(text).await?.ok_or_else(|| {
            anyhow!("there is no tenant `{text}`; `farwatch-collector tenant create` makes one")
        })
    }

    /// The tenant of this id or name.
    pub(super) async fn find(&self, text: &str) -> anyhow::Result<Option<TenantId>> {
        let by_id = text.parse().ok().filter(|tenant| self.context.may(*tenant, Access::Read));
        if by_id.is_some() {
            return Ok(by_id);
        }
        Ok(tenant_by_name(&self.db, &self.context, text).await?)
    }
}

/// A password in a file or on standard input; the end of the line is none of it.
pub(super) fn read_password(file: &Path) -> anyhow::Result<Secret> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        io::stdin().take(PASSWORD_FILE_BYTES_MAX).read_to_end(&mut bytes)
    } else {
        fs::File::open(file)
            .and_then(|file| file.take(PASSWORD_FILE_BYTES_MAX).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("cannot read the password from {}", file.display()))?;
    while bytes.pop_if(|last| matches!(last, b'\r' | b'\n')).is_some() {}
    Ok(Secret::new(bytes))
}
