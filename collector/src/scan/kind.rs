//! Core: what a device is, in words: who made it, and what it calls itself.
//!
//! The numbers are of IANA's registry of private enterprises, below 1.3.6.1.4.1.

use crate::inventory::NAME_CHARS_MAX;

const ENTERPRISES: &str = "1.3.6.1.4.1.";

/// By their number: how people call who made it.
const VENDORS: [(u32, &str); 34] = [
    (9, "Cisco"),
    (11, "HP"),
    (43, "3Com"),
    (171, "D-Link"),
    (236, "Samsung"),
    (253, "Xerox"),
    (311, "Windows"),
    (318, "APC"),
    (343, "Intel"),
    (641, "Lexmark"),
    (674, "Dell"),
    (890, "Zyxel"),
    (1588, "Brocade"),
    (1916, "Extreme"),
    (1991, "Ruckus"),
    (2011, "Huawei"),
    (2435, "Brother"),
    (2636, "Juniper"),
    (4413, "Broadcom"),
    (4526, "Netgear"),
    (6027, "Force10"),
    (6486, "Alcatel-Lucent"),
    (6574, "Synology"),
    (8072, "Net-SNMP"),
    (8741, "SonicWall"),
    (10002, "Ubiquiti"),
    (11863, "TP-Link"),
    (12325, "FreeBSD"),
    (12356, "Fortinet"),
    (14823, "Aruba"),
    (14988, "MikroTik"),
    (25461, "Palo Alto"),
    (30065, "Arista"),
    (41112, "Ubiquiti"),
];

/// Longer names of makers, as their devices begin with them, and of systems that tell no model.
const LEADING: [&str; 4] =
    ["Juniper Networks, Inc. ", "RouterOS ", "Hewlett-Packard ", "Ubiquiti "];

/// `None` where nothing is known.
pub(super) fn kind(object_id: Option<&str>, descr: Option<&str>) -> Option<String> {
    let vendor = object_id.and_then(vendor);
    let model = descr.map(model).filter(|model| !model.is_empty());
    let kind = match (vendor, model) {
        (None, None) => return None,
        (Some(vendor), None) => vendor.to_owned(),
        (None, Some(model)) => model.to_owned(),
        // The agent of SNMP says nothing of who made the machine.
        (Some("Net-SNMP" | "FreeBSD"), Some(model)) => model.to_owned(),
        (Some(vendor), Some(model)) if begins_with(model, vendor) => model.to_owned(),
        (Some(vendor), Some(model)) => format!("{vendor} {model}"),
    };
    Some(kind.chars().take(NAME_CHARS_MAX).collect())
}

fn vendor(object_id: &str) -> Option<&'static str> {
    let number: u32 = object_id.strip_prefix(ENTERPRISES)?.split('.').next()?.parse().ok()?;
    VENDORS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

fn begins_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// What comes before the first detail: versions, builders, dates.
fn model(descr: &str) -> &str {
    let descr = descr.trim();
    let rest = LEADING.iter().find_map(|leading| descr.strip_prefix(leading)).unwrap_or(descr);
    let ends = [",", ";", "(", " Version", " version", " #"];
    let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendor_and_model_are_told_in_words() {
        for (object_id, descr, expected) in [
            ("1.3.6.1.4.1.14988.1", "RouterOS CCR2004-1G-12S+2XS", "MikroTik CCR2004-1G-12S+2XS"),
            ("1.3.6.1.4.1.9.1.2494", "Cisco IOS XE Software Version 17.9", "Cisco IOS XE Software"),
            (
                "1.3.6.1.4.1.2636.1.1.1.2.135",
                "Juniper Networks, Inc. srx345 internet router, kernel JUNOS",
                "Juniper srx345 internet router",
            ),
            ("1.3.6.1.4.1.8072.3.2.10", "Linux gateway 6.1.0 #1 SMP x86_64", "Linux gateway 6.1.0"),
            (
                "1.3.6.1.4.1.41112.1.5",
                "EdgeOS v2.0.9 on EdgeRouter 4",
                "Ubiquiti EdgeOS v2.0.9 on EdgeRouter 4",
            ),
            ("1.3.6.1.4.1.12356.101.1", "", "Fortinet"),
            ("1.3.6.1.4.1.999999", "Some box (rev 2)", "Some box"),
            ("", "Täst", "Täst"),
        ] {
            assert_eq!(kind(Some(object_id), Some(descr)).as_deref(), Some(expected), "{descr}");
        }
        assert_eq!(kind(None, None), None);
        assert_eq!(kind(Some("x.y"), Some(" ,")), None);
        let long = kind(Some("1.3.6.1.4.1.9.1"), Some(&"ü".repeat(5000))).unwrap();
        assert_eq!(long.chars().count(), NAME_CHARS_MAX);
    }

    #[test]
    fn vendors_are_in_order_and_each_once() {
        assert!(VENDORS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
