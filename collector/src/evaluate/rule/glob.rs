//! Core: patterns of names, in which `*` stands for any characters and `?` for one byte.

/// Whether all of `name` fits. Takes time in the product of the lengths at worst, never more.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and up to where of the name it reaches.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(wanted) if *wanted == b'?' || name.get(n) == Some(wanted) => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, reached)) = star else { return false };
                star = Some((at, reached + 1));
                p = at + 1;
                n = reached + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by trying everything.
    fn slow(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => (0..=name.len()).any(|cut| slow(rest, &name[cut..])),
            (Some((b'?', rest)), Some((_, names))) => slow(rest, names),
            (Some((one, rest)), Some((first, names))) => one == first && slow(rest, names),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_is_the_same_as_trying_everything(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            prop_assert_eq!(matches(&pattern, &name), slow(pattern.as_bytes(), name.as_bytes()));
        }
    }

    #[test]
    fn interfaces_are_found_by_their_names() {
        assert!(matches("*", ""));
        assert!(matches("if:1*", "if:12"));
        assert!(!matches("if:1", "if:12"));
        assert!(!matches("", "x"));
    }
}
