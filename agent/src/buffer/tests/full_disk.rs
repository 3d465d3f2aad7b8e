//! A real full disk: a small file system of its own, which takes the right to mount one. Where there
//! is none, the test says so and does nothing.

use std::process::Command;

use super::*;

/// Set for the child process, inside its small file system.
const FULL_DIR: &str = "FARWATCH_TEST_FULL_DIR";
const CHILD: &str = "buffer::tests::full_disk::child_fills_its_disk";
/// For the mount namespace of the child: `$0` is the directory, the rest the command.
const MOUNT: &str = r#"mount -t tmpfs -o size=12m tmpfs "$0" && exec "$@""#;
const ROWS: u64 = 24_000;

/// The child: pushes twice what its disk holds. As a test by itself it does nothing.
#[tokio::test]
async fn child_fills_its_disk() {
    let Some(dir) = std::env::var_os(FULL_DIR) else { return };
    let dir = Path::new(&dir);
    let cap_bytes = 16 * MIB;
    let ballast_bytes = ballast::bytes_for(cap_bytes);
    let running = Running::start(BufferConfig { cap_bytes, ballast_bytes, ..config(dir) });
    assert!(dir.join("buffer.ballast").exists());
    let now = running.clock.now();
    running.push(facts(1, now)).await;
    for number in 0..ROWS {
        running.push(row(number.cast_signed(), now)).await;
    }
    let Running { buffer, observations, stopped, clock } = running;
    drop(observations);
    let flushed = buffer.state().wait_for(|state| state.flushed).await.unwrap().clone();
    assert_eq!(flushed.trouble, None, "the buffer goes on");
    assert!(dir.join("buffer.ballast").exists(), "for the next time");
    let (observations, _closed) = outlet::channel(1);
    let running = Running { buffer, observations, stopped, clock };
    // Each answer is acknowledged: the last of the gaps comes once there is room for it.
    let (mut kept, mut lost, mut state) = (0, 0, running.buffer.state());
    while kept + lost < ROWS {
        let found = running.all().await;
        if found.is_empty() {
            state.changed().await.unwrap();
        }
        let rows = found.iter().filter(|outgoing| outgoing.batch.codec == 1);
        let decoded = rows.map(|outgoing| batch::decode_rows(&outgoing.batch.data).unwrap().len());
        kept += decoded.sum::<usize>() as u64;
        lost += gaps(&found).iter().map(|gap| gap.count).sum::<u64>();
        running.acked(&found).await;
    }
    assert_eq!(kept + lost, ROWS, "each row is there or counted");
    assert!(lost > 0, "the disk was full");
    running.stop().await;
    println!("kept {kept}, lost {lost}");
}

/// The child: a file of before waits on a disk that is full. As a test by itself it does nothing.
#[tokio::test]
async fn child_is_upgraded_on_a_full_disk() {
    let Some(dir) = std::env::var_os(FULL_DIR) else { return };
    let dir = Path::new(&dir);
    let cap_bytes = 8 * MIB;
    let ballast_bytes = ballast::bytes_for(cap_bytes);
    let config = BufferConfig { cap_bytes, ballast_bytes, ..config(dir) };
    let running = Running::start(config.clone());
    let now = running.clock.now();
    for number in 0..ROWS / 6 {
        running.push(row(number.cast_signed(), now)).await;
    }
    let Running { buffer, observations, stopped, clock } = running;
    drop(observations);
    buffer.state().wait_for(|state| state.flushed).await.unwrap();
    drop(buffer);
    stopped.wait().await.unwrap();
    before_0004(dir);
    assert!(dir.join("buffer.ballast").exists());
    fill_up(dir);
    let (observations, inlet) = outlet::channel(OBSERVATIONS_MAX);
    let (buffer, stopped) = start(config, inlet, clock.clone()).unwrap();
    let running = Running { buffer, observations, stopped, clock };
    running.measured(0).await;
    let (mut kept, mut lost, mut state) = (0, 0, running.buffer.state());
    while kept + lost < ROWS / 6 {
        let found = running.all().await;
        if found.is_empty() {
            state.changed().await.unwrap();
        }
        let rows = found.iter().filter(|outgoing| outgoing.batch.codec == 1);
        let decoded = rows.map(|outgoing| batch::decode_rows(&outgoing.batch.data).unwrap().len());
        kept += decoded.sum::<usize>() as u64;
        lost += gaps(&found).iter().map(|gap| gap.count).sum::<u64>();
        running.acked(&found).await;
    }
    assert_eq!(kept + lost, ROWS / 6, "each row is there or counted");
    assert!(kept > ROWS / 12, "most of it");
    running.stop().await;
    println!("kept {kept}, lost {lost}");
}

#[test]
fn a_file_of_before_is_migrated_on_a_full_disk() {
    runs_on_a_small_disk("buffer::tests::full_disk::child_is_upgraded_on_a_full_disk");
}

#[test]
fn a_full_disk_costs_the_oldest_and_nothing_uncounted() {
    runs_on_a_small_disk(CHILD);
}

fn runs_on_a_small_disk(child: &str) {
    let dir = tempfile::tempdir().unwrap();
    let namespaces: [&[&str]; 2] = [&["--mount"], &["--mount", "--map-root-user"]];
    let inside = |namespace: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(namespace).args(["sh", "-c", MOUNT]).arg(dir.path());
        command
    };
    let allowed = namespaces.into_iter().find(|namespace| {
        inside(namespace).arg("true").output().is_ok_and(|ran| ran.status.success())
    });
    let Some(namespace) = allowed else {
        println!("skipped: no file system may be mounted here");
        return;
    };
    let ran = inside(namespace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", child])
        .env(FULL_DIR, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{complained}");
    assert!(said.contains("kept "), "{said}");
}

/// The child: a damaged file waits on a disk that is full. As a test by itself it does nothing.
#[tokio::test]
async fn child_is_salvaged_on_a_full_disk() {
    let Some(dir) = std::env::var_os(FULL_DIR) else { return };
    let dir = Path::new(&dir);
    let cap_bytes = 8 * MIB;
    let ballast_bytes = ballast::bytes_for(cap_bytes);
    let config = BufferConfig { cap_bytes, ballast_bytes, ..config(dir) };
    let running = Running::start(config.clone());
    let now = running.clock.now();
    for number in 0..ROWS / 6 {
        running.push(row(number.cast_signed(), now)).await;
    }
    let Running { buffer, observations, stopped, clock } = running;
    drop(observations);
    buffer.state().wait_for(|state| state.flushed).await.unwrap();
    drop(buffer);
    stopped.wait().await.unwrap();
    assert!(dir.join("buffer.ballast").exists());
    let path = dir.join("buffer.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'waiting_by_order'";
    let root: usize = connection.query_row(root, [], |row| row.get::<_, i64>(0)).unwrap() as _;
    drop(connection);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[(root - 1) * 4096..root * 4096].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    fill_up(dir);
    let (observations, inlet) = outlet::channel(OBSERVATIONS_MAX);
    let (buffer, stopped) = start(config, inlet, clock.clone()).unwrap();
    let stream_id = buffer.state().borrow().stream_id;
    let running = Running { buffer, observations, stopped, clock };
    running.measured(0).await;
    let (mut kept, mut lost, mut state) = (0, 0, running.buffer.state());
    while kept + lost < ROWS / 6 {
        let found = running.all().await;
        if found.is_empty() {
            state.changed().await.unwrap();
        }
        assert!(found.iter().all(|outgoing| outgoing.batch.stream_id == stream_id));
        let rows = found.iter().filter(|outgoing| outgoing.batch.codec == 1);
        let decoded = rows.map(|outgoing| batch::decode_rows(&outgoing.batch.data).unwrap().len());
        kept += decoded.sum::<usize>() as u64;
        lost += gaps(&found).iter().map(|gap| gap.count).sum::<u64>();
        running.acked(&found).await;
    }
    assert_eq!(kept + lost, ROWS / 6, "each row is there or counted");
    running.stop().await;
    println!("kept {kept}, lost {lost}");
}

#[test]
fn what_a_full_disk_leaves_of_a_damaged_file_is_counted() {
    runs_on_a_small_disk("buffer::tests::full_disk::child_is_salvaged_on_a_full_disk");
}

/// Nothing is free beside the ballast.
fn fill_up(dir: &Path) {
    let mut filler = std::fs::File::create(dir.join("filler")).unwrap();
    let mut bytes = vec![1; 1024 * 1024];
    while !bytes.is_empty() {
        while std::io::Write::write_all(&mut filler, &bytes).is_ok() {}
        bytes.truncate(bytes.len() / 2);
    }
}
