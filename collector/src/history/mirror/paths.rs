//! Core: where the configuration of a device stands in the mirror.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::id::DeviceId;

/// Where the mirror says which file is of which device.
pub(super) const INDEX: &str = ".farwatch-devices";
const PART_CHARS_MAX: usize = 100;

/// Paths by device, `SITE/DEVICE.cfg`.
pub(super) type Paths = BTreeMap<DeviceId, String>;

/// The path of each device by its name and its site's. Of two that would be one, also on a disk
/// that knows no capitals, the older device keeps the name and the other gets its id behind it.
#[must_use]
pub(super) fn paths<'a>(devices: impl IntoIterator<Item = (DeviceId, &'a str, &'a str)>) -> Paths {
    let mut by_id: Vec<_> = devices.into_iter().collect();
    by_id.sort_unstable();
    let mut taken = BTreeSet::new();
    let mut paths = Paths::new();
    for (id, device, site) in by_id {
        let (site, device) = (part(site, "site"), part(device, "device"));
        let mut path = format!("{site}/{device}.cfg");
        if !taken.insert(path.to_lowercase()) {
            path = format!("{site}/{device}-{id}.cfg");
            taken.insert(path.to_lowercase());
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
}
