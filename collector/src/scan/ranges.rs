//! Core: which addresses a scan is to ask, as people write them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Ranges of one scan.
pub const RANGES_MAX: usize = 64;
/// Addresses of all of them together: sixteen networks of 256.
pub const ADDRESSES_MAX: usize = 4_096;
/// Longest text of a range: two addresses and what stands between.
const TEXT_BYTES_MAX: usize = 40;

/// Why ranges cannot be scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangesError {
    #[error("must be 1 to {RANGES_MAX} ranges")]
    Count,
    #[error(
        "must be a network like 192.168.88.0/24, two addresses like 10.0.0.1-10.0.0.99, or one \
             address, of IPv4"
    )]
    Form { range: usize },
    #[error("ends before it begins")]
    Backwards { range: usize },
    #[error("holds addresses that no host has: 0.x.x.x, and 224.x.x.x and above")]
    NoHosts { range: usize },
    #[error("is more than the {ADDRESSES_MAX} addresses that one scan may ask; make several of it")]
    TooMany { range: usize },
}

impl RangesError {
    /// Which of the ranges it is, if it is one.
    #[must_use]
    pub fn range(self) -> Option<usize> {
        match self {
            Self::Count => None,
            Self::Form { range }
            | Self::Backwards { range }
            | Self::NoHosts { range }
            | Self::TooMany { range } => Some(range),
        }
    }
}

/// The addresses of all ranges, each once, in their order. A network's own address and its broadcast
/// address are left out, but for one of two or of one.
pub fn addresses(ranges: &[String]) -> Result<Vec<Ipv4Addr>, RangesError> {
    if ranges.is_empty() || ranges.len() > RANGES_MAX {
        return Err(RangesError::Count);
    }
    let mut all = BTreeSet::new();
    for (range, text) in ranges.iter().enumerate() {
        let (first, last) = ends(text.trim()).ok_or(RangesError::Form { range })?;
        if first > last {
            return Err(RangesError::Backwards { range });
        }
        let is_host = |address: u32| (1..224).contains(&(address >> 24));
        if !is_host(first) || !is_host(last) {
            return Err(RangesError::NoHosts { range });
        }
        // Before any of them is kept.
        let too_many = RangesError::TooMany { range };
        if u64::from(last - first) >= ADDRESSES_MAX as u64 {
            return Err(too_many);
        }
        all.extend(first..=last);
        if all.len() > ADDRESSES_MAX {
            return Err(too_many);
        }
    }
    Ok(all.into_iter().map(Ipv4Addr::from_bits).collect())
}

/// The first and the last address.
fn ends(text: &str) -> Option<(u32, u32)> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let address = |text: &str| text.trim().parse().ok().map(Ipv4Addr::to_bits);
    if let Some((first, last)) = text.split_once('-') {
        return Some((address(first)?, address(last)?));
    }
    let Some((network, prefix)) = text.split_once('/') else {
        let one = address(text)?;
        return Some((one, one));
    };
    let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix: u32 = prefix.parse().ok().filter(|prefix| digits && *prefix <= 32)?;
    let hosts = u32::MAX.checked_shr(prefix).unwrap_or(0);
    let first = address(network)? & !hosts;
    // RFC 3021: a link between two has no edges.
    let edge = u32::from(prefix <= 30);
    Some((first + edge, (first | hosts) - edge))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ranges: &[&str]) -> Result<Vec<String>, RangesError> {
        let ranges: Vec<_> = ranges.iter().map(|text| (*text).to_owned()).collect();
        Ok(addresses(&ranges)?.into_iter().map(|address| address.to_string()).collect())
    }

    #[test]
    fn every_form_is_read_and_edges_are_left_out() {
        assert_eq!(read(&["10.0.0.9/30"]).unwrap(), ["10.0.0.9", "10.0.0.10"]);
        assert_eq!(read(&["10.0.0.9/31"]).unwrap(), ["10.0.0.8", "10.0.0.9"]);
        assert_eq!(read(&["10.0.0.9/32", " 10.0.0.9 "]).unwrap(), ["10.0.0.9"]);
        assert_eq!(
            read(&["10.0.0.255 - 10.0.1.1"]).unwrap(),
            ["10.0.0.255", "10.0.1.0", "10.0.1.1"]
        );
        let whole = read(&["192.168.88.0/24", "192.168.88.200-192.168.88.254"]).unwrap();
        assert_eq!(
            (whole.len(), &whole[0][..], &whole[253][..]),
            (254, "192.168.88.1", "192.168.88.254")
        );
        assert_eq!(read(&["10.0.0.0/20"]).unwrap().len(), 4094);
    }

    #[test]
    fn hostile_ranges_are_refused_before_they_cost_anything() {
        use RangesError::*;
        let range = 0;
        for text in [
            "",
            "/",
            "-",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0/24",
            "10.0.0.1-",
            "10.0.0.1-2",
            "fe80::/64",
            "core",
            "10.0.0.0/24/24",
            "10.0.0.1-10.0.0.2-10.0.0.3",
        ] {
            assert_eq!(read(&[text]), Err(Form { range }), "{text}");
        }
        assert_eq!(read(&[&"1".repeat(10_000)]), Err(Form { range }));
        assert_eq!(read(&["10.0.0.2-10.0.0.1"]), Err(Backwards { range }));
        for text in ["0.0.0.0/24", "224.0.0.1", "255.255.255.255", "223.0.0.0-224.0.0.0"] {
            assert_eq!(read(&[text]), Err(NoHosts { range }), "{text}");
        }
        assert_eq!(read(&["0.0.0.0/0"]), Err(NoHosts { range }));
        for text in ["10.0.0.0/8", "1.0.0.0-223.255.255.255", "10.0.0.0/19"] {
            assert_eq!(read(&[text]), Err(TooMany { range }), "{text}");
        }
        let together = ["10.0.0.0/20", "10.1.0.0/24"];
        assert_eq!(read(&together), Err(TooMany { range: 1 }));
        assert_eq!(read(&[]), Err(Count));
        assert_eq!(read(&["10.0.0.1"; RANGES_MAX + 1]), Err(Count));
    }
}
