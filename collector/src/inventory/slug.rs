//! What a name is in the full names of the web UI, `router.site.tenant`: two that differ only in
//! capitals, spaces or punctuation are one there, so that no tenant has two such sites, and no
//! installation two such tenants.

/// «Rooftop North» is `rooftop-north`; a name without letters and digits is itself. The web UI has
/// the same rule in `lib/names.ts`.
#[must_use]
pub fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    if words.is_empty() { name.to_owned() } else { words.join("-") }
}

/// The thing that is called so: by this very name, or else by one that looks the same.
pub(super) fn called<'a, T>(
    known: &'a [T],
    name: &str,
    name_of: impl Fn(&T) -> &str,
) -> Option<&'a T> {
    let wanted = slug(name);
    let same = || known.iter().find(|thing| slug(name_of(thing)) == wanted);
    known.iter().find(|thing| name_of(thing) == name).or_else(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_one() {
        for name in ["Rooftop North", "rooftop north", " ROOFTOP  north!", "rooftop-north"] {
            assert_eq!(slug(name), "rooftop-north", "{name}");
        }
        for (name, expected) in [("Zürich 2", "zürich-2"), ("北京", "北京"), ("!?", "!?")] {
            assert_eq!(slug(name), expected);
        }
        assert_ne!(slug("!?"), slug("?!"));
    }

    #[test]
    fn the_very_name_counts_before_one_that_looks_the_same() {
        let known = ["Summit", "summit", "Valley"];
        let find = |name| called(&known, name, |name| name).copied();
        assert_eq!(find("summit"), Some("summit"));
        assert_eq!(find("SUMMIT"), Some("Summit"));
        assert_eq!(find("Ridge"), None);
    }
}
