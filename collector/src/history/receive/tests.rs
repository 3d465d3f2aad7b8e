use farwatch_proto::v1::{ConfigFailure, ConfigSnapshot, config_outcome};
use tonic::Code;

use super::*;
use crate::history::fixture::{
    FIRST_DEVICE, HOST_KEY, KEY, OTHER_KEY, Place, SECOND_DEVICE, agent, days, large, packed,
    packed_kind, part, running, snapshot,
};
use crate::history::version::list::{version_get, version_list};
use crate::history::version::raw::version_raw;
use crate::history::version::reseal;
use crate::inventory::vault::rotate::{TenantRotation, tenant_key_rotate};
use crate::store::fixture::{NEIGHBOUR, OTHER_AGENT, TENANT, peer};

fn code(error: ReceiveError) -> Code {
    Status::from(error).code()
}

#[tokio::test]
async fn parts_go_on_where_the_collector_is_through_restarts() {
    for mut place in Place::each().await {
        let job = place.job(1, FIRST_DEVICE).await;
        let text = large(400_000);
        let whole = packed(snapshot(job, &text));
        assert!(whole.len() > 3 * PART_BYTES_MAX, "{}", whole.len());
        let mut next = 0;
        let mut parts = 0;
        while next < whole.len() as u64 {
            let sent = part(job, &whole, next, PART_BYTES_MAX);
            let kept = place.receiver.part(&agent(), sent.clone()).await.unwrap().next;
            assert_eq!(kept, next + sent.data.len() as u64);
            if kept < whole.len() as u64 {
                // Again, ahead, and asked after a restart: nothing changes.
                place.restart().await;
                let again = place.receiver.part(&agent(), sent).await.unwrap();
                assert_eq!(again.next, kept);
                let ahead = part(job, &whole, whole.len() as u64 - 9, 9);
                assert_eq!(place.receiver.part(&agent(), ahead).await.unwrap().next, kept);
                let asked = place.receiver.part(&agent(), part(job, &whole, 0, 0)).await;
                assert_eq!(asked.unwrap().next, kept);
            }
            next = kept;
            parts += 1;
        }
        assert_eq!(parts, whole.len().div_ceil(PART_BYTES_MAX));
        let after = place.receiver.part(&agent(), part(job, &whole, 0, 0)).await;
        assert_eq!(code(after.unwrap_err()), Code::NotFound);
        assert_eq!(place.count("SELECT COUNT(*) FROM config_part").await, 0);
        let listed = version_list(&place.db, &place.context, FIRST_DEVICE, None, 9).await.unwrap();
        let (version, kept) =
            version_get(&place.db, &place.context, listed.rows[0].id).await.unwrap();
        assert_eq!(kept.open().unwrap(), text);
        assert_eq!((version.reason.as_str(), version.asked_by.as_deref()), ("manual", Some("noc")));
        assert_eq!(version.lines, text.lines().count() as u64);
        assert_eq!((version.added, version.removed), (version.lines, 0));
        let done = "SELECT COUNT(*) FROM config_job WHERE state = 'done' AND changed = 1
                    AND version_id > 0 AND ended_at > 0";
        assert_eq!(place.count(done).await, 1);
        place.remove().await;
    }
}

#[tokio::test]
async fn a_whole_that_was_not_answered_is_ended_by_its_last_part() {
    for place in Place::each().await {
        let job = place.job(1, FIRST_DEVICE).await;
        let whole = packed(snapshot(job, "hostname r1\n"));
        // As if the process had died between the last part and what it leads to.
        let last = Part::checked(part(job, &whole, 0, PART_BYTES_MAX)).unwrap();
        let kept = part_keep(&place.db, (&agent(), job), &last).await.unwrap();
        assert!(matches!(kept, Came::Whole));
        assert_eq!(place.count("SELECT COUNT(*) FROM config_version").await, 0);
        assert_eq!(place.send(job, &whole).await.unwrap(), whole.len() as u64);
        assert_eq!(place.count("SELECT COUNT(*) FROM config_version").await, 1);
        place.remove().await;
    }
}

#[tokio::test]
async fn parts_of_another_whole_go() {
    for place in Place::each().await {
        let job = place.job(1, FIRST_DEVICE).await;
        let first = packed(snapshot(job, &large(200_000)));
        let kept = place.receiver.part(&agent(), part(job, &first, 0, 5000)).await.unwrap();
        assert_eq!(kept.next, 5000);
        let second = packed(snapshot(job, "hostname r1\n"));
        let asked = place.receiver.part(&agent(), part(job, &second, 0, 0)).await.unwrap();
        assert_eq!(asked.next, 0);
        place.send(job, &second).await.unwrap();
        assert_eq!(place.count("SELECT lines FROM config_version").await, 1);
        place.remove().await;
    }
}

#[tokio::test]
async fn a_version_is_made_only_where_something_counts() {
    for place in Place::each().await {
        let first = place.fetch(1, FIRST_DEVICE, "hostname r1\nip a\n! uptime 1\n").await;
        let same = place.fetch(2, FIRST_DEVICE, "hostname r1\nip a\n! uptime 2\n").await;
        assert_eq!(first, same);
        let third = place.fetch(3, FIRST_DEVICE, "hostname r1\nip b\nip c\n! uptime 3\n").await;
        assert!(third > first);
        let back = place.fetch(4, FIRST_DEVICE, "hostname r1\nip a\n! uptime 1\n").await;
        assert!(back > third);
        let of_other = place.fetch(5, SECOND_DEVICE, "hostname r1\nip a\n! uptime 1\n").await;
        assert!(of_other > back);
        assert_eq!(place.count("SELECT COUNT(*) FROM config_version").await, 4);
        // Texts are kept once.
        assert_eq!(place.count("SELECT COUNT(*) FROM config_text").await, 2);
        let changed = "SELECT COUNT(*) FROM config_job WHERE changed = 1";
        assert_eq!(place.count(changed).await, 4);
        let listed = version_list(&place.db, &place.context, FIRST_DEVICE, None, 2).await.unwrap();
        assert_eq!(listed.total, 3);
        assert_eq!(listed.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [back, third]);
        assert_eq!((listed.rows[1].added, listed.rows[1].removed), (3, 2));
        let next =
            version_list(&place.db, &place.context, FIRST_DEVICE, Some(third.0), 2).await.unwrap();
        assert_eq!(next.rows.len(), 1);
        assert!(next.rows[0].last_at > next.rows[0].first_at);
        place.remove().await;
    }
}

#[tokio::test]
async fn versions_go_on_behind_those_of_a_clock_that_was_ahead() {
    for mut place in Place::each().await {
        place.clock.shift(days(1));
        let ahead = place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        place.clock.shift(-days(1));
        place.restart().await;
        let next = place.fetch(2, FIRST_DEVICE, "hostname r2\n").await;
        assert!(next > ahead);
        let listed = version_list(&place.db, &place.context, FIRST_DEVICE, None, 9).await.unwrap();
        assert_eq!(listed.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [next, ahead]);
        // It is what the next fetch is compared with.
        place.restart().await;
        assert_eq!(place.fetch(3, FIRST_DEVICE, "hostname r2\n").await, next);
        place.remove().await;
    }
}

#[tokio::test]
async fn raws_open_for_administrators_through_a_rotation_and_nothing_shows_their_secret() {
    for place in Place::each().await {
        let version = place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        let (db, vault, context) = (&place.db, &place.vault, &place.context);
        for _ in 0..2 {
            let raw = version_raw(db, vault, context, version, place.clock.now()).await.unwrap();
            assert_eq!(raw.expose(), b"hostname r1\nsecret s3cr3t-1\n");
            let rotated = tenant_key_rotate(db, vault, context, TENANT, place.clock.now()).await;
            let rotated = rotated.unwrap();
            assert_eq!((rotated.resealed, rotated.damaged.len()), (1, 0));
        }
        let keys = "SELECT COUNT(*) FROM tenant_key WHERE tenant_id = 1";
        assert_eq!(place.count(keys).await, 1);
        let audited = "SELECT COUNT(*) FROM audit WHERE action = 'config.raw' AND tenant_id = 1";
        assert_eq!(place.count(audited).await, 2);
        let reader = crate::store::fixture::context(TENANT);
        let refused = version_raw(db, vault, &reader, version, place.clock.now()).await;
        assert!(matches!(refused, Err(crate::inventory::InventoryError::Denied)));
        assert_eq!(place.count(audited).await, 2);
        // Moved to another device it does not open.
        place.run("UPDATE config_version SET device_id = 101").await;
        let moved = version_raw(db, vault, context, version, place.clock.now()).await;
        assert!(matches!(moved, Err(crate::inventory::InventoryError::Damaged)));
        place.remove().await;
    }
}

#[tokio::test]
async fn a_key_that_is_exchanged_meanwhile_seals_it_anew() {
    for place in Place::each().await {
        let version = place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        let (db, vault, context) = (&place.db, &place.vault, &place.context);
        // As if the rotation had begun, and looked at all there was, before that was committed.
        let mut rotation = TenantRotation::new(db, vault, context, TENANT);
        assert!(rotation.step(place.clock.now()).await.unwrap());
        let (whose, key) = ((TENANT, FIRST_DEVICE), Secret::new(KEY.to_vec()));
        reseal(db, vault, whose, ((version, 1), &key)).await.unwrap();
        assert_eq!(place.count("SELECT key_version FROM config_version").await, 2);
        while rotation.step(place.clock.now()).await.unwrap() {}
        assert_eq!(place.count("SELECT COUNT(*) FROM tenant_key WHERE tenant_id = 1").await, 1);
        version_raw(db, vault, context, version, place.clock.now()).await.unwrap();
        place.remove().await;
    }
}

#[tokio::test]
async fn a_hostile_outcome_ends_its_job_and_leaves_nothing() {
    for place in Place::each().await {
        let sound = |job| snapshot(job, "hostname r1\n");
        for number in 1..=5 {
            let job = place.job(number, FIRST_DEVICE).await;
            let mut sent = part(job, &packed(sound(job)), 0, PART_BYTES_MAX);
            match number {
                1 => {
                    let broken = ConfigSnapshot { normalised: "\x07".into(), ..sound(job) };
                    sent = part(job, &packed(broken), 0, PART_BYTES_MAX);
                }
                2 => sent.hash = vec![1; 32],
                3 => sent.bytes = 25 * 1024 * 1024,
                // A row for each byte.
                4 => {
                    let whole = packed(snapshot(job, &large(100_000)));
                    sent = part(job, &whole, 0, PART_BYTES_MIN - 1);
                }
                _ => sent.key = vec![8; 32],
            }
            let refused = place.receiver.part(&agent(), sent).await.unwrap_err();
            assert_eq!(code(refused), Code::InvalidArgument, "{number}");
        }
        let failed = "SELECT COUNT(*) FROM config_job WHERE state = 'failed' AND cause = 'broken'";
        assert_eq!(place.count(failed).await, 5);
        assert_eq!(place.count("SELECT COUNT(*) FROM config_part").await, 0);
        assert_eq!(place.count("SELECT COUNT(*) FROM config_version").await, 0);
        assert_eq!(place.count("SELECT COUNT(*) FROM backup WHERE failing = 'broken'").await, 1);
        place.remove().await;
    }
}

#[tokio::test]
async fn a_job_is_its_agents_while_it_runs() {
    for place in Place::each().await {
        let job = place.job(1, FIRST_DEVICE).await;
        let whole = packed(snapshot(job, "hostname r1\n"));
        let sent = part(job, &whole, 0, PART_BYTES_MAX);
        let broken = SnapshotPart { hash: Vec::new(), ..sent.clone() };
        for stranger in [peer(NEIGHBOUR, 2), peer(OTHER_AGENT, 3)] {
            for sent in [&sent, &broken] {
                let refused = place.receiver.part(&stranger, sent.clone()).await.unwrap_err();
                assert_eq!(code(refused), Code::NotFound);
            }
        }
        place.run("UPDATE config_job SET state = 'queued'").await;
        let refused = place.receiver.part(&agent(), sent.clone()).await.unwrap_err();
        assert_eq!(code(refused), Code::NotFound);
        place.run("UPDATE config_job SET state = 'running'").await;
        place.receiver.part(&agent(), sent).await.unwrap();
        place.remove().await;
    }
}

#[tokio::test]
async fn failures_and_host_keys_are_kept_with_the_device() {
    let failure = |cause: &str, host_key: &str| {
        packed_kind(config_outcome::Kind::Failure(ConfigFailure {
            cause: cause.into(),
            advice: "Do this.".into(),
            host_key: host_key.into(),
        }))
    };
    for place in Place::each().await {
        let holds = async |what: &str| {
            let sql = format!("SELECT COUNT(*) FROM backup WHERE {what}");
            assert_eq!(place.count(&sql).await, 1, "{what}");
        };
        place.fetch(1, FIRST_DEVICE, "a\n").await;
        holds(&format!("host_key = '{HOST_KEY}' AND fetched_at > 0 AND failing IS NULL")).await;
        let job = place.job(2, FIRST_DEVICE).await;
        place.send(job, &failure("host_key", OTHER_KEY)).await.unwrap();
        holds(&format!("failing = 'host_key' AND other_key = '{OTHER_KEY}'")).await;
        let since = place.count("SELECT failing_since FROM backup").await;
        let job = place.job(3, FIRST_DEVICE).await;
        place.send(job, &failure("login", "")).await.unwrap();
        holds(&format!(
            "failing = 'login' AND other_key = '{OTHER_KEY}' AND failing_since = {since}"
        ))
        .await;
        let failed =
            "SELECT COUNT(*) FROM config_job WHERE state = 'failed' AND advice = 'Do this.'";
        assert_eq!(place.count(failed).await, 2);
        place.fetch(4, FIRST_DEVICE, "a\n").await;
        holds("failing IS NULL AND failing_since IS NULL AND other_key IS NULL").await;
        place.remove().await;
    }
}

#[tokio::test]
async fn a_tenant_that_sends_too_much_waits() {
    for place in Place::each().await {
        let whole = packed(snapshot(ConfigJobId(1), &large(100_000)));
        let mut full = 0;
        for number in 0..=i64::try_from(uploads::TENANT_UPLOADS_MAX).unwrap() {
            let device = 1000 + number;
            place
                .run(&format!(
                    "INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port,
                                         interval_s, snmp_version, created_at)
                     VALUES (1, {device}, 5, 10, 'd{device}', 'h{device}', 161, 60, 'v2c', 0)"
                ))
                .await;
            place.run(&running(number + 1, farwatch_common::id::DeviceId(device), 10)).await;
            let sent = part(ConfigJobId(number + 1), &whole, 0, 5000);
            match place.receiver.part(&agent(), sent).await {
                Ok(kept) => assert_eq!(kept.next, 5000),
                Err(error) => {
                    assert_eq!(code(error), Code::ResourceExhausted);
                    full += 1;
                }
            }
        }
        assert_eq!(full, 1);
        place.remove().await;
    }
}

/// The agent had it on its disk while everybody thought that it was lost.
#[tokio::test]
async fn an_outcome_that_comes_late_is_kept_unless_there_is_a_newer_job() {
    for place in Place::each().await {
        let lost = "UPDATE config_job SET state = 'failed', cause = 'agent_lost', ended_at = 1";
        let job = place.job(1, FIRST_DEVICE).await;
        let whole = packed(snapshot(job, "hostname r1\n"));
        place.run(lost).await;
        place.send(job, &whole).await.unwrap();
        let done = "SELECT COUNT(*) FROM config_job WHERE state = 'done' AND cause IS NULL";
        assert_eq!(place.count(done).await, 1);
        assert_eq!(place.count("SELECT COUNT(*) FROM config_version").await, 1);
        // What failed otherwise has ended.
        let job = place.job(2, FIRST_DEVICE).await;
        place.run("UPDATE config_job SET state = 'failed', cause = 'login' WHERE job_id = 2").await;
        let whole = packed(snapshot(job, "hostname r2\n"));
        assert_eq!(code(place.send(job, &whole).await.unwrap_err()), Code::NotFound);
        // A newer one will tell more.
        let job = place.job(3, FIRST_DEVICE).await;
        place.run(&format!("{lost} WHERE job_id = 3")).await;
        place.job(4, FIRST_DEVICE).await;
        let whole = packed(snapshot(job, "hostname r3\n"));
        assert_eq!(code(place.send(job, &whole).await.unwrap_err()), Code::NotFound);
        // Unless somebody took it back.
        let back = "UPDATE config_job SET state = 'failed', cause = 'cancelled' WHERE job_id = 4";
        place.run(back).await;
        assert_eq!(place.send(job, &whole).await.unwrap(), whole.len() as u64);
        place.remove().await;
    }
}

/// The address was wrong, and is put right while the job runs: what the wrong device sent is no
/// version of this one, and its host key is not pinned.
#[tokio::test]
async fn what_came_from_another_address_is_not_kept() {
    for place in Place::each().await {
        let job = place.job(1, FIRST_DEVICE).await;
        let whole = packed(snapshot(job, "hostname of-another\n"));
        place.run("UPDATE device SET host = '192.0.2.99' WHERE device_id = 100").await;
        place.send(job, &whole).await.unwrap();
        let withdrawn = "SELECT COUNT(*) FROM config_job WHERE cause = 'withdrawn'";
        assert_eq!(place.count(withdrawn).await, 1);
        assert_eq!(place.count("SELECT COUNT(*) FROM config_version").await, 0);
        assert_eq!(place.count("SELECT COUNT(*) FROM config_part").await, 0);
        assert_eq!(place.count("SELECT COUNT(*) FROM backup WHERE host_key <> ''").await, 0);
        place.remove().await;
    }
}
