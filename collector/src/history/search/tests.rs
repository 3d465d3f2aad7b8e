//! Pages of a search, on both engines.

use super::*;
use crate::history::busy::Places;
use crate::history::fixture::{FIRST_DEVICE, Place, SECOND_DEVICE};

const NO_TIME: Duration = Duration::ZERO;

impl Place {
    async fn find(&self, after: Option<super::Place>, within: Within) -> FoundPage {
        let wanted = Wanted::new("hostname", false, false).unwrap();
        let busy = Places::default().take().unwrap();
        let of = (&self.clock, &busy, within);
        search(&self.db, &self.context, &wanted, (after, 50), of).await.unwrap()
    }

    async fn two() -> Vec<Self> {
        let places = Self::each().await;
        for place in &places {
            place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
            place.fetch(2, SECOND_DEVICE, "hostname r2\n").await;
        }
        places
    }
}

fn skipped(page: &FoundPage) -> Vec<(DeviceId, Why)> {
    page.skipped.iter().map(|(of, why)| (of.device.id, *why)).collect()
}

#[tokio::test]
async fn a_text_that_takes_too_long_is_named_and_those_behind_it_are_looked_at() {
    for place in Place::two().await {
        let slow = place.find(None, Within { text: NO_TIME, ..Within::USUAL }).await;
        let left_out = [(FIRST_DEVICE, Why::TooSlow), (SECOND_DEVICE, Why::TooSlow)];
        assert_eq!(skipped(&slow), left_out);
        assert_eq!((slow.found.len(), slow.scanned, slow.next), (0, 0, None));
        assert_eq!(slow.skipped[0].0.device.name, "r1");
        let usual = place.find(None, Within::USUAL).await;
        assert_eq!((usual.found.len(), usual.scanned, usual.skipped.len()), (2, 2, 0));
        place.remove().await;
    }
}

#[tokio::test]
async fn a_page_that_has_no_time_left_looks_at_one_text_and_goes_on() {
    for place in Place::two().await {
        // As where the database took it all: that is not the fault of any text.
        let late = Within { page: NO_TIME, ..Within::USUAL };
        let first = place.find(None, late).await;
        assert_eq!(first.found[0].of.device.id, FIRST_DEVICE);
        assert_eq!((first.found.len(), first.skipped.len()), (1, 0));
        let second = place.find(first.next, late).await;
        assert_eq!(second.found[0].of.device.id, SECOND_DEVICE);
        assert_eq!(place.find(second.next, late).await.next, None);
        place.remove().await;
    }
}

#[tokio::test]
async fn a_page_leaves_out_so_many_and_goes_on() {
    for place in Place::each().await {
        let more = SKIPPED_MAX + 1;
        let (first, last) = (1000, 1000 + i64::try_from(more).unwrap() - 1);
        place
            .run(&format!(
                "INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port,
                     interval_s, snmp_version, created_at)
                 WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n
                     WHERE i < {last})
                 SELECT 1, i, 5, 10, 'd', CAST(i AS TEXT), 161, 60, 'v2c', 0 FROM n"
            ))
            .await;
        for (number, device) in (1..).zip(first..=last) {
            place.fetch(number, DeviceId(device), "hostname r\n").await;
        }
        place.run("UPDATE config_text SET packed = ''").await;
        let page = place.find(None, Within::USUAL).await;
        assert_eq!((page.skipped.len(), page.scanned), (SKIPPED_MAX, 0));
        let rest = place.find(page.next, Within::USUAL).await;
        assert_eq!(skipped(&rest), [(DeviceId(last), Why::Damaged)]);
        assert_eq!(rest.next, None);
        place.remove().await;
    }
}

/// A device that is removed while its page is made.
#[tokio::test]
async fn a_text_that_is_gone_is_not_damaged() {
    for place in Place::two().await {
        let latest = place.find(None, Within::USUAL).await.found.remove(0).of;
        place.run("DELETE FROM device WHERE device_id = 100").await;
        let wanted = Wanted::new("hostname", false, false).unwrap();
        let busy = Places::default().take().unwrap();
        let text = Text { hash: vec![0; 32], bytes: 12 };
        let of = (&place.clock, Within::USUAL);
        let looked = look(&place.db, &place.context, (&wanted, &busy), (&latest, text), of).await;
        assert_eq!(looked.unwrap(), Looked::Gone);
        place.remove().await;
    }
}

#[tokio::test]
async fn a_damaged_text_is_named() {
    for place in Place::two().await {
        let hash = "SELECT hash FROM config_version WHERE device_id = 100";
        place.run(&format!("UPDATE config_text SET packed = '' WHERE hash IN ({hash})")).await;
        let page = place.find(None, Within::USUAL).await;
        assert_eq!(skipped(&page), [(FIRST_DEVICE, Why::Damaged)]);
        assert_eq!(page.found[0].of.device.id, SECOND_DEVICE);
        place.remove().await;
    }
}
