//! Core: which outcomes are under way, so that one tenant leaves room for the others.

use std::collections::BTreeMap;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{ConfigJobId, TenantId};

/// Outcomes under way at once.
pub const UPLOADS_MAX: usize = 64;
/// Of one tenant.
pub const TENANT_UPLOADS_MAX: usize = 16;
/// An outcome of which nothing came for so long gives its place to another; its parts are kept.
const IDLE: Duration = Duration::from_secs(60);

/// Why a part is not taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Another part of the same outcome is being taken.
    Taken,
    Tenant,
    All,
}

#[derive(Clone, Copy, Debug)]
struct Upload {
    last_at: Micros,
    in_call: bool,
}

/// At most [`UPLOADS_MAX`].
#[derive(Debug, Default)]
pub struct Uploads(BTreeMap<(TenantId, ConfigJobId), Upload>);

impl Uploads {
    /// A part comes; to be followed by [`Uploads::part_ended`].
    pub fn part_begins(&mut self, whose: (TenantId, ConfigJobId), now: Micros) -> Result<(), Full> {
        let begun = Upload { last_at: now, in_call: true };
        if let Some(upload) = self.0.get_mut(&whose) {
            if upload.in_call {
                return Err(Full::Taken);
            }
            *upload = begun;
            return Ok(());
        }
        self.0.retain(|_, upload| upload.in_call || now.since(upload.last_at) < IDLE);
        if self.0.keys().filter(|(tenant, _)| *tenant == whose.0).count() >= TENANT_UPLOADS_MAX {
            return Err(Full::Tenant);
        }
        if self.0.len() >= UPLOADS_MAX {
            return Err(Full::All);
        }
        self.0.insert(whose, begun);
        Ok(())
    }

    /// The part is answered; `over`: nothing more is to come of this outcome.
    pub fn part_ended(&mut self, whose: (TenantId, ConfigJobId), over: bool, now: Micros) {
        if over {
            self.0.remove(&whose);
        } else if let Some(upload) = self.0.get_mut(&whose) {
            *upload = Upload { last_at: now, in_call: false };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(tenant: i64, number: usize) -> (TenantId, ConfigJobId) {
        (TenantId(tenant), ConfigJobId(i64::try_from(number).unwrap()))
    }

    #[test]
    fn a_tenant_leaves_room_and_what_is_idle_gives_its_place() {
        let now = Micros(1_800_000_000_000_000);
        let mut uploads = Uploads::default();
        for number in 0..TENANT_UPLOADS_MAX {
            uploads.part_begins(job(1, number), now).unwrap();
        }
        assert_eq!(uploads.part_begins(job(1, 99), now), Err(Full::Tenant));
        assert_eq!(uploads.part_begins(job(1, 0), now), Err(Full::Taken));
        uploads.part_begins(job(2, 0), now).unwrap();
        // Between two parts the place is kept, and its own next part is taken.
        uploads.part_ended(job(1, 0), false, now);
        assert_eq!(uploads.part_begins(job(1, 99), now.after(IDLE / 2)), Err(Full::Tenant));
        uploads.part_begins(job(1, 0), now.after(IDLE / 2)).unwrap();
        uploads.part_ended(job(1, 0), false, now.after(IDLE / 2));
        uploads.part_begins(job(1, 99), now.after(IDLE * 2)).unwrap();
        uploads.part_ended(job(1, 99), true, now.after(IDLE * 2));
        uploads.part_begins(job(1, 100), now.after(IDLE * 2)).unwrap();
    }

    #[test]
    fn all_tenants_together_are_bounded() {
        let now = Micros(1_800_000_000_000_000);
        let mut uploads = Uploads::default();
        for number in 0..UPLOADS_MAX {
            uploads.part_begins(job(i64::try_from(number).unwrap(), 0), now).unwrap();
        }
        assert_eq!(uploads.part_begins(job(1000, 0), now), Err(Full::All));
        uploads.part_ended(job(0, 0), true, now);
        uploads.part_begins(job(1000, 0), now).unwrap();
    }
}
