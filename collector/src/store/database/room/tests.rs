//! A real full disk is a small file system of its own, which takes the right to mount one; where there
//! is none, that test says so and does nothing.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use farwatch_common::clock::Micros;

use super::*;
use crate::ingest::IngestKey;
use crate::store::SampleStore as _;
use crate::store::fixture::scratch::composed;
use crate::store::fixture::{DEVICE, PostgresWorld, Raw, TENANT, World, append, context, counters};
use crate::store::samples::{Append, Appended, SamplesQuery};
use crate::store::sql::sql;

/// Set for the child process, inside its small file system.
const FULL_DIR: &str = "FARWATCH_TEST_FULL_DIR";
const CHILDREN: &str = "store::database::room::tests::";
/// For the mount namespace of the child: `$0` is the directory, `$1` its size, the rest the command.
const MOUNT: &str = r#"mount -t tmpfs -o size="$1" tmpfs "$0" && shift && exec "$@""#;
/// Where SQLite puts temporary files.
const TEMPORARY_DIR: &str = "SQLITE_TMPDIR";
const MIB: u64 = 1024 * 1024;

// More than SQLite sorts in memory.
sql! { SORTED =
"WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 60000)
 SELECT x FROM n ORDER BY hex(randomblob(100)), x" }

/// Of so much that a few of them fill what is left.
fn large(seq: u64) -> Append {
    let row = counters(DEVICE, i64::try_from(seq).unwrap(), 1);
    let random: Vec<u8> = (0..MIB as usize / 8).flat_map(|_| rand::random::<[u8; 8]>()).collect();
    Append { data: random.into(), ..append(seq, &[row]) }
}

async fn is_stored(world: &World, seq: u64) -> bool {
    let durable = world.samples.durable(TENANT, append(0, &[counters(DEVICE, 0, 0)]).agent, &[777]);
    durable.await.unwrap()[0].1.contains(seq)
}

/// What sign-ins and alerts are to the disk.
async fn small_write(world: &World, number: u64) {
    let insert = format!(
        "INSERT INTO site (tenant_id, site_id, name, created_at) VALUES (1, {0}, 's{0}', 0)",
        1_000 + number
    );
    Raw::Sqlite(&world.database).run(composed(insert)).await;
}

/// Somebody else's file, which leaves so much.
fn leave(somebody: &mut File, dir: &Path, left: u64) {
    let free = || farwatch_common::platform::volume_free_bytes(dir).unwrap();
    let over = left.saturating_sub(free());
    let length = somebody.metadata().unwrap().len();
    somebody.set_len(length - over.min(length)).unwrap();
    while free() > left && somebody.write_all(&[1; 4096]).is_ok() {}
}

/// The child: a collector's database on a disk that somebody else fills. As a test by itself it does nothing.
#[tokio::test]
async fn child_fills_its_disk() {
    let Some(dir) = std::env::var_os(FULL_DIR) else { return };
    let dir = Path::new(&dir);
    let world = World::open_in(dir).await;
    let (room, ballast) = (world.database.room(), world.dir.path().join(BALLAST_FILE));
    room.look();
    assert!(!room.is_full() && ballast.exists());
    let path = dir.join("somebody-elses");
    let mut somebody = File::options().create(true).append(true).open(&path).unwrap();

    // Full: nothing is answered that is not stored, and what is small goes on.
    leave(&mut somebody, dir, MIB);
    let mut seq = 0;
    let error = loop {
        match world.samples.append(&[large(seq)], &[]).await {
            Ok(answers) => assert_eq!(answers, [Appended::Stored]),
            Err(error) => break error,
        }
        seq += 1;
    };
    assert!(matches!(error, StoreError::Full { source: Some(_) }), "{error:?}");
    assert!(error.is_retryable() && room.is_full() && !ballast.exists());
    let refused = world.samples.append(&[large(seq)], &[]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Full { source: None }), "{refused:?}");
    assert!(!is_stored(&world, seq).await);
    for number in 0..500 {
        small_write(&world, number).await;
    }
    assert_eq!(world.count("SELECT count(*) FROM site WHERE site_id >= 1000").await, 500);
    let query = SamplesQuery {
        device: DEVICE,
        metric: None,
        object: None,
        from: Micros(0),
        to: Micros(1),
        after: None,
        limit: 1,
    };
    world.samples.samples(&context(TENANT), &query).await.unwrap();

    // A little room is none; ample room is.
    leave(&mut somebody, dir, BALLAST_BYTES + 4 * MIB);
    room.look();
    assert!(room.is_full() && !ballast.exists());
    leave(&mut somebody, dir, 3 * BALLAST_BYTES);
    room.look();
    assert!(!room.is_full() && ballast.exists());
    assert_eq!(world.samples.append(&[large(seq)], &[]).await.unwrap(), [Appended::Stored]);
    let batches = i64::try_from(seq + 1).unwrap();
    assert_eq!(world.count("SELECT count(*) FROM ts_batch").await, batches);

    // Seen before anything fails.
    leave(&mut somebody, dir, FREE_BYTES_MIN - MIB);
    room.look();
    assert!(room.is_full() && !ballast.exists());
    small_write(&world, 500).await;
    world.remove().await;
    println!("stored {batches}");
}

/// The child: where temporary files go there is no room, where the database is there is.
#[tokio::test]
async fn child_sorts_without_room() {
    let Some(_) = std::env::var_os(FULL_DIR) else { return };
    let world = World::open().await;
    let context = context(TENANT);
    for _ in 0..2 {
        let mut txn = world.database.read(&context).await.unwrap();
        let error = SORTED.query().all(&mut txn).await.err().unwrap();
        assert!(matches!(error, StoreError::FullAside { .. }), "{error:?}");
        assert!(error.is_retryable() && !error.is_full());
    }
    let room = world.database.room();
    assert!(!room.is_full());
    // Who writes puts it into memory.
    let mut txn = world.database.ingest(IngestKey::of_a_test(), &[TENANT].into()).await.unwrap();
    assert_eq!(SORTED.query().all(&mut txn).await.unwrap().len(), 60_000);
    drop(txn);
    assert_eq!(world.samples.append(&[large(1)], &[]).await.unwrap(), [Appended::Stored]);
    assert!(!room.is_full());
    world.remove().await;
    println!("stored 1");
}

/// Runs a child with a file system of `size` of its own; `None`: none may be mounted here.
fn with_small_disk(child: &str, size: &str) -> Option<()> {
    let dir = tempfile::tempdir().unwrap();
    let namespaces: [&[&str]; 2] = [&["--mount"], &["--mount", "--map-root-user"]];
    let inside = |namespace: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(namespace).args(["sh", "-c", MOUNT]).arg(dir.path()).arg(size);
        command
    };
    let allowed = namespaces.into_iter().find(|namespace| {
        inside(namespace).arg("true").output().is_ok_and(|ran| ran.status.success())
    });
    let Some(namespace) = allowed else {
        println!("skipped: no file system may be mounted here");
        return None;
    };
    let ran = inside(namespace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", &format!("{CHILDREN}{child}")])
        .env(FULL_DIR, dir.path())
        .env(TEMPORARY_DIR, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{complained}");
    assert!(said.contains("stored "), "{said}");
    Some(())
}

#[test]
fn a_full_disk_holds_bulk_back_until_there_is_room() {
    let _ = with_small_disk("child_fills_its_disk", "80m");
}

#[test]
fn no_room_for_temporary_files_is_no_full_database() {
    let _ = with_small_disk("child_sorts_without_room", "1m");
}

/// SQLite ends a transaction that found the disk full by itself; its driver does not see that.
#[tokio::test]
async fn a_connection_that_failed_is_opened_anew() {
    let world = World::open().await;
    // Counts for the connection, and only for this one.
    let pages = world.count("PRAGMA page_count").await;
    let limit = format!("PRAGMA max_page_count = {}", pages + 8);
    assert_eq!(Raw::Sqlite(&world.database).count(composed(limit)).await, pages + 8);
    let error = world.samples.append(&[large(1)], &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { source: Some(_) }), "{error:?}");
    small_write(&world, 1).await;
    world.database.room().look();
    assert_eq!(world.samples.append(&[large(1)], &[]).await.unwrap(), [Appended::Stored]);
    world.remove().await;
}

#[tokio::test]
async fn a_server_whose_disk_is_full_is_asked_until_it_takes_a_batch() {
    let Some(world) = PostgresWorld::open().await else { return };
    let room = world.database.room().clone();
    world
        .run(
            "CREATE FUNCTION farwatch.full() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$;
             CREATE TRIGGER full_disk BEFORE INSERT ON farwatch.ts_batch
                 EXECUTE FUNCTION farwatch.full()",
        )
        .await;
    let batch = [append(1, &[counters(DEVICE, 0, 1)])];
    for _ in 0..2 {
        let error = world.samples.append(&batch, &[]).await.unwrap_err();
        assert!(matches!(error, StoreError::Full { source: Some(_) }), "{error:?}");
        room.look();
        assert!(room.is_full());
    }
    world.run("DROP TRIGGER full_disk ON farwatch.ts_batch").await;
    assert_eq!(world.samples.append(&batch, &[]).await.unwrap(), [Appended::Stored]);
    assert!(!room.is_full());
    world.remove().await;
}

#[tokio::test]
async fn small_writes_are_no_sign_of_room_while_large_ones_fail() {
    let Some(world) = PostgresWorld::open().await else { return };
    let room = world.database.room().clone();
    world
        .run(
            "CREATE FUNCTION farwatch.full() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN IF length(NEW.data) > 100000 THEN
                    RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END IF; RETURN NEW; END $$;
             CREATE TRIGGER full_disk BEFORE INSERT ON farwatch.ts_batch
                 FOR EACH ROW EXECUTE FUNCTION farwatch.full()",
        )
        .await;
    let small = |seq| append(seq, &[counters(DEVICE, 0, 1)]);
    let large = large(1);
    let stored =
        async |batch: &Append| world.samples.append(std::slice::from_ref(batch), &[]).await;
    stored(&large).await.unwrap_err();
    for seq in 2..5 {
        assert_eq!(stored(&small(seq)).await.unwrap(), [Appended::Stored]);
        assert!(room.is_full());
    }
    world.run("DROP TRIGGER full_disk ON farwatch.ts_batch").await;
    assert_eq!(stored(&large).await.unwrap(), [Appended::Stored]);
    assert!(!room.is_full());
    // Nor do they say anything of what was no batch.
    room.failed(&StoreError::Full { source: None });
    stored(&small(5)).await.unwrap();
    assert!(room.is_full());
    world.remove().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_nobody_asks_again_counts_as_well_after_a_while() {
    let room = Room::elsewhere();
    room.failed(&StoreError::Database(sqlx::Error::PoolTimedOut));
    assert!(!room.is_full());
    room.failed(&StoreError::Full { source: None });
    tokio::time::advance(SERVER_FULL_FOR - Duration::from_secs(1)).await;
    room.look();
    assert!(room.is_full());
    tokio::time::advance(Duration::from_secs(1)).await;
    room.look();
    assert!(!room.is_full());
}
