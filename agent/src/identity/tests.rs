use farwatch_common::clock::Micros;
use rcgen::{CertificateParams, KeyPair};

use super::*;

fn credentials() -> Credentials {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    let identity = Identity {
        chain: vec![certificate.der().clone()],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    };
    Credentials {
        tenant: TenantId(1),
        site: SiteId(2),
        agent: AgentId(3),
        name: "depot".into(),
        not_after: not_after(&identity.chain[0]).unwrap(),
        identity,
        root: certificate.der().clone(),
        collectors: vec!["noc.example:443".into()],
        renew_after: Micros(1_000_000),
        passed: Micros(0),
    }
}

#[test]
fn an_identity_is_kept_whole() {
    let dir = tempfile::tempdir().unwrap();
    assert!(load(dir.path()).unwrap().is_none());
    let saved = credentials();
    saved.save(dir.path()).unwrap();
    let loaded = load(dir.path()).unwrap().unwrap();
    assert_eq!((loaded.agent, loaded.not_after), (saved.agent, saved.not_after));
    assert_eq!(loaded.identity.chain, saved.identity.chain);
    assert_eq!(loaded.identity.key, saved.identity.key);
    assert!(loaded.tls().is_ok());
}

#[test]
fn certificates_are_judged_at_the_latest_time_that_both_clocks_have_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut known = credentials();
    let day = |day: i64| Micros(day * 24 * 3600 * Micros::SECOND);
    // (this host, the collector, what has passed)
    let cases = [(5, 5, 5), (0, 9, 5), (400_000, 7, 7), (3, 3, 7), (8, 30, 7), (30, 30, 30)];
    for (ours, theirs, passed) in cases {
        let is_news = known.note_passed(day(ours), day(theirs));
        assert_eq!((known.passed, is_news), (day(passed), passed == ours.min(theirs)));
    }
    known.save(dir.path()).unwrap();
    assert_eq!(load(dir.path()).unwrap().unwrap().passed, day(30));
    // What was written before this was kept is read as well.
    let path = dir.path().join(FILE_NAME);
    let text = std::fs::read_to_string(&path).unwrap().replace("passed_us", "other_us");
    std::fs::write(&path, text).unwrap();
    assert_eq!(load(dir.path()).unwrap().unwrap().passed, Micros(0));
}

#[test]
fn a_damaged_identity_is_named_and_not_used() {
    let dir = tempfile::tempdir().unwrap();
    credentials().save(dir.path()).unwrap();
    let path = dir.path().join(FILE_NAME);
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 10, whole.len() / 2] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains(FILE_NAME) && error.contains("--force"), "{error}");
    }
}

#[test]
fn renewal_is_spread_and_never_late() {
    let mut credentials = credentials();
    credentials.renew_after = Micros(100 * Micros::SECOND);
    let now = Micros(0);
    assert_eq!(renew_at(&credentials, now, 0.0), Micros(100 * Micros::SECOND));
    assert_eq!(renew_at(&credentials, now, 1.0), Micros(90 * Micros::SECOND));
    assert_eq!(renew_at(&credentials, Micros(200 * Micros::SECOND), 1.0).0, 100 * Micros::SECOND);
}
