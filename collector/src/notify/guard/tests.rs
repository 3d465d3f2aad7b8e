use super::*;

fn refused(url: &str) -> Forbidden {
    let target = Target::url(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    let refused = Guard::default().target(&target, Service::Http);
    refused.expect_err(url)
}

#[test]
fn literals_are_found_in_every_notation() {
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.０.０.１",
        "127。0。0。1",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "0",
        "0.0.0.0",
        "[::]",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "3232235777",
        "169.254.169.254",
        "0xa9fea9fe",
        "[fd00:ec2::254]",
        "100.64.0.1",
        "100.127.255.255",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "[fe80::1]",
        "[fc00::1]",
        "[fdff::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[100::1]",
        "[4000::1]",
    ] {
        let why = refused(&format!("https://{host}/x"));
        assert!(matches!(why, Forbidden::Address(_)), "{host}: {why}");
    }
}

#[test]
fn the_public_internet_is_open_on_two_ports_by_tls() {
    let guard = Guard::default();
    let may = |url: &str| guard.target(&Target::url(url).unwrap(), Service::Http);
    for url in [
        "https://9.9.9.9/x",
        "https://[2620:fe::fe]/x",
        "https://172.32.0.1:8443/",
        "https://100.128.0.1/",
        "https://hooks.example.com/a?b=c",
    ] {
        assert_eq!(may(url), Ok(()), "{url}");
    }
    assert_eq!(may("http://hooks.example.com/"), Err(Forbidden::Plain));
    assert_eq!(may("http://9.9.9.9:443/"), Err(Forbidden::Plain));
    assert_eq!(may("https://hooks.example.com:22/"), Err(Forbidden::Port(22)));
    assert_eq!(may("https://9.9.9.9:9200/"), Err(Forbidden::Port(9200)));
    let broker = Target::broker("mqtt.example.com", 8883, true).unwrap();
    assert_eq!(guard.target(&broker, Service::Mqtt), Ok(()));
    assert_eq!(guard.target(&broker, Service::Http), Err(Forbidden::Port(8883)));
}

#[test]
fn the_administrator_opens_networks_and_no_more() {
    let network = Network::read("10.1.2.0/24").unwrap();
    let guard = Guard {
        allow: vec![
            Allowed { network, ports: vec![], plain: false },
            Allowed { network: Network::read("10.9.9.9").unwrap(), ports: vec![80], plain: true },
        ],
        own: vec!["10.1.2.5:443".parse().unwrap()],
    };
    let may = |to: &str, plain| guard.address(to.parse().unwrap(), plain, Service::Http);
    assert_eq!(may("10.1.2.200:443", false), Ok(()));
    assert_eq!(may("10.9.9.9:80", true), Ok(()));
    assert_eq!(may("10.1.2.5:443", false), Err(Forbidden::Own));
    for (to, plain) in [
        ("10.1.2.200:80", true),
        ("10.1.2.200:443", true),
        ("10.1.2.200:9200", false),
        ("10.1.3.1:443", false),
        ("10.9.9.9:81", true),
        ("10.9.9.8:80", true),
        ("[::ffff:10.1.2.200]:443", false),
    ] {
        assert!(may(to, plain).is_err(), "{to}");
    }
}

#[test]
fn networks_are_read_and_hold_their_addresses() {
    for (text, inside, outside) in [
        ("10.1.2.0/24", "10.1.2.255", "10.1.3.0"),
        ("0.0.0.0/0", "255.1.2.3", "::1"),
        ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("fd00::/8", "fdff::1", "fc00::1"),
        ("::/0", "ff02::1", "0.0.0.0"),
    ] {
        let network = Network::read(text).unwrap();
        assert!(network.holds(inside.parse().unwrap()), "{text} {inside}");
        assert!(!network.holds(outside.parse().unwrap()), "{text} {outside}");
    }
    for text in ["", "10.0.0.0/33", "::/129", "10.0.0.0/x", "example.com", "10.0.0/8"] {
        assert!(Network::read(text).is_none(), "{text}");
    }
}

/// Against the standard library's view of the same address.
#[test]
fn no_address_that_the_library_calls_local_gets_through() {
    let mut state = 7u64;
    for _ in 0..200_000 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let ip = Ipv4Addr::from((state >> 32) as u32);
        let local = ip.is_loopback()
            || ip.is_private()
            || ip.is_link_local()
            || ip.is_multicast()
            || ip.is_broadcast()
            || ip.is_unspecified()
            || ip.is_documentation();
        assert!(!local || special(ip.into()).is_some(), "{ip}");
        for v6 in [ip.to_ipv6_mapped(), ip.to_ipv6_compatible()] {
            assert!(special(v6.into()).is_some(), "{v6}");
        }
        let wide = (u128::from(state) << 64) | u128::from(state.rotate_left(17));
        let v6 = Ipv6Addr::from(wide);
        let local = v6.is_loopback()
            || v6.is_multicast()
            || v6.is_unique_local()
            || v6.is_unicast_link_local()
            || v6.is_unspecified();
        assert!(!local || special(v6.into()).is_some(), "{v6}");
    }
}
