//! What the administrator's file says of the mirror.

use std::collections::BTreeMap;

use farwatch_common::config::Problem;
use farwatch_common::id::TenantId;
use serde::{Deserialize, Serialize};
use url::Url;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Each tenant's versions as commits of a bare Git repository in the data directory.
    pub git_mirror: bool,
    /// Where these are pushed to, by the name or the id of the tenant.
    pub git_remotes: BTreeMap<String, String>,
}

impl History {
    /// Where the mirror of a tenant is pushed to.
    #[must_use]
    pub fn remote(&self, tenant: TenantId, name: &str) -> Option<&str> {
        let by_id = self.git_remotes.get(&tenant.to_string());
        by_id.or_else(|| self.git_remotes.get(name)).map(String::as_str)
    }

    /// Remotes whose name or id is no tenant's: nobody is pushed there.
    #[must_use]
    pub fn strangers(&self, tenants: &[(TenantId, String)]) -> Vec<String> {
        let is_known =
            |key: &String| tenants.iter().any(|(id, name)| name == key || id.to_string() == *key);
        self.git_remotes.keys().filter(|key| !is_known(key)).cloned().collect()
    }

    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.git_mirror && !self.git_remotes.is_empty() {
            let message = "it is of no use without history.git_mirror = true";
            problems.push(Problem::new("history.git_remotes", message));
        }
        if !self.git_remotes.values().all(|remote| is_remote(remote)) {
            let message = "each must be ssh://…, https://… or an absolute path, without a \
                           password: give that to the SSH agent or Git's credential helper of \
                           the collector's user";
            problems.push(Problem::new("history.git_remotes", message));
        }
        problems
    }
}

/// One that Git reads as what it looks like, and that holds no secret: arguments are seen by
/// everybody on the machine.
fn is_remote(text: &str) -> bool {
    if text.chars().any(char::is_control) {
        return false;
    }
    if text.starts_with('/') {
        return true;
    }
    Url::parse(text).is_ok_and(|url| {
        let is_host = url.host_str().is_some_and(|host| !host.starts_with('-'));
        matches!(url.scheme(), "ssh" | "https")
            && is_host
            && url.password().is_none()
            && (url.scheme() == "ssh" || url.username().is_empty())
            && !url.username().starts_with('-')
            // Where some put a token; no repository has one in its address.
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_holds_no_secret_and_no_option() {
        for good in ["ssh://git@example.net/a.git", "https://example.net/a", "/srv/git/a.git"] {
            assert!(is_remote(good), "{good}");
        }
        for bad in [
            "https://user:word@example.net/a",
            "https://token@example.net/a",
            "ssh://-oProxyCommand=x/a",
            "ext::sh -c x",
            "file:///srv",
            "git@example.net:a",
            "--upload-pack=x",
            "relative/path",
            "http://example.net/a",
            "https://example.net/a.git?private_token=x",
            "https://example.net/a.git#token",
        ] {
            assert!(!is_remote(bad), "{bad}");
        }
        let remotes = BTreeMap::from([("North".to_owned(), "/srv/north.git".to_owned())]);
        let history = History { git_mirror: true, git_remotes: remotes };
        assert!(history.problems().is_empty());
        assert_eq!(history.remote(TenantId(1), "North"), Some("/srv/north.git"));
        assert_eq!(history.remote(TenantId(1), "South"), None);
        assert_eq!(history.strangers(&[(TenantId(1), "South".to_owned())]), ["North"]);
        assert!(history.strangers(&[(TenantId(1), "North".to_owned())]).is_empty());
        assert_eq!(History { git_mirror: false, ..history }.problems().len(), 1);
    }
}
