//! Core: where the configuration of a device stands in the mirror.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::id::DeviceId;

/// Where the mirror says which file is of which device.
pub(super) const INDEX: &str = ".farwatch-devices";
const PART_CHARS_MAX: usize = 100;

/// Paths by device, `SITE/DEVICE.cfg`.
pub(super) type Paths = BTreeMap<DeviceId, String>;

/// The path of each device by its name and its site's. Of two that would be one, also on a disk
/// that knows no capitals, the older device keeps the name and the other gets its id behind it, and
/// a number behind that if somebody is called so.
#[must_use]
pub(super) fn paths<'a>(devices: impl IntoIterator<Item = (DeviceId, &'a str, &'a str)>) -> Paths {
    let mut by_id: Vec<_> = devices.into_iter().collect();
    by_id.sort_unstable();
    let mut taken = BTreeSet::new();
    let mut paths = Paths::new();
    for (id, device, site) in by_id {
        let (site, device) = (part(site, "site"), part(device, "device"));
        let mut path = format!("{site}/{device}.cfg");
        let mut tries = 0;
        while !taken.insert(path.to_lowercase()) {
            tries += 1;
            path = match tries {
                1 => format!("{site}/{device}-{id}.cfg"),
                _ => format!("{site}/{device}-{id}-{tries}.cfg"),
            };
        }
        paths.insert(id, path);
    }
    paths
}

/// Letters, digits, dots, dashes and underlines, no dot or dash at an end: the name of a file
/// everywhere, and never one that Git keeps for itself.
fn part(name: &str, instead: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let part: String = name.chars().take(PART_CHARS_MAX).map(kept).collect();
    let part = part.trim_matches(['.', '-']);
    if part.is_empty() { instead.to_owned() } else { part.to_owned() }
}

/// The index as the mirror has it: a line for each device.
#[must_use]
pub(super) fn index(paths: &Paths) -> String {
    paths.iter().map(|(id, path)| format!("{id} {path}\n")).collect()
}

/// Reads it; lines that are none are nobody's.
#[must_use]
pub(super) fn read_index(text: &str) -> Paths {
    let line = |line: &str| {
        let (id, path) = line.split_once(' ')?;
        Some((id.parse().ok()?, path.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_has_a_path_of_its_own() {
        let [a, b, c, d, e] = [1, 2, 3, 4, 5].map(DeviceId);
        let found = paths([
            (b, "CORE", "North"),
            (a, "core", "North"),
            (c, "core", "South"),
            (d, "../../.git/hooks", "..\n"),
            (e, "Übergang 7/1", "北京"),
        ]);
        assert_eq!(found[&a], "North/core.cfg");
        assert_eq!(found[&b], format!("North/CORE-{b}.cfg"));
        assert_eq!(found[&c], "South/core.cfg");
        assert_eq!(found[&d], "site/git-hooks.cfg");
        assert_eq!(found[&e], "北京/Übergang-7-1.cfg");
        assert_eq!(read_index(&index(&found)), found);
        assert!(read_index("nothing\ndev_x y\n").is_empty());
    }

    #[test]
    fn a_name_that_is_anothers_with_its_id_is_not_taken_from_it() {
        let [a, b, c] = [1, 2, 3].map(DeviceId);
        let called = [format!("core-{b}"), format!("core-{c}")];
        let found = paths([
            (a, called[0].as_str(), "North"),
            (DeviceId(0), "core", "North"),
            (b, "core", "North"),
            (c, "Core", "North"),
        ]);
        let different: BTreeSet<_> = found.values().map(|path| path.to_lowercase()).collect();
        assert_eq!(different.len(), 4, "{found:?}");
        assert_eq!(found[&b], format!("North/core-{b}-2.cfg"));
        assert_eq!(found[&c], format!("North/Core-{c}.cfg"));
    }
}
