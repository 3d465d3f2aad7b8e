//! What clients say and see of logins by SSH. No answer shows a secret.

use farwatch_common::secret::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::snmp::Wrong;
use crate::inventory::ssh::{About, Login, PASSWORD_BYTES_MAX, USER_BYTES_MAX, check_private_key};

pub(super) const LOGIN_RULE: &str =
    "must be given: `user`, and `password` or `private_key` or both";
const USER_RULE: &str = "must be 1 to 255 bytes, without control characters";
const PASSWORD_RULE: &str = "must be 1 to 1024 bytes";

/// Who logs in to a device, with a password, a private key or both. It is always given as a whole:
/// nobody can read a secret to send it again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSshLogin {
    /// 1 to 255 bytes.
    user: String,
    /// 1 to 1024 bytes.
    #[schema(format = Password)]
    password: Option<String>,
    /// In OpenSSH's form or PEM, without a passphrase; 16 KiB at most.
    #[schema(format = Password)]
    private_key: Option<String>,
    /// The password for `enable`, where it is another one.
    #[schema(format = Password)]
    enable: Option<String>,
}

/// What may be shown of a login.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SshLogin {
    user: String,
    has_password: bool,
    has_key: bool,
    has_enable: bool,
}

impl From<About> for SshLogin {
    fn from(about: About) -> Self {
        let About { user, has_password, has_key, has_enable } = about;
        Self { user, has_password, has_key, has_enable }
    }
}

impl Wrong {
    /// A login, if it can be one.
    pub(super) fn login(&mut self, login: NewSshLogin) -> Option<Login> {
        let before = self.errors.len();
        let NewSshLogin { user, password, private_key, enable } = login;
        if user.is_empty() || user.len() > USER_BYTES_MAX || user.chars().any(char::is_control) {
            self.tell("login.user", USER_RULE);
        }
        if password.is_none() && private_key.is_none() {
            self.tell("login.password", "must be given, or `private_key`");
        }
        for (field, secret) in [("password", &password), ("enable", &enable)] {
            let bytes = secret.as_ref().map(String::len);
            if bytes.is_some_and(|bytes| bytes == 0 || bytes > PASSWORD_BYTES_MAX) {
                self.tell(&format!("login.{field}"), PASSWORD_RULE);
            }
        }
        if let Some(Err(error)) = private_key.as_deref().map(check_private_key) {
            self.tell("login.private_key", &error.to_string());
        }
        let secret = |text: Option<String>| text.map(Secret::from);
        let (password, enable) = (secret(password), secret(enable));
        // Pasted, it lacks the end of its last line, which readers want.
        let private_key = private_key.map(|key| Secret::from(format!("{}\n", key.trim())));
        (self.errors.len() == before).then_some(Login { user, password, private_key, enable })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(login: serde_json::Value) -> Vec<String> {
        let mut wrong = Wrong::default();
        let made = wrong.login(serde_json::from_value(login).unwrap());
        assert_eq!(made.is_none(), !wrong.errors.is_empty());
        wrong.errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn a_login_has_a_user_and_something_to_prove_it() {
        use serde_json::json;
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        let none: [&str; 0] = [];
        assert_eq!(refused(json!({ "user": "b", "password": "p", "enable": "e" })), none);
        for (login, fields) in [
            (json!({ "user": "b" }), vec!["login.password"]),
            (json!({ "user": "", "password": "p" }), vec!["login.user"]),
            (json!({ "user": "a\nb", "password": "" }), vec!["login.user", "login.password"]),
            (
                json!({ "user": "b", "password": long, "enable": "" }),
                vec!["login.password", "login.enable"],
            ),
            (json!({ "user": "b", "private_key": "ssh-rsa AAAA" }), vec!["login.private_key"]),
        ] {
            assert_eq!(refused(login.clone()), fields, "{login}");
        }
    }
}
