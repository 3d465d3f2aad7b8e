use farwatch_common::clock::Micros;

use super::*;
use crate::sim::respond::Responder;

const SECOND: i64 = Micros::SECOND;

fn station(more: &str) -> Station {
    let text = format!("at=192.168.88.7:161 name=cpe-7 kind=mikrotik seed=7 interfaces=5 {more}");
    text.parse().unwrap()
}

fn number(responder: &Responder, tail: &[u32], at: Micros) -> Option<i64> {
    let name = [&[1, 3, 6, 1, 2, 1][..], tail].concat();
    responder.mib.get(&name)?.number((at.0 - responder.started.0) as u64)
}

#[test]
fn a_line_is_a_device_and_what_is_wrong_with_it_is_said() {
    let read = station("community=public hot dies=900/180 line=18/6/2 busy=62 flap=3/180/90");
    assert_eq!(read.at.port(), 161);
    assert_eq!(read.dies, Some(Turns { period_s: 900, on_s: 180 }));
    assert_eq!(
        (read.router.uplink_percent, read.router.flaps),
        (Some(62), Some((3, Turns { period_s: 180, on_s: 90 })))
    );
    assert!(read.hot && !read.dead);
    for (bad, wanted) in [
        ("kind=toaster", "toaster"),
        ("community=x", "no kind"),
        ("dies=often", "often"),
        ("colour=red", "colour"),
    ] {
        let error = super::read(&format!("\nat=127.0.0.1:1 {bad}")).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains(wanted) && error.contains("line 2"), "{error}");
    }
}

#[test]
fn what_is_hot_is_above_the_limits_that_every_tenant_begins_with() {
    let now = Micros(1_800_000_000 * SECOND);
    let hot: Station =
        "at=127.0.0.1:1 name=s kind=switch seed=4 interfaces=4 community=c hot".parse().unwrap();
    let temperature = number(&hot.responder().unwrap(), &[99, 1, 1, 1, 4, 1001], now);
    assert!(temperature.is_some_and(|celsius| celsius > 70), "{temperature:?}");
    let hot = station("community=c hot").responder().unwrap();
    assert!(number(&hot, &[25, 3, 3, 1, 2, 1], now).is_some_and(|load| load > 88));
    let cool = station("community=c").responder().unwrap();
    assert!(number(&cool, &[25, 3, 3, 1, 2, 1], now).is_some_and(|load| load < 70));
}

#[test]
fn a_port_that_flaps_counts_only_while_it_is_up() {
    let responder = station("community=c flap=3/180/90").responder().unwrap();
    // The fourth interface of that kind has the index 4.
    let state =
        |s: i64| number(&responder, &[2, 2, 1, 8, 4], Micros(1_800_000_000 * SECOND + s * SECOND));
    let octets = |s: i64| {
        number(&responder, &[31, 1, 1, 1, 6, 4], Micros(1_800_000_000 * SECOND + s * SECOND))
    };
    assert_eq!((state(10), state(100), state(190)), (Some(1), Some(2), Some(1)));
    assert!(octets(10) < octets(80));
    assert_eq!(octets(95), octets(170));
}

#[test]
fn who_dies_is_silent_for_a_while() {
    let mut responder = station("community=public dies=900/180").responder().unwrap();
    let question =
        b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x05\x02\x01\x00\x02\x01\x00\
                     \x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x03\x00\x05\x00";
    let mut asked = |s: i64| responder.respond(question, Micros((900 * 2_000_000 + s) * SECOND));
    assert!(asked(10).is_none() && asked(179).is_none());
    assert!(asked(181).is_some() && asked(899).is_some());
}
