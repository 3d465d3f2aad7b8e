use farwatch_proto::v1::config_outcome::Kind;

use super::*;
use crate::history::fixture::{HOST_KEY, KEY, large, packed, packed_kind, sealed, snapshot};

const JOB: ConfigJobId = ConfigJobId(7);

fn taken(whole: &[u8]) -> Result<Outcome, Broken> {
    read(whole, blake3::hash(whole).as_bytes(), JOB, Secret::new(KEY.to_vec()))
}

fn refused(snapshot: ConfigSnapshot) -> Broken {
    taken(&packed(snapshot)).unwrap_err()
}

#[test]
fn a_sound_snapshot_is_taken_and_its_raw_opens() {
    let whole = packed(snapshot(JOB, "hostname r1\n\tä\n"));
    let Outcome::Snapshot(taken) = taken(&whole).unwrap() else { panic!("no snapshot") };
    assert_eq!(taken.text, "hostname r1\n\tä\n");
    assert_eq!(taken.facts, ["version 15.2"]);
    let raw = open_raw(&taken.raw, JOB, &taken.key).unwrap();
    assert_eq!(raw.expose(), "hostname r1\n\tä\nsecret s3cr3t-7\n".as_bytes());
    assert_eq!(raw.expose().len() as u64, taken.raw_bytes);
    assert!(open_raw(&taken.raw, ConfigJobId(8), &taken.key).is_err());
    assert!(open_raw(&taken.raw, JOB, &Secret::new(vec![8; 32])).is_err());
    let other = read(&whole, &[0; 32], JOB, Secret::new(KEY.to_vec()));
    assert_eq!(other.unwrap_err(), Broken::Hash);
}

#[test]
fn what_breaks_a_limit_is_refused() {
    let good = || snapshot(JOB, "a\n");
    let limit = |what| Broken::Limit { what };
    for (broken, what) in [
        (ConfigSnapshot { platform: "I OS".into(), ..good() }, "platform"),
        (ConfigSnapshot { normalised: "a\x1b[2J\n".into(), ..good() }, "text"),
        (ConfigSnapshot { normalised: "a\r\n".into(), ..good() }, "text"),
        (ConfigSnapshot { normalised: large(TEXT_BYTES_MAX + 1), ..good() }, "text"),
        (ConfigSnapshot { significant: vec![0; 31], ..good() }, "significant"),
        (ConfigSnapshot { facts: vec![String::new(); FACTS_MAX + 1], ..good() }, "facts"),
        (ConfigSnapshot { facts: vec!["é".repeat(FACT_CHARS_MAX + 1)], ..good() }, "facts"),
        (ConfigSnapshot { facts: vec!["a\n".into()], ..good() }, "facts"),
        (ConfigSnapshot { host_key: "SHA256:x".into(), ..good() }, "host_key"),
        (ConfigSnapshot { raw_bytes: 1, ..good() }, "raw_bytes"),
    ] {
        assert_eq!(refused(broken), limit(what));
    }
    assert_eq!(refused(ConfigSnapshot { raw: vec![1; 40], ..good() }), Broken::Raw);
    let without_key = read(
        &packed(good()),
        blake3::hash(&packed(good())).as_bytes(),
        JOB,
        Secret::new(Vec::new()),
    );
    assert_eq!(without_key.unwrap_err(), limit("key"));
    let largest = ConfigSnapshot {
        facts: vec!["é".repeat(FACT_CHARS_MAX); FACTS_MAX],
        host_key: HOST_KEY.into(),
        ..good()
    };
    assert!(taken(&packed(largest)).is_ok());
}

#[test]
fn failures_are_held_to_limits_too() {
    let failure = |cause: &str, advice: &str, host_key: &str| {
        let (cause, advice, host_key) = (cause.into(), advice.into(), host_key.into());
        taken(&packed_kind(Kind::Failure(ConfigFailure { cause, advice, host_key })))
    };
    let Outcome::Failure(taken) = failure("login", "Check it.", "").unwrap() else { panic!() };
    let expected = Failure { cause: "login".into(), advice: "Check it.".into(), host_key: None };
    assert_eq!(taken, expected);
    for (cause, advice, host_key) in [
        ("", "a", ""),
        ("Log in", "a", ""),
        ("login", "a\nb", ""),
        ("login", &"a".repeat(ADVICE_CHARS_MAX + 1), ""),
        ("login", "a", "MD5:00"),
    ] {
        assert!(failure(cause, advice, host_key).is_err(), "{cause} {host_key}");
    }
}

#[test]
fn bombs_and_noise_are_refused_before_they_are_large() {
    let zeros = vec![0; UNPACKED_BYTES_MAX + 1];
    for bomb in [&zeros[..], &zeros[..RATIO_FREE_BYTES + 1]] {
        let bomb = zstd::bulk::compress(bomb, 3).unwrap();
        assert!(bomb.len() < 8192);
        assert_eq!(taken(&bomb).unwrap_err(), Broken::Compression);
    }
    // Millions of empty facts are a few bytes here: field 5 of field 3.
    let facts = [0x2a, 0].repeat(1_000_000);
    let mut message = vec![0x1a];
    prost::encoding::encode_varint(facts.len() as u64, &mut message);
    message.extend(&facts);
    let many = zstd::bulk::compress(&message, 3).unwrap();
    assert_eq!(taken(&many).unwrap_err(), Broken::Limit { what: "facts" });
    assert_eq!(taken(&sealed(JOB, b"noise")).unwrap_err(), Broken::Compression);
    for noise in [&b""[..], b"\xff\xff", b"\x1a\x05ab", b"\x08\x01"] {
        let noise = zstd::bulk::compress(noise, 3).unwrap();
        assert_eq!(taken(&noise).unwrap_err(), Broken::Malformed);
    }
}
