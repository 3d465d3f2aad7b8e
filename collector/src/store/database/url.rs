//! The URL of a PostgreSQL database. A password may stand in it: what is printed has none.

use std::fmt;
use std::net::IpAddr;

use data_encoding::HEXLOWER_PERMISSIVE;
use farwatch_common::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// What stands for a password.
const HIDDEN: &str = "...";

/// What a URL says of the server's side of TLS, also in the spellings that sqlx takes.
const TLS: [&str; 5] = ["sslmode", "ssl-mode", "sslrootcert", "ssl-root-cert", "ssl-ca"];

/// `postgres://USER[:PASSWORD]@HOST[:PORT]/NAME[?KEY=VALUE&...]`
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Secret);

impl DatabaseUrl {
    #[must_use]
    pub fn has_password(&self) -> bool {
        if !self.is_sound() {
            return true;
        }
        let (place, query) = self.parts();
        let mut names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
        without_password(place) != place || names.any(|name| unescaped(name) == b"password")
    }

    /// What is before the question mark, and after it.
    fn parts(&self) -> (&str, &str) {
        self.expose().split_once('?').unwrap_or((self.expose(), ""))
    }

    /// Without the password; nothing at all of a text that is no URL of a database.
    #[must_use]
    pub fn redacted(&self) -> String {
        if self.options().is_err() {
            return HIDDEN.to_owned();
        }
        let (place, query) = self.parts();
        let mut redacted = without_password(place);
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        for (number, pair) in pairs.enumerate() {
            redacted.push(if number == 0 { '?' } else { '&' });
            match pair.split_once('=') {
                // A name may be written in escapes too: only those that are plain are shown.
                Some((name, _)) if name == "password" || name.contains('%') => {
                    redacted.push_str(&format!("{name}={HIDDEN}"));
                }
                _ => redacted.push_str(pair),
            }
        }
        redacted
    }

    pub(super) fn options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        let text = self.expose();
        let scheme = ["postgres://", "postgresql://"];
        if !scheme.iter().any(|scheme| text.starts_with(scheme)) {
            return Err(sqlx::Error::Configuration("it begins with postgres://".into()));
        }
        let options: PgConnectOptions = text.parse()?;
        Ok(if is_open_to_others(&options) { options.ssl_mode(PgSslMode::Require) } else { options })
    }

    /// How it wants the server to be known, as the query of another URL: empty, or beginning with a
    /// question mark. A certificate of the client is one login's alone.
    pub(super) fn tls(&self) -> String {
        let is_of_server = |pair: &&str| TLS.contains(&pair.split('=').next().unwrap_or_default());
        let pairs = self.parts().1.split('&').filter(is_of_server);
        let pairs: Vec<&str> = pairs.collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }

    /// Whether it is one at all.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.options().is_ok()
    }

    /// With the password.
    #[must_use]
    pub fn expose(&self) -> &str {
        // Made of a text.
        str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}

/// Whether rows and passwords might cross a network in the clear without anybody having said so: the
/// default, as in libpq, takes TLS only where whoever answers offers it.
fn is_open_to_others(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback());
    let is_left_open = matches!(options.get_ssl_mode(), PgSslMode::Prefer | PgSslMode::Allow);
    options.get_socket().is_none() && !is_here && is_left_open
}

/// `SCHEME://USER:PASSWORD@REST`
fn without_password(place: &str) -> String {
    let (scheme, rest) = place.split_once("://").unwrap_or((place, ""));
    let authority = rest.split('/').next().unwrap_or_default();
    let Some((login, _)) = authority.rsplit_once('@') else { return place.to_owned() };
    let Some((user, _)) = login.split_once(':') else { return place.to_owned() };
    format!("{scheme}://{user}:{HIDDEN}{}", &rest[login.len()..])
}

/// The name of a setting with its escapes (`%41`) undone.
fn unescaped(name: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.first_chunk::<2>().filter(|_| *first == b'%');
        let escaped = digits.and_then(|two| HEXLOWER_PERMISSIVE.decode(two).ok());
        match escaped.as_deref() {
            Some([byte]) => {
                bytes.push(*byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

impl From<&str> for DatabaseUrl {
    fn from(text: &str) -> Self {
        Self(Secret::from(text))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

/// For `check-config --print`.
impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.redacted())
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Secret::from(String::deserialize(deserializer)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (text, shown) in [
            ("postgres://farwatch@db/farwatch", "postgres://farwatch@db/farwatch"),
            ("postgres://farwatch:hunter2@db:5432/f", "postgres://farwatch:...@db:5432/f"),
            (
                "postgres://a:b%40hunter2@[::1]/f?sslmode=require",
                "postgres://a:...@[::1]/f?sslmode=require",
            ),
            (
                "postgres:///f?host=/tmp/x&user=a&password=hunter2",
                "postgres:///f?host=/tmp/x&user=a&password=...",
            ),
            ("postgresql:///f?pass%77ord=hunter2", "postgresql:///f?pass%77ord=..."),
            // Hidden, since it may be one; none all the same.
            ("postgres:///f?host%3F=a&user=%70", "postgres:///f?host%3F=...&user=%70"),
            ("postgres://a:hunter2@h:port/f", HIDDEN),
            ("mysql://a:hunter2@h/f", HIDDEN),
            ("hunter2", HIDDEN),
        ] {
            let url = DatabaseUrl::from(text);
            assert_eq!(url.redacted(), shown);
            assert_eq!(format!("{url:?}"), shown);
            assert_eq!(url.has_password(), text.contains("hunter2"), "{text}");
            assert_eq!(url.is_sound(), shown != HIDDEN, "{text}");
        }
    }

    #[test]
    fn nothing_crosses_a_network_in_the_clear_unasked() {
        for (url, is_plain) in [
            ("postgres://f@db.example/f", false),
            ("postgres://f@192.0.2.7/f?sslmode=prefer", false),
            ("postgres://f@[2001:db8::7]/f?sslmode=allow", false),
            ("postgres://f@db.example/f?sslmode=verify-full", false),
            ("postgres://f@db.example/f?sslmode=disable", true),
            ("postgres://f@localhost/f", true),
            ("postgres://f@127.0.0.1/f", true),
            ("postgres://f@[::1]/f", true),
            ("postgres:///f?host=/run/postgresql", true),
        ] {
            let mode = DatabaseUrl::from(url).options().unwrap().get_ssl_mode();
            let may_be_plain =
                matches!(mode, PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer);
            assert_eq!(may_be_plain, is_plain, "{url}: {mode:?}");
        }
    }

    #[test]
    fn what_is_said_of_tls_is_handed_on() {
        let tls = |url| DatabaseUrl::from(url).tls();
        assert_eq!(
            tls("postgres://f@db/f?sslmode=verify-full&password=hunter2&sslrootcert=/ca"),
            "?sslmode=verify-full&sslrootcert=/ca"
        );
        assert_eq!(tls("postgres://f@db/f?password=hunter2"), "");
        assert_eq!(tls("postgres://f@db/f?sslkey=/k&sslcert=/c&sslpassword=hunter2"), "");
        assert_eq!(tls("postgres://f@db/f?sslkey=/k&ssl-mode=require"), "?ssl-mode=require");
    }
}
