use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_common::secret::Secret;

use super::*;

const OWNER: Owner = Owner { tenant: TenantId(1), site: SiteId(2), agent: AgentId(3) };

fn outcome(job: i64, bytes: usize) -> Outcome {
    let key = Some(Secret::from("canary-of-32-bytes-canary-of-32-"));
    Outcome { job: ConfigJobId(job), whole: vec![7; bytes], key }
}

fn jobs(outbox: &Outbox) -> Vec<i64> {
    outbox.held().borrow().files.keys().map(|job| job.0).collect()
}

#[test]
fn outcomes_survive_a_restart_and_their_keys_are_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path(), OWNER).unwrap();
    outbox.keep(&outcome(9, 100)).unwrap();
    outbox.keep(&Outcome { key: None, ..outcome(5, 10) }).unwrap();
    let bytes = outbox.held().borrow().bytes;
    let again = Outbox::open(dir.path(), OWNER).unwrap();
    assert_eq!((jobs(&again), again.held().borrow().bytes), (vec![5, 9], bytes));
    let held = again.held();
    let oldest = held.borrow().after(None);
    assert_eq!(oldest, Some(ConfigJobId(5)));
    assert_eq!(held.borrow().after(oldest), Some(ConfigJobId(9)));
    assert_eq!(held.borrow().after(Some(ConfigJobId(9))), None);
    let waiting = again.load(ConfigJobId(9)).unwrap().unwrap();
    assert_eq!((waiting.whole.len(), waiting.key), (100, outcome(9, 0).key));
    assert_eq!(&waiting.hash, blake3::hash(&[7; 100]).as_bytes());
    assert_eq!(again.load(ConfigJobId(5)).unwrap().unwrap().key, None);
    let kept = std::fs::read(again.path(ConfigJobId(9))).unwrap();
    assert!(!kept.windows(6).any(|bytes| bytes == b"canary"));
    again.forget(ConfigJobId(9), Gone::Sent);
    again.forget(ConfigJobId(5), Gone::Lost);
    assert_eq!((again.gone(), again.held().borrow().bytes), ((1, 1), 0));
    assert_eq!(jobs(&Outbox::open(dir.path(), OWNER).unwrap()), [0; 0]);
}

#[test]
fn what_is_of_no_use_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path(), OWNER).unwrap();
    outbox.keep(&outcome(1, 100)).unwrap();
    let good = std::fs::read(outbox.path(ConfigJobId(1))).unwrap();
    let place = |name: &str| dir.path().join(DIR).join(name);
    // Half written, cut off, of another job, not ours at all.
    std::fs::write(place(".tmpAbCd"), &good).unwrap();
    std::fs::write(outbox.path(ConfigJobId(2)), &good[..40]).unwrap();
    std::fs::write(outbox.path(ConfigJobId(3)), &good).unwrap();
    std::fs::write(place("note.txt"), "x").unwrap();
    let again = Outbox::open(dir.path(), OWNER).unwrap();
    assert_eq!(jobs(&again), [1]);
    assert_eq!(std::fs::read_dir(dir.path().join(DIR)).unwrap().count(), 1);
    let agent = Owner { agent: AgentId(9), ..OWNER };
    for other in [agent, Owner { tenant: TenantId(9), ..OWNER }] {
        std::fs::write(again.path(ConfigJobId(1)), &good).unwrap();
        assert_eq!(jobs(&Outbox::open(dir.path(), other).unwrap()), [0; 0], "{other:?}");
    }
}

#[test]
fn a_damaged_outcome_is_dropped_when_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path(), OWNER).unwrap();
    outbox.keep(&outcome(1, 100)).unwrap();
    let path = outbox.path(ConfigJobId(1));
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(outbox.load(ConfigJobId(1)).unwrap().is_none());
    assert_eq!((jobs(&outbox), outbox.gone()), (vec![], (0, 1)));
    assert!(!path.exists());
}

#[test]
fn what_cannot_be_read_now_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path(), OWNER).unwrap();
    outbox.keep(&outcome(1, 100)).unwrap();
    let (path, aside) = (outbox.path(ConfigJobId(1)), dir.path().join("aside"));
    std::fs::rename(&path, &aside).unwrap();
    // Reading a folder fails, also for root.
    std::fs::create_dir(&path).unwrap();
    outbox.load(ConfigJobId(1)).unwrap_err();
    assert_eq!((jobs(&outbox), outbox.gone()), (vec![1], (0, 0)));
    assert_eq!(jobs(&Outbox::open(dir.path(), OWNER).unwrap()), [0; 0]);
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(&aside, &path).unwrap();
    assert!(outbox.load(ConfigJobId(1)).unwrap().is_some());
    assert_eq!(jobs(&Outbox::open(dir.path(), OWNER).unwrap()), [1]);
}

#[test]
fn bytes_and_outcomes_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path(), OWNER).unwrap();
    let large = usize::try_from(OUTBOX_BYTES_MAX / 2).unwrap();
    outbox.keep(&outcome(1, large - 1000)).unwrap();
    assert!(outbox.has_room(0) && outbox.has_room(OUTCOMES_MAX - 2));
    assert!(!outbox.has_room(OUTCOMES_MAX - 1), "jobs that are taken have outcomes too");
    outbox.keep(&outcome(2, large - 1000)).unwrap();
    assert!(matches!(outbox.keep(&outcome(3, 5000)), Err(OutboxError::Full)));
    outbox.keep(&outcome(3, 3000)).expect("a failure has room");
    assert!(!outbox.has_room(0));
    outbox.forget(ConfigJobId(1), Gone::Sent);
    outbox.keep(&outcome(4, 5000)).unwrap();
    assert!(outbox.has_room(0));
}
