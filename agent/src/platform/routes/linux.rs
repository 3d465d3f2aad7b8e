use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::Network;

const IPV4_TABLE: &str = "/proc/net/route";
const IPV6_TABLE: &str = "/proc/net/ipv6_route";
/// linux/route.h
const UP: u32 = 0x1;
const UP_AND_GATEWAY: u32 = 0x3;
const REJECT: u32 = 0x200;

/// Networks of one host; more are left out.
const NETWORKS_MAX: usize = 64;
/// How the links of containers and virtual machines begin.
const INSIDE: [&str; 10] =
    ["docker", "br-", "veth", "virbr", "cni", "flannel", "podman", "lxc", "lxdbr", "cali"];

/// The networks of IPv4 that this host is in, without loopback, link-local ones and those of containers.
#[must_use]
pub fn networks() -> Vec<Network> {
    on_link(&std::fs::read_to_string(IPV4_TABLE).unwrap_or_default())
}

/// The next hop of the default route with the lowest metric; over IPv6 only where IPv4 has none. The
/// port means nothing.
#[must_use]
pub fn default_gateway() -> Option<SocketAddr> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    if let Some(gateway) = ipv4_gateway(&read(IPV4_TABLE)) {
        return Some((gateway, 0).into());
    }
    let table = read(IPV6_TABLE);
    let (gateway, interface) = ipv6_gateway(&table)?;
    // A link-local address means nothing without its interface.
    let index = read(&format!("/sys/class/net/{interface}/ifindex")).trim().parse().ok();
    let zone = if gateway.is_unicast_link_local() { index? } else { 0 };
    Some(SocketAddrV6::new(gateway, 0, 0, zone).into())
}

/// Columns: interface, destination, gateway, flags, use counts, metric, mask; addresses as numbers of
/// this machine, in hexadecimal digits.
fn ipv4_gateway(table: &str) -> Option<Ipv4Addr> {
    let routes = table.lines().skip(1).filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, to, via, flags, _, _, metric, mask, ..] = *columns else { return None };
        let hex = |text| u32::from_str_radix(text, 16).ok();
        let is_default = hex(to)? == 0 && hex(mask)? == 0 && is_gateway(hex(flags)?);
        let metric: u32 = metric.parse().ok()?;
        is_default.then_some((metric, Ipv4Addr::from(hex(via)?.to_ne_bytes())))
    });
    // Of equal ones the first, as the kernel takes it.
    routes.min_by_key(|(metric, _)| *metric).map(|(_, via)| via)
}

/// The networks that a route into the link itself leads to.
fn on_link(table: &str) -> Vec<Network> {
    let routes = table.lines().skip(1).filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [interface, to, via, flags, _, _, _, mask, ..] = *columns else { return None };
        let hex = |text| u32::from_str_radix(text, 16).ok();
        let flags = hex(flags)?;
        let is_on_link = flags & UP == UP && flags & REJECT == 0 && hex(via)? == 0;
        let address = Ipv4Addr::from(hex(to)?.to_ne_bytes());
        let mask = u32::from_be_bytes(hex(mask)?.to_ne_bytes());
        let is_of_site = !address.is_loopback()
            && !address.is_link_local()
            && !address.is_multicast()
            && !INSIDE.iter().any(|prefix| interface.starts_with(prefix));
        let prefix = mask.leading_ones();
        let is_network = is_on_link && is_of_site && (1..=31).contains(&prefix);
        is_network.then(|| Network { interface: interface.to_owned(), address, prefix })
    });
    let mut networks: Vec<Network> = Vec::new();
    for network in routes {
        // A host with two interfaces in a network has two routes.
        let is_known =
            |known: &Network| (known.address, known.prefix) == (network.address, network.prefix);
        if networks.len() < NETWORKS_MAX && !networks.iter().any(is_known) {
            networks.push(network);
        }
    }
    networks
}

/// Columns: destination and its length, source and its length, next hop, metric, use counts, flags,
/// interface; all numbers in hexadecimal digits.
fn ipv6_gateway(table: &str) -> Option<(Ipv6Addr, &str)> {
    let routes = table.lines().filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [to, length, _, _, via, metric, _, _, flags, interface] = *columns else { return None };
        let hex = |text| u32::from_str_radix(text, 16).ok();
        let address = |text| u128::from_str_radix(text, 16).ok();
        let is_default = address(to)? == 0 && hex(length)? == 0 && is_gateway(hex(flags)?);
        is_default.then_some((hex(metric)?, Ipv6Addr::from_bits(address(via)?), interface))
    });
    routes.min_by_key(|(metric, _, _)| *metric).map(|(_, via, interface)| (via, interface))
}

fn is_gateway(flags: u32) -> bool {
    flags & UP_AND_GATEWAY == UP_AND_GATEWAY && flags & REJECT == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_with_the_lowest_metric_counts() {
        // What this machine would print for these bytes.
        let number = |address: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(address));
        let route = |via, flags, metric| {
            format!("eth0\t00000000\t{}\t{flags}\t0\t0\t{metric}\t00000000\t0\t0\t0", number(via))
        };
        let table = [
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT"
                .into(),
            route([192, 0, 2, 1], "0003", 600),
            route([192, 0, 2, 2], "0003", 100),
            route([192, 0, 2, 3], "0003", 100),
            // A route into the link itself, and one that is down.
            route([0, 0, 0, 0], "0001", 0),
            route([192, 0, 2, 4], "0002", 0),
            format!("eth0\t{}\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0", number([192, 0, 2, 0])),
        ];
        assert_eq!(ipv4_gateway(&table.join("\n")), Some(Ipv4Addr::new(192, 0, 2, 2)));
        assert_eq!(ipv4_gateway(&table[0]), None);
        assert_eq!(ipv4_gateway("no table"), None);
    }

    #[test]
    fn networks_are_those_of_the_site() {
        let number = |address: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(address));
        let route = |name, to, via, flags, mask| {
            let (to, via, mask) = (number(to), number(via), number(mask));
            format!("{name}\t{to}\t{via}\t{flags}\t0\t0\t0\t{mask}\t0\t0\t0")
        };
        let (none, wide) = ([0; 4], [255, 255, 255, 0]);
        let table = [
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask".to_owned(),
            route("eth0", none, [192, 168, 88, 1], "0003", none),
            route("eth0", [192, 168, 88, 0], none, "0001", wide),
            route("wlan0", [192, 168, 88, 0], none, "0001", wide),
            route("eth1.7", [10, 0, 0, 4], none, "0001", [255, 255, 255, 252]),
            route("docker0", [172, 17, 0, 0], none, "0001", [255, 255, 0, 0]),
            route("br-12ab", [172, 18, 0, 0], none, "0001", [255, 255, 0, 0]),
            route("eth0", [169, 254, 0, 0], none, "0001", [255, 255, 0, 0]),
            route("tun0", [10, 9, 9, 9], none, "0005", [255; 4]),
            route("eth0", [10, 5, 0, 0], none, "0200", [255, 255, 0, 0]),
            route("eth0", [10, 6, 0, 0], [192, 168, 88, 2], "0003", [255, 255, 0, 0]),
        ];
        let network = |interface: &str, address: [u8; 4], prefix| Network {
            interface: interface.to_owned(),
            address: address.into(),
            prefix,
        };
        let expected =
            [network("eth0", [192, 168, 88, 0], 24), network("eth1.7", [10, 0, 0, 4], 30)];
        assert_eq!(on_link(&table.join("\n")), expected);
        assert!(on_link("no table").is_empty());
    }

    #[test]
    fn a_rejecting_route_over_ipv6_is_no_way_out() {
        let zero = "0".repeat(32);
        let route = |via: &str, metric, flags, name| {
            format!("{zero} 00 {zero} 00 {via} {metric} 00000000 00000000 {flags} {name}")
        };
        let near = "fe80000000000000021122fffe334455";
        let table = [
            route(near, "00000400", "00000003", "eth0"),
            route("20010db8000000000000000000000001", "00000800", "00000003", "eth1"),
            route(&zero, "00000000", "00200203", "lo"),
        ];
        let table = table.join("\n");
        assert_eq!(
            ipv6_gateway(&table),
            Some(("fe80::211:22ff:fe33:4455".parse().unwrap(), "eth0"))
        );
    }
}
