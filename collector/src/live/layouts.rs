//! The layouts of all schemas that live knows, by tenant.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, MutexGuard, PoisonError};

use farwatch_common::id::TenantId;
use farwatch_common::sample::SchemaId;

use super::Live;
use super::layout::Layout;

/// Those of a tenant; `ingest` bounds them.
#[derive(Debug, Default)]
pub(super) struct Layouts {
    by_id: HashMap<SchemaId, Arc<Layout>>,
    bytes: usize,
}

impl Live {
    /// What a schema means; `None` if it is not known.
    #[must_use]
    pub fn layout(&self, tenant: TenantId, id: SchemaId) -> Option<Arc<Layout>> {
        self.layouts().get(&tenant)?.by_id.get(&id).cloned()
    }

    /// How many schemas a tenant has, and the memory their layouts take.
    #[must_use]
    pub fn layouts_size(&self, tenant: TenantId) -> (usize, usize) {
        self.layouts().get(&tenant).map_or((0, 0), |own| (own.by_id.len(), own.bytes))
    }

    /// Call after the schema is committed.
    pub fn layout_added(&self, tenant: TenantId, id: SchemaId, layout: Arc<Layout>) {
        let mut layouts = self.layouts();
        let own = layouts.entry(tenant).or_default();
        if let Entry::Vacant(new) = own.by_id.entry(id) {
            own.bytes += layout.memory();
            new.insert(layout);
        }
    }

    fn layouts(&self) -> MutexGuard<'_, HashMap<TenantId, Layouts>> {
        self.shared.layouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
