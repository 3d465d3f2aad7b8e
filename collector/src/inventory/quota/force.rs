//! The quotas in force, and what is counted in memory: series, and requests of API keys.
//!
//! - in: devices' groups as batches are checked, requests of API keys; out: whether there is room
//! - bound: an entry per tenant, and [`TABLES_MAX`] of each group of each device
//! - when full: a table of a device that is new is refused, and counted
//! - on crash: counted anew from the schemas that are stored

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use farwatch_common::id::{DeviceId, TenantId};
use farwatch_common::sample::Group;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, RateLimiter};

use super::{OF_ALL, Quota, read};
use crate::identity::TenantContext;
use crate::identity::limits::Limited;
use crate::live::layout::Layout;
use crate::store::{Database, StoreError};

/// Tables of one group of one device; the agents we build have three at most.
const TABLES_MAX: usize = 16;
/// So many seconds of its rate a tenant may use at once.
pub const BURST_S: u32 = 3;

/// The quotas of all tenants. Cheap to clone.
#[derive(Clone, Default)]
pub struct Quotas(Arc<Mutex<HashMap<TenantId, InForce>>>);

struct InForce {
    quota: Quota,
    api: Arc<DefaultDirectRateLimiter>,
    /// What each group of each device has series of: a group may be read from some tables.
    series: HashMap<(DeviceId, Group), Vec<Arc<Layout>>>,
    /// Their sum.
    total: u64,
    /// How many devices had been taken out when those were let go of last.
    swept: u64,
    /// How often a new table of a device found no room since the start: once for each batch.
    refused: u64,
}

/// Which devices there are.
pub trait Devices {
    fn lives(&self, device: DeviceId) -> bool;
    /// How many were taken out since the start, of all tenants.
    fn taken_out(&self) -> u64;
}

/// What a tenant has of series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeriesUsed {
    pub series: u64,
    pub refused: u64,
}

impl Default for InForce {
    fn default() -> Self {
        let quota = Quota::default();
        let (series, total, swept, refused) = (HashMap::new(), 0, 0, 0);
        Self { api: limiter(quota), quota, series, total, swept, refused }
    }
}

/// What a layout is among the tables of its group.
enum Standing {
    Counted,
    /// The same table was counted before objects came or went.
    Changed,
    New,
    /// New, and the device has as many tables as may be.
    TooMany,
}

impl InForce {
    fn standing(&self, device: DeviceId, layout: &Arc<Layout>) -> Standing {
        let tables = self.series.get(&(device, layout.group)).map_or(&[][..], Vec::as_slice);
        if tables.iter().any(|table| Arc::ptr_eq(table, layout)) {
            Standing::Counted
        } else if tables.iter().any(|table| table.is_same_table(layout)) {
            Standing::Changed
        } else if tables.len() < TABLES_MAX {
            Standing::New
        } else {
            Standing::TooMany
        }
    }

    /// A table takes the place of the same one before.
    fn count(&mut self, device: DeviceId, layout: &Arc<Layout>) {
        let tables = self.series.entry((device, layout.group)).or_default();
        let before = tables.extract_if(.., |table| table.is_same_table(layout));
        self.total -= before.map(|table| columns(&table)).sum::<u64>();
        self.total += columns(layout);
        tables.push(Arc::clone(layout));
    }

    /// Whether there is room for a table more.
    fn has_room(&mut self, layout: &Layout, devices: &impl Devices) -> bool {
        let max = u64::from(self.quota.series());
        if self.total + columns(layout) > max {
            self.sweep(devices);
        }
        self.total + columns(layout) <= max
    }

    /// Devices that were taken out make room. Nobody looks for them before it is wanted, nor again
    /// before another is: who is over the quota asks with every batch.
    fn sweep(&mut self, devices: &impl Devices) {
        let taken_out = devices.taken_out();
        if self.swept == taken_out {
            return;
        }
        self.swept = taken_out;
        self.series.retain(|(device, _), _| devices.lives(*device));
        self.total = self.series.values().flatten().map(|table| columns(table)).sum();
    }
}

fn columns(layout: &Layout) -> u64 {
    u64::try_from(layout.columns).unwrap_or(u64::MAX)
}

fn limiter(quota: Quota) -> Arc<DefaultDirectRateLimiter> {
    let rate = NonZeroU32::new(quota.api_per_second()).unwrap_or(NonZeroU32::MIN);
    let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_S - 1));
    Arc::new(RateLimiter::direct(governor::Quota::per_second(rate).allow_burst(burst)))
}

impl Quotas {
    /// Those that are stored; series are counted as [`Quotas::series_admit`] is told of them.
    pub async fn load(db: &Database) -> Result<Self, StoreError> {
        let context = TenantContext::local(db).await?;
        let mut txn = db.read(&context).await?;
        let quotas = Self::default();
        for row in OF_ALL.bind(context.tenants_json()).all(&mut txn).await? {
            quotas.set(TenantId(row.get(4)?), read(&row)?);
        }
        Ok(quotas)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, InForce>> {
        // A panic elsewhere ends the process; until then the counts are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After the commit.
    pub fn set(&self, tenant: TenantId, quota: Quota) {
        let mut all = self.lock();
        let own = all.entry(tenant).or_default();
        if own.quota.api_per_second() != quota.api_per_second() {
            own.api = limiter(quota);
        }
        own.quota = quota;
    }

    /// Counts one request of an API key of the tenant.
    pub fn api_check(&self, tenant: TenantId) -> Result<(), Limited> {
        let api = Arc::clone(&self.lock().entry(tenant).or_default().api);
        let now = DefaultClock::default().now();
        api.check().map_err(|until| Limited { wait: until.wait_time_from(now) })
    }

    /// Counts what was there before the start, whatever the quota is now.
    pub fn series_known(&self, tenant: TenantId, device: DeviceId, layout: &Arc<Layout>) {
        let mut all = self.lock();
        let own = all.entry(tenant).or_default();
        if let Standing::Changed | Standing::New = own.standing(device, layout) {
            own.count(device, layout);
        }
    }

    /// Whether rows of this layout may come of a device. A table that is known may always; it counts
    /// with what it has now.
    #[must_use]
    pub fn series_admit(
        &self,
        tenant: TenantId,
        device: DeviceId,
        layout: &Arc<Layout>,
        devices: &impl Devices,
    ) -> bool {
        let mut all = self.lock();
        let own = all.entry(tenant).or_default();
        let admitted = match own.standing(device, layout) {
            Standing::Counted => return true,
            Standing::Changed => true,
            Standing::New => own.has_room(layout, devices),
            Standing::TooMany => false,
        };
        if admitted {
            own.count(device, layout);
        } else {
            own.refused += 1;
        }
        admitted
    }

    #[must_use]
    pub fn series_used(&self, tenant: TenantId) -> SeriesUsed {
        let all = self.lock();
        all.get(&tenant).map_or_else(SeriesUsed::default, |own| SeriesUsed {
            series: own.total,
            refused: own.refused,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use farwatch_common::sample::{Column, MetricKind, Schema, Unit};

    use super::*;

    const TENANT: TenantId = TenantId(1);

    /// A table with so many series of an object.
    fn table(group: Group, object: &str, series: usize) -> Arc<Layout> {
        let column = |number| Column {
            object: object.to_owned(),
            metric: format!("m{number}"),
            kind: MetricKind::Gauge,
            unit: Unit::One,
            exponent: 0,
        };
        Arc::new(Layout::new(&Schema { group, columns: (0..series).map(column).collect() }))
    }

    fn admits(quotas: &Quotas, device: i64, series: usize, known: &Known) -> bool {
        let layout = table(Group::System, "", series);
        quotas.series_admit(TENANT, DeviceId(device), &layout, known)
    }

    #[test]
    fn each_table_of_a_group_counts_and_takes_the_place_of_itself() {
        let (quotas, all) = (Quotas::default(), Known::default());
        quotas.set(TENANT, Quota { series: Some(10), ..Quota::default() });
        let admits = |object: &str, series| {
            quotas.series_admit(TENANT, DeviceId(1), &table(Group::Host, object, series), &all)
        };
        for _ in 0..3 {
            assert!(admits("cpu:1", 4) && admits("storage:1", 5));
            assert_eq!(quotas.series_used(TENANT).series, 9);
        }
        assert!(!admits("memory:1", 2), "they are of one group, and each counts");
        assert!(admits("cpu:2", 5), "a processor more is the table that was there");
        assert_eq!(quotas.series_used(TENANT), SeriesUsed { series: 10, refused: 1 });
        quotas.series_known(TENANT, DeviceId(2), &table(Group::Sensors, "sensor:1", 7));
        quotas.series_known(TENANT, DeviceId(2), &table(Group::Sensors, "sensor:2", 3));
        assert_eq!(quotas.series_used(TENANT).series, 13);
    }

    #[derive(Default)]
    struct Known {
        dead: Option<DeviceId>,
        asked: Cell<u32>,
    }

    impl Devices for Known {
        fn lives(&self, device: DeviceId) -> bool {
            self.asked.update(|asked| asked + 1);
            self.dead != Some(device)
        }

        fn taken_out(&self) -> u64 {
            self.dead.is_some().into()
        }
    }

    #[test]
    fn a_new_group_is_refused_when_the_series_are_used_up_and_the_dead_make_room() {
        let (quotas, all) = (Quotas::default(), Known::default());
        quotas.set(TENANT, Quota { series: Some(10), ..Quota::default() });
        assert!(admits(&quotas, 1, 6, &all));
        assert!(!admits(&quotas, 2, 6, &all));
        let used = SeriesUsed { series: 6, refused: 1 };
        assert_eq!(quotas.series_used(TENANT), used);
        // What is known goes on, also with more than before.
        assert!(admits(&quotas, 1, 12, &all));
        assert_eq!(quotas.series_used(TENANT).series, 12);
        assert!(admits(&quotas, 1, 6, &all));
        assert!(admits(&quotas, 2, 4, &all));
        assert!(!admits(&quotas, 3, 4, &all));
        // It is looked for the dead once for all that were taken out.
        assert_eq!(all.asked.get(), 0);
        let but_one = Known { dead: Some(DeviceId(1)), ..Known::default() };
        assert!(admits(&quotas, 3, 4, &but_one));
        assert_eq!(but_one.asked.get(), 2);
        assert!((4..9).all(|device| !admits(&quotas, device, 4, &but_one)));
        assert_eq!(but_one.asked.get(), 2);
        assert_eq!(quotas.series_used(TENANT).series, 8);
        assert!(quotas.series_admit(
            TenantId(2),
            DeviceId(9),
            &table(Group::System, "", 1000),
            &all
        ));
    }

    #[test]
    fn requests_of_a_tenant_are_counted_together_and_by_their_own_rate() {
        let quotas = Quotas::default();
        quotas.set(TENANT, Quota { api_per_second: Some(2), ..Quota::default() });
        let passed = (0..100).take_while(|_| quotas.api_check(TENANT).is_ok()).count();
        assert!((6..12).contains(&passed), "{passed}");
        assert!(quotas.api_check(TENANT).unwrap_err().seconds() >= 1);
        quotas.api_check(TenantId(2)).unwrap();
        // Set to the same again, nothing is forgotten.
        quotas.set(TENANT, Quota { api_per_second: Some(2), ..Quota::default() });
        assert!(quotas.api_check(TENANT).is_err());
    }
}
