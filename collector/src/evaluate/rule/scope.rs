//! Core: what a rule is for.

use std::collections::BTreeSet;

use farwatch_common::id::SiteId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{GLOB_BYTES_MAX, RuleError, glob};
use crate::inventory::device::tag::is_tag;

/// Sites, tags and kinds that a scope may name, of each.
pub(super) const SCOPE_MAX: usize = 100;

/// What a rule is for; what is empty is all that the tenant has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RuleScope)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// Ids.
    #[schema(value_type = Vec<String>)]
    pub sites: BTreeSet<SiteText>,
    /// Devices with one of these.
    #[schema(value_type = Vec<String>)]
    pub tags: BTreeSet<String>,
    /// Devices that say they are one of these: patterns of their sysDescr or sysObjectID (SNMPv2-MIB), in
    /// which `*` stands for any characters and `?` for one byte; one without either is looked for anywhere in
    /// them. Capitals do not matter.
    #[schema(value_type = Vec<String>)]
    pub kinds: BTreeSet<String>,
}

/// A site's id in JSON: `sit_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SiteText(pub SiteId);

impl TryFrom<String> for SiteText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("{text:?} is no id of a site"))
    }
}

impl From<SiteText> for String {
    fn from(site: SiteText) -> Self {
        site.0.to_string()
    }
}

/// What a scope goes by.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub site: SiteId,
    pub tags: &'a BTreeSet<String>,
    pub kind: &'a Kind,
}

/// What a device says it is; empty until it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// In small letters.
    description: String,
    /// Dotted.
    object_id: String,
}

impl Kind {
    /// Nobody asks an agent.
    pub const NONE: &'static Self = &Self { description: String::new(), object_id: String::new() };

    #[must_use]
    pub fn new(description: &str, object_id: String) -> Self {
        Self { description: description.to_lowercase(), object_id }
    }

    fn fits(&self, pattern: &str) -> bool {
        let mut pattern = pattern.to_lowercase();
        if !pattern.contains(['*', '?']) {
            pattern = format!("*{pattern}*");
        }
        glob::matches(&pattern, &self.description) || glob::matches(&pattern, &self.object_id)
    }
}

impl Scope {
    pub(super) fn check(&self) -> Result<(), RuleError> {
        let sizes = [self.sites.len(), self.tags.len(), self.kinds.len()];
        if sizes.into_iter().any(|size| size > SCOPE_MAX) {
            return Err(RuleError::Scope);
        }
        if let Some(tag) = self.tags.iter().find(|tag| !is_tag(tag)) {
            return Err(RuleError::Tag(tag.clone()));
        }
        let is_kind = |kind: &String| {
            !kind.is_empty() && kind.len() <= GLOB_BYTES_MAX && !kind.chars().any(char::is_control)
        };
        let wrong = self.kinds.iter().find(|kind| !is_kind(kind));
        wrong.map_or(Ok(()), |kind| Err(RuleError::Kind(kind.clone())))
    }

    /// Whether it names something that devices alone have.
    pub(super) fn is_of_devices(&self) -> bool {
        !self.tags.is_empty() || !self.kinds.is_empty()
    }

    /// Whether what is there is meant.
    #[must_use]
    pub fn holds(&self, place: Place<'_>) -> bool {
        (self.sites.is_empty() || self.sites.contains(&SiteText(place.site)))
            && (self.tags.is_empty() || !self.tags.is_disjoint(place.tags))
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| place.kind.fits(kind)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_sites_tags_and_kinds() {
        let set = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
        let kind = Kind::new("RouterOS CCR2004-16G-2S+", "1.3.6.1.4.1.14988.1".into());
        let holds = |scope: &Scope, site, tags: &[&str]| {
            scope.holds(Place { site: SiteId(site), tags: &set(tags), kind: &kind })
        };
        let (sites, tags) = ([SiteText(SiteId(1))].into(), set(&["core", "edge"]));
        let scope = Scope { sites, tags, kinds: set(&["*ios*", "routeros ccr*"]) };
        assert!(holds(&scope, 1, &["edge"]));
        assert!(!holds(&scope, 1, &["lab"]));
        assert!(!holds(&scope, 2, &["edge"]));
        assert!(holds(&Scope::default(), 2, &[]));
        for (pattern, fits) in
            [("1.3.6.1.4.1.14988.*", true), ("*CCR*", true), ("CCR*", false), ("ccr2004", true)]
        {
            let scope = Scope { kinds: set(&[pattern]), ..Scope::default() };
            assert_eq!(holds(&scope, 1, &[]), fits, "{pattern}");
            let place = Place { site: SiteId(1), tags: &set(&[]), kind: Kind::NONE };
            assert!(!scope.holds(place), "{pattern}");
        }
        let text = serde_json::to_string(&scope).unwrap();
        assert_eq!(serde_json::from_str::<Scope>(&text).unwrap(), scope);
        let wrong = Scope { kinds: set(&[""]), ..Scope::default() };
        assert_eq!(wrong.check(), Err(RuleError::Kind(String::new())));
    }
}
