//! Core: which alerts of a tenant a route takes, by site and by tag.

use std::collections::BTreeSet;

use farwatch_common::id::SiteId;
use serde::{Deserialize, Serialize};

pub const SITES_MAX: usize = 100;
pub const TAGS_MAX: usize = 20;

/// Empty is all that the tenant has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// Any of these.
    pub sites: BTreeSet<i64>,
    /// Any of these.
    pub tags: BTreeSet<String>,
}

impl Scope {
    /// Whether something at this site, with these tags, is in it.
    #[must_use]
    pub fn holds(&self, site: SiteId, tags: &BTreeSet<String>) -> bool {
        (self.sites.is_empty() || self.sites.contains(&site.0))
            && (self.tags.is_empty() || !self.tags.is_disjoint(tags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_and_a_tag_have_both_to_fit() {
        let tags = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let scope = |sites: &[i64], names: &[&str]| Scope {
            sites: sites.iter().copied().collect(),
            tags: tags(names),
        };
        let core: BTreeSet<String> = tags(&["core", "lab"]);
        for (scope, expected) in [
            (scope(&[], &[]), true),
            (scope(&[5], &[]), true),
            (scope(&[6], &[]), false),
            (scope(&[], &["core", "edge"]), true),
            (scope(&[], &["edge"]), false),
            (scope(&[5], &["edge"]), false),
            (scope(&[6], &["core"]), false),
            (scope(&[5, 6], &["lab"]), true),
        ] {
            assert_eq!(scope.holds(SiteId(5), &core), expected, "{scope:?}");
        }
        assert!(!scope(&[], &["core"]).holds(SiteId(5), &BTreeSet::new()));
    }
}
